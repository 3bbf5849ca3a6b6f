"""Windows as Parquet, a folder a day."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

from .._dataset import MIB, Table
from .._window import END, Window, at


class ParquetForm:
    suffix, by_day, full = ".parquet", True, MIB

    def fits(self, data: bytes, window: Window) -> bool:
        import pyarrow.parquet

        return bool(pyarrow.parquet.read_schema(io.BytesIO(data)).equals(_schema(window)))

    def joined(self, data: bytes, window: Window) -> bytes:
        import pyarrow as pa

        columns = [[at(window.end * 1000)] * len(window.rows)]
        columns += [[_value(kind, row[n]) for row in window.rows] for n, kind in enumerate(window.kinds)]
        schema = _schema(window)
        new = pa.table([pa.array(each, field.type) for each, field in zip(columns, schema)], schema=schema)
        return _bytes(pa.concat_tables([_table(data), new]) if data else new)

    def ends(self, data: bytes) -> set[int]:
        return {round(each.timestamp() * 1000) for each in _table(data).column(END).unique().to_pylist()}

    def without(self, data: bytes, end: int) -> bytes:
        import pyarrow as pa
        import pyarrow.compute as pc

        table = _table(data)
        rest = table.filter(pc.not_equal(table.column(END), pa.scalar(at(end * 1000), table.schema.field(END).type)))
        return _bytes(rest) if rest.num_rows else b""


class Parquet(Table):
    """One table in Parquet files."""

    form = ParquetForm()


def _table(data: bytes) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(data), use_threads=False)


def _bytes(table: Any) -> bytes:
    import pyarrow.parquet

    written = io.BytesIO()
    pyarrow.parquet.write_table(table, written)
    return written.getvalue()


def _schema(window: Window) -> Any:
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    fields = [(END, time), *zip(window.columns, map(_type, window.kinds))]
    return pa.schema([pa.field(name, kind) for name, kind in fields])


def _type(kind: str) -> Any:
    import pyarrow as pa

    if kind.startswith("decimal"):
        return pa.decimal128(*map(int, kind[len("decimal(") : -1].split(",")))
    usual = {
        "timestamp": pa.timestamp("us", tz="UTC"), "date": pa.date32(), "boolean": pa.bool_(), "tinyint": pa.int8(),
        "smallint": pa.int16(), "int": pa.int32(), "bigint": pa.int64(), "float": pa.float32(), "double": pa.float64(),
    }  # fmt: skip
    return usual.get(kind, pa.string())


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "timestamp":
        return at(value)
    if kind == "date":
        return date.fromisoformat(value)
    return Decimal(value) if kind.startswith("decimal") else value
