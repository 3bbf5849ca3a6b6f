"""JSON objects read a batch at a time, by Arrow's reader. Runs in Spark's workers."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as compute
from pyarrow.json import ParseOptions, ReadOptions, read_json

from pyspark_mqtt._errors import OptionError

COLUMN = "json"

_TIMESTAMP = pa.timestamp("us", tz="UTC")
_TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "long": pa.int64(),
    "double": pa.float64(),
    "timestamp": _TIMESTAMP,
}
_NAMES = {kind: name for name, kind in reversed(_TYPES.items())}
_FIELD = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([A-Za-z_]\w*))\s*(?::\s*|\s+)([A-Za-z]+)\s*(,|\Z)")

_TIME = (
    r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-7]):?[0-5][0-9])$"
)
"""The times that Arrow and Spark read alike."""

_LEAST = 32
"""Rows that are left out together where one of them can't be read."""


@dataclass(frozen=True)
class JsonFields:
    """The fields that are read of JSON objects, each with its type."""

    fields: tuple[tuple[str, pa.DataType], ...]

    @property
    def type(self) -> pa.DataType:
        """Arrow's type of the column."""
        return pa.struct(list(self.fields))

    @property
    def ddl(self) -> str:
        """The column, as Spark's schemas have it."""
        inner = ", ".join(f"`{name.replace('`', '``')}`: {_NAMES[kind]}" for name, kind in self.fields)
        return f"{COLUMN} struct<{inner}>"

    def read(self, values: list[bytes]) -> pa.Array:
        """A struct for each value; null where it is not one JSON object with these types, or may be.

        What is there is what `from_json` makes of it. Where there is null, it may make something of it too: Arrow's
        reader is the stricter one, and leaves neighbours of what it can't read out as well.
        """
        kept = [value[:1] == b"{" and value[-1:] == b"}" for value in values]
        if all(kept):
            return pa.concat_arrays(self._parts(values))
        read = pa.concat_arrays(self._parts([value for value, keep in zip(values, kept) if keep]))
        places, next_one = [], 0
        for keep in kept:
            places.append(next_one if keep else None)
            next_one += keep
        return read.take(pa.array(places, pa.int64()))

    def _parts(self, values: list[bytes]) -> list[pa.Array]:
        """The values read, in halves where something in them can't be."""
        if not values:
            return [pa.nulls(0, self.type)]
        try:
            return [self._together(values)]
        except (pa.ArrowException, ValueError):
            if len(values) <= _LEAST:
                return [pa.nulls(len(values), self.type)]
            half = len(values) // 2
            return self._parts(values[:half]) + self._parts(values[half:])

    def _together(self, values: list[bytes]) -> pa.Array:
        """All values read. Raises ValueError or an Arrow error where one of them can't be.

        Each begins with { and ends with }, so no object reaches from one value into the next: where there are as many
        objects as values, each value is one.
        """
        text = b"\n".join(values)
        text.decode()  # Arrow takes any bytes
        schema = pa.schema([(name, pa.string() if kind == _TIMESTAMP else kind) for name, kind in self.fields])
        table = read_json(
            pa.BufferReader(text),
            read_options=ReadOptions(use_threads=False, block_size=len(text) + 1),
            parse_options=ParseOptions(
                explicit_schema=schema, newlines_in_values=True, unexpected_field_behavior="ignore"
            ),
        )
        if table.num_rows != len(values):
            raise ValueError("not one object each")
        columns = [self._column(table[name].combine_chunks(), kind) for name, kind in self.fields]
        return pa.StructArray.from_arrays(columns, fields=list(self.type))

    @staticmethod
    def _column(read: pa.Array, kind: pa.DataType) -> pa.Array:
        if kind == _TIMESTAMP:
            if compute.all(compute.match_substring_regex(read, _TIME)).as_py() is False:
                raise ValueError("times that Spark may read otherwise")
            return compute.cast(read, kind)
        if kind == pa.float64() and compute.all(compute.is_finite(read)).as_py() is False:
            raise ValueError("numbers that are none in JSON")
        return read


def json_fields(name: str, text: str) -> JsonFields:
    """The fields of a flat schema such as ``id string, `room 1` double``; raises `OptionError` for another one.

    `name` is the option's.
    """
    fields: dict[str, pa.DataType] = {}
    at = 0
    while at < len(text) or not fields:
        found = _FIELD.match(text, at)
        kind = _TYPES.get(found[3].lower()) if found else None
        if not found or kind is None or (found[4] and found.end() == len(text)):
            known = ", ".join(sorted(_NAMES.values()))
            raise OptionError(f"option {name} is {text!r}", f"it is a list of names, each with a type: {known}")
        field = found[1].replace("``", "`") if found[1] else found[2]
        if field.lower() in map(str.lower, fields):
            raise OptionError(f"option {name} has the field {field} twice")
        fields[field] = kind
        at = found.end()
    return JsonFields(tuple(fields.items()))
