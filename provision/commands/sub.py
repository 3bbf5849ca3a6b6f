"""`provision sub`: the messages that a note would get, as they come."""

import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from threading import Event
from typing import Any

import click

from provision.console import Console
from provision.events.listen import Arrived
from provision.events.rows import MeasureRow, RowReader
from provision.events.times import iso
from provision.options.application import ApplicationOptions, application_options
from provision.options.duration import MOST, SHORTEST, Duration
from provision.options.events import EventOptions, event_options
from provision.options.hearer import listener
from provision.options.output import json_option


@click.command()
@application_options
@event_options
@click.option("--topic", metavar="TOPIC", help="Topics, as --param topic=… has them.  [default: the bundle's]")
@click.option(
    "--rows", is_flag=True, help="Show the rows that the note's table measure gets, and why an event is none."
)
@click.option("--with-topic", is_flag=True, help="Put the topic before each message, or row.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--seconds", type=Duration(SHORTEST, MOST), help="End after so many seconds, or 5m, 1h.")
@json_option
@click.pass_obj
def sub(
    console: Console,
    /,
    application: ApplicationOptions,
    events: EventOptions,
    topic: str | None,
    rows: bool,
    with_topic: bool,
    count: int | None,
    seconds: float | None,
) -> None:
    """Show the messages that a note would get, until Ctrl-C.

    It connects as a client of its own: the note's connection stays. With --rows each event is a line with the columns
    of the table measure, and what the note counts as malformed is told with the reason.

    \b
    provision sub --credentials-file netpie.env --topic metrics
    provision sub --credentials-file netpie.env --count 10 --rows
    provision sub --credentials-file netpie.env --rows --param schema="device string, temperature double"
    """
    reader = events.reader() if rows else None
    values = events.values()
    shown = _Shown(console, reader, with_topic)
    hearer = application.account().hearer(topic or values["topic"])
    stop = Event()
    since = time.monotonic()
    try:
        messages = listener(hearer, console.say).messages(stop, seconds)
        with closing(messages):
            for message in islice(messages, count):
                shown.show(message)
    except KeyboardInterrupt:
        stop.set()
    console.say(shown.summary(time.monotonic() - since))


@dataclass
class _Shown:
    """Prints messages, or with a `reader` rows, and counts them."""

    console: Console
    reader: RowReader | None
    with_topic: bool
    messages: int = 0
    events: int = 0
    malformed: int = 0
    _header: list[str] = field(default_factory=list)

    def show(self, message: Arrived) -> None:
        """One message: its text, or a line for each event in it."""
        self.messages += 1
        if self.reader is None:
            self._raw(message)
            return
        for row in self.reader.rows(message.payload, message.topic, message.arrival):
            self.events += 1
            self.malformed += bool(row.malformed)
            self._row(message, row)

    def summary(self, seconds: float) -> str:
        """All of it in a line."""
        counts = f"{self.messages} messages in {seconds:.1f} s"
        if self.reader is not None:
            counts += f": {self.events - self.malformed} events, {self.malformed} malformed"
        return counts if self.messages else f"{counts}; check the topic, and that somebody publishes to it"

    def _raw(self, message: Arrived) -> None:
        text = message.payload.decode("utf-8", "replace")
        if self.console.as_json:
            self._line(json.dumps({**_about(message), "payload": text}))
        else:
            self._line(f"{message.topic}\t{text}" if self.with_topic else text)

    def _row(self, message: Arrived, row: MeasureRow) -> None:
        if self.console.as_json:
            told = {"row": row.values or None, "malformed": row.malformed or None, "unread": list(row.unread)}
            self._line(json.dumps({**_about(message), **told}))
        elif row.malformed:
            self.console.say(f"malformed: {row.malformed}", style="yellow")
        else:
            self._table(message, row)

    def _table(self, message: Arrived, row: MeasureRow) -> None:
        names = [*(["topic"] if self.with_topic else []), *row.values]
        if names != self._header:
            self._header = names
            self._line("\t".join(names))
        cells = [*([message.topic] if self.with_topic else []), *map(_cell, row.values.values())]
        self._line("\t".join(cells))
        for cause in row.unread:
            self.console.say(f"null: {cause}", style="yellow")

    def _line(self, text: str) -> None:
        self.console.line(text)


def _about(message: Arrived) -> dict[str, Any]:
    return {"topic": message.topic, "arrival": iso(message.arrival), "retained": message.retained}


def _cell(value: Any) -> str:
    return "null" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
