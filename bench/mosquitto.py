"""A Mosquitto on loopback with its own folder and port, killed and restarted at will."""

import getpass
import shutil
import socket
import subprocess
import time
from pathlib import Path

from bench.processes import ended
from provision.errors import ProvisionError

SAVED_AFTER = 50
"""Messages between two times that a durable one writes all that it holds to its disk. After each of them it would write
more than it takes messages in, fall behind in reading acknowledgements, and deliver all of these again after a kill.
"""


class Mosquitto:
    """A running broker; `url` as Spark's side names it. `stop` ends it; it may be killed and started again."""

    def __init__(self, folder: Path, *, durable: bool = False, in_flight: int | None = None) -> None:
        """`durable`: sessions and queues are written to disk after every few messages: a kill loses few.

        `in_flight`: messages that may wait for their acknowledgement; Mosquitto's default of 20 without.
        """
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise ProvisionError(
                "no `mosquitto` on the PATH", next_step="install it: the package `mosquitto` of your distribution"
            )
        self._folder = folder / "mosquitto"
        self._folder.mkdir()
        self.port = _free_port()
        self._command = [program, "-c", str(self._folder / "mosquitto.conf")]
        (self._folder / "mosquitto.conf").write_text(_config(self._folder, self.port, durable, in_flight))
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """The state that a durable broker keeps."""
        return self._folder / "mosquitto.db"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + 10
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise ProvisionError(f"mosquitto does not start: {self._last_line()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing written."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process:
            ended(self._process)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _last_line(self) -> str:
        lines = (self._folder / "mosquitto.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it says nothing"


def _config(folder: Path, port: int, durable: bool, in_flight: int | None) -> str:
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        f"user {getpass.getuser()}",
        "log_type error",
        "log_type warning",
        "set_tcp_nodelay true",
        f"max_queued_messages {0 if durable else 200_000}",
    ]
    if in_flight is not None:
        lines.append(f"max_inflight_messages {in_flight}")
    if durable:
        lines += [
            "persistence true",
            f"persistence_location {folder}/",
            f"autosave_interval {SAVED_AFTER}",
            "autosave_on_changes true",
        ]
    return "\n".join(lines) + "\n"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
