"""`provision infer`: looks at events and proposes the parameters that say what they are."""

import json
import shlex
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import click

from provision.console import Console
from provision.errors import ProvisionError, UsageError
from provision.events.infer import Proposal, propose
from provision.events.seen import SeenEvents, SeenField
from provision.events.times import iso
from provision.options.application import ApplicationOptions, application_options
from provision.options.duration import MOST, SHORTEST, Duration
from provision.options.hearer import listener
from provision.options.output import json_option
from provision.publisher import FORMATS, Tally, replay
from provision.streams.outputs import columns

COUNT, SECONDS = 1000, 60.0
EXAMPLE = 24  # characters of a value that is shown


@click.command()
@application_options
@click.option("--topic", default="metrics", show_default=True, help="Topics to listen to, as --param topic=… has them.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Look at the events of a file, or of standard input for -, and connect nowhere.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="What the file has, as publish --format has it.",
)
@click.option(
    "--count", type=click.IntRange(min=1), help=f"Look at so many messages.  [default: {COUNT}; with --file all]"
)
@click.option(
    "--seconds", type=Duration(SHORTEST, MOST), help=f"Listen for so long at most, or 5m, 1h.  [default: {SECONDS:.0f}]"
)
@json_option
@click.pass_obj
def infer(
    console: Console,
    /,
    application: ApplicationOptions,
    topic: str,
    file: Path | None,
    form: str,
    count: int | None,
    seconds: float | None,
) -> None:
    """Look at events, and propose what to give apply for them: schema, time and key.

    It listens to a topic as a client of its own, or reads a file, and says what it saw: types, nulls, ranges, which
    fields could be the key, and what is odd. Ctrl-C ends listening early.

    \b
    provision infer --credentials-file netpie.env --topic greenhouse
    provision infer --file events.jsonl
    sensor | provision infer --file -
    """
    seen = SeenEvents()
    if file is not None:
        if seconds is not None:
            raise UsageError("--seconds can't be used with --file", next_step="leave one out")
        _read(seen, file, form, count)
    else:
        if form != "auto":
            raise UsageError("--format needs --file", next_step="add --file, or leave --format out")
        _listen(seen, application, topic, count or COUNT, seconds or SECONDS, console)
    proposal = propose(seen)
    parameters = proposal.parameters if file is not None else {"topic": topic, **proposal.parameters}
    console.result(_answer(seen, proposal, parameters), _text(seen, proposal, parameters))


def _read(seen: SeenEvents, file: Path, form: str, count: int | None) -> None:
    batches = replay(file, stop=Event(), form=form, tally=Tally())
    for event in islice((event for batch in batches for event in batch), count):
        seen.add(event)


def _listen(
    seen: SeenEvents, application: ApplicationOptions, topic: str, count: int, seconds: float, console: Console
) -> None:
    hearer = application.account().hearer(topic)
    ends = time.monotonic() + seconds
    try:
        heard = listener(hearer, console.say)
        with closing(heard.messages(Event(), seconds)) as messages:
            console.say(f"listening to {topic} for {seconds:.0f} s, or {count} messages")
            for message in islice(messages, count):
                seen.add(message.payload, message.topic, message.arrival)
    except KeyboardInterrupt:
        console.say(f"{max(0.0, ends - time.monotonic()):.0f} s early")
    if not seen.messages:
        raise ProvisionError(
            f"no message has come to {topic}",
            next_step="check the topic, that somebody publishes, or listen for longer",
        )


def _answer(seen: SeenEvents, proposal: Proposal, parameters: dict[str, str]) -> dict[str, Any]:
    return {
        "messages": seen.messages,
        "events": seen.events,
        "others": seen.others,
        "topics": len(seen.topics),
        "fields": [_field(each) for each in (seen.cells if proposal.bundle and seen.cells else seen).fields.values()],
        "time": {"field": proposal.time.name, **_range(proposal.time)} if proposal.time else None,
        "keys": [{"field": each.name, "distinct": len(each.values)} for each in proposal.keys],
        "odd": list(proposal.odd),
        "bundle": proposal.bundle or None,
        "parameters": parameters,
    }


def _field(each: SeenField) -> dict[str, Any]:
    return {
        "field": each.name,
        "count": each.count,
        "nulls": each.nulls,
        "types": dict(each.kinds),
        "distinct": len(each.values),
        "minimum": each.least,
        "maximum": each.most,
        "example": each.first,
    }


def _range(each: SeenField) -> dict[str, str | None]:
    first, last = each.times or (None, None)
    return {"first": None if first is None else iso(first), "last": None if last is None else iso(last)}


def _text(seen: SeenEvents, proposal: Proposal, parameters: dict[str, str]) -> str:
    parts = [
        _heading(seen),
        columns([("field", "type", "count", "null", "distinct", "values"), *_lines(seen, proposal)]),
    ]
    if proposal.keys:
        candidates = ", ".join(f"{each.name} ({each.distinct} values)" for each in proposal.keys[:5])
        parts.append(f"what could be the key: {candidates}")
    if proposal.odd:
        parts.append("\n".join(["odd:", *(f"  {each}" for each in proposal.odd)]))
    bundle = f"--bundle {proposal.bundle} " if proposal.bundle else ""
    given = bundle + " ".join(f"--param {shlex.quote(f'{name}={value}')}" for name, value in parameters.items())
    parts.append(f"proposed:\n  provision apply {given}")
    return "\n\n".join(parts)


def _heading(seen: SeenEvents) -> str:
    topics = f" of {len(seen.topics)} topics" if len(seen.topics) > 1 else ""
    several = f", {seen.several} with several" if seen.several else ""
    return f"{seen.events} events in {seen.messages} messages{topics}{several}"


def _lines(seen: SeenEvents, proposal: Proposal) -> Iterator[tuple[str, ...]]:
    for each in (seen.cells if proposal.bundle and seen.cells else seen).fields.values():
        kinds = "/".join(kind for kind, _ in each.kinds.most_common()) or "null"
        yield each.name, kinds, str(each.count), str(each.nulls), each.distinct, _values(each, proposal)


def _values(each: SeenField, proposal: Proposal) -> str:
    if each is proposal.time and each.times:
        return f"{iso(each.times[0])} to {iso(each.times[1])}"
    if each.least is not None and not each.kinds["string"]:
        return f"{each.least:g}" if each.least == each.most else f"{each.least:g} to {each.most:g}"
    some = ", ".join(json.dumps(value, ensure_ascii=False) for value in list(each.values)[:3])
    return some if len(some) <= 3 * EXAMPLE else some[: 3 * EXAMPLE] + "…"
