"""`provision demo`: everything on this machine."""

import contextlib

import click

from provision import demo as demonstration
from provision.bundles.bundle import DEFAULT_BUNDLE, OLDER_BUNDLE, bundle_names, load_bundle
from provision.commands.plot import draw
from provision.commands.stack import ready_page
from provision.console import Console
from provision.embedded import stack
from provision.embedded.runtime import Choice
from provision.options.output import json_option
from provision.options.stack import distribution_options, spark_options
from provision.page.background import start_page
from provision.project.option import NamedValues

_VARIANT = load_bundle(DEFAULT_BUNDLE).parameters["variant"]


@click.command()
@distribution_options
@click.option(
    "--platform",
    type=click.Choice(demonstration.PLATFORMS),
    default=demonstration.PLATFORMS[0],
    show_default=True,
    help="Where its events come from: an emulated NETPIE, or for mqtt a real Mosquitto of the distribution's "
    "package, with TLS, an authority of its own, a user and a password.",
)
@click.option(
    "--bundle",
    type=click.Choice(bundle_names()),
    help=f"The note's bundle.  [default: {DEFAULT_BUNDLE} where this Zeppelin has Spark from 3.3 in Python, as the "
    f"embedded one, else {OLDER_BUNDLE}]",
)
@click.option(
    "--variant",
    type=click.Choice(_VARIANT.choices),
    help="What the note puts out.  [default: the bundle's]",
)
@click.option("--windows", type=click.IntRange(1, 1000), default=2, show_default=True, help="How many to show.")
@click.option(
    "--param",
    "pairs",
    cls=NamedValues,
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the bundle; repeatable.",
)
@spark_options
@click.option(
    "--keep/--no-keep",
    default=None,
    help="Leave everything up, the stream and the publisher too.  [default: where the page is installed]",
)
@json_option
@click.pass_obj
def demo(
    console: Console,
    /,
    choice: Choice,
    platform: str,
    bundle: str | None,
    variant: str | None,
    windows: int,
    pairs: tuple[str, ...],
    keep: bool | None,
) -> None:
    """Run everything on this machine, with nothing installed but Python.

    Starts a NETPIE emulator and a real Zeppelin with a real Spark, publishes this host's load, CPU and memory
    every 10 s, provisions a note that averages them over a sliding window of 60 s, and shows its windows, their
    files and addresses. It ends with the address of a page of the note, with live charts, and leaves everything up
    until `provision down`. With --no-keep, and where the extra `page` is not installed, it stops all that it started.
    """
    asked = demonstration.Demo(
        bundle, windows, (*([f"variant={variant}"] if variant else []), *pairs), platform=platform
    )
    demonstration.check(asked)
    with contextlib.ExitStack() as cleanup:
        running, started = stack.up(choice, stack.Ports(), console)
        if started:
            cleanup.callback(_stack_down, console)
        starting = start_page(running) if keep is not False else None  # it takes its time: it is there at the end
        stream = contextlib.ExitStack() if started else cleanup  # a stack that goes down takes the stream with it
        shown = demonstration.show(asked, running, console, stream)
        access = ready_page(starting, console)
        keep = access is not None if keep is None else keep
        if keep:
            demonstration.keep_publishing(running, shown.publisher_options)
            cleanup.pop_all()
    address = access.note_url(shown.note_id) if access else ""
    chart = demonstration.picture(shown)
    if chart and not console.as_json:
        draw(console, chart, small=True)
    lines = demonstration.closing_lines(shown, running, keep=keep, page=address)
    console.result({**shown.to_json(), "page": address or None}, "\n".join(lines))


def _stack_down(console: Console) -> None:
    with console.step("stopping the embedded stack"):
        stack.down()
