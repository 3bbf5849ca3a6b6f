"""The fake differs from generation to generation as the servers' own sources do: asked here without the client."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from zeppelin_sdk import ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin

ALL = ("0.8", "0.10", "0.11", "0.12")


class Plain:
    """Requests to the fake as any program could make them."""

    def __init__(self, fake: FakeZeppelin) -> None:
        self.fake = fake
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.fake.url}/api/{path}", json=json, timeout=30, **more)

    def paths(self) -> list[str]:
        return [note.get("path") or note["name"] for note in self("GET", "notebook").json()["body"]]


@pytest.fixture(params=ALL)
def ask(request: pytest.FixtureRequest) -> Iterator[Plain]:
    with FakeZeppelin(request.param) as fake:
        plain = Plain(fake)
        yield plain
        plain.session.close()


def only(*generations: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("ask", generations, indirect=True)


@pytest.mark.parametrize(("ask", "key"), [("0.8", "name"), ("0.10", "name"), ("0.12", "notePath")], indirect=["ask"])
def test_create_and_clone_take_the_path_by_one_key_and_do_not_know_the_other(ask: Plain, key: str) -> None:
    other = "name" if key == "notePath" else "notePath"
    made = ask("POST", "notebook", {key: "/mine", other: "/other"}).json()["body"]
    assert ask("POST", f"notebook/{made}", {key: "/copy", other: "/other"}).ok
    assert ask.paths() == ["/mine", "/copy"]


@pytest.mark.parametrize(
    ("ask", "status", "said"),
    [("0.10", 500, "NotePathAlreadyExistsException"), ("0.11", 500, "existed"), ("0.12", 409, "existed")],
    indirect=["ask"],
)
def test_a_path_that_is_taken_is_refused(ask: Plain, status: int, said: str) -> None:
    body = {"name": "/mine", "notePath": "/mine"}
    assert ask("POST", "notebook", body).ok
    again = ask("POST", "notebook", body)
    assert (again.status_code, said in again.text) == (status, True)


@pytest.mark.parametrize(
    ("ask", "status"), [("0.8", 404), ("0.10", 404), ("0.11", 200), ("0.12", 200)], indirect=["ask"]
)
def test_revisions_are_there_from_0_11_on(ask: Plain, status: int) -> None:
    note_id = ask.fake.add_note("/n")["id"]
    assert ask("GET", f"notebook/{note_id}/revision").status_code == status
    assert ask("POST", f"notebook/{note_id}/revision", {"commitMessage": "mine"}).status_code == status


@only("0.11", "0.12")
def test_a_revision_of_what_has_not_changed_is_an_answer_without_a_body(ask: Plain) -> None:
    path = f"notebook/{ask.fake.add_note('/n')['id']}/revision"
    assert ask("POST", path, {"commitMessage": "one"}).json()["body"]
    assert "body" not in ask("POST", path, {"commitMessage": "two"}).json()


@pytest.mark.parametrize(
    ("ask", "status"), [("0.8", 200), ("0.10", 200), ("0.11", 200), ("0.12", 415)], indirect=["ask"]
)
def test_a_content_type_is_checked_by_0_12(ask: Plain, status: int) -> None:
    answer = ask("POST", "notebook", data='{"name": "/n", "notePath": "/n"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("ask", "status"), [("0.8", 200), ("0.10", 200), ("0.11", 200), ("0.12", 403)], indirect=["ask"]
)
def test_a_foreign_origin_may_not_write_to_0_12(ask: Plain, status: int) -> None:
    foreign = {"Origin": "http://elsewhere.example"}
    assert ask("POST", "notebook", {"name": "/n"}, headers=foreign).status_code == status
    assert ask("GET", "notebook", headers=foreign).status_code == 200
    assert ask("POST", "notebook", {"name": "/m", "notePath": "/m"}, headers={"Origin": "http://localhost:1"}).ok
    assert ask("POST", "notebook", {"name": "/o", "notePath": "/o"}).ok


@pytest.mark.parametrize("path", ["notebook/job/{note}", "notebook/job/{note}/{good}"])
def test_the_state_of_jobs_breaks_in_0_12_once_a_paragraph_has_failed(ask: Plain, path: str) -> None:
    note = ask.fake.add_note("/n")
    good, bad = (ask.fake.add_paragraph(note, {"text": text}) for text in ("good", "fail"))
    asked = path.format(note=note["id"], good=good["id"])
    assert ask("GET", asked).status_code == 200
    bad["status"] = "ERROR"
    answer = ask("GET", asked)
    assert answer.status_code == (500 if ask.fake.generation == "0.12" else 200)
    assert "exception" not in answer.json()  # a generic text and no more


def test_a_note_is_run_with_params_or_without_a_body_and_fails_with_an_empty_one(ask: Plain) -> None:
    first, second, third = (f"notebook/job/{ask.fake.add_note(f'/{n}')['id']}" for n in "abc")
    assert ask("POST", first, {"params": {}}).status_code == 200
    assert ask("POST", second).status_code == 200
    assert ask("POST", third, {}).status_code == 500


@pytest.mark.parametrize(
    ("ask", "said"),
    [("0.8", "HTTP ERROR 500"), ("0.10", '"exception"'), ("0.11", '"exception"'), ("0.12", "Internal server error")],
    indirect=["ask"],
)
def test_a_failure_is_told_in_the_generation_s_words(ask: Plain, said: str) -> None:
    answer = ask("GET", "notebook/export/2NONE")
    assert answer.status_code == 500
    assert said in answer.text


def test_a_client_that_was_cut_off_has_its_note_open_no_more_when_it_comes_back() -> None:
    with FakeZeppelin("0.10") as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/n")
        with client.open_note(note_id):
            assert set(fake.open_notes.values()) == {note_id}
            fake.drop_connections()
            assert fake.open_notes == {}
