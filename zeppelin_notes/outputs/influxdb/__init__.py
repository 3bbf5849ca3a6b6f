"""Windows into InfluxDB, in line protocol over HTTP: a row is a point, and the same point however often it is sent."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import urlencode

from .._http import Address
from .._labels import ROW, distinct, label
from .._window import Window, unique

LINES = 5000
"""How many points a request has at most, as InfluxDB's documentation advises."""
_WHOLE = ("tinyint", "smallint", "int", "bigint")


class Influxdb:
    """Writes points of `measurement`, at the window's end, with the columns of `tags` as tags and the others as fields.

    Rows of a window with the same tags are told apart by a tag `row`. `bucket` is one of `org`, and `password` a token;
    without `org` it is DATABASE or DATABASE/POLICY of InfluxDB 1, where `user` logs in.
    """

    def __init__(
        self, url: str, bucket: str, org: str = "", measurement: str = "windows", tags: list[str] | None = None,
        user: str = "", password: str = "",
    ) -> None:  # fmt: skip
        where = {"org": org, "bucket": bucket} if org else _database(bucket)
        path = "api/v2/write" if org else "write"
        headers = {"Content-Type": "text/plain; charset=utf-8", **_login(org, user, password)}
        self._address = Address(f"{url.rstrip('/')}/{path}?{urlencode({**where, 'precision': 'ms'})}", headers)
        self._measurement, self._tags = measurement, tags or []

    def write(self, window: Window) -> None:
        lines = points(window, self._measurement, self._tags)
        for first in range(0, len(lines), LINES):
            self._address.post("".join(lines[first : first + LINES]).encode(), {})


def points(window: Window, measurement: str, tags: list[str]) -> list[str]:
    """The lines of a window's rows; a row without a value that InfluxDB can have is none."""
    names = unique("time", ROW, *window.columns)[2:]  # InfluxDB has a `time` of its own
    tagged = sorted((name, n) for n, name in enumerate(names) if window.columns[n] in tags)
    fields = [(_name(name), n) for n, name in enumerate(names) if window.columns[n] not in tags]
    found = []
    for row, again in distinct(window.rows, [number for _, number in tagged]):
        values = [(name, _field(window.kinds[number], row[number])) for name, number in fields]
        given = ",".join(f"{name}={value}" for name, value in values if value is not None)
        own = [(name, label(window.kinds[number], row[number])) for name, number in tagged]
        told = [
            f",{_name(name)}={_name(text)}" for name, text in (*own, (ROW, str(again) if again > 1 else "")) if text
        ]
        if given:
            found.append(f"{_name(measurement, also='')}{''.join(told)} {given} {window.end}\n")
    return found


def _database(bucket: str) -> dict[str, str]:
    database, _, policy = bucket.partition("/")
    return {"db": database, **({"rp": policy} if policy else {})}


def _login(org: str, user: str, password: str) -> dict[str, str]:
    if not password:
        return {}
    if org:
        return {"Authorization": f"Token {password}"}
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _name(text: str, also: str = "=") -> str:
    """A measurement, a tag, or a field's name. A backslash that would take a sign's meaning away becomes a slash."""
    line = re.sub(r"[\r\n\t\0]", " ", text)
    safe = re.sub(rf"\\+(?=[, {also}]|$)", lambda found: "/" * len(found[0]), line)
    return re.sub(rf"[, {also}]", lambda found: f"\\{found[0]}", safe)


def _field(kind: str, value: Any) -> str | None:
    """A field's value; None for one that InfluxDB has none for."""
    if value is None or (isinstance(value, float) and value - value != 0):
        return None
    if kind == "boolean":
        return "true" if value else "false"
    if kind in _WHOLE:
        return f"{value}i"
    if kind in ("float", "double") or kind.startswith("decimal"):
        return repr(float(value))
    quoted = label(kind, value).replace("\0", "").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
