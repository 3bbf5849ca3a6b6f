"""The command line: one group, a module a command under `provision.commands`, every error one line."""

import importlib
import sys
from typing import Any

import click

from netpie_creds import NetpieError
from provision.console import Console
from provision.errors import ProvisionError
from zeppelin_sdk import ZeppelinError

# command -> module under provision.commands, imported when it is used: `--help` and errors stay quick
COMMANDS = {
    "demo": "demo",
    "up": "stack",
    "down": "stack",
    "status": "status",
    "creds": "creds",
    "publish": "publish",
    "apply": "apply",
    "run": "note",
    "stop": "note",
}


class Commands(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"provision.commands.{COMMANDS[name]}")
        command: click.Command = getattr(module, name)
        return command


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="netpie-zeppelin")
@click.pass_context
def provision(ctx: click.Context, debug: bool) -> None:
    """Stream NETPIE (MQTT) events through Spark in an Apache Zeppelin note.

    \b
    Try it here, nothing but Python needed:
      provision demo
    Against your own application and server:
      provision creds get --appid APPID
      provision apply --zeppelin http://host:8080 --appid APPID

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 a conflict to decide, 4 server out of reach,
    5 credentials refused.
    """
    ctx.obj = Console(debug=debug)


def json_option(command: Any) -> Any:
    """`--json`: one JSON object on standard output in place of text."""

    def set_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Console).as_json |= value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=set_json, is_eager=True,
        help="Print one JSON object on standard output.",
    )(command)  # fmt: skip


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run the command line on `args` and return its exit status; errors are shown, not raised."""
    console = Console(as_json="--json" in args, debug="--debug" in args)
    try:
        provision.main(args, prog_name="provision", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        if error.ctx and not console.as_json:
            console.err.print(error.ctx.get_usage(), markup=False)
        return _show(console, _Usage(error.format_message()))
    except (ProvisionError, NetpieError, ZeppelinError) as error:
        return _show(console, error)
    except (KeyboardInterrupt, click.Abort):
        console.say("interrupted")
        return 130
    except OSError as error:
        return _show(console, _from_os_error(error))
    return 0


class _Usage(ProvisionError):
    kind = "usage"
    exit_code = 2


def _from_os_error(error: OSError) -> ProvisionError:
    where = f"{error.filename}: " if error.filename else ""
    return ProvisionError(f"{where}{error.strerror or error}", next_step="see --debug for where it happened")


def _show(console: Console, error: ProvisionError | NetpieError | ZeppelinError) -> int:
    console.error(error)
    if console.debug:
        console.err.print_exception()
    return error.exit_code
