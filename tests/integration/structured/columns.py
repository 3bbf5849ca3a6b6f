"""The rows that the bundle `structured` reads of messages: `python columns.py FOLDER` runs in a Python with Spark.

FOLDER has the note's paragraphs, and `cases.json`: each case with the attributes of `Columns`, a topic, and messages.
Prints the rows of each case, and how many events and malformed ones were counted, as a line of JSON; then how a column
is refused that the note uses itself.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from messages import as_a_stream_has_them

PARAGRAPHS = ("dependencies", "package", "results", "events", "reader")
ARRIVED = datetime(2018, 10, 29, 2, 53, 36, tzinfo=UTC)


def define(folder: Path) -> dict[str, Any]:
    """The names that the note's paragraphs define."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for key in PARAGRAPHS:
        exec(compile((folder / f"{key}.py").read_text(), key, "exec"), names)
    return names


def rows_of(names: dict[str, Any], case: dict[str, Any], rows: str) -> dict[str, Any]:
    """What is read of a case's messages; `rows` is a folder for them."""
    spark = names["spark"]
    reader = names["Reader"](SimpleNamespace(**case["columns"]), 60_000, 10_000, "arrival", False)
    messages = [(bytearray(text.encode()), case["topic"], ARRIVED, ARRIVED) for text in case["messages"]]
    batch = as_a_stream_has_them(spark, messages, reader.in_bulk)
    counted = reader.write(batch, None, rows)
    found = spark.read.parquet(rows).drop("_slice", "_clock").collect()
    return {
        "rows": sorted(json.dumps([shown(value) for value in row]) for row in found),
        "events": counted["events"],
        "malformed": counted["malformed"],
    }


def shown(value: Any) -> Any:
    """A time as it is in UTC."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


if __name__ == "__main__":
    given = Path(sys.argv[1])
    defined = define(given)
    for number, one in enumerate(json.loads((given / "cases.json").read_text())):
        print(json.dumps(rows_of(defined, one, str(given / f"rows-{number}"))))
    try:
        one["columns"].update(fields="id string, _Time double", read="", made=[])
        rows_of(defined, one, str(given / "refused"))
    except ValueError as refused:
        print(refused)
