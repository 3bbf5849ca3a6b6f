"""`provision apply --each`: a note for each row of a CSV file."""

import uuid
from contextlib import closing
from dataclasses import replace
from typing import Any

from provision.bundles.render import RenderedNote
from provision.bundles.template import ASK
from provision.classroom.clients import Clients, connect_as
from provision.classroom.of_usual import read_class
from provision.classroom.rows import Row
from provision.classroom.server_checks import check_users, prepare_spark
from provision.classroom.show import do_and_show, finish, show_refused, told_anyway
from provision.classroom.write_rows import RowWriter, check_servers
from provision.console import Console
from provision.embedded.stack import Stack
from provision.options.each import EachOptions
from provision.options.note import NoteOptions
from provision.prepare import NoteSpec, fit_embedded, group_of_spec, tell_of_inline
from provision.streams.spark_probe import python_with_spark
from provision.sync.apply import Applied, Applying, apply_note
from provision.sync.undo_records import Records
from zeppelin_sdk import ZeppelinClient


def apply_each(
    console: Console,
    each: EachOptions,
    options: NoteOptions,
    embedded: Stack | None,
    *,
    restart: bool,
    check_broker: bool,
) -> None:
    """Write a note per row and show the outcomes; ends with the status that all failures share, else with 1."""
    run, known = uuid.uuid4().hex, dict[str, Any]()

    def apply_row(client: ZeppelinClient, rendered: RenderedNote) -> Applied:
        how = Applying(options.decision, Records(client.url, run), pages=lambda *_: True)
        return apply_note(client, rendered, how)

    def spec_of(client: ZeppelinClient, row: Row) -> NoteSpec:
        spec = options.spec(options.asked(client, row.path), row.account.place, embedded, console, row.pairs)
        spec = fit_embedded(spec, embedded.runtime, console) if embedded else spec
        return replace(spec, values={**spec.values, **known})

    of_class = read_class(console, each.file, options, embedded)
    options, people, rows, refused = of_class.options, of_class.people, of_class.rows, of_class.refused
    if not rows:
        finish(console, show_refused(console, refused))
        return
    tell_of_inline(console, [row.spec.values for row in rows])
    with told_anyway(console, refused):
        failed = check_servers(rows)
    with told_anyway(console, refused), options.server.connect_running() as client:
        check_users(client, people, rows, console)
        first = rows[0].spec if embedded is None else fit_embedded(rows[0].spec, embedded.runtime, console)
        if first.values.get("python") == ASK:
            known["python"] = python_with_spark(client)  # once for all rows
            first = replace(first, values={**first.values, **known})
        prepare_spark(client, group_of_spec(first), each, len(rows), Records(client.url, run), console)
        existing = {note.path for note in client.list_notes()}
    with closing(Clients(lambda person: connect_as(options.server, person))) as clients:
        writer = RowWriter(
            clients, spec_of, apply_row, existing, run=each.run, restart=restart, check_broker=check_broker
        )
        outcomes = do_and_show(console, writer, rows, refused, each.jobs, failed)
    finish(console, outcomes)
