"""`provision apply`: credentials -> note -> server -> running stream."""

import time
from collections.abc import Callable

import click

from provision.bundles.render import RenderedNote
from provision.console import Console
from provision.errors import ConflictError, UsageError
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
@click.option("--restart", is_flag=True, help="Run the note anew, even if nothing has changed and its stream runs.")
@click.option(
    "--check-broker", is_flag=True, help="Try the MQTT broker from this machine first, and ask NETPIE where it is now."
)
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
    console: Console,
    /,
    note: NoteOptions,
    each: EachOptions | None,
    no_run: bool,
    restart: bool,
    check_broker: bool,
    settle: float | None,
) -> None:
    """Bring a note to a Zeppelin server and run it: credentials, note, interpreter, stream.

    The application is named by --appid and --appkey; its secret by NETPIE_APPSECRET, --secret-file or
    --credentials-file. Without --zeppelin the embedded server is used, which `provision up` starts, and without an
    application too, the embedded NETPIE.

    What the note was applied with is the default: its bundle, its parameters, and with --note its application. What is
    other than then is told.

    A note that is there already is brought up to date: paragraphs that you edited in Zeppelin's page stay as they
    are, paragraphs that you deleted stay away, paragraphs of your own are left alone. `provision plan` shows it
    before, `provision undo` takes it back.

    A note that somebody has open in Zeppelin's page is planned, and written 12 s later, when the page has saved what
    was typed in it; which paragraphs will be replaced there is told before.

    A paragraph that runs is not overwritten: its end is awaited for 30 s. The one that runs as long as the stream is
    stopped first, as the note is run anew anyway; with --no-run it is a conflict.

    Nothing is run where the stream runs and nothing that it depends on has changed since it was started: no paragraph,
    no credentials. A query that has changed is run beside it.

    \b
    provision apply --zeppelin http://host:8080 --appid APPID --appkey APPKEY
    provision apply --param topic=metrics --param window=300 --param slide=30
    provision apply --each people.csv
    """
    if restart and (no_run or (each is not None and not each.run)):
        raise UsageError("--restart runs the note anew", next_step="leave out --no-run; with --each, add --run")
    embedded = note.embedded_stack(console)
    if each is not None:
        from provision.commands.apply_each import apply_each  # slow to import, not needed for one note

        apply_each(console, each, note, embedded, restart=restart, check_broker=check_broker)
        return
    with note.rendered(console, embedded, check_broker=check_broker) as (client, rendered):
        applied = _write(console, client, rendered, note.decision, run=not no_run, settle=settle)
        if not no_run:
            _run(client, applied, console, restart=restart)
        url = client.note_url(applied.note_id)
        console.result(applied.to_json(url), f"{rendered.path}\n{url}")


def _write(
    console: Console,
    client: ZeppelinClient,
    rendered: RenderedNote,
    decision: Decision,
    *,
    run: bool,
    settle: float | None,
) -> Applied:
    def stop(live: Note) -> None:
        from provision.streams.stop_note import stop_note

        stop_note(client, live, console)

    how = Applying(decision, Records(client.url), stop if run else None, pages=_pages(client, console))
    applied = write_note(client, rendered, console, how)
    if settle is not None:
        _settle(client, applied, rendered, settle, console)
    return applied


def _run(client: ZeppelinClient, applied: Applied, console: Console, *, restart: bool) -> None:
    """Run what has changed since the stream was started, if it runs; else, or with `restart`, the whole note."""
    from provision.streams.last_run import WHOLE, needed
    from provision.streams.run_note import NoteRun, announce_live  # slow to import, not needed with --no-run

    run = NoteRun(client, applied.note_id, console)
    need = WHOLE if restart else needed(client, client.get_note(applied.note_id), applied.written_keys)
    if need.whole:
        if need.why:
            console.say(f"the stream is started anew: {need.why}")
        run.start()
        announce_live(run)
        return
    run.beside(need.paragraphs)
    what = "nothing else was run" if need.paragraphs else "nothing was run"
    console.say(f"the stream runs, and nothing that it depends on has changed: {what} (--restart runs the note anew)")


def _pages(client: ZeppelinClient, console: Console) -> Callable[[Note, Plan], bool]:
    """What tells, before anything is written, whether the note may be open in a page, and waits for what that saves."""

    def ask(live: Note, plan: Plan) -> bool:
        from provision.sync.open_elsewhere import hear_pages, open_elsewhere  # imports the websocket library

        where = open_elsewhere(client, live.id)
        changes = {change.live.id: change.title or change.key for change in plan.writes if change.live}
        if where and changes:
            console.say(
                f"the note is open {where}: what is typed there and not saved is lost in paragraphs that are "
                f"replaced: {', '.join(map(repr, changes.values()))}"
            )
            with console.step(f"waiting {AUTOSAVE_WAIT:g} s for what the page saves, then planning again"):
                hear_pages(client, live, AUTOSAVE_WAIT, changes)
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
