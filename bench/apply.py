"""The cost of an apply, compared with a bare script that makes the same calls."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import requests

from provision.console import Console
from provision.embedded import stack
from provision.embedded.application import application_file
from provision.embedded.runtime import Choice

RUNS = 9

_BARE = """
import json, socket, sys, requests
url, broker, note = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
socket.create_connection(broker.rsplit(":", 1), timeout=10).close()
session = requests.Session()
def call(method, path, **more):
    answer = session.request(method, url + "/api/" + path, timeout=30, **more)
    answer.raise_for_status()
    return answer.json().get("body")
call("GET", "version")
assert any(setting["name"] == "spark" for setting in call("GET", "interpreter/setting"))
found = [each["id"] for each in call("GET", "notebook") if each["path"] == note["name"]]
if found:
    assert len(call("GET", "notebook/" + found[0])["paragraphs"]) == len(note["paragraphs"])
else:
    call("POST", "notebook/import", params={"notePath": note["name"]}, json=note)
call("PUT", "credential", json={"entity": "bare", "username": "u" * 16, "password": "p" * 48})
"""


def measure() -> dict[str, Any]:
    """Median wall seconds, Python's start included, on a warm server; the ratio is ours to the bare script's.

    A new note of ten paragraphs or more is written and deleted again; a no-op apply finds it as it is. Both sides have
    their bytecode cached, as an installed package has, wherever this runs from.
    """
    running, started = stack.up(Choice(), stack.Ports(), Console())
    try:
        return _measure(running)
    finally:
        if started:
            stack.down()


def _measure(running: stack.Stack) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(running, Path(folder))
        bench.ours()
        note = bench.exported()
        bench.bare()
        written, bare_written = bench.pairs(between=bench.delete)
        bench.ours()
        bench.bare()
        same, bare_same = bench.pairs()
        bench.delete()
    return {
        "ratio": round(written / bare_written, 2),
        "ours": round(written, 3),
        "baseline": round(bare_written, 3),
        "no_op_ratio": round(same / bare_same, 2),
        "no_op_ours": round(same, 3),
        "no_op_baseline": round(bare_same, 3),
        "paragraphs": len(note["paragraphs"]),
        "unit": "s",
    }


class _Bench:
    def __init__(self, running: stack.Stack, folder: Path) -> None:
        self._running, self._folder = running, folder
        self._path = "/bench/apply"
        self._note_file = folder / "note.json"
        self._script = folder / "bare.py"
        self._script.write_text(_BARE)
        self._environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def ours(self) -> None:
        """`provision apply --no-run` as a person types it."""
        self._run([
            sys.executable, "-m", "provision", "apply", "--no-run", "--note", self._path,
            "--zeppelin", self._running.url, "--auth", self._running.netpie.auth,
            "--credentials-file", str(application_file()), "--cache-dir", str(self._folder),
        ])  # fmt: skip

    def bare(self) -> None:
        """The same calls, in the same order, without a plan: a script that a person would write for one note."""
        self._run([
            sys.executable, str(self._script), self._running.url, self._running.netpie.mqtt, str(self._note_file)
        ])  # fmt: skip

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, env=self._environment)

    def exported(self) -> dict[str, Any]:
        """The note as it was written, kept for the bare script under another path."""
        note = json.loads(self._get(f"notebook/export/{self.ours_note()}"))
        self._note_file.write_text(json.dumps({**note, "name": "/bench/bare"}))
        return dict(note)

    def ours_note(self) -> str:
        return str(next(note["id"] for note in self._get("notebook") if note["path"] == self._path))

    def delete(self) -> None:
        """Delete what both sides have written."""
        for note in self._get("notebook"):
            if note["path"].startswith("/bench/"):
                requests.delete(f"{self._running.url}/api/notebook/{note['id']}", timeout=30).raise_for_status()

    def _get(self, path: str) -> Any:
        answer = requests.get(f"{self._running.url}/api/{path}", timeout=30)
        answer.raise_for_status()
        return answer.json()["body"]

    def pairs(self, between: Callable[[], None] = lambda: None) -> tuple[float, float]:
        """The medians of both, run in turn so that drift affects both alike."""
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(RUNS):
            for side, action in enumerate((self.ours, self.bare)):
                between()
                began = time.monotonic()
                action()
                times[side].append(time.monotonic() - began)
        return median(times[0]), median(times[1])
