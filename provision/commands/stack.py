"""`provision up` and `provision down`: the embedded stack in the background."""

from typing import Any

import click

from provision.console import Console
from provision.embedded import stack
from provision.embedded.distribution import NEWEST
from provision.embedded.python import install_python, takes_python
from provision.embedded.runtime import Choice
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.options.output import json_option
from provision.options.stack import distribution_options
from provision.page.access import Access
from provision.page.background import PageProcess, start_page


@click.command()
@distribution_options
@click.option("--zeppelin-port", type=click.IntRange(0, 65535), default=0, help="Zeppelin's port (0: any free one).")
@click.option("--auth-port", type=click.IntRange(0, 65535), default=0, help="Port of the emulator's auth server.")
@click.option("--mqtt-port", type=click.IntRange(0, 65535), default=0, help="Port of the emulator's MQTT broker.")
@click.option("--python", is_flag=True, help="Install PySpark too, for %python paragraphs.")
@json_option
@click.pass_obj
def up(console: Console, choice: Choice, zeppelin_port: int, auth_port: int, mqtt_port: int, python: bool) -> None:
    """Start a real Zeppelin with Spark and a NETPIE emulator, on the loopback address only.

    The first start downloads some 350 MB (Spark, a Java runtime, Zeppelin), checked against pinned SHA-256
    digests. `provision status` shows the addresses, `provision down` stops all of it.

    Where the extra `page` is installed, a page for its notes is started too, and its address is told. The
    embedded Zeppelin has Zeppelin's own page only where the Maven repository in use has it. --zeppelin-version gets
    an official distribution (0.10 to 0.12, some 1.5 GB) from the Apache archive, checked against its published
    SHA-512, and the Spark and Java that fit it; one that is here already runs with --zeppelin-home, or
    --zeppelin-archive and its --sha512.

    A bundle of Python paragraphs has PySpark installed by itself when it is first applied (540 MB to download, then
    half a minute to prepare it); --python does it at once.
    """
    if python and choice != Choice():
        raise UsageError(
            "--python is for the embedded Zeppelin: a distribution runs the Python that its settings name",
            next_step="leave --python out",
        )
    ports = stack.Ports(zeppelin_port, auth_port, mqtt_port)
    running, started = stack.up(choice, ports, console)
    if not started:
        console.say("already up")
    if python:
        _install_python(running, console)
    access = ready_page(start_page(running), console)
    console.result(with_page(running, access), describe(running, access))


def ready_page(starting: PageProcess | None, console: Console) -> Access | None:
    """Where the page is that is being started; None where there is none, or where it does not start: that is told."""
    if starting is None:
        return None
    try:
        with console.step("starting the page"):
            return starting.ready()
    except ProvisionError as error:
        console.say(f"{error.message}; {error.next_step}", style="red")
        return None


def with_page(running: stack.Stack, access: Access | None) -> dict[str, Any]:
    """The `--json` keys of `up` and `status`."""
    return {**running.to_json(), "page": access.url if access else None}


def _install_python(running: stack.Stack, console: Console) -> None:
    if not takes_python(running.runtime.zeppelin_home):
        raise ConflictError(
            f"the Zeppelin that is up, {running.runtime.zeppelin_home}, does not take it",
            next_step="provision down, then provision up --python",
        )
    install_python(console)


@click.command()
@json_option
@click.pass_obj
def down(console: Console) -> None:
    """Stop the embedded stack: Zeppelin, its interpreters, the emulator, the page. Notes and output stay."""
    with console.step("stopping the embedded stack"):
        count = stack.down()
    console.result({"stopped": count}, "stopped" if count else "nothing was running")


NO_PAGE = f"no page of Zeppelin's own: provision up --zeppelin-version {NEWEST} gets one that has"
"""How to get Zeppelin's page, where the server that is up has none."""


def describe(running: stack.Stack, access: Access | None) -> str:
    """The stack's addresses and logs, one per line, with that of its page."""
    page = "web page" if running.web_page else NO_PAGE
    return "\n".join(
        [
            f"Zeppelin  {running.url} ({page})",
            f"NETPIE    {running.netpie.auth} (auth), {running.netpie.mqtt} (MQTT)",
            f"          application {running.netpie.appid}, key {running.netpie.appkey}",
            f"logs      {running.logs}",
            *([f"page      {access.url}"] if access else []),
        ]
    )
