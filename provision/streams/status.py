"""A note's state: its paragraphs, Spark's figures of its stream, and what the note itself has counted."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rich.table import Table

from provision.streams.latest_windows import Counted, counted
from provision.streams.note_state import as_seen, driver_of, note_state, stream_state
from provision.streams.spark_page import StreamState
from provision.streams.stream_owner import later_on_its_page
from provision.sync.provenance import is_empty, provenance
from zeppelin_sdk import Note, ZeppelinClient


@dataclass(frozen=True)
class NoteStatus:
    """`page` is the driver's, empty before a first run; `stream` is as of now, `counted` as of a time of its own."""

    note: Note
    state: str
    page: str
    in_reach: bool
    stream: StreamState | None = None
    counted: Counted = Counted()

    def to_json(self, url: str) -> dict[str, Any]:
        """The `--json` keys of `status NOTE`."""
        return {
            "note": url,
            "state": self.state,
            "paragraphs": [
                {"key": provenance(p).key or None, "title": p.title, "status": str(p.status)}
                for p in self.note.paragraphs
            ],
            "stream": self.stream.to_json() if self.stream else None,
            "counts": dict(self.counted.counts) or None,
            "counted": self.counted.at or None,
            "page": self.page or None,
            "page_in_reach": self.in_reach,
        }

    def table(self, shown: Callable[[str], str]) -> Table:
        """Paragraphs and figures as a table, each text as `shown` has it."""
        heading = shown(f"{self.note.path}: {self.state}")
        table = Table(title=heading, title_justify="left", box=None, show_header=False, pad_edge=False)
        for paragraph in self.note.paragraphs:
            if is_empty(paragraph) and not paragraph.title:
                continue  # Zeppelin's page appends it to a note whose last paragraph was run
            table.add_row(str(paragraph.status), shown(paragraph.title or provenance(paragraph).key))
        for name, text in self.stream_lines():
            table.add_row(name, shown(text))
        return table

    def stream_lines(self) -> list[tuple[str, str]]:
        """What is known of the stream, as (name, text)."""
        lines = []
        if self.page and not self.in_reach:
            lines.append(("stream", f"Spark's page {self.page} can't be reached from here, or has ended: no figures"))
        if self.stream:
            lines.append(("stream", f"{_figures(self.stream)} (now)"))
            if self.stream.messages:
                lines.append(("messages", f"{_messages(self.stream.messages)} (up to 10 s ago)"))
            if self.stream.failed_batches:
                lines.append(("failures", _failures(self.stream)))
            lines += [(f"output {each.get('name')}", _output(each)) for each in self.stream.outputs]
            if self.stream.last_error:
                lines.append(("receiver", self.stream.last_error))
        if self.counted.counts:
            listed = ", ".join(f"{number} {name}" for name, number in self.counted.counts.items())
            at = f"{self.counted.at} on the server's clock" if self.counted.at else "its last run"
            lines.append(("counted", f"{listed} (by the note, until {at})"))
        return lines

    def line(self) -> str:
        """State and figures in one line, with the time."""
        parts = [f"{name} {text}" for name, text in self.stream_lines()]
        return f"{time.strftime('%H:%M:%S')} {'; '.join([self.state, *parts])}"


def _figures(stream: StreamState) -> str:
    figures = [
        f"{stream.events} events ({stream.events_per_second:.1f}/s) in {stream.batches} batches",
        f"{stream.processing_ms:.0f} ms to process one, {stream.delay_ms:.0f} ms from its end to its result",
    ]
    if stream.waiting_batches > 1:
        figures.append(f"{stream.waiting_batches} batches wait: it falls behind")
    if not stream.receivers:
        figures.append("no receiver runs")
    return "; ".join(figures)


def _output(output: Mapping[str, Any]) -> str:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(output.get("since", 0)) / 1000))
    return f"fails since {since}: {output.get('reason')}; {output.get('waiting')} windows wait"


def _failures(stream: StreamState) -> str:
    text = f"{stream.failed_batches} of the batches that Spark remembers failed"
    return f"{text}, the newest too: {stream.failure}" if stream.failure else f"{text}, the newest did not"


def _messages(counts: Mapping[str, int]) -> str:
    """The connector's counts; one that is missing is 0."""
    listed = ", ".join(f"{counts.get(name, 0)} {name}" for name in ("received", "stored", "acknowledged"))
    twice = f"; {counts['redelivered']} may be there twice" if counts.get("redelivered") else ""
    return f"{listed}; {counts.get('reconnects', 0)} reconnects{twice}"


def status_of(note: Note) -> NoteStatus:
    """Ask the driver's page, where the note's last run noted one, and read what the note has counted."""
    spark = driver_of(note)
    stream = stream_state(note)
    in_reach = stream is not None or (bool(spark.url) and spark.answers())
    state = as_seen(note_state(note, stream), spark.url, in_reach=in_reach)
    return NoteStatus(note, state, spark.url, in_reach, stream, counted(note))


def own_status(client: ZeppelinClient, note: Note) -> NoteStatus:
    """As `status_of`, without a stream on its Spark page that belongs to another note."""
    now = status_of(note)
    if now.stream is None or later_on_its_page(client, note) is None:
        return now
    return replace(now, state=note_state(note, None), stream=None)
