"""Writes a class: each row's note, with a thing of its own."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from netpie_creds import (
    AuthServer,
    AuthServerUnreachableError,
    Credentials,
    MalformedAnswerError,
    get_credentials,
    kept_cache,
)
from provision.bundles.render import RenderedNote
from provision.classroom import causes
from provision.classroom.causes import Cause, Failed
from provision.classroom.clients import Clients
from provision.classroom.outcome import Outcome, Result
from provision.classroom.rows import Row
from provision.console import Quiet
from provision.home import private_dir
from provision.platforms.netpie2015 import reachable
from provision.prepare import ask_scala, render_for
from provision.streams.interpreter import restart_spark
from provision.streams.note_state import LIVE, note_state, stream_state
from provision.streams.run_note import NoteRun
from provision.sync.apply import Applied, put_credentials
from zeppelin_sdk import Permissions, ZeppelinClient, note_path

AUTH_TIMEOUT = 5.0  # seconds


class RowWriter:
    """Writes a row; thread-safe. `existing` are the paths of the notes on the server.

    A server up to 0.10 loses entries when notes are created, or credentials stored, at the same moment (its maps are
    made for one thread): those take turns. The server's Scala version is asked for once, and each broker tried once.
    """

    def __init__(
        self,
        clients: Clients,
        apply_note: Callable[[ZeppelinClient, RenderedNote], Applied],
        existing: Collection[str],
        *,
        run: bool,
    ) -> None:
        self._clients, self._apply_note, self._existing, self._run = clients, apply_note, existing, run
        self._one_writer, self._one_question = threading.Lock(), threading.Lock()
        self._scala = ""
        self._reachable: set[tuple[str, int]] = set()

    def needs(self, row: Row) -> Sequence[Cause]:
        """As `needs_of`."""
        return needs_of(row)

    def more(self, row: Row) -> Mapping[str, Any]:
        """The folder of the row's thing."""
        return {"cache": str(row.folder)}

    def do(self, row: Row) -> Outcome:
        """Write a row."""
        with self._clients.client(row.person) as client:
            return self._write(client, row)

    def _write(self, client: ZeppelinClient, row: Row) -> Outcome:
        rendered = render_for(client, row.spec, self._connectable(row), ask=self._ask_scala)
        with nullcontext() if note_path(rendered.path) in self._existing else self._one_writer:
            applied = self._apply_note(client, rendered)
        with self._one_writer:
            put_credentials(client, rendered)
        changed = applied.written > 0
        if row.person.permissions is not None:
            changed |= _permit(client, applied.note_id, row.person.permissions)
        if self._run:
            changed |= _run(client, applied.note_id, changed=changed)
        url = client.note_url(applied.note_id)
        return Outcome(row.line, Result.DONE if changed else Result.SAME, row.path, url, more=self.more(row))

    def _connectable(self, row: Row) -> Credentials:
        """The credentials of the row's thing, for a broker that takes connections."""
        auth = AuthServer(row.auth)
        kept = get_credentials(row.application, private_dir(row.folder), auth)
        if kept.token.broker() in self._reachable:
            return kept
        credentials = reachable(kept, row.folder, auth, consequence="this row was not written")
        self._reachable.add(credentials.token.broker())
        return credentials

    def _ask_scala(self, client: ZeppelinClient) -> str:
        with self._one_question:
            self._scala = self._scala or ask_scala(client)
            return self._scala


def needs_of(row: Row) -> Sequence[Cause]:
    """Zeppelin and its login; NETPIE too for a row that has no thing yet."""
    zeppelin = (causes.ZEPPELIN, causes.login(row.person))
    return zeppelin if has_thing(row) else (*zeppelin, *_of_netpie(row))


def has_thing(row: Row) -> bool:
    """Whether the row's thing is kept: then NETPIE's auth server is not asked."""
    return kept_cache(row.folder, row.application.appkey) is not None


def check_auth_server(rows: Sequence[Row]) -> Failed:
    """Ask the auth server once for all rows that need it; returns what has failed by it.

    Raises `netpie_creds.AuthServerUnreachableError` or `MalformedAnswerError` where every row needs what has failed.
    """
    failed = Failed()
    for address in {row.auth for row in rows if not has_thing(row)}:
        try:
            AuthServer(address, timeout=AUTH_TIMEOUT).time()
        except (AuthServerUnreachableError, MalformedAnswerError) as error:
            failed.add(causes.auth_server(address), error)
    known = [failed.first_of(() if has_thing(row) else _of_netpie(row)) for row in rows]
    if known and known[0] and all(known):
        raise known[0][1]
    return failed


def _of_netpie(row: Row) -> tuple[Cause, Cause]:
    application = row.application
    return (
        causes.auth_server(row.auth),
        causes.application(application.appid, application.appkey, application.appsecret),
    )


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


def _run(client: ZeppelinClient, note_id: str, *, changed: bool) -> bool:
    """Run the note unless its stream runs and nothing changed; returns whether it ran."""
    note = client.get_note(note_id)
    if note_state(note, stream_state(note)) in LIVE:
        if not changed:
            return False
        restart_spark(client, note_id, "it runs", Quiet())
    run = NoteRun(client, note_id, Quiet())
    run.start()
    run.wait_until_well()
    return True
