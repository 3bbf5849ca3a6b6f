"""The CSV file of a class: one person's note per row."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netpie_creds.text_file import NotTextError, decode_text, separator_of
from provision.bundles.bundle import Bundle
from provision.errors import UsageError, nearest
from provision.platforms import all_fields
from provision.platforms.platform import AccountField
from zeppelin_sdk import Permissions

PERMISSIONS = {"owner": "owners", "readers": "readers", "writers": "writers", "runners": "runners"}
SERVER = ("zeppelin_user", "zeppelin_password_file")
SEPARATOR = ";"


@dataclass(frozen=True)
class Person:
    """One row; `line` is its number in the file, `parameters` are the bundle's, `account` fields of its account.

    Missing values are empty.
    """

    line: int
    parameters: Mapping[str, str]
    account: Mapping[str, str] = field(default_factory=dict, repr=False)
    platform: str = ""
    secret_file: Path | None = None
    note: str = ""
    permissions: Permissions | None = None
    user: str = ""
    password_file: Path | None = None

    @property
    def names_account(self) -> bool:
        """Whether the row says who connects, and not only where the topics are."""
        return bool(self.platform or self.account.keys() - {"appid"})


def columns_of(file: Path) -> list[str]:
    """The names in the file's first line. Raises `UsageError` for what is no CSV."""
    return _columns(_rows(file))


def read_people(file: Path, bundle: Bundle) -> list[Person]:
    """The non-empty rows of `file`. Raises `UsageError` for what is no such CSV and for unknown columns.

    A row's relative file names are relative to `file`.
    """
    rows = _rows(file)
    columns = _columns(rows)
    _check_columns(file, columns, bundle)
    people = [_person(file, line, columns, cells, bundle) for line, cells in rows[1:] if any(map(str.strip, cells))]
    if not people:
        raise UsageError(f"{file}: no rows in it", next_step="write a line with the columns, then a line a person")
    return people


def _columns(rows: Sequence[tuple[int, list[str]]]) -> list[str]:
    return [cell.strip() for cell in rows[0][1]] if rows else []


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """The rows with the number of each one's last line, in Excel's encodings and with any of its separators."""
    try:
        lines = decode_text(file.read_bytes()).splitlines(keepends=True)
        named = re.fullmatch(r"sep=(.)\s*", lines[0], re.IGNORECASE) if lines else None  # Excel's own first line
        skipped = 1 if named else 0
        header = next((line for line in lines[skipped:] if line.strip()), "")
        reader = csv.reader(lines[skipped:], delimiter=named[1] if named else separator_of(header), strict=True)
        return [(reader.line_num + skipped, cells) for cells in reader]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="name a file that can be read") from error
    except NotTextError as error:
        raise UsageError(f"{file}: {error}", next_step="save it as CSV UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{file}: no CSV: {error}", next_step="fix its quotes") from error


def _check_columns(file: Path, columns: Sequence[str], bundle: Bundle) -> None:
    known = sorted({*_account_columns(), "platform", "secret_file", "note", *PERMISSIONS, *SERVER, *bundle.parameters})
    unknown = [column for column in columns if column not in known]
    if unknown:
        raise UsageError(
            f"{file}: unknown column {unknown[0]!r}",
            next_step=nearest(unknown[0], known, f"there are {', '.join(known)}"),
        )
    twice = [column for column in columns if columns.count(column) > 1]
    if twice:
        raise UsageError(f"{file}: column {twice[0]!r} is there twice", next_step="leave one out")


def _person(file: Path, line: int, columns: Sequence[str], cells: Sequence[str], bundle: Bundle) -> Person:
    if len(cells) > len(columns):
        raise UsageError(
            f"{file}:{line}: {len(cells)} cells, and {len(columns)} columns",
            next_step='put a value with a comma, a semicolon or a tab in it between "quotes"',
        )
    row = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()}
    fields = _account_columns()
    lists = {each: row[column].split(SEPARATOR) for column, each in PERMISSIONS.items() if column in row}
    names = {each: frozenset(name.strip() for name in some if name.strip()) for each, some in lists.items()}
    return Person(
        line=line,
        parameters={name: row[name] for name in bundle.parameters if name in row and name != "appid"},
        account={
            name: _value(file, row[name], each)
            for name, each in fields.items()
            if name in row and (name == "appid" or name not in bundle.parameters)
        },
        platform=row.get("platform", ""),
        secret_file=_beside(file, row.get("secret_file")),
        note=row.get("note", ""),
        permissions=Permissions(**names) if names else None,
        user=row.get("zeppelin_user", ""),
        password_file=_beside(file, row.get("zeppelin_password_file")),
    )


def _account_columns() -> dict[str, AccountField]:
    return {name: each for name, each in all_fields().items() if not each.is_server}


def _value(file: Path, text: str, each: AccountField) -> str:
    return str(_beside(file, text)) if each.is_file else text


def _beside(file: Path, name: str | None) -> Path | None:
    return file.parent / Path(name).expanduser() if name else None
