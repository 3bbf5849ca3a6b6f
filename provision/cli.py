"""The command line: one group, one module per command in `provision.commands`, one line per error."""

import errno
import importlib
import os
import re
import signal
import sys
import traceback
from contextlib import suppress

import click

from netpie_creds import NetpieError
from provision.console import Console
from provision.errors import ProvisionError, UsageError, exit_status, hide_passwords, nearest
from provision.help import Context, with_help
from provision.options.output import json_option
from provision.options.project import project_options, with_project
from provision.terminal import harmless
from zeppelin_sdk import ZeppelinError

# command -> module in provision.commands, imported on use
COMMANDS = {
    "demo": "demo",
    "init": "init",
    "validate": "validate",
    "config": "config",
    "up": "stack",
    "down": "stack",
    "list": "list",
    "page": "page",
    "open": "page",
    "status": "status",
    "top": "top",
    "plot": "plot",
    "creds": "creds",
    "publish": "publish",
    "sub": "sub",
    "infer": "infer",
    "history": "history",
    "plan": "plan",
    "apply": "apply",
    "undo": "undo",
    "pull": "pull",
    "remove": "remove",
    "run": "note",
    "stop": "note",
    "logs": "logs",
    "doctor": "doctor",
    "jar": "jar",
}
ATTRIBUTES = {"list": "list_command", "open": "open_command"}
"""What a command is called in its module, where that is not its name."""

ALONE = frozenset({"init", "down"})
"""Commands that read no project file."""
ABOUT_THE_PROJECT = frozenset({"validate", "config"})
"""Commands that look at the project file themselves."""


class Commands(click.Group):
    """Imports a command's module only when that command runs."""

    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"provision.commands.{COMMANDS[name]}")
        command: click.Command = with_help(getattr(module, ATTRIBUTES.get(name, name)))
        return command if name in ALONE else with_project(command, takes_defaults=name not in ABOUT_THE_PROJECT)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@json_option
@project_options
@click.version_option(package_name="netpie-zeppelin")
@click.pass_context
def provision(ctx: click.Context, /) -> None:
    """Stream NETPIE (MQTT) events through Spark in an Apache Zeppelin note.

    \b
    Try it here, nothing but Python needed:
      provision demo
    Against your own application and server:
      provision init greenhouse --schema "device string, temperature double"
      provision creds get --credentials-file netpie.env
      provision apply --zeppelin http://host:8080 --credentials-file netpie.env

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 a conflict to decide, 4 server out of reach,
    5 credentials refused.
    """
    if ctx.invoked_subcommand != "creds":  # which shows tokens, and on request all secrets
        ctx.ensure_object(Console).hide(_without_secrets)


def _without_secrets(text: str) -> str:
    from provision.sync.seen_secrets import without_seen  # not needed for --help

    return without_seen(text)


class Interrupted(ProvisionError):
    """Ctrl-C, or another signal that terminates the process."""

    kind = "interrupted"
    exit_code = 128 + signal.SIGINT


def main() -> None:
    """Run the command line and exit with its status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # keep `nohup` working
            signal.signal(number, signal.default_int_handler)
    _open_closed_streams()
    status = _flushed(run(sys.argv[1:]))
    os._exit(status)  # skips interpreter teardown: a tenth of a short command's time


def _open_closed_streams() -> None:
    """Discard what goes to a stream that a shell closed (`>&-`): its number would be the next file's."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115


def _flushed(status: int) -> int:
    """Write out what the streams still hold and return the exit status: 1 if an answer could not be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = status or 1
    except OSError as error:
        status = status or _show(Console(), _from_os_error(error))
    with suppress(OSError):
        sys.stderr.flush()
    return status


def run(args: list[str]) -> int:
    """Run the command line on `args` and return its exit status; errors are shown, not raised."""
    console = Console()
    try:
        status = provision.main(
            args, prog_name="provision", complete_var="PROVISION_COMPLETE", obj=console, standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as error:
        with suppress(OSError):
            console.err.print(error.format_message(), markup=False)
        return UsageError.exit_code
    except click.UsageError as error:
        console.as_json |= "--json" in args  # it may follow the mistake
        return _show(console, _from_click(error))
    except click.ClickException as error:
        return _show(console, ProvisionError(error.format_message()))
    except (ProvisionError, NetpieError, ZeppelinError) as error:
        return _show(console, error)
    except (KeyboardInterrupt, click.Abort):
        return _show(console, Interrupted("interrupted"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the final flush fails too
        return 1
    except OSError as error:
        return _show(console, _from_os_error(error))
    except Exception as error:  # noqa: BLE001 - last resort: tracebacks are for --debug
        return _show(console, ProvisionError(f"{type(error).__name__}: {error}", next_step=_SEE_DEBUG))
    return status if isinstance(status, int) else 0  # click returns the status of an `Exit`


_NO_COMMAND = re.compile("No such command '(.*?)'")
_SEE_DEBUG = "run it again with --debug to see where it happened"


def _from_click(error: click.UsageError) -> UsageError:
    see = f"see {error.ctx.command_path if error.ctx else 'provision'} --help"
    message = error.format_message().rstrip(".")
    word, known = "", list[str]()
    if error.ctx and isinstance(error, click.NoSuchOption):
        word, known = (
            error.option_name,
            [name for each in error.ctx.command.get_params(error.ctx) for name in each.opts],
        )
        message = f"No such option {word!r}"
    elif error.ctx and isinstance(error.ctx.command, click.Group) and (named := _NO_COMMAND.match(message)):
        word, known = named[1], error.ctx.command.list_commands(error.ctx)
        message = f"No such command {word!r}"
    return UsageError(message, next_step=nearest(word, known, see))


def _from_os_error(error: OSError) -> ProvisionError:
    where = f"{error.filename}: " if error.filename else ""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return ProvisionError(
        f"{where}{error.strerror or error}", next_step="free some space and run it again" if is_full else _SEE_DEBUG
    )


def _show(console: Console, error: ProvisionError | NetpieError | ZeppelinError) -> int:
    console.error(error)
    if console.debug:
        with suppress(OSError):
            told = console.shown(harmless(hide_passwords(traceback.format_exc())))
            console.err.print(told, markup=False)
    return exit_status(error)
