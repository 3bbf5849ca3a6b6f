"""The page as a process of the embedded stack, here of a stack that is a staged server."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from provision.cli import run
from provision.commands.stack import ready_page
from provision.console import Console
from provision.embedded import processes, record
from provision.embedded.record import Netpie, Pids, Stack
from provision.embedded.runtime import Runtime
from provision.errors import ProvisionError
from provision.page.background import PageProcess, running_page, start_page

from ..live.stage import Stage


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.delenv("ZEPPELIN_URL", raising=False)
    mark = uuid4().hex
    server = subprocess.Popen(["sleep", "600"], env={**os.environ, processes.MARK: mark})  # stands for both
    with Stage() as stage:
        note = stage.add("NETPIE/STACK metrics csv")
        paths = dict.fromkeys(Runtime.__dataclass_fields__, tmp_path)
        pids = Pids(zeppelin=server.pid, netpie=server.pid)
        netpie = Netpie("http://127.0.0.1:1", "127.0.0.1:2", "APP", "KEY")
        running = Stack(mark, stage.url, False, pids, netpie, Runtime(**paths), tmp_path)
        record.write_stack(running)
        assert note
        yield running
        processes.end(processes.marked(mark))
        server.wait(10)


def test_it_goes_on_by_itself_keeps_its_address_and_its_token_private(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    started = start_page(stack)
    assert started
    access = started.ready()
    with urllib.request.urlopen(access.url) as answer:
        assert answer.status == 200
    assert (record.state_dir() / "page.json").stat().st_mode & 0o077 == 0
    assert access.token not in (stack.logs / "page.log").read_text()
    again = start_page(stack)
    assert again
    assert again.ready() == access
    assert run(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["page"] == access.url
    processes.end([each for each in processes.marked(stack.mark) if each.pid != stack.pids.zeppelin])
    assert running_page(stack) is None
    anew = start_page(stack)
    assert anew
    assert anew.ready() == access


def test_zeppelin_s_own_page_is_page_enough(stack: Stack) -> None:
    assert start_page(Stack(**{**stack.__dict__, "web_page": True})) is None


def test_where_the_extra_is_not_installed_there_is_none(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.page.background._NEEDS", ("no_such_framework",))
    assert start_page(stack) is None
    assert run(["page"]) == 2


def test_one_that_does_not_start_is_told_with_its_log(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    started = start_page(stack)
    assert isinstance(started, PageProcess)
    assert ready_page(started, Console()) is None
    assert "the page did not start" in capsys.readouterr().err
    with pytest.raises(ProvisionError) as error:
        started.ready()
    assert "page.log" in error.value.next_step
