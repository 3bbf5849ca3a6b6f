"""A note that runs with outputs: how it is asked for them, and the tables of CSV and Parquet that they write."""

import csv
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow.parquet

from bench.postgres import PASSWORD, USER, Postgres, programs
from provision.publisher import Publisher
from provision.streams.windows import Window
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key
from zeppelin_sdk import Note, Paragraph, ZeppelinClient


@dataclass
class NoteWithOutputs:
    """A note by its path, where its files are, what publishes to it, and its database where one is installed."""

    client: ZeppelinClient
    path: str
    out: Path
    publisher: Publisher
    postgres: Postgres | None

    @property
    def note(self) -> Note:
        return find_note(self.client, self.path)

    def paragraph(self, key: str) -> Paragraph:
        return by_key(self.note)[key]

    def run(self, key: str, text: str = "") -> Paragraph:
        """Run a paragraph, edited to be this `text` if one is given."""
        paragraph = self.paragraph(key)
        if text:
            self.client.update_paragraph(self.note.id, paragraph.id, text=text)
        return self.client.execute_paragraph(self.note.id, paragraph.id)

    def publish(self, *lines: str) -> None:
        self.publisher.publish([line.encode() for line in lines])
        assert self.publisher.flush(30) == 0

    def check_table_has(self, rows: list[Window]) -> None:
        """Its table in PostgreSQL has so many rows of these windows."""
        if self.postgres:
            counted = self.postgres.query("select window_end, count(*) from windows group by window_end order by 1")
            assert [(round(end.timestamp() * 1000), n) for end, n in counted] == [(w.end, len(w.rows)) for w in rows]


def with_postgres(values: dict[str, object], exits: ExitStack) -> Postgres | None:
    """Have the note that is asked for write to a database too, where one is installed."""
    if programs() is None:
        return None
    postgres = Postgres()
    exits.callback(postgres.close)
    values |= {"outputs": f"{values['outputs']},postgresql", "postgresql_url": postgres.url}
    os.environ |= {"PROVISION_POSTGRESQL_USER": USER, "PROVISION_POSTGRESQL_PASSWORD": PASSWORD}
    return postgres


def words(values: dict[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("--param", f"{name}={value}")]


def whole(out: Path, files: str) -> list[bytes]:
    """What is in these files. They are found again where one has become a part of another meanwhile."""
    while True:
        with suppress(FileNotFoundError):
            return [path.read_bytes() for path in out.glob(files)]


def table(out: Path, files: str = "windows-*/csv/*.csv") -> list[Window]:
    """The windows of the CSV table."""
    found: dict[int, list[tuple[str, ...]]] = {}
    for text in whole(out, files):
        for end, *row in list(csv.reader(text.decode().splitlines()))[1:]:
            found.setdefault(round(datetime.fromisoformat(end).timestamp() * 1000), []).append(tuple(row))
    return [Window(end, (), tuple(rows)) for end, rows in sorted(found.items())]


def parquet_table(out: Path) -> list[Window]:
    """The windows of the Parquet table, in the words of the CSV table."""
    found: dict[int, list[tuple[str, ...]]] = {}
    for file in whole(out, "windows-*/parquet/day=*/*.parquet"):
        rows = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(file)).read().to_pylist()
        for end, *row in (each.values() for each in rows):
            found.setdefault(round(end.timestamp() * 1000), []).append(tuple(map(in_csv, row)))
    return [Window(end, (), tuple(rows)) for end, rows in sorted(found.items())]


def in_csv(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
