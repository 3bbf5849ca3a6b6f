"""The output options of every command: `--json` and `--debug`."""

from typing import Any

import click

from provision.console import Console


def json_option(command: Any) -> Any:
    """Add `--json` (one JSON object on standard output) and `--debug`."""

    def set_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Console).as_json |= value

    def set_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Console).debug |= value

    json_flag = click.option(
        "--json", is_flag=True, expose_value=False, callback=set_json, is_eager=True,
        help="Print one JSON object on standard output.",
    )  # fmt: skip
    debug_flag = click.option(
        "--debug", is_flag=True, expose_value=False, callback=set_debug, is_eager=True,
        help="Show a traceback with an error.",
    )  # fmt: skip
    return json_flag(debug_flag(command))
