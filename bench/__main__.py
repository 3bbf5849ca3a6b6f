"""`python -m bench NAME [--json] [--save]`: run a measure and print its result; `plot` draws a saved one."""

import argparse
import importlib
import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from provision.console import Console
from provision.errors import ProvisionError

MEASURES = {
    "demo": "seconds from the command to the first window shown, and the stack's peak memory",
    "each": "wall time of a class of 30 notes with --each, without the runs, beside a bare script that imports them",
    "apply": "wall time of an apply and of a no-op apply, beside a bare script that makes the same calls",
    "stream": "the highest rate that is sustained, and what a bare subscriber drains",
    "source": "the rate that pyspark-mqtt's reader stores and acknowledges, without Spark",
    "window": "the cost of a slide with a window of a minute and of an hour",
    "latency": "from an event's publication to its row in a file",
    "loss": "events missing and doubled after three kills of the broker",
    "outputs": "the time of a batch with all outputs, beside csv alone",
    "receivers": "the rate that one and two receivers store",
    "memory": "the driver's heap after a collection, minute by minute",
    "parsing": "events/s that one thread parses",
    "reruns": "whether ten runs of the note in one Spark leave its shell healthy",
    "plot": "not a measure: plots the result of `stream --save`",
}
RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the named measure and print its result; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, text in MEASURES.items():
        command = commands.add_parser(name, help=text, description=text)
        if name in arguments[:1]:
            getattr(importlib.import_module(f"bench.{name}"), "add_options", lambda _: None)(command)
        command.add_argument("--json", action="store_true", help="print one JSON object")
        command.add_argument("--save", action="store_true", help=f"keep the object in {RESULTS.name}/NAME.json too")
    options = parser.parse_args(arguments)
    for number in _ENDS:
        signal.signal(number, _interrupted)
    try:
        result = _measured(options)
    except ProvisionError as error:
        Console(as_json=options.json).error(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    result["command"] = shlex.join(["python", "-m", "bench", *(word for word in arguments if word not in _OUTPUT)])
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{options.name}.json").write_text(json.dumps(result, indent=2) + "\n")
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")
    return 0


_OUTPUT = ("--json", "--save")
_ENDS = (signal.SIGINT, signal.SIGTERM)


def _interrupted(*_: object) -> NoReturn:
    """Let everything that was started end, undisturbed by a second Ctrl-C."""
    for number in _ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    module = importlib.import_module(f"bench.{options.name}")
    found = module.measure(options) if hasattr(module, "add_options") else module.measure()
    return dict(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
