"""Servers of the distribution's packages that outputs write to, each on loopback with a folder of its own."""

import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


class Server(ABC):
    """A program that listens at `url` when `ready` answers; `start` and `stop` it as often as wanted."""

    program = ""
    ready = ""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @abstractmethod
    def arguments(self) -> list[str]:
        """What the program is started with."""

    def start(self) -> None:
        path = shutil.which(self.program)
        assert path is not None
        with (self.folder / f"{self.program}.log").open("ab") as log:
            self._process = subprocess.Popen([path, *self.arguments()], stdout=log, stderr=log, cwd=self.folder)
        patience = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, (self.folder / f"{self.program}.log").read_text()[-2000:]
            assert time.monotonic() < patience, f"{self.program} does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self.url + path, headers=headers or {})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return bytes(answer.read())

    def _answers(self) -> bool:
        try:
            self.get(self.ready)
        except (OSError, urllib.error.URLError):
            return False
        return True
