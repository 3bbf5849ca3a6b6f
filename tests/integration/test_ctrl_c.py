"""Ctrl-C at any moment of the demo."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from provision.embedded import processes
from provision.embedded.record import read_mark

from .streams import parameters, wait_for


@pytest.mark.parametrize(
    "moment",
    ["starting Zeppelin and the NETPIE emulator", "  Stop the stream", "waiting for window"],
)
def test_ctrl_c_ends_the_demo_and_all_that_it_started(
    provision_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to((provision_home / "cache").resolve())
    monkeypatch.setenv("PROVISION_HOME", str(home))
    command = [sys.executable, "-m", "provision", "demo", *parameters("streaming")]
    log = tmp_path / "err"
    with log.open("wb") as err:
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True)
    mark = ""
    try:
        mark = wait_for("the stack's mark", read_mark)
        wait_for(moment, lambda: moment in log.read_text() or demo.poll() is not None, timeout=240)
        assert moment in log.read_text()
        wait_for("the first process", lambda: processes.marked(mark))
        time.sleep(0.5)
        ports = listening(mark)
        demo.send_signal(signal.SIGINT)
        status = demo.wait(60)
    finally:
        demo.kill()
        left = processes.marked(mark) if mark else []
        processes.end(left)

    assert status == 130
    assert [line for line in log.read_text().splitlines() if "rror" in line] == ["error: interrupted"]
    assert left == []
    assert [port for port in ports if is_open(port)] == []
    assert not (home / "state" / "stack.json").exists()


def listening(mark: str) -> set[int]:
    """The ports that the stack's processes listen on."""
    found: set[int] = set()
    for process in processes.marked(mark):
        with contextlib.suppress(psutil.NoSuchProcess):  # one that starts another and has ended
            connections = process.net_connections(kind="tcp")
            found |= {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
    return found


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
