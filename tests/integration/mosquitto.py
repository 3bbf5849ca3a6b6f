"""A Mosquitto that keeps its messages over a kill."""

import getpass
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from .streams import wait_for

CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
max_queued_messages 0
max_inflight_messages 20
log_type all
"""
"""Without `max_queued_messages 0` it drops the messages for an absent session from the 1,001st on."""


@dataclass
class Mosquitto:
    """A broker on its own port, started, killed and started again."""

    program: str
    folder: Path
    port: int
    more: str = ""
    """Further lines of its configuration."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(CONFIG.format(port=self.port, user=getpass.getuser(), folder=self.folder) + self.more)
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_for("Mosquitto", self._listens, 20)

    def _listens(self) -> bool:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    def log(self) -> str:
        """Its log of connections and packets."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def save(self) -> None:
        """Make it save its state. It acknowledges before it saves, so unsaved messages die with it."""
        saved = self.folder / "mosquitto.db"
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        time.sleep(0.05)  # so that the modification time differs
        assert self.process
        self.process.send_signal(signal.SIGUSR1)
        wait_for("what Mosquitto saved", lambda: saved.exists() and saved.stat().st_mtime_ns > before, 20)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def mosquitto(folder: Path, more: str = "") -> Iterator[Mosquitto]:
    """A running Mosquitto, killed at the end; a test that wants it is skipped where there is none."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no mosquitto on the PATH: it comes with the distribution's package of that name")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    broker = Mosquitto(program, folder, port, more)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
