"""The checked rows of a class: each has its own note, application and thing."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netpie_creds import Application, NetpieError, load_application
from provision.bundles.bundle import Bundle
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import Person
from provision.classroom.side_by_side import AnyRow
from provision.embedded.stack import Stack
from provision.errors import ProvisionError, UsageError
from provision.home import state_dir
from provision.options.application import UNKNOWN, ApplicationOptions
from provision.options.note import NoteOptions
from provision.prepare import NoteSpec, asked_spec, check_each_value
from zeppelin_sdk import note_path


@dataclass(frozen=True)
class Row:
    """A row ready to be written; `spec` is what is asked of its note, by `pairs`; `folder` holds its thing's cache."""

    person: Person
    pairs: tuple[str, ...]
    spec: NoteSpec
    application: Application
    auth: str
    path: str
    folder: Path

    @property
    def line(self) -> int:
        return self.person.line


def class_rows(
    people: Sequence[Person], bundle: Bundle, options: NoteOptions, embedded: Stack | None, *, planning: bool = False
) -> tuple[list[Row], list[Outcome]]:
    """The rows that can be written, and the failures of those that can't; `planning` needs no secrets.

    Raises `UsageError` for a parameter of the options that is wrong whatever the rows have.
    """
    check_each_value(bundle, options.pairs)
    rows, refused = [], []
    default = {"appsecret": UNKNOWN} if planning else {}
    for person in people:
        try:
            rows.append(_row(person, bundle, options, embedded, default))
        except (ProvisionError, NetpieError) as error:
            refused.append(Outcome(person.line, Result.FAILED, person.note, error=error))
    refused += refuse_shared_paths(rows)
    lines = {outcome.line for outcome in refused}
    return [row for row in rows if row.line not in lines], [replace(each, more={"cache": ""}) for each in refused]


def _row(
    person: Person, bundle: Bundle, options: NoteOptions, embedded: Stack | None, default: Mapping[str, str]
) -> Row:
    named = options.application_for(embedded) if not person.appkey else options.application
    application = application_of(person, named, default)
    pairs = (*options.pairs, *(f"{name}={value}" for name, value in person.parameters.items()))
    spec = asked_spec(bundle, pairs, application.appid, person.note or None)
    path = note_path(spec.path)
    return Row(person, pairs, spec, application, named.auth, path, _thing_folder(named.cache_dir, path))


def application_of(person: Person, options: ApplicationOptions, default: Mapping[str, str]) -> Application:
    """The row's application; the command line fills in what the row leaves out, and `default` what neither has.

    Raises `netpie_creds.ApplicationError`.
    """
    if person.appsecret:
        appid, appkey = person.appid or options.appid or "", person.appkey or options.appkey or ""
        return Application(appid=appid, appkey=appkey, appsecret=person.appsecret)
    return load_application(
        appid=person.appid or options.appid,
        appkey=person.appkey or options.appkey,
        file=options.credentials_file,
        secret_file=person.secret_file or options.secret_file,
        default=default,
    )


def _thing_folder(base: Path | None, path: str) -> Path:
    """The folder of the note's thing: a thing connects once, so notes can't share one."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")[:40]
    digits = hashlib.sha256(path.encode()).hexdigest()[:8]
    return (base or state_dir() / "netpie") / "notes" / f"{words}-{digits}".lstrip("-")


def refuse_shared_paths(rows: Sequence[AnyRow]) -> list[Outcome]:
    """A failure for each row whose note an earlier row has."""
    seen: dict[str, int] = {}
    failed = []
    for row in rows:
        line = seen.setdefault(row.path, row.line)
        if line != row.line:
            error = UsageError(f"line {line} has the same note", next_step="give each row a note, a topic or an APPID")
            failed.append(Outcome(row.line, Result.FAILED, row.path, error=error))
    return failed
