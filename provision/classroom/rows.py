"""A note a row: rows are made ready one by one, then written side by side, and what fails harms no other row."""

import hashlib
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from netpie_creds import (
    Application,
    AuthServer,
    Credentials,
    NetpieError,
    get_credentials,
    load_application,
)
from provision.bundles.render import RenderedNote, default_path
from provision.classroom.roster import Person
from provision.console import Quiet, one_line
from provision.errors import ConflictError, ProvisionError, UsageError, error_json
from provision.home import private_dir, state_dir
from provision.options.application import ApplicationOptions
from provision.platforms.netpie2015 import reachable
from provision.prepare import Wanted, ask_scala, render_for
from provision.streams.interpreter import restart_spark
from provision.streams.run_note import NoteRun, blocking_key, note_state, stream_state
from provision.sync.apply import Applied, put_credentials
from zeppelin_sdk import Permissions, ZeppelinClient, ZeppelinError
from zeppelin_sdk.models import note_path

Failure = ProvisionError | NetpieError | ZeppelinError


class Result(StrEnum):
    """What became of a row."""

    DONE = "done"
    SAME = "same"
    FAILED = "failed"


@dataclass(frozen=True)
class Outcome:
    """One row's end; `note` is its path, `url` its page and `cache` its thing's folder where it came so far."""

    line: int
    result: Result
    note: str
    url: str = ""
    cache: str = ""
    error: Failure | None = None

    @property
    def is_conflict(self) -> bool:
        return isinstance(self.error, ConflictError)

    def to_json(self) -> dict[str, Any]:
        """The keys of a row of `apply --each --json`."""
        return {
            "line": self.line,
            "result": str(self.result),
            "note": self.note,
            "url": self.url,
            "cache": self.cache,
            "error": self.error and error_json(self.error),
        }

    def text(self) -> str:
        """The row in a line."""
        where = f"{self.result:<6}  {self.note or '?'} (line {self.line})"
        if self.error is None:
            return where
        return f"{where}: {one_line('; '.join(filter(None, (self.error.message, self.error.next_step))))}"


@dataclass(frozen=True)
class Row:
    """A row that can be written: what is wanted, for whom, with whose application, and its thing's own folder."""

    person: Person
    wanted: Wanted
    application: Application
    auth: str
    path: str
    folder: Path


def prepare(person: Person, wanted: Wanted, options: ApplicationOptions) -> Row:
    """Check a row. Raises `UsageError` and `netpie_creds.ApplicationError`; asks nobody and writes nothing."""
    path = note_path(wanted.path or default_path(wanted.bundle, wanted.values))
    application = application_of(person, options)
    return Row(person, wanted, application, options.auth, path, _thing_folder(options.cache_dir, path))


def application_of(person: Person, options: ApplicationOptions) -> Application:
    """The row's application; what the row leaves out comes from the command line's options."""
    if person.appsecret:
        appid, appkey = person.appid or options.appid or "", person.appkey or options.appkey or ""
        return Application(appid=appid, appkey=appkey, appsecret=person.appsecret)
    return load_application(
        appid=person.appid or options.appid,
        appkey=person.appkey or options.appkey,
        file=options.credentials_file,
        secret_file=person.secret_file or options.secret_file,
    )


def _thing_folder(base: Path | None, path: str) -> Path:
    """The folder of the note's thing: a broker lets a thing connect once, so no two notes share one."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")[:40]
    digits = hashlib.sha256(path.encode()).hexdigest()[:8]
    return (base or state_dir() / "netpie") / "notes" / f"{words}-{digits}".lstrip("-")


def refuse_shared_paths(rows: Sequence[Row]) -> list[Outcome]:
    """A failure for each row whose note is another row's already."""
    seen: dict[str, int] = {}
    failed = []
    for row in rows:
        line = seen.setdefault(row.path, row.person.line)
        if line != row.person.line:
            error = UsageError(f"line {line} has the same note", next_step="give each row a note, a topic or an APPID")
            failed.append(Outcome(row.person.line, Result.FAILED, row.path, error=error))
    return failed


@dataclass
class Each:
    """Writes rows. `connect` opens a client for a row's user (None: the command line's), `write` applies one note.
    `there` are the paths of the notes that the server has.

    A client is for one thread at a time, and a server of up to 0.10 loses entries when notes are created, or
    credentials stored, at the same moment (its maps are made for one thread): those take turns.
    """

    connect: Callable[[Person | None], ZeppelinClient]
    write: Callable[[ZeppelinClient, RenderedNote], Applied]
    there: Collection[str] = ()
    run: bool = False
    jobs: int = 4
    _clients: SimpleQueue[ZeppelinClient] = field(default_factory=SimpleQueue)
    _creating: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _scala: str = ""
    _brokers: set[tuple[str, int]] = field(default_factory=set)

    def provision(self, rows: Sequence[Row], tell: Callable[[Outcome], None]) -> list[Outcome]:
        """Write all rows, `jobs` at a time; `tell` hears of each as it ends. Returns their outcomes in order.

        An interrupt waits for no row: what it cuts off, the next apply finishes.
        """
        pool = ThreadPoolExecutor(self.jobs, thread_name_prefix="each")
        futures: list[Future[Outcome]] = [pool.submit(self._row, row) for row in rows]
        left = set(futures)
        try:
            while left:
                ended, left = wait(left, return_when=FIRST_COMPLETED)
                for future in ended:
                    tell(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        self._close()
        return [future.result() for future in futures]

    def _row(self, row: Row) -> Outcome:
        try:
            with self._client(row.person) as client:
                return self._provision(client, row)
        except (ProvisionError, NetpieError, ZeppelinError) as error:
            return _failed(row, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rows go on
            return _failed(row, ProvisionError(f"{type(error).__name__}: {error}"))

    def _provision(self, client: ZeppelinClient, row: Row) -> Outcome:
        rendered = render_for(client, row.wanted, self._connectable(row), ask=self._ask_scala)
        with nullcontext() if note_path(rendered.path) in self.there else self._creating:
            applied = self.write(client, rendered)
        with self._creating:
            put_credentials(client, rendered)
        changed = applied.written > 0
        if row.person.permissions is not None:
            changed |= _permit(client, applied.note_id, row.person.permissions)
        if self.run:
            changed |= _run(client, applied.note_id, changed=changed)
        url = client.note_url(applied.note_id)
        return Outcome(row.person.line, Result.DONE if changed else Result.SAME, row.path, url, str(row.folder))

    def _connectable(self, row: Row) -> Credentials:
        """The credentials of the row's thing, once its broker takes a connection; each broker is tried once."""
        auth = AuthServer(row.auth)
        kept = get_credentials(row.application, private_dir(row.folder), auth)
        if kept.token.broker() in self._brokers:
            return kept
        credentials = reachable(kept, row.folder, auth, consequence="this row was not written")
        self._brokers.add(credentials.token.broker())
        return credentials

    def _ask_scala(self, client: ZeppelinClient) -> str:
        """The server's Scala version, asked for once."""
        with self._asking:
            self._scala = self._scala or ask_scala(client)
            return self._scala

    @contextmanager
    def _client(self, person: Person) -> Iterator[ZeppelinClient]:
        """A client of the row's user: its own where the row names one, else one that rows hand on to each other."""
        if person.user:
            with self.connect(person) as client:
                yield client
            return
        try:
            client = self._clients.get_nowait()
        except Empty:
            client = self.connect(None)
        try:
            yield client
        finally:
            self._clients.put(client)

    def _close(self) -> None:
        while not self._clients.empty():
            self._clients.get().close()


def _failed(row: Row, error: Failure) -> Outcome:
    return Outcome(row.person.line, Result.FAILED, row.path, cache=str(row.folder), error=error)


def _permit(client: ZeppelinClient, note_id: str, wanted: Permissions) -> bool:
    """Give the note these permissions, the caller staying an owner; whether they were others before."""
    kept = Permissions(wanted.owners | {client.ticket().principal}, wanted.readers, wanted.runners, wanted.writers)
    before = client.get_permissions(note_id)
    if all(getattr(kept, name) <= getattr(before, name) for name in kept.to_json()) and _opens_no_more(before, kept):
        return False
    client.set_permissions(note_id, kept)
    return True


def _opens_no_more(before: Permissions, kept: Permissions) -> bool:
    """Whether the server's lists have nobody but those wanted, and the owners, whom it adds to lists by itself."""
    return all(getattr(before, name) <= getattr(kept, name) | kept.owners for name in kept.to_json())


def _run(client: ZeppelinClient, note_id: str, *, changed: bool) -> bool:
    """Run the note unless its stream runs and nothing has changed; whether it was run."""
    note = client.get_note(note_id)
    if note_state(note, stream_state(note)) in ("streaming", "running"):
        if not changed:
            return False
        restart_spark(client, note_id, "it runs", Quiet())
    run = NoteRun(client, note_id, Quiet())
    run.start(blocking_key(note))
    run.wait_until_live()
    return True
