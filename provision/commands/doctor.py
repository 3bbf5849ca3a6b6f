"""`provision doctor`: what works, what does not, and what to do about it."""

from collections.abc import Iterator
from contextlib import suppress

import click

from provision.checks.finding import exit_code, told
from provision.checks.installed import check_installed, check_stack
from provision.checks.machine import check_machine
from provision.checks.notes import check_notes
from provision.checks.zeppelin import check_zeppelin
from provision.console import Console
from provision.embedded import stack
from provision.finding import Finding, Level
from provision.options.application import ApplicationOptions, application_options
from provision.options.output import json_option
from provision.options.server import ServerOptions, server_options

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
@application_options
@server_options
@click.option("--deep", is_flag=True, help="Start the server's Spark too, and ask it for its versions.")
@json_option
@click.pass_obj
def doctor(console: Console, application: ApplicationOptions, server: ServerOptions, deep: bool) -> None:
    """Check every part, and say how to fix each that fails.

    Looks at this machine, the embedded stack (unless --zeppelin names a server), NETPIE and the application that
    is named, and Zeppelin: its settings, its websocket, the streams of its notes. Nothing is started or changed, but
    with --deep the server's Spark, by a note that is deleted again. A line a check: ok, warn or fail.

    Exit status: 0 when nothing failed; 4 or 5 when all that failed is out of reach, or refused; else 1.
    """
    findings = []
    for finding in _findings(application, server, deep):
        findings.append(finding)
        if not console.as_json:
            console.out.print(console.shown(finding.line()), markup=False, style=_STYLES[finding.level])
    code = exit_code(findings)
    console.result({"ok": code == 0, "checks": [finding.to_json() for finding in findings]})
    if code:
        raise click.exceptions.Exit(code)


def _findings(application: ApplicationOptions, server: ServerOptions, deep: bool) -> Iterator[Finding]:
    running = _running(server)
    yield from told("machine", lambda: check_machine(embedded=server.embedded))
    if server.embedded:
        yield from told("installed", check_installed)
        yield from told("stack", check_stack)
    if application.names_account or not server.embedded:
        yield from told("account", lambda: application.platform().checks(application.given))
    elif running is not None:
        own = application.of_embedded(running.netpie.auth)
        yield from told("account", lambda: own.platform().checks(own.given))
    if running is not None or not server.embedded:
        yield from told("zeppelin", lambda: _zeppelin(server, deep))


def _running(server: ServerOptions) -> stack.Stack | None:
    """The embedded stack if it is the server and runs. An unreadable folder is reported by its own check."""
    with suppress(OSError):
        return stack.find() if server.embedded else None
    return None


def _zeppelin(server: ServerOptions, deep: bool) -> Iterator[Finding]:
    with server.connect_running() as client:
        yield from check_zeppelin(client, deep=deep)
        yield from check_notes(client, server.connect_running)
