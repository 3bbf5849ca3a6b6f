"""Writes a class: each row's note, with a thing of its own."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from netpie_creds import AuthServerUnreachableError, MalformedAnswerError
from provision.bundles.render import RenderedNote
from provision.classroom import causes
from provision.classroom.causes import Failed
from provision.classroom.clients import Clients
from provision.classroom.outcome import Outcome, Result
from provision.classroom.rows import Row
from provision.console import Quiet
from provision.home import private_dir
from provision.platforms.platform import Cause, Client
from provision.prepare import NoteSpec, ask_scala, render_for
from provision.streams.last_run import WHOLE, needed
from provision.streams.run_note import NoteRun
from provision.sync.apply import Applied, put_credentials
from provision.sync.remembered import told
from zeppelin_sdk import Permissions, ZeppelinClient, note_path


class RowWriter:
    """Writes a row; thread-safe. `existing` are the paths of the notes on the server.

    `spec_of` tells what is asked of a row's note over what that was applied with. `run` runs the notes, with `restart`
    those too of which nothing has changed; `check_broker` refuses a row whose broker this machine does not reach.

    A server up to 0.10 loses entries when notes are created, or credentials stored, at the same moment (its maps are
    made for one thread): those take turns. The server's Scala version is asked for once. A broker is tried for each
    row: it may take one login and not another.
    """

    def __init__(
        self,
        clients: Clients,
        spec_of: Callable[[ZeppelinClient, Row], NoteSpec],
        apply_note: Callable[[ZeppelinClient, RenderedNote], Applied],
        existing: Collection[str],
        *,
        run: bool,
        restart: bool = False,
        check_broker: bool = False,
    ) -> None:
        self._clients, self._spec_of, self._apply_note, self._existing = clients, spec_of, apply_note, existing
        self._run, self._restart, self._check_broker = run, restart, check_broker
        self._one_writer, self._one_question = threading.Lock(), threading.Lock()
        self._scala = ""

    def needs(self, row: Row) -> Sequence[Cause]:
        """As `needs_of`."""
        return needs_of(row)

    def more(self, row: Row) -> Mapping[str, Any]:
        """The folder of what is kept for the row."""
        return {"cache": str(row.account.folder)}

    def do(self, row: Row) -> Outcome:
        """Write a row."""
        with self._clients.client(row.person) as client:
            return self._write(client, row)

    def _write(self, client: ZeppelinClient, row: Row) -> Outcome:
        spec = self._spec_of(client, row)
        rendered = render_for(client, spec, self._client_of(row), ask=self._ask_scala)
        with nullcontext() if note_path(rendered.path) in self._existing else self._one_writer:
            applied = self._apply_note(client, rendered)
        with self._one_writer:
            put_credentials(client, rendered)
        changed = applied.written > 0
        if row.person.permissions is not None:
            changed |= _permit(client, applied.note_id, row.person.permissions)
        if self._run:
            changed |= self._run_note(client, applied)
        url = client.note_url(applied.note_id)
        result = Result.DONE if changed else Result.SAME
        lines = list(told(spec.noted, rendered))
        return Outcome(row.line, result, row.path, url, told=", ".join(lines), more={**self.more(row), "told": lines})

    def _client_of(self, row: Row) -> Client:
        """The credentials of the row's own client."""
        private_dir(row.account.folder)
        kept = row.account.client()
        return kept.reachable("this row was not written") if self._check_broker else kept

    def _run_note(self, client: ZeppelinClient, applied: Applied) -> bool:
        """Run what has changed since the note's stream was started; returns whether anything was run."""
        need = WHOLE if self._restart else needed(client, client.get_note(applied.note_id), applied.written_keys)
        run = NoteRun(client, applied.note_id, Quiet())
        if not need.whole:
            run.beside(need.paragraphs)
            return bool(need.paragraphs)
        run.start()
        run.wait_until_well()
        return True

    def _ask_scala(self, client: ZeppelinClient) -> str:
        with self._one_question:
            self._scala = self._scala or ask_scala(client)
            return self._scala


def needs_of(row: Row) -> Sequence[Cause]:
    """Zeppelin and its login, and what getting the row's credentials takes."""
    return (causes.ZEPPELIN, causes.login(row.person), *(need.cause for need in row.account.needs()))


def check_servers(rows: Sequence[Row]) -> Failed:
    """Ask once each server that rows need for their credentials; returns what has failed by it.

    Raises `netpie_creds.AuthServerUnreachableError` or `MalformedAnswerError` where every row needs what has failed.
    """
    failed = Failed()
    needs = [row.account.needs() for row in rows]
    checks = {need.cause: need.check for each in needs for need in each if need.check is not None}
    for cause, check in checks.items():
        try:
            check()
        except (AuthServerUnreachableError, MalformedAnswerError) as error:
            failed.add(cause, error)
    known = [failed.first_of(need.cause for need in each) for each in needs]
    if known and known[0] and all(known):
        raise known[0][1]
    return failed


def _permit(client: ZeppelinClient, note_id: str, wanted: Permissions) -> bool:
    """Set the note's permissions, keeping the caller an owner; returns whether they changed."""
    kept = Permissions(wanted.owners | {client.get_ticket().principal}, wanted.readers, wanted.runners, wanted.writers)
    before = client.get_permissions(note_id)
    if all(getattr(kept, name) <= getattr(before, name) for name in kept.to_json()) and _opens_no_more(before, kept):
        return False
    client.set_permissions(note_id, kept)
    return True


def _opens_no_more(before: Permissions, kept: Permissions) -> bool:
    """Whether the server's lists hold nobody else; it adds owners to every list by itself."""
    return all(getattr(before, name) <= getattr(kept, name) | kept.owners for name in kept.to_json())
