"""The rows of one window, in values that JSON has and every output can write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

END = "window_end"
"""What outputs call the column that has the window's end."""
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_AS_TEXT = ("date", "timestamp_ntz", "decimal", "void", "interval", "variant")
_NESTED = ("struct", "array", "map")
_AS_IT_IS = ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string")


@dataclass(frozen=True)
class Window:
    """The window that ends at `end` (ms since 1970), its rows in order.

    `kinds` are Spark's names of the columns' types. A timestamp is in µs since 1970, a date and a decimal are texts,
    bytes are base64, and what is nested is JSON.
    """

    end: int
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def ended(self) -> str:
        """Its end in ISO 8601, UTC."""
        return iso(self.end * 1000) or ""

    def to_json(self) -> str:
        return json.dumps({"end": self.end, "columns": self.columns, "kinds": self.kinds, "rows": self.rows})

    @classmethod
    def from_json(cls, text: str) -> Window:
        """Raises ValueError, KeyError or TypeError for what `to_json` has not made."""
        found = json.loads(text)
        rows = tuple(tuple(row) for row in found["rows"])
        return cls(int(found["end"]), tuple(found["columns"]), tuple(found["kinds"]), rows)

    def records(self) -> list[dict[str, Any]]:
        """A row each by column, with the window's end, times in ISO 8601; a number that JSON has not is null."""
        names = (END, *self.columns)
        return [dict(zip(names, (self.ended, *map(_in_json, self.kinds, row)))) for row in self.rows]


def window_of(rows: Any, end: int) -> Window:
    """The rows of a data frame of Spark's."""
    from pyspark.sql import functions

    kinds = [field.dataType.simpleString() for field in rows.schema.fields]
    places = [f"c{number}" for number in range(len(kinds))]
    plain = rows.toDF(*places).select(*(functions.expr(_plain(place, kind)) for place, kind in zip(places, kinds)))
    names = unique(END, *rows.columns)[1:]
    written = (kind if _is(kind, ("timestamp", *_AS_IT_IS, *_AS_TEXT)) else "string" for kind in kinds)
    return Window(end, names, tuple(written), tuple(tuple(row) for row in plain.collect()))


def _plain(place: str, kind: str) -> str:
    """The SQL for a column's value as a window has it."""
    if _is(kind, ("timestamp",)):
        return f"unix_micros({place})"
    if _is(kind, ("binary",)):
        return f"base64({place})"
    if _is(kind, _NESTED):
        return f"to_json({place})"
    return place if _is(kind, _AS_IT_IS) else f"cast({place} as string)"


def _is(kind: str, names: tuple[str, ...]) -> bool:
    return kind.partition("(")[0].partition("<")[0].split(" ")[0] in names


def unique(*names: str) -> tuple[str, ...]:
    """The names, with a number behind one that has been before."""
    found: list[str] = []
    for name in names:
        candidates = (name, *(f"{name}_{number}" for number in range(2, len(names) + 2)))
        found.append(next(each for each in candidates if each not in found))
    return tuple(found)


def at(micros: int) -> datetime | None:
    """The time, in UTC; None for one that no calendar of Python's has."""
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def iso(micros: int) -> str | None:
    """The time in ISO 8601, UTC."""
    time = at(micros)
    return time.isoformat().replace("+00:00", "Z") if time else None


def _in_json(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "timestamp":
        return iso(value)
    if kind.startswith("decimal"):
        return float(value)
    return None if isinstance(value, float) and value - value != 0 else value
