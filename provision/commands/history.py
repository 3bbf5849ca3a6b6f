"""`provision history`: what a platform has stored itself, in a file that a note reads."""

import csv
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from provision.bundles.values.durations import seconds_of
from provision.console import Console
from provision.errors import ProvisionError, UsageError
from provision.options.application import ApplicationOptions, application_options
from provision.options.output import json_option
from provision.platforms.platform import KeepsHistory, Past

READ = {
    "json": 'spark.read.json("{file}")',
    "csv": 'spark.read.option("header", "true").option("inferSchema", "true").csv("{file}")',
}
"""How a note reads a file, by its form."""
FIRST = ("deviceid", "timestamp")
"""The first columns: whose row it is, and when it is from (epoch ms)."""


@click.command()
@application_options
@click.option("--since", default="1d", show_default=True, help="From when on: 7d, 12h ago, or 2026-01-31T12:00.")
@click.option("--until", default="0s", help="Until when: as --since.  [default: now]")
@click.option("--field", "fields", multiple=True, metavar="NAME", help="A field to fetch; repeatable.  [default: all]")
@click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write, over an old one."
)
@click.option("--format", "form", type=click.Choice(list(READ)), help="Its form.  [default: by its name, else json]")
@json_option
@click.pass_obj
def history(
    console: Console,
    /,
    application: ApplicationOptions,
    since: str,
    until: str,
    fields: tuple[str, ...],
    file: Path,
    form: str | None,
) -> None:
    """Fetch what was stored before the note was there, into a file that a note reads.

    NETPIE 2020 stores the fields of a device's shadow; its answers leave out the newest of many points, so they are
    asked for in parts. A row is what a device had at a time: deviceid, timestamp (epoch ms), and a column a field.
    The file is whole or not there. With a FlowChannel it has all devices.

    \b
    provision history --credentials-file device.env --since 7d --file past.json
    provision history --credentials-file device.env --since 2026-01-01 --until 2026-02-01 --file january.csv
    """
    now = time.time()
    start, end = moment("--since", since, now), moment("--until", until, now)
    if start > end:
        raise UsageError(f"--since {since} is after --until {until}", next_step="exchange them")
    account = application.account()
    if not isinstance(account, KeepsHistory):
        raise UsageError(
            f"platform {application.platform().name} stores no events", next_step="take --platform netpie2020"
        )
    form = form or ("csv" if file.suffix.lower() == ".csv" else "json")
    with console.step("asking the data store"):
        count = write(account.history(start, end, fields), file, form)
    read = READ[form].format(file=file.absolute())
    console.result(
        {"file": str(file), "rows": count, "read": read}, f"{count} rows in {file}; a note reads it by {read}"
    )


def moment(option: str, text: str, now: float) -> int:
    """The time (epoch ms) that `text` says: so long before `now`, or a date. Raises: UsageError."""
    ago = seconds_of(text)
    if ago is not None:
        return int((now - ago) * 1000)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise UsageError(f"{option} {text}: it is no time", next_step="write 7d, 12h, or 2026-01-31T12:00") from None


def write(rows: Iterable[Past], file: Path, form: str) -> int:
    """Write the file, whole or not at all; returns how many rows there are."""
    with _whole(file) as output:
        if form == "json":
            return _lines(rows, output)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as spooled:
            count = _lines(rows, spooled)
            spooled.seek(0)
            names = dict.fromkeys(name for line in spooled for name in json.loads(line))
            spooled.seek(0)
            table = csv.DictWriter(output, list(dict.fromkeys((*FIRST, *names))), lineterminator="\n")
            table.writeheader()
            table.writerows(map(json.loads, spooled))
            return count


def _lines(rows: Iterable[Past], output: TextIO) -> int:
    count = 0
    for row in rows:
        output.write(json.dumps({"deviceid": row.device, "timestamp": row.timestamp, **row.values}) + "\n")
        count += 1
    return count


@contextmanager
def _whole(file: Path) -> Iterator[TextIO]:
    try:
        handle, part = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as output:
                yield output
            os.replace(part, file)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise ProvisionError(f"{file}: {error.strerror or error}", next_step="name another --file") from error
