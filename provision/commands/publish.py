"""`provision publish`: events to an application's topic, from this host, a simulated fleet, or a file."""

import math
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import click

from provision.bundles.event_form import EventForm
from provision.console import Console
from provision.errors import UsageError
from provision.events.sample import sample_fleet
from provision.options.application import ApplicationOptions, application_options
from provision.options.duration import MOST, SHORTEST, Duration
from provision.options.events import EventOptions, event_options
from provision.options.output import json_option
from provision.publisher import (
    FORMATS,
    STANDARD_INPUT,
    Publisher,
    Run,
    Tally,
    fleet,
    host_metrics,
    replay,
    send,
)

TOPIC = "metrics"
EVERY = 10.0  # seconds between a host's events, as in the seed document

MOST_HOSTS = 1_000_000


class Rate(click.FloatRange):
    """A positive, finite number of events/s."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number", param, ctx)
        return number


@dataclass(frozen=True)
class EventSource:
    """Which events to publish: one `message`, from `file`, from a fleet of `hosts`, or this host's."""

    host: str | None
    every: float | None
    hosts: int | None
    seed: int | None
    file: Path | None
    form: str
    loop: bool
    rate: float | None
    message: str | None
    form_of_events: EventForm | None = None
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        simulated, replayed = self.hosts is not None, self.file is not None
        piped, alone = self.file == STANDARD_INPUT, self.message is not None
        own = self.form_of_events is not None
        excluded = (
            ("--message", alone and (simulated or replayed), "--hosts or --file"),
            ("--message", alone and self.host is not None, "--id"),
            ("--message", alone and self.every is not None, "--every"),
            ("--loop", self.loop and piped, "standard input"),
            ("--hosts", simulated and replayed, "--file"),
            ("--id", self.host is not None and (simulated or replayed), "--hosts or --file"),
            ("--every", self.every is not None and replayed, "--file"),
            ("--every", self.every is not None and self.rate is not None, "--rate"),
            ("--id", own and self.host is not None, "--param: the key names a device"),
        )
        for option, is_wrong, other in excluded:
            if is_wrong:
                raise UsageError(f"{option} can't be used with {other}", next_step="leave one out")
        needed = (
            ("--rate", self.rate is not None and not (simulated or replayed), "--hosts or --file"),
            ("--seed", self.seed is not None and not simulated, "--hosts"),
            ("--loop", self.loop and not replayed, "--file"),
            ("--format", self.form != "auto" and not replayed, "--file"),
        )
        for option, is_wrong, other in needed:
            if is_wrong:
                raise UsageError(f"{option} needs {other}", next_step=f"add {other}, or leave {option} out")

    def batches(self, stop: Event) -> Iterator[list[bytes]]:
        """Return the events, which end when `stop` is set.

        Raises: UsageError when `file` or `message` has none.
        """
        every = self.every or EVERY
        if self.message is not None:
            if not self.message:
                raise UsageError("the message is empty", next_step="give an event, such as '{\"temp\": 25.3}'")
            return iter([[self.tally.count(self.message.encode("utf-8", "surrogateescape"))]])
        if self.file is not None:
            return replay(self.file, rate=self.rate, loop=self.loop, stop=stop, form=self.form, tally=self.tally)
        if self.form_of_events is not None:
            hosts = self.hosts or 1
            return sample_fleet(self.form_of_events, hosts, self.rate or hosts / every, seed=self.seed, stop=stop)
        if self.hosts is not None:
            return fleet(self.hosts, self.rate or self.hosts / every, seed=self.seed, stop=stop)
        return host_metrics(self.host or socket.gethostname(), every=every, stop=stop)


def _form(events: EventOptions, source: Mapping[str, Any]) -> EventForm | None:
    """The form of simulated events; None for the tutorial's, and for what is sent as it stands."""
    as_it_stands = source["file"] is not None or source["message"] is not None
    return events.form() if events.says_form and not as_it_stands else None


@click.command()
@application_options
@event_options
@click.option(
    "--topic", help="Topic inside the application: /APPID/TOPIC.  [default: the parameter topic, else metrics]"
)
@click.option("--id", "host", metavar="NAME", help="Name of this host in its events.  [default: its own]")
@click.option(
    "--every", type=Duration(SHORTEST, MOST), help="Time between two events of a host, such as 10 or 5m.  [default: 10]"
)
@click.option("--hosts", type=click.IntRange(1, MOST_HOSTS), help="Simulate a fleet of so many hosts.")
@click.option("--seed", type=int, help="Repeat the figures of an earlier simulation.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Publish the events of a file, or of standard input for -.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="What the file has: lines to send as they stand, a JSON document, or CSV.",
)
@click.option("--message", metavar="TEXT", help="Publish this one event.")
@click.option("--loop", is_flag=True, help="Start the file over at its end.")
@click.option("--rate", type=Rate(SHORTEST, MOST), help="Events per second, over the whole fleet or of the file.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--seconds", type=Duration(SHORTEST, MOST), help="Stop after so many seconds, or 5m, 1h.")
@click.option(
    "--qos",
    type=click.IntRange(0, 1),
    default=0,
    show_default=True,
    help="1 counts an event when the broker acknowledges it, and sends it again until then.",
)
@json_option
@click.pass_obj
def publish(
    console: Console,
    /,
    application: ApplicationOptions,
    events: EventOptions,
    topic: str | None,
    qos: int,
    count: int | None,
    seconds: float | None,
    **source: Any,
) -> None:
    """Publish events to an application: this host's metrics, a simulated fleet, a file, or one message.

    A file's lines are sent as they stand. Of a JSON document (an array, or objects over several lines) each object is
    an event. CSV (*.csv, *.tsv, or a first line with the columns' names) becomes a JSON object a row: numbers as
    numbers, an empty cell as null. --format tells what a file is where that guess is wrong. Events that are no JSON
    objects are counted in a warning. With --param schema=… a simulated device, or a fleet, sends events of that form.

    Ctrl-C ends it with the count of what was sent. The publisher has a thing of its own beside the note's; two
    publishers on one machine need a --cache-dir each, as NETPIE lets a thing connect once.

    \b
    provision publish --credentials-file netpie.env                          this host's metrics, every 10 s
    provision publish --credentials-file netpie.env --hosts 100 --rate 50    a fleet, 50 events/s in all
    provision publish --credentials-file netpie.env --hosts 3 --param schema="device string, temperature double"
    provision publish --credentials-file netpie.env --file events.jsonl      a file, as fast as the broker takes it
    sensor | provision publish --credentials-file netpie.env --file -        another program's lines as they come
    provision publish --credentials-file netpie.env --message '{"temp": 25.3}'
    """
    account = application.account()
    stop = Event()
    chosen = EventSource(**source, form_of_events=_form(events, source))
    run = Run(chosen.batches(stop), stop, count, seconds)
    sender = account.sender(events.given.get("topic", TOPIC) if topic is None else topic)
    publisher = Publisher(sender.login, sender.topic, qos=qos, renew=sender.renew, link=sender.link, say=console.say)
    sent = send(console, publisher, run)
    tally = chosen.tally
    if tally.kind:
        console.say(f"{source['file']} is {tally.kind} (--format lines sends its lines as they stand)")
    for warning in tally.warnings():
        console.say(f"warning: {warning}", style="yellow")
    console.result({**sent.to_json(), "not_objects": tally.not_objects, "left_out": tally.lines_left_out}, sent.text())
    if sent.refused or tally.lines_left_out:
        raise click.exceptions.Exit(1)
