"""Whether Spark's shell stays healthy when the whole note runs again and again in one Spark."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from provision.console import Console
from provision.embedded import stack
from provision.embedded.application import application_file
from provision.embedded.runtime import Choice

NOTE = "/bench/reruns"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this measure's options."""
    parser.add_argument("--runs", type=int, default=10, help="how often the note runs (10)")
    parser.add_argument("--connector", choices=["jar", "paragraph"], default="jar", help="the engine's form (jar)")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each run until its stream is live, how many went well, and the first error where one did not.

    The stack is started for it, as its Spark has to be a new one; `_JAVA_OPTIONS=-Xss1m` gives its threads Java's usual
    stack.
    """
    running, started = stack.up(Choice(), stack.Ports(), Console())
    if not started:
        raise SystemExit("a stack is up: stop it first, by `provision down`")
    try:
        return _measure(running, options)
    finally:
        stack.down()


def _measure(running: stack.Stack, options: argparse.Namespace) -> dict[str, Any]:
    seconds: list[float] = []
    error = ""
    with tempfile.TemporaryDirectory() as out:
        given = [f"connector={options.connector}", "batch=2", "slide=2", "window=6", f"out={out}"]
        words = [word for pair in given for word in ("--param", pair)]
        login = ["--credentials-file", str(application_file()), "--auth", running.netpie.auth]
        _provision("apply", "--note", NOTE, "--no-run", *words, *login)
        for _ in range(options.runs):
            began = time.monotonic()
            done = _provision("run", NOTE, check=False)
            if done.returncode:
                error = (done.stdout + done.stderr).strip()[-500:]
                break
            if "restart" in done.stderr:
                error = f"Spark was restarted: {done.stderr[-500:]}"
                break
            seconds.append(round(time.monotonic() - began, 1))
        _provision("stop", NOTE, check=False)
    return {
        "connector": options.connector,
        "runs": len(seconds),
        "first_s": seconds[0] if seconds else None,
        "last_s": seconds[-1] if seconds else None,
        "each_s": seconds,
        "error": error,
        "unit": "s",
    }


def _provision(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provision", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise SystemExit(json.dumps({"command": command, "error": done.stdout + done.stderr}))
    return done
