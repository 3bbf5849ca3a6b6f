"""The checked rows of a class: each has its own note, application and thing."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netpie_creds import Application, load_application
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import Person
from provision.errors import UsageError
from provision.home import state_dir
from provision.options.application import ApplicationOptions
from provision.prepare import NoteSpec
from zeppelin_sdk import note_path


@dataclass(frozen=True)
class Row:
    """A row ready to be written; `folder` holds its thing's cache."""

    person: Person
    spec: NoteSpec
    application: Application
    auth: str
    path: str
    folder: Path


def checked_row(person: Person, spec: NoteSpec, options: ApplicationOptions) -> Row:
    """Check a row. Raises `UsageError` and `netpie_creds.ApplicationError`; no network, writes nothing."""
    path = note_path(spec.path)
    application = application_of(person, options)
    return Row(person, spec, application, options.auth, path, _thing_folder(options.cache_dir, path))


def application_of(person: Person, options: ApplicationOptions) -> Application:
    """The row's application; the command line fills in what the row leaves out."""
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
    """The folder of the note's thing: a thing connects once, so notes can't share one."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")[:40]
    digits = hashlib.sha256(path.encode()).hexdigest()[:8]
    return (base or state_dir() / "netpie") / "notes" / f"{words}-{digits}".lstrip("-")


def refuse_shared_paths(rows: Sequence[Row]) -> list[Outcome]:
    """A failure for each row whose note an earlier row has."""
    seen: dict[str, int] = {}
    failed = []
    for row in rows:
        line = seen.setdefault(row.path, row.person.line)
        if line != row.person.line:
            error = UsageError(f"line {line} has the same note", next_step="give each row a note, a topic or an APPID")
            failed.append(Outcome(row.person.line, Result.FAILED, row.path, error=error))
    return failed
