"""Reads APPID, APPKEY and APPSECRET from arguments, a file, the environment or a prompt."""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from netpie_creds.errors import ApplicationError
from netpie_creds.model import Application

VARIABLES = {"appid": "NETPIE_APPID", "appkey": "NETPIE_APPKEY", "appsecret": "NETPIE_APPSECRET"}


def load_application(
    appid: str | None = None,
    appkey: str | None = None,
    file: Path | None = None,
    secret_file: Path | None = None,
    env: Mapping[str, str] = os.environ,
    ask_secret: Callable[[], str] | None = None,
) -> Application:
    """Return the application, looking for each value in this order: the arguments, `file`, the environment.

    `file` is TOML (`*.toml`) or lines of `NAME=VALUE`, with appid, appkey and appsecret or the names of the
    environment, NETPIE_APPID, NETPIE_APPKEY and NETPIE_APPSECRET. The secret is never an argument: it comes
    from `secret_file` (its whole content), `file`, the environment, or `ask_secret`.

    Raises: ApplicationError when a value is missing or invalid, or a file can't be read.
    """
    given = {"appid": appid or "", "appkey": appkey or ""}
    if secret_file is not None:
        given["appsecret"] = _read(secret_file).strip()
    in_file = read_application_file(file) if file is not None else {}
    values = {
        name: given.get(name) or in_file.get(name) or env.get(variable, "") for name, variable in VARIABLES.items()
    }
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
    text = _read(file)
    pairs = _toml(file, text) if file.suffix == ".toml" else _lines(file, text)
    names = {alias.lower(): name for name, variable in VARIABLES.items() for alias in (name, variable)}
    values = {}
    for name, value in pairs.items():
        if name.lower() not in names:
            raise _malformed(file, f"{ascii(name)} is not appid, appkey or appsecret")
        values[names[name.lower()]] = value
    return values


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ApplicationError(f"{file}: {error.strerror}", next_step="name a file that can be read") from error
    except UnicodeDecodeError:
        raise _malformed(file, "it is not text") from None  # the cause would hold the file's bytes


def _toml(file: Path, text: str) -> dict[str, str]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(file, str(error)) from None  # the cause may hold the file's text
    for name, value in content.items():
        if not isinstance(value, str):
            raise _malformed(file, f"{name} is not a string")
    return content


def _lines(file: Path, text: str) -> dict[str, str]:
    pairs = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise _malformed(file, f"line {number} is not NAME=VALUE")
        pairs[name.strip()] = _unquoted(value.strip())
    return pairs


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _malformed(file: Path, cause: str) -> ApplicationError:
    return ApplicationError(f"{file}: {cause}", next_step="write appid, appkey and appsecret as NAME=VALUE or TOML")
