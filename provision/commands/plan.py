"""`provision plan`: what an apply would do."""

import click
from rich.text import Text

from provision.console import Console
from provision.errors import ConflictError
from provision.options.each import EachOptions, plan_each_options
from provision.options.note import NoteOptions, note_options
from provision.options.output import json_option
from provision.sync.apply import plan_json, read_note
from provision.sync.diff import STYLES, plan_lines
from provision.sync.known_secrets import old_secrets
from provision.sync.plan import make_plan
from provision.sync.provenance import origin
from provision.sync.remembered import told
from zeppelin_sdk import note_path

TO_DO = 6
"""The exit status of `plan --exit-code` when an apply would change something."""


@click.command()
@note_options
@plan_each_options
@click.option("--exit-code", "tells", is_flag=True, help=f"Exit with {TO_DO} if an apply would change something.")
@json_option
@click.pass_obj
def plan(console: Console, /, note: NoteOptions, each: EachOptions | None, tells: bool) -> None:
    """Show what `apply` with the same options would do to a note; write nothing.

    Each paragraph gets a verdict: `update`, `add`, `drop` are done; `keep` and `gone` are yours and stay so;
    `conflict` is for you to decide, with --ours or --theirs, or for one paragraph with --ours-of or --theirs-of.
    Lines that you and the bundle have changed in different places of one paragraph are merged.

    Only Zeppelin is asked, and only read. Where no thing is kept for the application, a stand-in takes the place of
    what an apply gets from NETPIE; a new note of the document's bundle is shown for Scala 2.12.

    With --each there is a line for each row of a class file: what becomes of its note.

    With --json each change has its diff, that of a paragraph which holds a secret excepted.

    Exit status: 3 when there is a conflict; with --exit-code 6 when there is something to do, and 0 when there is not.

    \b
    provision plan --param window=300
    provision plan --exit-code
    provision plan --each people.csv
    """
    embedded = note.embedded_stack(console)
    if each is not None:
        from provision.commands.plan_each import plan_each  # slow to import, not needed for one note

        plan_each(console, each, note, embedded, to_do=TO_DO if tells else 0)
        return
    with note.rendered(console, embedded, read_only=True) as (client, rendered):
        live = read_note(client, rendered.path)
        made = make_plan(live, rendered, note.decision)
        url = client.note_url(live.id) if live else None
    changed = list(told(origin(live), rendered)) if live else []
    secrets = [*rendered.secrets, *(old_secrets(live, rendered.secrets).values() if live else ())]
    text = Text("\n").join(Text(line.text, style=STYLES[line.kind]) for line in plan_lines(made, secrets))
    console.result(plan_json(made, url, 0, secrets))
    if not console.as_json:
        console.out.print(Text(rendered.path if live else f"{rendered.path}: a new note"))
        if live and note_path(live.path) != note_path(rendered.path):
            console.out.print(Text(f"the note that was made there is now at {live.path}; apply follows it"))
        for line in changed:
            console.out.print(Text(line))
        console.out.print(text)
    else:
        for line in changed:
            console.say(line)
    if made.conflicts:
        raise click.exceptions.Exit(ConflictError.exit_code)
    if tells and (made.writes or made.order or changed):
        raise click.exceptions.Exit(TO_DO)
