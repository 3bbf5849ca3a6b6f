"""Brings a rendered note to a server: plans, records how to undo it, then does the plan's writes and no others."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from provision.bundles.render import RenderedNote
from provision.errors import ConflictError, UsageError
from provision.sync.diff import diff_text
from provision.sync.guarded_write import Meanwhile, called, carry_out, plan_again, with_done
from provision.sync.known_secrets import old_secrets, plain_names
from provision.sync.note_lock import note_lock
from provision.sync.plan import Change, Content, Decision, Plan, Verdict, make_plan
from provision.sync.provenance import (
    MARK,
    NEW_CONFIG,
    ORIGIN,
    bundle_config,
    by_key,
    digest,
    mark_for,
    origin,
    origin_for,
    provenance,
    stamps,
    stamps_for,
    upgraded,
)
from provision.sync.redaction import unsealed
from provision.sync.revisions import keep_revision
from provision.sync.seen_secrets import remember
from provision.sync.undo import undone
from provision.sync.undo_records import APPLY, Record, Records, Saved
from provision.sync.writer import revision_writes, writes_of
from provision.waiting import wait_until
from zeppelin_sdk import Note, NoteNotFoundError, Paragraph, PermissionDeniedError, ZeppelinClient, note_path

TRASH = "/~Trash"
PATIENCE = 30.0  # seconds for a paragraph that is to be written to end its run
_POLL = 0.5


@dataclass(frozen=True)
class Applied:
    """What an apply did to the note at `path`; `written` counts the paragraphs that it changed on the server."""

    note_id: str
    path: str
    plan: Plan
    written: int

    @property
    def written_keys(self) -> frozenset[str]:
        """The keys of the paragraphs that the apply wrote."""
        return frozenset(change.key for change in self.plan.writes)

    def to_json(self, url: str) -> dict[str, Any]:
        """The `--json` keys of `plan` and `apply`."""
        return plan_json(self.plan, url, self.written)


@dataclass(frozen=True)
class Applying:
    """How to apply: decisions on conflicts, where to keep the undo record, how to end a paragraph that blocks.

    `stop` ends the note's stream before a paragraph that runs as long as the stream is written; without it that is a
    conflict. `patience`: seconds to wait for other paragraphs that run. `pages` is asked before anything of a note that
    is there is written, and returns whether it may be open in a page; then the note is planned again. `waiting` is
    called while another command of this machine writes to the note; without `records` none is waited for.
    """

    decision: Decision = Decision()
    records: Records | None = None
    stop: Callable[[Note], None] | None = None
    patience: float = PATIENCE
    pages: Callable[[Note, Plan], bool] = lambda _live, _plan: False
    waiting: Callable[[], None] = lambda: None


def plan_json(plan: Plan, url: str | None, written: int, secrets: Sequence[str] | None = None) -> dict[str, Any]:
    """The `--json` keys of a plan; `written` is 0 when nothing was done. With `secrets`, which are blotted out, each
    change has its diff.
    """
    changes = [{"key": c.key, "verdict": str(c.verdict), "title": c.title} for c in plan.changes]
    if secrets is not None:
        changes = [
            {**told, "diff": diff_text(change, secrets)} for told, change in zip(changes, plan.changes, strict=True)
        ]
    return {"note": url, "changes": changes, "written": written}


def put_credentials(client: ZeppelinClient, note: RenderedNote) -> None:
    """Put the note's secrets into the server's credential store, over older ones."""
    for entity, (user, password) in note.credentials.items():
        client.set_credential(entity, user, password)


def read_note(client: ZeppelinClient, path: str) -> Note | None:
    """The note at this path, or else the one that was applied to it and has been moved; None without either."""
    found = client.find_note(path)
    return client.get_note(found.id) if found else _moved(client, path)


def _moved(client: ZeppelinClient, path: str) -> Note | None:
    """The note that an apply made at this path and that a person has moved or renamed; not one in the trash.

    Raises `UsageError` for more than one, as copies of it are.
    """
    moved = []
    for listed in client.list_notes():
        if not listed.path.startswith(TRASH):
            with suppress(NoteNotFoundError, PermissionDeniedError):
                note = client.get_note(listed.id)
                made_at = origin(note).site.get("path", "")
                moved += [note] if made_at and note_path(made_at) == note_path(path) else []
    if len(moved) > 1:
        paths = ", ".join(note.path for note in moved)
        raise UsageError(
            f"{path}: no note is there, and more than one was made there: {paths}",
            next_step="delete or rename so that one of them has that path, or name another path with --note",
        )
    return moved[0] if moved else None


def apply_note(client: ZeppelinClient, note: RenderedNote, how: Applying | None = None) -> Applied:
    """Bring `note` to the server as `make_plan` says; plan again when somebody changes it in the meantime.

    Raises `ConflictError`, with nothing written, for a conflict that nobody has decided and for a paragraph to be
    written that does not stop running; and when somebody keeps changing the note.
    """
    how = how or Applying()
    if how.records is not None:
        remember(note.secrets)
    apply = _Apply(client, note, how)
    with note_lock(client.url, note.path, how.waiting) if how.records else nullcontext():
        return plan_again(note.path, apply.attempt)


class _Apply:
    """One apply, in as many attempts as it takes; the result has what all of them did."""

    def __init__(self, client: ZeppelinClient, note: RenderedNote, how: Applying) -> None:
        self._client, self._note, self._how = client, note, how
        self._done: dict[str, Change] = {}
        self._open_in_page: bool | None = None

    def attempt(self) -> Applied:
        live = read_note(self._client, self._note.path)
        self._fill_places(live)
        plan = make_plan(live, self._note, self._how.decision)
        if plan.conflicts:
            raise _undecided(self._note, plan, bool(self._done))
        if live is None:
            self._record(None, plan)
            note_id = self._client.import_note(note_json(self._note), self._note.path)
            self._finish(note_id)
            return Applied(note_id, self._note.path, plan, len(self._note.paragraphs))
        self._wait_for_runs(live, plan)
        self._write(live, plan)
        self._finish(live.id)
        done = replace(plan, changes=with_done(plan.changes, self._done))
        return Applied(live.id, live.path, done, len(self._done))

    def _fill_places(self, live: Note | None) -> None:
        """Put the secrets back into texts that an undo could bring back only without them."""
        secrets = _names(self._note)
        for paragraph in live.paragraphs if live else ():
            text = unsealed(paragraph.text, secrets)
            if live and text != paragraph.text and not paragraph.status.is_active:
                self._client.update_paragraph(live.id, paragraph.id, text=text)
                raise Meanwhile(f"{called(paragraph)} got its secret")

    def _write(self, live: Note, plan: Plan) -> None:
        writes = writes_of(self._note, live, plan)
        if not writes:
            return
        if self._open_in_page is None:
            self._open_in_page = self._how.pages(live, plan)
            if self._open_in_page:
                raise Meanwhile("it is open in a page")
        if not self._only_upgrades(live):
            writes = [*revision_writes(live, plan, self._record(live, plan)), *writes]
        changes = {change.key: change for change in plan.writes}
        for key in carry_out(self._client, live.id, writes, open_in_page=bool(self._open_in_page)):
            if key in changes:
                self._done[key] = changes[key]

    def _only_upgrades(self, live: Note) -> bool:
        """Whether nothing but the format of what an older version noted changes: that leaves the undo record."""
        new = upgraded(live, self._note)
        return new != live and not writes_of(self._note, new, make_plan(new, self._note, self._how.decision))

    def _record(self, live: Note | None, plan: Plan) -> str:
        """Save the undo record, and return the server's revision of what was before; empty without one.

        An apply that was cut off is undone together with this one.
        """
        records, names = self._how.records, _names(self._note)
        if records is None:
            return ""
        old = old_secrets(live, names.values()) if live else {}
        secrets = [*self._note.secrets, *old.values()]
        earlier = records.find(self._note.path)
        told = {*(stamps(live) if live else ()), *stamps_for(self._note)}
        if earlier is not None and not earlier.done and not (live and not earlier.is_of_last_apply(live)):
            told |= set(earlier.stamps)
            before, order, created = undone(earlier, live, secrets), earlier.order, earlier.created
            revision = earlier.revision
        else:
            before, order, created = _before(live, plan, secrets, {**names, **old}), _ids(live), live is None
            revision = keep_revision(self._client, live.id) if live else ""
        record = Record(
            APPLY,
            self._note.path,
            live.id if live else "",
            self._note.bundle,
            before,
            _after(live, plan, secrets),
            order,
            created=created,
            run=records.run,
            revision=revision,
            stamps=tuple(sorted(told)),
        )
        records.save(record)
        return revision

    def _finish(self, note_id: str) -> None:
        if self._how.records is not None:
            self._how.records.finish(self._note.path, note_id)

    def _wait_for_runs(self, live: Note, plan: Plan) -> None:
        """Return if no paragraph to be written runs; raise `Meanwhile` once it has stopped, else `ConflictError`."""
        busy = _busy(plan)
        if not busy:
            return
        blocking = [each for each in busy if provenance(each).blocks]
        if blocking and self._how.stop is not None:
            self._how.stop(live)
            raise Meanwhile(f"{called(blocking[0])} was stopped")
        ids = {each.id for each in busy}
        if not blocking and wait_until(lambda: self._have_ended(live.id, ids), self._how.patience, _POLL):
            raise Meanwhile(f"{called(busy[0])} ran")
        raise ConflictError(
            f"{self._note.path}: running, and not overwritten: {', '.join(called(each) for each in busy)}; "
            "nothing was written",
            next_step="wait until it ends, or `provision stop` the note; then apply again",
        )

    def _have_ended(self, note_id: str, ids: Collection[str]) -> bool:
        return not any(p.status.is_active for p in self._client.get_note(note_id).paragraphs if p.id in ids)


def _ids(live: Note | None) -> tuple[str, ...]:
    return tuple(paragraph.id for paragraph in live.paragraphs) if live else ()


def _names(note: RenderedNote) -> dict[str, str]:
    """The note's secrets by name."""
    return plain_names(dict(zip(note.secret_names, note.secrets, strict=False)))


def _before(live: Note | None, plan: Plan, secrets: Collection[str], names: Mapping[str, str]) -> tuple[Saved, ...]:
    """The paragraphs concerned, as they are; of those that go the text is kept even if a secret is in it."""
    going = {change.live.id for change in plan.changes if change.live and change.verdict is Verdict.DROP}
    concerned = {change.live.id for change in plan.changes if change.live}
    there = live.paragraphs if live else ()
    return tuple(
        Saved.of(paragraph, secrets, names if paragraph.id in going else None)
        for paragraph in there
        if paragraph.id in concerned
    )


def _after(live: Note | None, plan: Plan, secrets: Collection[str]) -> tuple[Saved, ...]:
    """The paragraphs concerned as the plan leaves them, in the note's new order; then those that it adds."""
    after = [_planned(change, change.after, secrets) for change in plan.changes if change.after is not None]
    place = {each: index for index, each in enumerate(plan.order or _ids(live))}
    return tuple(sorted(after, key=lambda saved: place.get(saved.id, len(place))))


def _planned(change: Change, after: Content, secrets: Collection[str]) -> Saved:
    live = change.live or Paragraph("", config=NEW_CONFIG)
    saved = Saved.of(replace(live, title=after.title, text=after.text), secrets)
    text = None if change.holds_secret else saved.text
    return replace(saved, key=change.key, text=text, config={**live.config, **after.config})


def _busy(plan: Plan) -> list[Paragraph]:
    """The running paragraphs whose text the plan changes."""
    changed = [c for c in plan.changes if c.live and (c.after is None or c.after.changes_text_of(c.live))]
    return [change.live for change in changed if change.live and change.live.status.is_active]


def _undecided(note: RenderedNote, plan: Plan, begun: bool) -> ConflictError:
    titles = ", ".join(f"{change.title!r} ({change.key})" for change in plan.conflicts)
    return ConflictError(
        f"{note.path}: edited by hand and changed in the bundle: {titles}; "
        + ("it was edited while others were written" if begun else "nothing was written"),
        next_step="see it with `provision plan`; decide with --ours (the text in the note stays) or --theirs (the "
        "bundle's text replaces it), for one paragraph with --ours-of KEY or --theirs-of KEY",
    )


def note_json(note: RenderedNote) -> dict[str, Any]:
    """The note in the format of Zeppelin's import."""
    paragraphs: list[dict[str, Any]] = [
        {
            "title": each.title,
            "text": each.text,
            "config": {**NEW_CONFIG, **bundle_config(each), MARK: mark_for(note, each).to_config()},
            "settings": {"params": {}, "forms": {}},
        }
        for each in note.paragraphs
    ]
    for first in paragraphs[:1]:
        first["config"][ORIGIN] = origin_for(note).to_config()
    return {"name": note.path, "paragraphs": paragraphs, "config": {}, "info": {}}


def came_back(client: ZeppelinClient, applied: Applied) -> list[str]:
    """The titles of the paragraphs that are no longer as the apply wrote them.

    Somebody who went on typing in an open page has saved over what was written.
    """
    now = by_key(client.get_note(applied.note_id))
    titles = []
    for change in applied.plan.writes:
        there, wanted = now.get(change.key), change.after
        if (wanted is None) != (there is None) or (wanted and there and digest(there.text) != digest(wanted.text)):
            titles.append(change.title or change.key)
    return titles
