"""`provision page` as a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """Its address, which holds the token, and its process."""

    url: str
    process: "subprocess.Popen[str]"

    def note(self, note_id: str) -> str:
        return f"{self.url}note/{note_id}"

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].partition("/")[0])

    @property
    def token(self) -> str:
        return self.url.split("/")[3]


@contextmanager
def serving(home: Path, zeppelin: str, *words: str) -> Iterator[Served]:
    """The page of a server; what it says on standard error is in the error where it does not start."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    process = subprocess.Popen(
        [sys.executable, "-m", "provision", "--json", "page", "--zeppelin", zeppelin, *words],
        env={**environment, "PROVISION_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    said: list[str] = []
    stderr = process.stderr
    reader = threading.Thread(target=lambda: said.extend(stderr), daemon=True)
    reader.start()
    try:
        line = process.stdout.readline()
        assert line, f"it did not start: {''.join(said)}"
        yield Served(json.loads(line)["page"].partition("note/")[0], process)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        reader.join(5)
        stderr.close()
