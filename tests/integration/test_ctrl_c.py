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

from netpie_creds import read_cache
from provision.embedded import processes
from provision.embedded.application import demo_application
from provision.embedded.record import read_mark
from provision.home import state_dir

from .streams import parameters, wait_for


@pytest.mark.parametrize(
    "moment",
    [
        "starting Zeppelin and the NETPIE emulator",
        pytest.param("  Stop the stream", marks=pytest.mark.long),
        pytest.param("waiting for window", marks=pytest.mark.long),
    ],
)
def test_ctrl_c_ends_the_demo_and_all_that_it_started_and_leaves_no_secret_in_what_they_wrote(
    provision_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
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
    assert holding_secrets(home / "data", home / "state" / "records", temporary) == []


def holding_secrets(*folders: Path) -> list[Path]:
    """The files in which the application's secret stands, or that of one of its things."""
    home = state_dir()
    secrets = {demo_application().appsecret.encode()}
    for cache in home.rglob("microgear-*.cache"):
        token = read_cache(cache.parent, demo_application().appkey)
        secrets |= {token.secret.encode(), token.token.encode()} if token else set()
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(secret in path.read_bytes() for secret in secrets)]


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
