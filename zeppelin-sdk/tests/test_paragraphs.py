import pytest

from zeppelin_sdk import (
    NoteResult,
    Paragraph,
    ParagraphError,
    ParagraphNotFoundError,
    ParagraphResult,
    ParagraphStatus,
    ServerError,
    WaitTimeoutError,
    ZeppelinClient,
)
from zeppelin_sdk.testing import FakeZeppelin


@pytest.fixture
def note_id(fake: FakeZeppelin) -> str:
    note_id: str = fake.add_note("/n")["id"]
    return note_id


def texts(client: ZeppelinClient, note_id: str) -> list[str]:
    return [p.text for p in client.get_note(note_id).paragraphs]


def test_an_added_paragraph_has_its_title_text_and_config(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="1 + 1", title="Sum", config={"editorHide": True})
    paragraph = client.get_paragraph(note_id, paragraph_id)
    assert (paragraph.id, paragraph.title, paragraph.text) == (paragraph_id, "Sum", "1 + 1")
    assert paragraph.config == {"editorHide": True}
    assert paragraph.status is ParagraphStatus.READY


def test_paragraphs_are_added_at_the_end_or_at_an_index(client: ZeppelinClient, note_id: str) -> None:
    for text, index in (("b", None), ("c", None), ("a", 0)):
        client.add_paragraph(note_id, text=text, index=index)
    assert texts(client, note_id) == ["a", "b", "c"]


def test_an_update_replaces_the_text_and_leaves_a_title_that_is_not_given(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="old", title="Title")
    client.update_paragraph(note_id, paragraph_id, text="new")
    assert client.get_paragraph(note_id, paragraph_id).title == "Title"
    client.update_paragraph(note_id, paragraph_id, text="newer", title="")
    paragraph = client.get_paragraph(note_id, paragraph_id)
    assert (paragraph.title, paragraph.text) == ("", "newer")


def test_a_config_update_merges_keys(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="x", config={"a": 1, "b": 1})
    assert client.update_paragraph_config(note_id, paragraph_id, {"b": 2}).config == {"a": 1, "b": 2}


def test_a_refused_config_carries_the_servers_words(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="x")
    with pytest.raises(ServerError, match="paragraph config cannot be empty") as caught:
        client.update_paragraph_config(note_id, paragraph_id, {})
    assert caught.value.status == 400


def test_a_moved_and_a_deleted_paragraph(client: ZeppelinClient, note_id: str) -> None:
    first = client.add_paragraph(note_id, text="a")
    client.add_paragraph(note_id, text="b")
    client.move_paragraph(note_id, first, 1)
    assert texts(client, note_id) == ["b", "a"]
    client.delete_paragraph(note_id, first)
    assert texts(client, note_id) == ["b"]


@pytest.mark.parametrize("call", ["get", "update", "config", "move", "delete", "run", "stop", "execute"])
def test_a_paragraph_that_is_not_there_is_one_error(client: ZeppelinClient, note_id: str, call: str) -> None:
    calls = {
        "get": lambda: client.get_paragraph(note_id, "gone"),
        "update": lambda: client.update_paragraph(note_id, "gone", text="x"),
        "config": lambda: client.update_paragraph_config(note_id, "gone", {"a": 1}),
        "move": lambda: client.move_paragraph(note_id, "gone", 0),
        "delete": lambda: client.delete_paragraph(note_id, "gone"),
        "run": lambda: client.submit_paragraph(note_id, "gone"),
        "stop": lambda: client.cancel_paragraph(note_id, "gone"),
        "execute": lambda: client.execute_paragraph(note_id, "gone"),
    }
    with pytest.raises(ParagraphNotFoundError):
        calls[call]()


def test_an_executed_paragraph_comes_back_with_its_output(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="1 + 1")
    paragraph = client.execute_paragraph(note_id, paragraph_id, timeout=30)
    assert paragraph.status is ParagraphStatus.FINISHED
    assert (paragraph.result_code, paragraph.output) == ("SUCCESS", "ran 1 + 1\n")


def test_parameters_reach_the_paragraph(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="x")
    client.submit_paragraph(note_id, paragraph_id, params={"rate": "10"})
    assert client.get_paragraph(note_id, paragraph_id).settings["params"] == {"rate": "10"}


def test_a_failed_paragraph_is_an_error_with_its_output(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="fail", title="Start")
    with pytest.raises(ParagraphError) as caught:
        client.execute_paragraph(note_id, paragraph_id, timeout=30)
    error = caught.value
    assert error.message == "paragraph 'Start' ended in ERROR: <console>:3: error: not found: value fail"
    assert (error.paragraph_id, error.title, error.status) == (paragraph_id, "Start", "ERROR")
    assert error.output.splitlines()[1:] == ["  fail", "  ^"]


def test_a_stopped_paragraph_without_a_title_or_output_is_named_by_its_id(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    paragraph_id = client.add_paragraph(note_id, text="x")
    client.submit_paragraph(note_id, paragraph_id)
    client.cancel_paragraph(note_id, paragraph_id)
    with pytest.raises(ParagraphError) as caught:
        client.wait_paragraph(note_id, paragraph_id, timeout=30)
    assert caught.value.message == f"paragraph {paragraph_id} ended in ABORT"


def test_waiting_ends_at_the_status_asked_for(client: ZeppelinClient, fake: FakeZeppelin, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="stream")
    fake.stuck.add(paragraph_id)
    client.submit_paragraph(note_id, paragraph_id)
    seen: list[Paragraph] = []
    running = client.wait_paragraph(
        note_id, paragraph_id, timeout=30, until={ParagraphStatus.RUNNING}, on_poll=seen.append
    )
    assert running.status is ParagraphStatus.RUNNING
    assert [p.status for p in seen] == [ParagraphStatus.PENDING, ParagraphStatus.RUNNING]


def test_waiting_for_running_ends_when_the_paragraph_has_finished_meanwhile(
    client: ZeppelinClient, note_id: str
) -> None:
    paragraph_id = client.add_paragraph(note_id, text="quick")
    client.execute_paragraph(note_id, paragraph_id)
    paragraph = client.wait_paragraph(note_id, paragraph_id, timeout=30, until={ParagraphStatus.RUNNING})
    assert paragraph.status is ParagraphStatus.FINISHED


def test_an_error_that_is_waited_for_is_returned(client: ZeppelinClient, note_id: str) -> None:
    paragraph_id = client.add_paragraph(note_id, text="fail")
    client.submit_paragraph(note_id, paragraph_id)
    paragraph = client.wait_paragraph(note_id, paragraph_id, timeout=30, until={ParagraphStatus.ERROR})
    assert paragraph.status is ParagraphStatus.ERROR


def test_waiting_gives_up_after_the_timeout_and_the_paragraph_goes_on(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    paragraph_id = client.add_paragraph(note_id, text="stream", title="Start")
    fake.stuck.add(paragraph_id)
    with pytest.raises(WaitTimeoutError, match=r"paragraph 'Start' is still (PENDING|RUNNING) after 0\.05 s"):
        client.execute_paragraph(note_id, paragraph_id, timeout=0.05)
    assert client.get_paragraph(note_id, paragraph_id).status is ParagraphStatus.RUNNING


def test_a_note_is_run_and_stopped(client: ZeppelinClient, note_id: str) -> None:
    client.submit_note(note_id)
    assert client.get_note(note_id).is_running
    client.cancel_note(note_id)
    assert not client.get_note(note_id).is_running


def test_a_note_that_runs_already_is_a_server_error(client: ZeppelinClient, note_id: str) -> None:
    client.submit_note(note_id)
    with pytest.raises(ServerError, match="Fail to run note"):
        client.submit_note(note_id)


def test_a_notes_job_is_told_even_with_a_paragraph_in_error(
    client: ZeppelinClient, fake: FakeZeppelin, note_id: str
) -> None:
    bad = client.add_paragraph(note_id, text="fail")
    good = client.add_paragraph(note_id, text="good")
    fake.paragraph(note_id, bad)["status"] = "ERROR"
    fake.paragraph(note_id, good).update(status="RUNNING", progress=40)
    assert client.query_note_result(note_id) == NoteResult(
        note_id=note_id,
        is_running=True,
        paragraphs=(
            ParagraphResult(bad, ParagraphStatus.ERROR, 0),
            ParagraphResult(good, ParagraphStatus.RUNNING, 40),
        ),
    )
