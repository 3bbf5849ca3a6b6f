"""A Mosquitto on loopback, with a folder of its own; killed and started again at will."""

from __future__ import annotations

import getpass
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
max_queued_messages 0
set_tcp_nodelay true
log_type error
log_type warning
{more}
"""
"""Without `max_queued_messages 0` it drops what an absent session has more than 1,000 of."""


class Mosquitto:
    def __init__(self, program: str, folder: Path, more: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._command = [program, "-c", str(folder / "mosquitto.conf")]
        text = CONFIG.format(port=self.port, user=getpass.getuser(), folder=folder, more=more)
        (folder / "mosquitto.conf").write_text(text)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end, (self._folder / "mosquitto.log").read_text()
                time.sleep(0.05)

    def save(self) -> None:
        """Make it save its state: it acknowledges before it saves, so what is not saved dies with it."""
        assert self._process is not None
        saved = self._folder / "mosquitto.db"
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        time.sleep(0.05)  # so that the modification time differs
        self._process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 60
        while not saved.exists() or saved.stat().st_mtime_ns == before:
            assert time.monotonic() < end, "Mosquitto saved nothing"
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def mosquitto(folder: Path, more: str = "") -> Iterator[Mosquitto]:
    """A running one; the test is skipped where there is none to run."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no mosquitto on the PATH: it comes with the distribution's package of that name")
    broker = Mosquitto(program, folder, more)
    try:
        yield broker
    finally:
        broker.kill()
