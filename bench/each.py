"""The cost of a class of notes with `--each`, compared with a bare script that imports as many, one by one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import requests

from provision.console import Console
from provision.embedded import stack
from provision.embedded.application import application_file
from provision.embedded.runtime import Choice

ROWS = 30
BOUND = 6.0  # seconds for a class of that size, written for the first time
RUNS = 5
_PATH = "/bench/each"

_BARE = """
import json, sys, requests
url, note, count = sys.argv[1], json.load(open(sys.argv[2])), int(sys.argv[3])
session = requests.Session()
def call(method, path, **more):
    answer = session.request(method, url + "/api/" + path, timeout=30, **more)
    answer.raise_for_status()
for number in range(count):
    path = f"/bench/bare/{number}"
    call("POST", "notebook/import", params={"notePath": path}, json={**note, "name": path})
    call("PUT", "credential", json={"entity": f"bare-{number}", "username": "u" * 16, "password": "p" * 48})
"""


def measure() -> dict[str, Any]:
    """Wall seconds for 30 rows that are new, Python's start and a new NETPIE thing a row included, without the runs.

    `first` is the first run after the server's start (after another measure's, if a stack is up already), `ours` and
    `baseline` are medians on a warm server, `same` is an apply that has nothing to do. The bare script's notes share
    one thing, and it keeps a credential a note.
    """
    running, started = stack.up(Choice(), stack.Ports(), Console())
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measure(_Bench(running, Path(folder)))
    finally:
        if started:
            stack.down()


def _measure(bench: "_Bench") -> dict[str, Any]:
    first = bench.ours("first")
    bench.export()
    ours, bare = [], []
    for number in range(RUNS):
        bench.delete()
        ours.append(bench.ours(f"run-{number}"))
        bare.append(bench.bare())
    same = median(bench.ours(f"run-{RUNS - 1}") for _ in range(RUNS))
    bench.delete()
    return {
        "ratio": round(median(ours) / median(bare), 2),
        "ours": round(median(ours), 2),
        "baseline": round(median(bare), 2),
        "first": round(first, 2),
        "same": round(same, 2),
        "bound": BOUND,
        "within": median(ours) <= BOUND,
        "rows": ROWS,
        "unit": "s",
    }


class _Bench:
    def __init__(self, running: stack.Stack, folder: Path) -> None:
        self._running, self._folder = running, folder
        self._people, self._note_file, self._script = folder / "people.csv", folder / "note.json", folder / "bare.py"
        self._script.write_text(_BARE)
        rows = "".join(f"{_PATH}/{number},room{number}\n" for number in range(ROWS))
        self._people.write_text(f"note,topic\n{rows}")

    def ours(self, things: str) -> float:
        """`provision apply --each`; with a new folder of `things`, each row gets a new thing."""
        return self._timed([
            sys.executable, "-m", "provision", "apply", "--each", str(self._people),
            "--zeppelin", self._running.url, "--auth", self._running.netpie.auth,
            "--credentials-file", str(application_file()), "--cache-dir", str(self._folder / things),
        ])  # fmt: skip

    def bare(self) -> float:
        """As many notes and credentials, in one session of a script."""
        return self._timed([sys.executable, str(self._script), self._running.url, str(self._note_file), str(ROWS)])

    def _timed(self, command: list[str]) -> float:
        began = time.monotonic()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, env=os.environ)
        return time.monotonic() - began

    def export(self) -> None:
        """Keep one of the notes for the bare script."""
        note_id = next(note["id"] for note in self._notes() if note["path"].startswith(_PATH))
        exported = requests.get(f"{self._running.url}/api/notebook/export/{note_id}", timeout=30)
        exported.raise_for_status()
        self._note_file.write_text(json.dumps(json.loads(exported.json()["body"])))

    def delete(self) -> None:
        """Delete what both sides have written."""
        for note in self._notes():
            if note["path"].startswith("/bench/"):
                requests.delete(f"{self._running.url}/api/notebook/{note['id']}", timeout=30).raise_for_status()

    def _notes(self) -> list[dict[str, Any]]:
        answer = requests.get(f"{self._running.url}/api/notebook", timeout=30)
        answer.raise_for_status()
        notes: list[dict[str, Any]] = answer.json()["body"]
        return notes
