"""Messages as the note's stream has them, for scripts that give it batches without one."""

from typing import Any

SCHEMA = "value binary, topic string, timestamp timestamp, triggered timestamp"


def as_a_stream_has_them(spark: Any, rows: list[tuple[Any, ...]], fields: str) -> Any:
    """A batch of the rows of `SCHEMA`, with the column of what the source reads in bulk where there are `fields`."""
    if not fields:
        return spark.createDataFrame(rows, SCHEMA)
    from pyspark_mqtt._json import json_fields

    in_bulk = json_fields("jsonSchema", fields)
    read = in_bulk.read([bytes(value or b"") for value, *_ in rows]).to_pylist()
    read = [None if one is None else tuple(one.values()) for one in read]
    return spark.createDataFrame([(*row, one) for row, one in zip(rows, read, strict=True)], f"{SCHEMA}, {in_bulk.ddl}")
