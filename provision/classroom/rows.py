"""The checked rows of a class: each has its own note, application and thing."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netpie_creds import NetpieError
from provision.bundles.bundle import Bundle
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import Person
from provision.classroom.side_by_side import AnyRow
from provision.embedded.stack import Stack
from provision.errors import ProvisionError, UsageError
from provision.home import state_dir
from provision.options.application import ApplicationOptions
from provision.options.note import NoteOptions, with_broker
from provision.platforms import chosen_platform
from provision.platforms.platform import Place, PlatformAccount, Seeking
from provision.prepare import NoteSpec, asked_spec, check_each_value
from zeppelin_sdk import note_path


@dataclass(frozen=True)
class Row:
    """A row ready to be written; `spec` is what is asked of its note, by `pairs`; its account is kept in its folder."""

    person: Person
    pairs: tuple[str, ...]
    spec: NoteSpec
    account: PlatformAccount
    path: str

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
    for person in people:
        try:
            rows.append(_row(person, bundle, options, embedded, planning=planning))
        except (ProvisionError, NetpieError) as error:
            refused.append(Outcome(person.line, Result.FAILED, person.note, error=error))
    refused += refuse_shared_paths(rows)
    lines = {outcome.line for outcome in refused}
    return [row for row in rows if row.line not in lines], [replace(each, more={"cache": ""}) for each in refused]


def _row(person: Person, bundle: Bundle, options: NoteOptions, embedded: Stack | None, *, planning: bool) -> Row:
    pairs = (*options.pairs, *(f"{name}={value}" for name, value in person.parameters.items()))
    options = replace(options, pairs=pairs)
    named = with_broker(options.application, pairs) if person.names_account else options.application_for(embedded)
    account = account_of(person, named, planning=planning)
    spec = asked_spec(bundle, pairs, account.place, person.note or None)
    path = note_path(spec.path)
    return Row(person, pairs, spec, account.kept_in(_row_folder(named.given.folder, path)), path)


def account_of(person: Person, options: ApplicationOptions, *, planning: bool = False) -> PlatformAccount:
    """The row's account; the command line fills in what the row leaves out. With `planning` a secret may be missing.

    Raises `ProvisionError` or `netpie_creds.NetpieError` for one that is not whole.
    """
    given = options.given
    own = replace(given, values={**given.values, **person.account}, secret_file=person.secret_file or given.secret_file)
    platform = chosen_platform(own, person.platform or options.platform_name)
    return platform.account(own, Seeking(planning=planning))


def place_of(person: Person, options: ApplicationOptions) -> Place:
    """Where the row's topics are. Raises as `account_of`."""
    own = replace(options.given, values={**options.given.values, **person.account})
    return chosen_platform(own, person.platform or options.platform_name).place(own)


def _row_folder(base: Path | None, path: str) -> Path:
    """The folder of what is kept for the note: a thing connects once, so notes can't share one."""
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
