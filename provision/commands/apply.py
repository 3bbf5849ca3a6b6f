"""`provision apply`: credentials -> note -> server -> running stream."""

import time
from collections.abc import Callable

import click

from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.errors import ConflictError
from provision.options.duration import Duration
from provision.options.each import EachOptions, each_options
from provision.options.note import NoteOptions, note_options
from provision.options.output import json_option
from provision.prepare import write_note
from provision.sync.apply import Applied, Applying, came_back
from provision.sync.plan import Decision, Plan
from provision.sync.undo_records import Records
from zeppelin_sdk import Note, ZeppelinClient

AUTOSAVE = 10.0  # seconds after which an open page saves an edit
AUTOSAVE_WAIT = 12.0  # seconds to wait for that before a note is written that is open in a page


@click.command()
@note_options
@each_options
@click.option("--no-run", is_flag=True, help="Write the note, do not run it.")
@click.option(
    "--settle",
    type=Duration(min=0),
    is_flag=False,
    flag_value=AUTOSAVE,
    metavar="[SECONDS]",
    help=f"Wait after writing, {AUTOSAVE:.0f} s if no number is given, and tell what an open page has put back.",
)
@json_option
@click.pass_obj
def apply(
    console: Console, /, note: NoteOptions, each: EachOptions | None, no_run: bool, settle: float | None
) -> None:  # fmt: skip
    """Bring a note to a Zeppelin server and run it: credentials, note, interpreter, stream.

    The application is named by --appid and --appkey; its secret by NETPIE_APPSECRET, --secret-file or
    --credentials-file. Without --zeppelin the embedded server is used, and without an application too, the
    embedded NETPIE.

    A note that is there already is brought up to date: paragraphs that you edited in Zeppelin's page stay as they
    are, paragraphs that you deleted stay away, paragraphs of your own are left alone. `provision plan` shows it
    before, `provision undo` takes it back.

    A note that somebody has open in Zeppelin's page is planned, and written 12 s later, when the page has saved what
    was typed in it; which paragraphs will be replaced there is told before.

    A paragraph that runs is not overwritten: its end is awaited for 30 s. The one that runs as long as the stream is
    stopped first, as the note is run anew anyway; with --no-run it is a conflict.

    \b
    provision apply --zeppelin http://host:8080 --appid APPID --appkey APPKEY
    provision apply --param topic=metrics --param window=300 --param slide=30
    provision apply --each people.csv
    """
    embedded = note.embedded_stack(console, start=True)
    if each is not None:
        from provision.commands.apply_each import apply_each  # slow to import, not needed for one note

        apply_each(console, each, note, embedded)
        return
    with note.rendered(console, embedded) as (client, rendered):
        _apply(console, client, rendered, note.decision, run=not no_run, settle=settle)


def _apply(
    console: Console,
    client: ZeppelinClient,
    rendered: RenderedNote,
    decision: Decision,
    *,
    run: bool,
    settle: float | None,
) -> None:
    def stop(live: Note) -> None:
        from provision.streams.stop_note import stop_note

        stop_note(client, live, console)

    how = Applying(decision, Records(client.url), stop if run else None, pages=_pages(client, console))
    applied = write_note(client, rendered, console, how)
    if settle is not None:
        _settle(client, applied, rendered, settle, console)
    if run:
        _run(client, applied.note_id, console)
    url = client.note_url(applied.note_id)
    console.result(applied.to_json(url), f"{rendered.path}\n{url}")


def _run(client: ZeppelinClient, note_id: str, console: Console) -> None:
    from provision.streams.run_note import NoteRun, announce_live  # slow to import, not needed with --no-run

    run = NoteRun(client, note_id, console)
    run.start()
    announce_live(run)


def _pages(client: ZeppelinClient, console: Console) -> Callable[[Note, Plan], bool]:
    """What tells, before anything is written, whether the note may be open in a page, and waits for what that saves."""

    def ask(live: Note, plan: Plan) -> bool:
        from provision.sync.open_elsewhere import open_elsewhere  # imports the websocket library, rarely needed

        where = open_elsewhere(client, live.id)
        replaced = [change.title or change.key for change in plan.writes if change.live]
        if where and replaced:
            console.say(
                f"the note is open {where}: what is typed there and not saved is lost in paragraphs that are "
                f"replaced: {', '.join(map(repr, replaced))}"
            )
            with console.step(f"waiting {AUTOSAVE_WAIT:g} s for what the page saves, then planning again"):
                time.sleep(AUTOSAVE_WAIT)
        return where != ""

    return ask


def _settle(client: ZeppelinClient, applied: Applied, rendered: RenderedNote, seconds: float, console: Console) -> None:
    """Wait for open pages to autosave; raise `ConflictError` when one saved an edit over the apply."""
    with console.step(f"waiting {seconds:g} s for what open pages save"):
        time.sleep(seconds)
    titles = came_back(client, applied)
    if titles:
        raise ConflictError(
            f"{rendered.path}: saved from an open page over what was applied: {', '.join(map(repr, titles))}",
            next_step="that edit stays, and counts as one; see it with `provision plan`, then apply again",
        )
