"""An emulated NETPIE 2020 as a process beside the stack: two devices of a group, the note's and the publisher's."""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.embedded import processes
from provision.embedded.emulator import emulator_dir
from provision.embedded.environment import inherited
from provision.embedded.record import Stack
from provision.errors import ProvisionError
from provision.home import private_dir, write_private
from provision.waiting import wait_until

READY_TIMEOUT = 60.0  # seconds
NOTE, PUBLISHER = 0, 1  # places of the devices in their file


@dataclass(frozen=True)
class Emulated2020:
    """A running one; `fields` are by device what `--credentials-file` may hold."""

    process: subprocess.Popen[bytes]
    fields: tuple[dict[str, str], dict[str, str]]

    def stop(self) -> None:
        """End it; the stack's own end does so too."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)

    def file(self, device: int) -> Path:
        """A file, 0600, with what names one of the devices."""
        file = _folder() / f"device{device}.env"
        write_private(file, "".join(f"{name}={value}\n" for name, value in self.fields[device].items()))
        return file


def start(stack: Stack) -> Emulated2020:
    """Start it, marked as the stack's; returns once it answers. Raises `ProvisionError`."""
    devices, ready = _folder() / "devices.json", _folder() / "ready.json"
    ready.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "netpie_emulator", "--platform", "netpie2020", "--devices", str(devices),
        "--ready-file", str(ready),
    ]  # fmt: skip
    log = stack.logs / "netpie2020.log"
    process = processes.start(command, inherited(), log=log, stack=stack.mark)
    wait_until(lambda: ready.exists() or process.poll() is not None, READY_TIMEOUT)
    if not ready.exists():
        process.terminate()
        raise ProvisionError("the emulated NETPIE 2020 did not start", next_step=f"see {log}")
    said: dict[str, Any] = json.loads(ready.read_text())
    return Emulated2020(process, _fields(said, json.loads(devices.read_text())["devices"]))


def _fields(said: dict[str, Any], devices: list[dict[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    servers = {
        "api": said["api"],
        "data_store": said["query"],
        "netpie_broker": f"tcp://{said['mqtt']['host']}:{said['mqtt']['port']}",
    }
    note, publisher = ({name: one[name] for name in ("client_id", "token", "secret")} | servers for one in devices[:2])
    return note, publisher


def _folder() -> Path:
    return private_dir(emulator_dir() / "netpie2020")
