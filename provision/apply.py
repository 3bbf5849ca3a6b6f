"""Brings a rendered note to a server: credentials, plan, then the writes that the plan names and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import ConflictError
from provision.plan import MARK, Change, Plan, Verdict, by_key, make_plan, mark_for
from provision.render import RenderedNote, RenderedParagraph
from zeppelin_sdk import Note, ZeppelinClient

OURS, THEIRS = "ours", "theirs"
_CONFIG = {"enabled": True, "colWidth": 12, "fontSize": 9}


@dataclass(frozen=True)
class Applied:
    """What an apply did; `written` counts the paragraphs that it changed on the server."""

    note_id: str
    plan: Plan
    written: int

    def answer(self, url: str) -> dict[str, Any]:
        """The `--json` keys of `plan` and `apply`."""
        changes = [{"key": c.key, "verdict": str(c.verdict), "title": c.title} for c in self.plan.changes]
        return {"note": url, "changes": changes, "written": self.written}


def put_credentials(client: ZeppelinClient, note: RenderedNote) -> None:
    """Put the note's secrets into the server's credential store, in the place of older ones."""
    for entity, (user, password) in note.credentials.items():
        client.put_credential(entity, user, password)


def apply_note(client: ZeppelinClient, note: RenderedNote, *, decide: str | None = None) -> Applied:
    """Bring `note` to the server; `decide` settles conflicts: `ours` keeps the person's text, `theirs` overwrites it.

    Raises `ConflictError`, with nothing written, when a paragraph was edited both by hand and in the bundle and
    nothing is decided.
    """
    found = client.find_note(note.path)
    live = client.get_note(found.id) if found else None
    plan = make_plan(live, note)
    if plan.conflicts and decide is None:
        raise _undecided(note, plan)
    if live is None:
        note_id = client.import_note(note_json(note), note.path)
        return Applied(note_id, plan, len(note.paragraphs))
    writer = _Writer(client, note, live)
    written = sum(writer.do(change, decide) for change in plan.changes)
    return Applied(live.id, plan, written)


def _undecided(note: RenderedNote, plan: Plan) -> ConflictError:
    titles = ", ".join(f"{change.title!r}" for change in plan.conflicts)
    return ConflictError(
        f"{note.path}: edited by hand and changed in the bundle: {titles}; nothing was written",
        next_step="decide with --ours (the text in the note stays) or --theirs (the bundle's text replaces it)",
    )


def note_json(note: RenderedNote) -> dict[str, Any]:
    """The note as Zeppelin's import takes it."""
    paragraphs = [
        {"title": each.title, "text": each.text, "config": _config(note, each), "settings": {"params": {}, "forms": {}}}
        for each in note.paragraphs
    ]
    return {"name": note.path, "paragraphs": paragraphs, "config": {}, "info": {}}


def _config(note: RenderedNote, paragraph: RenderedParagraph) -> dict[str, Any]:
    return {**_CONFIG, **paragraph.config, MARK: mark_for(note, paragraph)}


class _Writer:
    """Does the changes of a plan one by one; the provenance of a paragraph is written after its text."""

    def __init__(self, client: ZeppelinClient, note: RenderedNote, live: Note) -> None:
        self._client, self._note, self._id = client, note, live.id
        self._ids = [paragraph.id for paragraph in live.paragraphs]
        self._there = {key: paragraph.id for key, paragraph in by_key(live).items()}

    def do(self, change: Change, decide: str | None) -> int:
        """Do one change and return how many paragraphs it changed."""
        verdict = change.verdict
        if verdict is Verdict.CONFLICT:
            verdict = Verdict.UPDATE if decide == THEIRS else Verdict.SAME
        match verdict:
            case Verdict.ADD if change.render:
                self._add(change.render)
                return 1
            case Verdict.UPDATE if change.render and change.live:
                self._update(change.render, change.live.id, change.live.title)
                return 1
            case Verdict.DROP if change.live:
                self._client.delete_paragraph(self._id, change.live.id)
                self._ids.remove(change.live.id)
                return 1
            case Verdict.SAME if change.render and change.live:
                self._remark(change.render, change.live.id, change.live.config)
        return 0

    def _add(self, paragraph: RenderedParagraph) -> None:
        index = self._place(paragraph)
        config = _config(self._note, paragraph)
        new = self._client.add_paragraph(
            self._id, text=paragraph.text, title=paragraph.title, index=index, config=config
        )
        self._ids.insert(index, new)
        self._there[paragraph.key] = new

    def _place(self, paragraph: RenderedParagraph) -> int:
        """Behind the nearest paragraph that stands before it in the bundle and is in the note; else first."""
        keys = [each.key for each in self._note.paragraphs]
        for key in reversed(keys[: keys.index(paragraph.key)]):
            if key in self._there:
                return self._ids.index(self._there[key]) + 1
        return 0

    def _update(self, paragraph: RenderedParagraph, paragraph_id: str, live_title: str) -> None:
        self._client.update_paragraph(self._id, paragraph_id, text=paragraph.text, title=live_title)
        self._client.update_paragraph_config(self._id, paragraph_id, {MARK: mark_for(self._note, paragraph)})

    def _remark(self, paragraph: RenderedParagraph, paragraph_id: str, config: Mapping[str, Any]) -> None:
        """Make the render the base of what is there now: a decided conflict, or the same edit made on both sides."""
        mark = mark_for(self._note, paragraph)
        if config.get(MARK) != mark:
            self._client.update_paragraph_config(self._id, paragraph_id, {MARK: mark})
