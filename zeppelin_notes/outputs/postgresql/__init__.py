"""Windows into a table of PostgreSQL."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .._requires import required
from .._window import END, Window, iso

DRIVER = "pg8000>=1.30,<2"
TIMEOUT = 10.0
"""Seconds that the database has for an answer."""
_TYPES = {
    "timestamp": "timestamptz", "timestamp_ntz": "timestamp", "date": "date", "boolean": "boolean",
    "tinyint": "smallint", "smallint": "smallint", "int": "integer", "bigint": "bigint",
    "float": "real", "double": "double precision",
}  # fmt: skip


class Postgresql:
    """Writes rows to `table`, which is made when it is missing, as are columns.

    A row takes the place of the one with the same end of the window and the same `keys`; where the query has no such
    columns, a window's rows that of all the window's. A window is there whole or not at all. `url` is
    postgresql://HOST:PORT/DATABASE, with ?sslmode=require or verify-full for TLS (and sslrootcert=FILE).
    """

    def __init__(self, url: str, table: str, keys: list[str], user: str, password: str) -> None:
        self._driver = required("pg8000.native", DRIVER)
        place = urlsplit(url)
        self._place = f"{place.hostname}:{place.port or 5432}"
        self._login = {
            "user": user, "password": password, "host": place.hostname or "localhost", "port": place.port or 5432,
            "database": unquote(place.path.lstrip("/")) or user, "timeout": TIMEOUT, "ssl_context": _tls(place.query),
        }  # fmt: skip
        self._table, self._keys = ".".join(map(_quoted, table.split("."))), keys
        self._index = _quoted(f"{table.replace('.', '_')[:40]}_window")
        self._connection: Any = None
        self._known: set[tuple[str, ...]] = set()

    def write(self, window: Window) -> None:
        try:
            if self._connection is None:
                self._connection = self._driver.Connection(**self._login)
            self._connection.run("begin")
            self._put(window)
            self._connection.run("commit")
        except Exception as problem:  # noqa: BLE001 - whatever it is, the connection is of no use
            self.close()
            raise OSError(f"{self._place}: {_reason(problem)}") from None

    def _put(self, window: Window) -> None:
        if (*window.columns, *window.kinds) not in self._known:
            self._prepare(window)
        columns = {END: "timestamptz", **dict(zip(window.columns, map(_type, window.kinds)))}
        names = ", ".join(map(_quoted, columns))
        fields = ", ".join(f"{_quoted(name)} {kind}" for name, kind in columns.items())
        new = f"jsonb_to_recordset(cast(:rows as jsonb)) new({fields})"
        keys = self._keys if self._keys and set(self._keys) <= set(window.columns) else []
        rows = _json(window)
        if keys:
            same = " and ".join(f"old.{_quoted(key)} is not distinct from new.{_quoted(key)}" for key in (END, *keys))
            self._connection.run(f"delete from {self._table} old using {new} where {same}", rows=rows)  # noqa: S608
        else:
            whole = f"delete from {self._table} where {_quoted(END)} = cast(:ended as timestamptz)"  # noqa: S608
            self._connection.run(whole, ended=window.ended)
        self._connection.run(f"insert into {self._table} ({names}) select {names} from {new}", rows=rows)  # noqa: S608

    def _prepare(self, window: Window) -> None:
        end = f"{_quoted(END)} timestamptz not null"
        self._connection.run(f"create table if not exists {self._table} ({end})")
        self._connection.run(f"create index if not exists {self._index} on {self._table} ({_quoted(END)})")
        for name, kind in zip(window.columns, window.kinds):
            self._connection.run(f"alter table {self._table} add column if not exists {_quoted(name)} {_type(kind)}")
        self._known.add((*window.columns, *window.kinds))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        self._known.clear()
        if connection is not None:
            with suppress(Exception):  # it has broken
                connection.close()


def _reason(problem: BaseException) -> str:
    """What the server says (its message is field M of a dict), or the driver."""
    said = problem.args[0] if problem.args else ""
    return str(said.get("M", said)) if isinstance(said, dict) else str(problem) or type(problem).__name__


def _tls(query: str) -> ssl.SSLContext | None:
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    mode = asked.get("sslmode", "disable")
    if mode not in ("disable", "require", "verify-ca", "verify-full"):
        raise ValueError(f"sslmode={mode} is not disable, require, verify-ca or verify-full")
    if mode == "disable":
        return None
    context = ssl.create_default_context(cafile=asked.get("sslrootcert"))
    context.check_hostname = mode == "verify-full"
    if mode == "require" and "sslrootcert" not in asked:
        context.verify_mode = ssl.CERT_NONE
    return context


def _name(name: str) -> str:
    """A name as PostgreSQL has it: without NUL, and of a longer one 63 bytes."""
    return name.replace("\0", "").encode()[:63].decode(errors="ignore")


def _quoted(name: str) -> str:
    return '"' + _name(name).replace('"', '""') + '"'


def _type(kind: str) -> str:
    return f"numeric{kind[len('decimal') :]}" if kind.startswith("decimal") else _TYPES.get(kind, "text")


def _json(window: Window) -> str:
    """The rows as jsonb takes them: it has no NUL, and numbers that JSON has not are texts."""
    rows = [
        {
            END: window.ended,
            **{_name(name): _value(kind, each) for name, kind, each in zip(window.columns, window.kinds, row)},
        }
        for row in window.rows
    ]
    return json.dumps(rows)


def _value(kind: str, value: Any) -> Any:
    if kind == "timestamp" and value is not None:
        return iso(value)
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value.replace("\0", "") if isinstance(value, str) else value
