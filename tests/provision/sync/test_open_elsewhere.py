"""Who has a note open, as a server of each generation tells it."""

import threading
import time

import pytest

from provision.sync.open_elsewhere import hear_pages, open_elsewhere
from zeppelin_sdk import NoteSession, OthersPresent, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, html


@pytest.mark.parametrize(
    ("generation", "told"), [("0.8", None), ("0.10", "in Zeppelin's page"), ("0.12", "in Zeppelin's page")]
)
def test_a_server_tells_from_0_9_on_that_a_note_is_open(generation: str, told: str | None) -> None:
    with FakeZeppelin(generation) as fake, ZeppelinClient(fake.url, timeout=5) as client:
        note_id = client.create_note("/note")
        assert open_elsewhere(client, note_id) == (None if told is None else "")
        with client.open_note(note_id):
            assert open_elsewhere(client, note_id) == told


def test_a_note_without_paragraphs_is_answered_for_as_soon_as_the_server_has_sent_it() -> None:
    with FakeZeppelin("0.10") as fake, ZeppelinClient(fake.url, timeout=5) as client:
        note_id = client.create_note("/note")
        began = time.monotonic()
        assert open_elsewhere(client, note_id) == ""
        assert time.monotonic() - began < 2


def test_a_websocket_that_does_not_come_about_hinders_nothing() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=5) as client:
        fake.websocket_fault = html(502, "Bad Gateway")
        assert open_elsewhere(client, client.create_note("/note")) is None


def test_a_page_in_which_somebody_goes_on_typing_is_heard_without_its_save() -> None:
    with FakeZeppelin("0.10") as fake, ZeppelinClient(fake.url, timeout=5) as client:
        note_id = client.create_note("/note")
        client.add_paragraph(note_id, text="one")
        with ZeppelinClient(fake.url, timeout=5) as person, person.open_note(note_id) as page:
            typing = threading.Thread(target=type_when_others_are_there, args=(page, "one, typed"))
            typing.start()
            began = time.monotonic()
            hear_pages(client, note_id, 1)
            assert 0.9 < time.monotonic() - began < 4
            typing.join(5)
            assert client.get_note(note_id).paragraphs[0].text == "one, typed"


def type_when_others_are_there(page: NoteSession, text: str) -> None:
    """What both of Zeppelin's pages do: alone in a note they keep what is typed; else they send each key."""
    event = page.read(5)
    while event is not None and event != OthersPresent(True, frozenset(["anonymous"])):
        event = page.read(5)
    page.patch_paragraph(page.note.paragraphs[0].id, text)


def test_where_no_websocket_comes_about_pages_are_waited_for() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=5) as client:
        fake.websocket_fault = html(502, "Bad Gateway")
        began = time.monotonic()
        hear_pages(client, client.create_note("/note"), 0.3)
        assert time.monotonic() - began >= 0.3
