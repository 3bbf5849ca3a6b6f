"""A PostgreSQL of the distribution's packages, on loopback, for the time of a test or a measure."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pg8000.native

USER, PASSWORD, DATABASE = "writer", "It's secret: {$}", "postgres"


def programs() -> Path | None:
    """The folder of its programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parents[1].name))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).resolve().parent if on_path else None


class Postgres:
    """A server with a database of its own, which can be away for a while."""

    def __init__(self) -> None:
        self._bin = programs()
        assert self._bin is not None
        self._as: dict[str, Any] = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        )
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if self._as:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._server: subprocess.Popen[Any] | None = None
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        options = ["-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [self._bin / "initdb", "-D", self._folder / "data", *options], check=True, capture_output=True, **self._as
        )
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", "fsync=off")
        options = [word for each in settings for word in ("-c", each)]
        self._server = subprocess.Popen(
            [self._bin / "postgres", "-D", self._folder / "data", "-p", str(self.port), *options],  # type: ignore[operator]
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        patience = time.monotonic() + 60
        while True:
            try:
                self.query("select 1")
                return
            except (pg8000.native.DatabaseError, pg8000.native.InterfaceError):
                assert time.monotonic() < patience, "PostgreSQL does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        """End it as a machine that goes down does; what it has is on the disk."""
        if self._server:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(60)
            self._server = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def query(self, sql: str) -> list[list[Any]]:
        with pg8000.native.Connection(USER, "127.0.0.1", DATABASE, self.port, PASSWORD) as connection:
            return connection.run(sql)  # type: ignore[no-any-return]
