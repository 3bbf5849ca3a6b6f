"""The CSV file of a class: one person's note per row."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netpie_creds.text_file import NotTextError, decode_text, separator_of
from provision.bundles.bundle import Bundle
from provision.errors import UsageError, nearest
from zeppelin_sdk import Permissions

APPLICATION = ("appid", "appkey", "appsecret", "secret_file")
PERMISSIONS = {"owner": "owners", "readers": "readers", "writers": "writers", "runners": "runners"}
SERVER = ("zeppelin_user", "zeppelin_password_file")
SEPARATOR = ";"


@dataclass(frozen=True)
class Person:
    """One row; `line` is its number in the file, `parameters` are the bundle's. Missing values are empty."""

    line: int
    parameters: Mapping[str, str]
    appid: str = ""
    appkey: str = ""
    appsecret: str = field(default="", repr=False)
    secret_file: Path | None = None
    note: str = ""
    permissions: Permissions | None = None
    user: str = ""
    password_file: Path | None = None


def read_people(file: Path, bundle: Bundle) -> list[Person]:
    """The non-empty rows of `file`. Raises `UsageError` for what is no such CSV and for unknown columns.

    A row's relative file names are relative to `file`.
    """
    rows = _rows(file)
    columns = [cell.strip() for cell in rows[0][1]] if rows else []
    _check_columns(file, columns, bundle)
    people = [_person(file, line, columns, cells, bundle) for line, cells in rows[1:] if any(map(str.strip, cells))]
    if not people:
        raise UsageError(f"{file}: no rows in it", next_step="write a line with the columns, then a line a person")
    return people


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
    known = sorted({*APPLICATION, "note", *PERMISSIONS, *SERVER, *bundle.parameters})
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
    lists = {each: row[column].split(SEPARATOR) for column, each in PERMISSIONS.items() if column in row}
    names = {each: frozenset(name.strip() for name in some if name.strip()) for each, some in lists.items()}
    return Person(
        line=line,
        parameters={name: row[name] for name in bundle.parameters if name in row and name != "appid"},
        appid=row.get("appid", ""),
        appkey=row.get("appkey", ""),
        appsecret=row.get("appsecret", ""),
        secret_file=_beside(file, row.get("secret_file")),
        note=row.get("note", ""),
        permissions=Permissions(**names) if names else None,
        user=row.get("zeppelin_user", ""),
        password_file=_beside(file, row.get("zeppelin_password_file")),
    )


def _beside(file: Path, name: str | None) -> Path | None:
    return file.parent / Path(name).expanduser() if name else None
