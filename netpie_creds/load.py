"""Reads APPID, APPKEY and APPSECRET from arguments, a file, the environment or a prompt."""

import csv
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from netpie_creds.errors import ApplicationError
from netpie_creds.model import Application
from netpie_creds.text_file import NotTextError, decode_text, separator_of

VARIABLES = {"appid": "NETPIE_APPID", "appkey": "NETPIE_APPKEY", "appsecret": "NETPIE_APPSECRET"}

_NAMES = {alias: name for name, variable in VARIABLES.items() for alias in (name, variable)}
_SHELL = re.compile(r"\s*(export\s+|set\s+|\$env:)", re.IGNORECASE)  # bash, cmd, PowerShell
_SEPARATOR = re.compile(r"sep=.", re.IGNORECASE)  # Excel's own first line


def load_application(
    appid: str | None = None,
    appkey: str | None = None,
    file: Path | None = None,
    secret_file: Path | None = None,
    env: Mapping[str, str] = os.environ,
    ask_secret: Callable[[], str] | None = None,
    default: Mapping[str, str] | None = None,
    env_first: bool = False,
) -> Application:
    """Return the application, looking for each value in this order: the arguments, `file`, the environment, `default`;
    with `env_first` the environment before `file`.

    `file` is TOML (`*.toml`), lines of `NAME=VALUE` (or with a spreadsheet's separator), or a spreadsheet's header and
    row; the names are appid, appkey and appsecret, or those of the environment: NETPIE_APPID, NETPIE_APPKEY and
    NETPIE_APPSECRET. The secret is never an argument: it comes from `secret_file` (its whole content), `file`, the
    environment, or `ask_secret`.

    Raises: ApplicationError when a value is missing or invalid, or a file can't be read.
    """
    given = {"appid": appid or "", "appkey": appkey or ""}
    if secret_file is not None:
        given["appsecret"] = _read(secret_file, "write the APPSECRET there and nothing else").strip()
    in_file = read_application_file(file) if file is not None else {}
    in_env = {name: env.get(variable, "").strip() for name, variable in VARIABLES.items()}
    sources = (given, *((in_env, in_file) if env_first else (in_file, in_env)), default or {})
    values = {name: next((each[name] for each in sources if each.get(name)), "") for name in VARIABLES}
    missing = [name for name in ("appid", "appkey") if not values[name]]
    if missing:
        raise ApplicationError(
            f"no {' and no '.join(name.upper() for name in missing)} given",
            next_step="give " + ", ".join(f"--{name} or {VARIABLES[name]}" for name in missing),
        )
    if not values["appsecret"] and ask_secret is not None:
        values["appsecret"] = ask_secret().strip()
    if not values["appsecret"]:
        raise ApplicationError(
            f"no APPSECRET given for APPKEY {values['appkey']}",
            next_step="set NETPIE_APPSECRET, or name a file with --secret-file",
        )
    return Application(**values)


def read_application_file(file: Path) -> dict[str, str]:
    """Return appid, appkey and appsecret, as far as `file` has them.

    Raises: ApplicationError when it can't be read, or has another name or a malformed line.
    """
    return read_pairs(file, _NAMES)


def read_pairs(file: Path, names: Mapping[str, str]) -> dict[str, str]:
    """Return what `file` has of `names`, which are by what it may call them, in any case.

    The file is TOML (`*.toml`), lines of `NAME=VALUE`, or a spreadsheet's header and row.

    Raises: ApplicationError when it can't be read, or has another name or a malformed line.
    """
    known = {alias.lower(): name for alias, name in names.items()}
    kinds = list(dict.fromkeys(names.values()))
    listed = " or ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))
    as_pairs = f"write {' and '.join(filter(None, (', '.join(kinds[:-1]), kinds[-1])))} as NAME=VALUE or TOML"
    try:
        text = _read(file, as_pairs)
        pairs = _toml(text) if file.suffix.lower() == ".toml" else _lines(text, known)
        unknown = next((name for name in pairs if name.lower() not in known), None)
        if unknown is not None:
            raise _MalformedError(f"{ascii(unknown)} is not {listed}")
    except _MalformedError as error:
        raise ApplicationError(f"{file}: {error}", next_step=as_pairs) from None  # the cause may hold the file's text
    return {known[name.lower()]: value for name, value in pairs.items()}


class _MalformedError(Exception):
    """What a file with credentials can't have in it."""


def _read(file: Path, next_step: str) -> str:
    try:
        return decode_text(file.read_bytes())
    except OSError as error:
        raise ApplicationError(f"{file}: {error.strerror}", next_step="name a file that can be read") from error
    except NotTextError as error:
        raise ApplicationError(f"{file}: {error}", next_step=next_step) from error


def _toml(text: str) -> dict[str, str]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _MalformedError(str(error)) from None
    for name, value in content.items():
        if not isinstance(value, str):
            raise _MalformedError(f"{name} is not a string")
    return content


def _lines(text: str, known: Mapping[str, str]) -> dict[str, str]:
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if lines and _SEPARATOR.fullmatch(lines[0][1]):
        del lines[0]
    table = _table([line for _, line in lines], known)
    if table:
        return table
    # a spreadsheet's separator counts only after a name that is known: a value may hold any of them
    in_cells = re.compile(rf'"?({"|".join(map(re.escape, known))})"?\s*[;,\t:](.*)', re.IGNORECASE)
    pairs = {}
    for number, line in lines:
        cells = in_cells.fullmatch(line)
        name, equals, value = (cells[1], "=", cells[2].rstrip(";,\t ")) if cells else line.partition("=")
        if not equals:
            raise _MalformedError(f"line {number} is not NAME=VALUE")
        pairs[_SHELL.sub("", name).strip()] = _unquoted(value.strip())
    return pairs


def _table(lines: list[str], known: Mapping[str, str]) -> dict[str, str]:
    """The pairs of a spreadsheet's header and row; empty where the lines are none."""
    if len(lines) != 2:
        return {}
    try:
        header, row = csv.reader(lines, delimiter=separator_of(lines[0]), strict=True)
    except csv.Error:
        return {}
    names = ["".join(name.split()) for name in header]
    if len(names) < 2 or len(row) != len(names) or not {name.lower() for name in names} <= known.keys():
        return {}
    return dict(zip(names, map(str.strip, row), strict=True))


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
