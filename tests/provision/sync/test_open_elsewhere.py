"""Who has a note open, as a server of each generation tells it."""

import threading
import time
from collections.abc import Iterator

import pytest

from provision.errors import ConflictError
from provision.sync import open_elsewhere as open_elsewhere_module
from provision.sync.open_elsewhere import hear_pages, open_elsewhere
from zeppelin_sdk import Note, NoteSession, OthersPresent, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, html


@pytest.mark.parametrize(
    ("generation", "told"), [("0.8", None), ("0.10", "in Zeppelin's page"), ("0.12", "in Zeppelin's page")]
)
def test_a_server_tells_from_0_9_on_that_a_note_is_open(generation: str, told: str | None) -> None:
    with FakeZeppelin(generation) as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/note")
        assert open_elsewhere(client, note_id) == (None if told is None else "")
        with client.open_note(note_id):
            assert open_elsewhere(client, note_id) == told


def test_a_note_without_paragraphs_is_answered_for_as_soon_as_the_server_has_sent_it() -> None:
    with FakeZeppelin("0.10") as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/note")
        began = time.monotonic()
        assert open_elsewhere(client, note_id) == ""
        assert time.monotonic() - began < 2


def test_a_websocket_that_does_not_come_about_hinders_nothing() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=30) as client:
        fake.websocket_fault = html(502, "Bad Gateway")
        assert open_elsewhere(client, client.create_note("/note")) is None


def test_a_page_in_which_somebody_goes_on_typing_is_heard_without_its_save() -> None:
    with FakeZeppelin("0.10") as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/note")
        client.add_paragraph(note_id, text="one")
        with ZeppelinClient(fake.url, timeout=30) as person, person.open_note(note_id) as page:
            typing = threading.Thread(target=type_when_others_are_there, args=(page, "one, typed"))
            typing.start()
            began = time.monotonic()
            hear_pages(client, client.get_note(note_id), 1)
            assert 0.9 < time.monotonic() - began < 4
            typing.join(30)
            assert client.get_note(note_id).paragraphs[0].text == "one, typed"


def type_when_others_are_there(page: NoteSession, text: str) -> None:
    """What both of Zeppelin's pages do: alone in a note they keep what is typed; else they send each key."""
    event = page.read(5)
    while event is not None and event != OthersPresent(True, frozenset(["anonymous"])):
        event = page.read(5)
    page.patch_paragraph(page.note.paragraphs[0].id, text)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_elsewhere_module, "_PAUSE", 0.6)


@pytest.fixture
def typed_on(quick: None) -> Iterator[tuple[ZeppelinClient, Note, float]]:
    """A note in whose first paragraph somebody types every 0.2 s; and when they stop, by the monotonic clock."""
    with FakeZeppelin("0.12") as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/note")
        for text in ("one", "other"):
            client.add_paragraph(note_id, text=text)
        note, stop = client.get_note(note_id), time.monotonic() + 2
        with ZeppelinClient(fake.url, timeout=30) as person, person.open_note(note_id) as page:
            typing = threading.Thread(target=type_on, args=(page, stop))
            typing.start()
            yield client, note, stop
            typing.join(60)


def type_on(page: NoteSession, stop: float) -> None:
    while time.monotonic() < stop:
        page.patch_paragraph(page.note.paragraphs[0].id, page.note.paragraphs[0].text + "x")
        time.sleep(0.2)


def test_nothing_is_written_under_the_fingers_of_somebody_who_types_on(
    typed_on: tuple[ZeppelinClient, Note, float],
) -> None:
    client, note, stop = typed_on
    hear_pages(client, note, 0.3, [note.paragraphs[0].id])
    assert 0 < time.monotonic() - stop < 3


def test_who_types_without_an_end_is_not_written_over(typed_on: tuple[ZeppelinClient, Note, float]) -> None:
    client, note, stop = typed_on
    with pytest.raises(ConflictError, match="somebody goes on typing in .*; nothing was written"):
        hear_pages(client, note, 0.3, [note.paragraphs[0].id], most=0.5)
    assert time.monotonic() < stop


def test_typing_in_what_is_not_replaced_is_not_waited_for(typed_on: tuple[ZeppelinClient, Note, float]) -> None:
    client, note, stop = typed_on
    hear_pages(client, note, 0.5, [note.paragraphs[1].id])
    assert time.monotonic() < stop


def test_where_no_websocket_comes_about_pages_are_waited_for() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=30) as client:
        fake.websocket_fault = html(502, "Bad Gateway")
        began = time.monotonic()
        hear_pages(client, client.get_note(client.create_note("/note")), 0.3)
        assert time.monotonic() - began >= 0.3
