"""The stack in the background: Zeppelin and the NETPIE emulator, started together, recorded, stopped together."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import uuid4

import psutil

from provision.console import Console
from provision.embedded import emulator, processes, record, zeppelin
from provision.embedded.emulator import emulator_dir
from provision.embedded.loopback import LoopbackJars, loopback_jars
from provision.embedded.ports import LOOPBACK, Ports, claim
from provision.embedded.record import Netpie, Pids, Stack
from provision.embedded.runtime import Choice, Runtime, install_runtime
from provision.embedded.starting import Starting, wait_until_ready
from provision.errors import ConflictError
from provision.home import cache_dir, data_dir, state_dir
from provision.locks import one_at_a_time
from zeppelin_sdk import ZeppelinClient, ZeppelinError

__all__ = ["Choice", "Netpie", "Ports", "Stack", "down", "emulator_dir", "find", "up"]


def find() -> Stack | None:
    """The recorded stack if both its servers still run, else None."""
    stack = record.read_stack()
    return stack if stack and stack.running else None


def up(choice: Choice, ports: Ports, console: Console) -> tuple[Stack, bool]:
    """The running stack, started if need be; and whether this call started it.

    Leftovers of a killed run are ended first. A start that fails or is interrupted leaves nothing behind. Raises
    `ConflictError` when another stack than the one asked for runs.
    """
    choice.check()
    for folder in (data_dir(), cache_dir()):
        zeppelin.check_folder(folder)
    with _lock(console.say):
        running = find()
        if running:
            _check_same(running, choice, ports)
            return running, False
        emulator.check_installed()
        _end_recorded()
        claimed = claim(ports, record.last_ports())
        runtime = install_runtime(choice, console)
        loopback = loopback_jars(runtime, console)
        mark = uuid4().hex
        record.write_mark(mark)
        try:
            with console.step("starting Zeppelin and the NETPIE emulator"):
                stack = _start(runtime, loopback, claimed, mark)
            record.write_stack(stack)
            record.write_ports(claimed)
        except BaseException:
            _end_recorded()
            raise
        return stack, True


def down() -> int:
    """Stop the stack and everything it started; returns the number of processes."""
    with _lock():
        return _end_recorded()


def _check_same(running: Stack, choice: Choice, ports: Ports) -> None:
    asked = [(ports.zeppelin, running.url), (ports.auth, running.netpie.auth), (ports.mqtt, running.netpie.mqtt)]
    other_ports = any(port and not address.endswith(f":{port}") for port, address in asked)
    if other_ports or not choice.is_met_by(running.runtime.zeppelin_home):
        what = "on other ports" if other_ports else f"of {running.runtime.zeppelin_home}"
        raise ConflictError(f"a stack {what} is up already", next_step="stop it first: provision down")


def _end_recorded() -> int:
    """End every process that carries the recorded stack's mark, the servers first, and forget the record."""
    mark = record.read_mark()
    if mark is None:
        return 0
    found = processes.marked(mark)
    servers = [process for process in found if _is_server(process)]
    interpreters = [process for process in found if process not in servers]
    count = processes.end(servers) + processes.end(interpreters, grace=5)
    count += processes.end(processes.marked(mark), grace=5)
    zeppelin.forget_temporary(_folders())
    record.forget()
    return count


def _is_server(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(word.endswith("ZeppelinServer") or word == "netpie_emulator" for word in process.cmdline())
    return False


def _start(runtime: Runtime, loopback: LoopbackJars, ports: Ports, mark: str) -> Stack:
    folders = _folders()
    zeppelin.configure(runtime, folders, ports.zeppelin)
    emulator_log = folders.logs / "emulator.log"
    url = f"http://{LOOPBACK}:{ports.zeppelin}"
    netpie_process = emulator.start(ports, emulator_log, mark)
    zeppelin_process = zeppelin.start(runtime, folders, loopback, mark)
    wait_until_ready(
        [
            Starting("the NETPIE emulator", netpie_process, [emulator_log], emulator.is_ready),
            Starting("Zeppelin", zeppelin_process, [folders.log, folders.output], lambda: _answers(url)),
        ]
    )
    pids = Pids(zeppelin=zeppelin_process.pid, netpie=netpie_process.pid)
    return Stack(mark, url, bool(runtime.wars), pids, emulator.addresses(), runtime, folders.logs)


def _folders() -> zeppelin.Folders:
    return zeppelin.Folders(data_dir() / "zeppelin")


def _answers(url: str) -> bool:
    try:
        with ZeppelinClient(url, timeout=5) as client:
            client.get_version()
    except ZeppelinError:
        return False
    return True


def _lock(say: Callable[[str], None] = lambda _: None) -> AbstractContextManager[None]:
    """One `up` or `down` at a time."""
    file = state_dir() / "stack.lock"
    return one_at_a_time(file, lambda: say("waiting for another provision that starts or stops the stack …"))
