"""Brings a rendered note to a server: credentials, plan, then the writes that the plan names and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import ConflictError
from provision.plan import MARK, Change, Plan, Verdict, by_key, digest, make_plan, mark_for, merged_title, provenance
from provision.render import RenderedNote, RenderedParagraph
from zeppelin_sdk import Note, Paragraph, ZeppelinClient

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
    nothing is decided; and before it would overwrite an edit that was made meanwhile.
    """
    found = client.find_note(note.path)
    live = client.get_note(found.id) if found else None
    plan = make_plan(live, note)
    if plan.conflicts and decide is None:
        raise _undecided(note, plan)
    if live is None:
        note_id = client.import_note(note_json(note), note.path)
        return Applied(note_id, plan, len(note.paragraphs))
    return Applied(live.id, plan, _Writer(client, note, live, plan).write(decide))


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
    """Does the changes of a plan one by one, in an order that leaves nothing half known when it is cut off.

    The provenance of a paragraph is written after its text. A key counts as brought only once its paragraph is there,
    and as taken away before it is deleted: so the next apply takes neither for a paragraph that a person deleted.
    """

    def __init__(self, client: ZeppelinClient, note: RenderedNote, live: Note, plan: Plan) -> None:
        self._client, self._note, self._id, self._plan = client, note, live.id, plan
        self._ids = [paragraph.id for paragraph in live.paragraphs]
        self._there = {key: paragraph.id for key, paragraph in by_key(live).items()}
        self._marks = {key: dict(provenance(paragraph)) for key, paragraph in by_key(live).items()}
        self._keys = set(plan.known)

    def write(self, decide: str | None) -> int:
        """Do all of the plan and return how many paragraphs it changed."""
        written = sum(self._do(change, decide) for change in self._plan.changes)
        for copy in self._plan.copies:
            self._client.update_paragraph_config(self._id, copy.id, {MARK: {}})
        dropped = [change for change in self._plan.changes if change.verdict is Verdict.DROP]
        self._keys -= {change.key for change in dropped}
        for key in self._marks.keys() - {change.key for change in dropped}:
            self._mark(key, {**self._marks[key], "keys": sorted(self._keys)})
        for change in dropped:
            self._delete(change)
        return written + len(dropped)

    def _delete(self, change: Change) -> None:
        if change.live is not None:
            self._check_untouched(change.live)
            self._client.delete_paragraph(self._id, change.live.id)

    def _check_untouched(self, live: Paragraph) -> None:
        """Raise `ConflictError` when a person has saved an edit since the plan was made: Zeppelin has no lock."""
        now = self._client.get_paragraph(self._id, live.id)
        if digest(now.text) != digest(live.text):
            raise ConflictError(
                f"{self._note.path}: {live.title or live.id} was edited while the note was being written",
                next_step="the edit stays; apply again",
            )

    def _do(self, change: Change, decide: str | None) -> int:
        match change:
            case Change(verdict=Verdict.ADD, render=RenderedParagraph() as render):
                self._add(render)
                return 1
            case Change(verdict=Verdict.UPDATE, render=RenderedParagraph() as render, live=Paragraph() as live):
                self._update(render, live)
                return 1
            case Change(verdict=Verdict.CONFLICT, render=RenderedParagraph() as render, live=Paragraph() as live):
                if decide == THEIRS:
                    self._update(render, live)
                    return 1
                # the text stays, and the bundle's new one is its base; a title follows when the text next does
                self._mark(change.key, self._mark_of(render) | {"title": provenance(live).get("title")})
            case Change(verdict=Verdict.SAME, render=RenderedParagraph() as render):
                self._mark(change.key, self._mark_of(render))
        return 0

    def _add(self, paragraph: RenderedParagraph) -> None:
        index = self._place(paragraph)
        self._keys.add(paragraph.key)
        mark = self._mark_of(paragraph)
        config = {**_CONFIG, **paragraph.config, MARK: mark}
        new = self._client.add_paragraph(
            self._id, text=paragraph.text, title=paragraph.title, index=index, config=config
        )
        self._ids.insert(index, new)
        self._there[paragraph.key] = new
        self._marks[paragraph.key] = mark

    def _place(self, paragraph: RenderedParagraph) -> int:
        """Behind the nearest paragraph that stands before it in the bundle and is in the note; else first."""
        keys = [each.key for each in self._note.paragraphs]
        for key in reversed(keys[: keys.index(paragraph.key)]):
            if key in self._there:
                return self._ids.index(self._there[key]) + 1
        return 0

    def _update(self, paragraph: RenderedParagraph, live: Paragraph) -> None:
        self._check_untouched(live)
        title = merged_title(live, paragraph)
        self._client.update_paragraph(self._id, live.id, text=paragraph.text, title=title)
        shown = {"title": bool(title)} if title != live.title else {}
        self._mark(paragraph.key, self._mark_of(paragraph), shown)

    def _mark_of(self, paragraph: RenderedParagraph) -> dict[str, Any]:
        return mark_for(self._note, paragraph, self._keys)

    def _mark(self, key: str, mark: dict[str, Any], more: Mapping[str, Any] | None = None) -> None:
        if more or self._marks[key] != mark:
            self._client.update_paragraph_config(self._id, self._there[key], {**(more or {}), MARK: mark})
            self._marks[key] = mark
