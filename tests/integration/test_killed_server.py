"""A server that is killed in the middle of an apply."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.sync.apply import Applying, apply_note
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key
from provision.sync.remove import remove_note
from provision.sync.undo import undo_note
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, ZeppelinClient, ZeppelinError

from .own_server import OwnServer


class Killed(Exception):  # noqa: N818 - the end of a process is no error of it
    """The server was killed at the call that a test has chosen."""


WRITES = (
    "import_note",
    "add_paragraph",
    "update_paragraph",
    "update_paragraph_config",
    "move_paragraph",
    "delete_paragraph",
)


@contextmanager
def killing(
    server: OwnServer, client: ZeppelinClient, step: int | None, patch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Kill the server at the write with this number (from 0): while an even one is on its way, before an odd one.

    Gives the names of the writes that were made.
    """
    made: list[str] = []

    def counted(name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            if len(made) != step:
                made.append(name)
                return write(*arguments, **more)
            with suppress(ZeppelinError), ThreadPoolExecutor() as pool:
                on_its_way = [pool.submit(write, *arguments, **more)] if step % 2 == 0 else []
                server.kill()
                for each in on_its_way:
                    each.result()
            raise Killed

        return call

    with patch.context() as writes:
        for name in WRITES:
            writes.setattr(client, name, counted(name, getattr(client, name)))
        yield made


def of(**texts: str) -> RenderedNote:
    paragraphs = (RenderedParagraph(key, f"Title of {key}", f"%spark\n{text}") for key, text in texts.items())
    return RenderedNote("bundle", "/killed/note", tuple(paragraphs))


FIRST = of(a="one\ntwo\nthree", b="b1", c="c1", d="d1")
WANTED = of(c="c2", a="one\ntwo\nTHREE", b="b1", e="e1")


class Killable:
    """A note on a server that is killed in the middle of an apply."""

    def __init__(self, server: OwnServer, client: ZeppelinClient, patch: pytest.MonkeyPatch) -> None:
        self._server, self._client, self._patch = server, client, patch
        self._records = Records(server.url)

    def apply(self, wanted: RenderedNote, kill_at: int | None = None) -> list[str]:
        """Apply, and again where the server was killed; the names of the writes before that."""
        with killing(self._server, self._client, kill_at, self._patch) as made, suppress(Killed):
            apply_note(self._client, wanted, Applying(records=self._records))
            assert kill_at is None, "the apply was over before it"
        if kill_at is not None:
            self._server.start()
            apply_note(self._client, wanted, Applying(records=self._records))
        return made

    def edit(self) -> None:
        """What a person does to the note: a line in one paragraph, another wholly, and one of their own."""
        mine = by_key(self.note)
        self._client.update_paragraph(self.note.id, mine["a"].id, text="%spark\nONE\ntwo\nthree")
        self._client.update_paragraph(self.note.id, mine["b"].id, text="%spark\nmine")
        self._client.add_paragraph(self.note.id, text="%spark\nown", index=2)

    @property
    def note(self) -> Note:
        return find_note(self._client, "/killed/note")

    def seen(self) -> list[tuple[str, str]]:
        return [(paragraph.title, paragraph.text) for paragraph in self.note.paragraphs]

    def undo(self) -> None:
        record = self._records.find("/killed/note")
        assert record is not None
        undo_note(self._client, record, self._records)

    def remove(self) -> None:
        remove_note(self._client, self.note, self._records)


@pytest.mark.parametrize("kills", [3, pytest.param(8, marks=pytest.mark.long)])
def test_a_server_killed_at_any_step_of_an_apply_loses_nothing(
    provision_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    server = OwnServer(tmp_path / "zeppelin")
    try:
        with ZeppelinClient(server.url) as client:
            note = Killable(server, client, monkeypatch)
            assert note.apply(FIRST) == ["import_note"]
            new = note.seen()
            note.edit()
            edited = note.seen()
            steps = telling(note.apply(WANTED), kills - 1)
            applied = note.seen()
            assert {("", "%spark\nown"), ("Title of b", "%spark\nmine")} <= set(applied)
            assert ("Title of a", "%spark\nONE\ntwo\nTHREE") in applied
            note.remove()
            note.apply(FIRST, kill_at=0)
            assert note.seen() == new
            for step in steps:
                note.edit()
                note.apply(WANTED, kill_at=step)
                assert note.seen() == applied, step
                note.undo()
                assert note.seen() == edited, step
                note.remove()
                note.apply(FIRST)
    finally:
        server.kill()


def telling(made: list[str], most: int) -> list[int]:
    """The writes that follow one of another kind; the last ones, as a start of Zeppelin takes seconds."""
    return [step for step in range(1, len(made)) if made[step] != made[step - 1]][-most:]
