"""`provision apply`: credentials -> note -> server -> running stream."""

import click

from provision.application import ApplicationOptions, application_options
from provision.apply import OURS, THEIRS, Applied, Applying, apply_note, put_credentials
from provision.cli import json_option
from provision.console import Console
from provision.each_options import EachOptions, each_options
from provision.embedded import stack
from provision.embedded.application import application_file
from provision.embedded.runtime import Choice
from provision.noting import fit_embedded, parse_parameters, render_for
from provision.plan import Decision, Verdict
from provision.render import RenderedNote
from provision.running import NoteRun, announce_live, blocking_key, spark_setting
from provision.server import ServerOptions, server_options
from zeppelin_sdk import ZeppelinClient


@click.command()
@application_options
@server_options
@click.option("--bundle", default="streaming", show_default=True, metavar="NAME|DIR", help="Bundle or its folder.")
@click.option("--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the bundle; repeatable.")
@click.option("--note", metavar="PATH", help="The note's path in Zeppelin.  [default: the bundle's]")
@click.option("--ours", "decide", flag_value=OURS, help="At a conflict keep the text that is in the note.")
@click.option("--theirs", "decide", flag_value=THEIRS, help="At a conflict take the bundle's text.")
@each_options
@click.option("--no-run", is_flag=True, help="Write the note, do not run it.")
@json_option
@click.pass_obj
def apply(
    console: Console,
    /,
    application: ApplicationOptions,
    server: ServerOptions,
    bundle: str,
    pairs: tuple[str, ...],
    note: str | None,
    decide: str | None,
    no_run: bool,
    each: EachOptions | None,
) -> None:
    """Bring a note to a Zeppelin server and run it: credentials, note, interpreter, stream.

    The application is named by --appid and --appkey; its secret by NETPIE_APPSECRET, --secret-file or
    --credentials-file. Without --zeppelin the embedded server is used, and without an application too, the
    embedded NETPIE.

    A note that is there already is brought up to date: paragraphs that you edited in Zeppelin's page stay as they
    are, paragraphs that you deleted stay away, paragraphs of your own are left alone.

    \b
    provision apply --zeppelin http://host:8080 --appid APPID --appkey APPKEY
    provision apply --param topic=metrics --param window=300 --param slide=30
    provision apply --each people.csv
    """
    embedded = stack.up(Choice(), stack.Ports(), console)[0] if server.embedded else None
    if each is not None:
        from provision.commands.each import ForAll, apply_each  # what one note needs no import of

        def write_row(client: ZeppelinClient, rendered: RenderedNote) -> Applied:
            return apply_note(client, rendered, Applying(Decision(decide)))

        apply_each(console, each, ForAll(application, server, bundle, pairs, embedded, write_row))
        return
    options = _embedded_application(application, embedded) if embedded else application
    named = options.application()
    wanted = parse_parameters(bundle, pairs, named.appid, note)
    with server.connect(console) as client:
        if embedded:
            wanted = fit_embedded(wanted, embedded.runtime, console)
        with console.step("credentials"):
            credentials = options.connectable()
        rendered = render_for(client, wanted, credentials)
        applied = write(client, rendered, console, decide)
        run = NoteRun(client, applied.note_id, console)
        if not no_run:
            run.start(blocking_key(client.get_note(applied.note_id)))
            announce_live(run)
        url = client.note_url(applied.note_id)
        console.result(applied.answer(url), f"{rendered.path}\n{url}")


def _embedded_application(given: ApplicationOptions, embedded: stack.Stack) -> ApplicationOptions:
    """The embedded NETPIE's application, unless the person names one of their own."""
    if given.appid or given.appkey or given.credentials_file:
        return given
    return ApplicationOptions(credentials_file=application_file(), cache_dir=given.cache_dir, auth=embedded.netpie.auth)


def write(client: ZeppelinClient, rendered: RenderedNote, console: Console, decide: str | None = None) -> Applied:
    """Put the secrets and the note on the server, and say what became of each paragraph that is not as it was."""
    with console.step(f"note {rendered.path}"):
        spark_setting(client)
        put_credentials(client, rendered)
        applied = apply_note(client, rendered, Applying(Decision(decide)))
    for change in applied.plan.changes:
        if change.verdict is not Verdict.SAME and len(applied.plan.writes) < len(rendered.paragraphs):
            console.say(f"  {change.verdict}: {change.title or change.key}")
    return applied
