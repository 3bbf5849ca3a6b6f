"""The stack in the background: Zeppelin and the NETPIE emulator, started together, recorded, stopped together."""

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from provision.console import Console, one_line
from provision.embedded import processes, zeppelin
from provision.embedded.application import demo_application
from provision.embedded.ports import LOOPBACK, claim
from provision.embedded.runtime import Choice, Runtime, install_runtime
from provision.errors import ProvisionError
from provision.home import data_dir, private_dir, state_dir
from zeppelin_sdk import ZeppelinClient, ZeppelinError

START_TIMEOUT = 120.0  # seconds until a server has to answer


@dataclass(frozen=True)
class Ports:
    """The ports asked for; 0 is any free one."""

    zeppelin: int = 0
    auth: int = 0
    mqtt: int = 0


@dataclass(frozen=True)
class Server:
    """A process of the stack, named so that a later process with the same pid is not taken for it."""

    pid: int
    created: float

    @property
    def running(self) -> bool:
        return processes.is_running(self.pid, self.created)

    @classmethod
    def of(cls, pid: int) -> "Server":
        return cls(pid, psutil.Process(pid).create_time())


@dataclass(frozen=True)
class Netpie:
    """The emulator's addresses and its one application (the secret stays in the emulator's 0600 files)."""

    auth: str
    mqtt: str
    appid: str
    appkey: str


@dataclass(frozen=True)
class Stack:
    """A started stack, as `state/stack.json` records it."""

    mark: str
    url: str
    web_page: bool
    zeppelin: Server
    emulator: Server
    netpie: Netpie
    runtime: Runtime
    logs: Path

    @property
    def running(self) -> bool:
        return self.zeppelin.running and self.emulator.running

    def answer(self) -> dict[str, Any]:
        """The `--json` keys of `up` and `status`."""
        return {
            "zeppelin": self.url,
            "netpie": asdict(self.netpie),
            "pids": {"zeppelin": self.zeppelin.pid, "netpie": self.emulator.pid},
            "logs": str(self.logs),
        }


def record_path() -> Path:
    return state_dir() / "stack.json"


def emulator_dir() -> Path:
    """The emulator's state: applications and tokens that survive a restart."""
    return private_dir(state_dir() / "emulator")


def find() -> Stack | None:
    """The recorded stack if both its servers still run, else None."""
    stack = _read_record()
    return stack if stack and stack.running else None


def up(choice: Choice, ports: Ports, console: Console) -> tuple[Stack, bool]:
    """The running stack, started when it is not; and whether this call started it.

    What a killed run left behind is ended first. When the start fails or is interrupted, nothing stays.
    """
    with _lock():
        running = find()
        if running:
            return running, False
        clear_leftovers()
        wanted = Ports(
            claim(ports.zeppelin, "--zeppelin-port"), claim(ports.auth, "--auth-port"), claim(ports.mqtt, "--mqtt-port")
        )
        runtime = install_runtime(choice, console)
        mark = uuid4().hex
        _write(record_path(), {"mark": mark})
        try:
            with console.step("starting Zeppelin and the NETPIE emulator"):
                stack = _start(runtime, wanted, mark)
            _write(record_path(), asdict(stack))
        except BaseException:
            clear_leftovers()
            raise
        return stack, True


def down() -> int:
    """Stop the stack and all that it started; returns how many processes there were."""
    with _lock():
        return clear_leftovers()


def clear_leftovers() -> int:
    """End every process that carries the recorded stack's mark, the servers first, and forget the record."""
    record = _read_json(record_path())
    if not record:
        return 0
    found = processes.marked(record["mark"])
    interpreters = [process for process in found if not _is_server(process)]
    servers = [process for process in found if process not in interpreters]
    count = processes.end(servers) + processes.end(interpreters, grace=5)
    count += processes.end(processes.marked(record["mark"]), grace=5)
    record_path().unlink(missing_ok=True)
    return count


def _is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(word.endswith("ZeppelinServer") or word == "netpie_emulator" for word in process.cmdline())
    return False


def _start(runtime: Runtime, ports: Ports, mark: str) -> Stack:
    folders = zeppelin.Folders(data_dir() / "zeppelin")
    zeppelin.configure(runtime, folders, ports.zeppelin)
    emulator_log = folders.logs / "emulator.log"
    ready_file = emulator_dir() / "ready.json"
    ready_file.unlink(missing_ok=True)
    emulator = _start_emulator(ports, mark, emulator_log, ready_file)
    server = zeppelin.start(runtime, folders, mark)
    url = f"http://{LOOPBACK}:{ports.zeppelin}"
    _wait("the NETPIE emulator", emulator, emulator_log, lambda: _read_json(ready_file) is not None)
    _wait("Zeppelin", server, folders.logs / "zeppelin.log", lambda: _answers(url))
    ready = _read_json(ready_file) or {}
    mqtt = f"{ready['mqtt']['host']}:{ready['mqtt']['port']}"
    netpie = Netpie(ready["auth"], mqtt, ready["appid"], ready["appkey"])
    return Stack(
        mark, url, bool(runtime.wars), Server.of(server.pid), Server.of(emulator.pid), netpie, runtime, folders.logs
    )


def _start_emulator(ports: Ports, mark: str, log: Path, ready_file: Path) -> subprocess.Popen[bytes]:
    application = demo_application()
    command = [
        sys.executable, "-m", "netpie_emulator", "--state", str(emulator_dir()),
        "--appid", application.appid, "--appkey", application.appkey,
        "--http-port", str(ports.auth), "--mqtt-port", str(ports.mqtt), "--ready-file", str(ready_file),
    ]  # fmt: skip
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, "NETPIE_APPSECRET": application.appsecret, processes.MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _answers(url: str) -> bool:
    try:
        with ZeppelinClient(url, timeout=5) as client:
            client.version()
    except ZeppelinError:
        return False
    return True


def _wait(what: str, process: subprocess.Popen[bytes], log: Path, ready: Any) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not ready():
        if process.poll() is not None:
            raise ProvisionError(f"{what} did not start: {_last_line(log)}", next_step=f"see {log}")
        if time.monotonic() > deadline:
            raise ProvisionError(f"{what} did not answer in {START_TIMEOUT:.0f} s", next_step=f"see {log}")
        time.sleep(0.1)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []
    return one_line(lines[-1])[:200] if lines else "it ended without a word"


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One `up` or `down` at a time. The system releases the lock of a process that died."""
    with (state_dir() / "stack.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read_record() -> Stack | None:
    record = _read_json(record_path())
    if not record or "url" not in record:
        return None
    return Stack(
        mark=record["mark"],
        url=record["url"],
        web_page=record["web_page"],
        zeppelin=Server(**record["zeppelin"]),
        emulator=Server(**record["emulator"]),
        netpie=Netpie(**record["netpie"]),
        runtime=Runtime(**{name: Path(path) for name, path in record["runtime"].items()}),
        logs=Path(record["logs"]),
    )


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return answer


def _write(path: Path, record: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(record, default=str, indent=2))
    os.replace(part, path)
