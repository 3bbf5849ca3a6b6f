"""Each generation of the double has the calls and messages that its Zeppelin's sources have, and no others."""

import re
from pathlib import Path
from typing import Any

import pytest

from zeppelin_sdk import NoteExistsError, ServerError, UnsupportedError, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin
from zeppelin_sdk.testing._answers import Request
from zeppelin_sdk.testing._routes import ROUTES
from zeppelin_sdk.testing._socket_calls import CALLS

GENERATIONS = ["0.8", "0.10", "0.11", "0.12"]
API = {
    (method, path): versions.split()
    for method, path, versions in re.findall(
        r"^(\w+) +(\S+) +([\d. ]+)$", Path(__file__).with_name("server_api.txt").read_text(), re.MULTILINE
    )
}
CALLS_OF_THE_DOUBLE = [
    (method, pattern.removeprefix("/api/").replace("([^/]+)", "{}")) for method, pattern, _ in ROUTES
]


def asked(fake: FakeZeppelin, method: str, path: str) -> Any:
    """The answer to a call with nothing in it, for things that are not there."""
    request = Request(method, f"/api/{path.replace('{}', 'none')}", {"q": "x", "notePath": "/n"}, {}, b"{}")
    return fake.respond(request)


@pytest.mark.parametrize(("method", "path"), CALLS_OF_THE_DOUBLE)
@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_call_that_a_generation_lacks_is_none_of_its_double(generation: str, method: str, path: str) -> None:
    assert (method, path) in API, "no Zeppelin has this call"
    if generation in API[method, path]:
        return
    answer = asked(FakeZeppelin(generation), method, path)
    assert answer.status == 404


@pytest.mark.parametrize("operation", CALLS)
def test_a_message_is_one_that_zeppelin_takes(operation: str) -> None:
    versions = API["OP", operation]
    assert versions == (GENERATIONS[1:] if operation == "PATCH_PARAGRAPH" else GENERATIONS)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_double_sends_no_message_that_its_generation_lacks(generation: str) -> None:
    with FakeZeppelin(generation, pace=0.01) as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/n")
        told: set[str] = set()
        with client.follow(note_id) as follower, client.open_note(note_id) as person:
            connection = follower._connection
            assert connection is not None
            receive = connection.receive

            def noting(deadline: float) -> Any:
                message = receive(deadline)
                told.update({message["op"]} if message else ())
                return message

            connection.receive = noting  # type: ignore[method-assign]
            paragraph = person.add_paragraph(0, text="%md x")
            person.submit_paragraph(paragraph.id)
            person.set_params({"a": "b"})
            person.submit_note()
            while follower.read(0.3):
                pass
    assert told
    assert {operation for operation in told if generation not in API["OP", operation]} == set()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_path_is_named_by_its_generation_s_key(generation: str) -> None:
    """`NewNoteRequest` has `name` up to 0.11, `notePath` in 0.12; the client sends both."""
    other = {"0.12": "name"}.get(generation, "notePath")
    fake = FakeZeppelin(generation)
    with fake.client() as client:
        note_id = client.create_note("/right")
        asked_with = fake.asked("POST", "notebook")[0].json
        assert client.get_note(note_id).path == "/right"
        assert {"name", "notePath"} <= asked_with.keys()
        asked_with.pop({"name": "notePath", "notePath": "name"}[other])
        assert fake.path_in(asked_with) == "/Untitled Note"


@pytest.mark.parametrize(("generation", "status"), [("0.10", 500), ("0.11", 500), ("0.12", 409)])
def test_a_path_that_is_taken_has_its_generation_s_status(generation: str, status: int) -> None:
    """`WebApplicationExceptionMapper` knows NotePathAlreadyExistsException since 0.12."""
    fake = FakeZeppelin(generation)
    with fake.client() as client:
        client.create_note("/n")
        with pytest.raises(NoteExistsError):
            client.create_note("/n")
        request = Request(
            "POST", "/api/notebook", {}, {"content-type": "application/json"}, b'{"name": "/n", "notePath": "/n"}'
        )
        assert fake.respond(request).status == status


@pytest.mark.parametrize(
    ("generation", "says"), [("0.10", "stack"), ("0.11", "stack"), ("0.12", "Internal server error")]
)
def test_a_failure_is_told_in_its_generation_s_words(generation: str, says: str) -> None:
    fake = FakeZeppelin(generation)
    with fake.client() as client:
        fake.fail_next("POST", fake.failed("IOException", "stack"))
        with pytest.raises(ServerError, match=says):
            client.create_note("/n")


def test_what_an_old_server_lacks_is_unsupported() -> None:
    with FakeZeppelin("0.8").client() as client, pytest.raises(UnsupportedError):
        client.rename_note(client.create_note("/n"), "/m")
