"""Who has a note open, as a server of each generation tells it."""

import time

import pytest

from provision.sync.open_elsewhere import open_elsewhere
from zeppelin_sdk import ZeppelinClient
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
