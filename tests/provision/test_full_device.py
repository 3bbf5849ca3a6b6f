"""What each command does where its answer or its progress can't be written: one line, never a traceback."""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netpie_emulator import Emulator
from provision.cli import COMMANDS, run
from zeppelin_sdk.testing import FakeZeppelin

NOTE = "MyApp metrics csv"
FULL = "/dev/full"
BEFORE_AND_COMMAND = [
    ([], "creds get"),
    (["creds get"], "creds show"),
    (["creds get"], "creds refresh"),
    (["creds get"], "creds revoke"),
    ([], "publish --message {}"),
    ([], "plan"),
    ([], "apply --no-run"),
    (["apply --no-run"], "list"),
    (["apply --no-run"], "status NOTE"),
    (["apply --no-run"], "logs NOTE"),
    (["apply --no-run"], "top --once"),
    (["apply --no-run"], "stop NOTE"),
    (["apply --no-run"], "pull NOTE"),
    (["apply --no-run"], "undo NOTE"),
    (["apply --no-run"], "remove --yes NOTE"),
    ([], "doctor"),
    ([], "down"),
    ([], "config"),
    ([], "plot averages.csv"),
    ([], "init project"),
    ([], "validate --bundle streaming"),
]
ELSEWHERE = {"demo", "up", "run", "jar", "page", "open", "infer", "sub", "history"}
"""Commands that need an installed stack, serve until they end, or want events; they print by the same two ways."""


@dataclass
class Streams:
    """Runs a command with the streams given; what it printed to the good ones."""

    patch: pytest.MonkeyPatch

    def __call__(self, command: str, *, out: str | None = None, err: str | None = None) -> tuple[int, str, str]:
        words = [NOTE if word == "NOTE" else word for word in command.split()]
        with contextlib.ExitStack() as opened, self.patch.context() as patch:
            streams = []
            for name, device in (("stdout", out), ("stderr", err)):
                stream = io.StringIO() if device is None else open(device, "w", buffering=1)  # noqa: SIM115
                opened.callback(close, stream)
                patch.setattr(sys, name, stream)
                streams.append(stream)
            status = run(words)
            printed = [stream.getvalue() if isinstance(stream, io.StringIO) else "" for stream in streams]
        return status, printed[0], printed[1]


def close(stream: io.TextIOBase) -> None:
    if not isinstance(stream, io.StringIO):
        with contextlib.suppress(OSError):
            stream.close()


@pytest.fixture
def streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Streams]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    (tmp_path / "averages.csv").write_text("window_end,id,avg(cpu)\n2026-11-26T10:00:00Z,ant,1.5\n")
    with Emulator("MyApp", state=tmp_path / "emulator") as netpie, FakeZeppelin() as zeppelin:
        app = netpie.application
        for name, value in (("APPID", app.appid), ("APPKEY", app.appkey), ("APPSECRET", app.appsecret)):
            monkeypatch.setenv(f"NETPIE_{name}", value)
        monkeypatch.setenv("NETPIE_AUTH", netpie.auth_url)
        monkeypatch.setenv("ZEPPELIN_URL", zeppelin.url)
        yield Streams(monkeypatch)


def test_every_command_is_here() -> None:
    assert {command.split()[0] for _, command in BEFORE_AND_COMMAND} | ELSEWHERE == {*COMMANDS}


@pytest.mark.parametrize("flag", ["", " --json"])
@pytest.mark.parametrize(("before", "command"), BEFORE_AND_COMMAND)
def test_an_answer_that_can_not_be_written_is_an_error_of_one_line(
    streams: Streams, before: list[str], command: str, flag: str
) -> None:
    for each in before:
        assert streams(each)[0] == 0
    status, _, err = streams(command + flag, out=FULL)
    assert status == 1
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [
        "error: No space left on device; free some space and run it again"
    ]
    assert "Traceback" not in err


@pytest.mark.parametrize(("before", "command"), BEFORE_AND_COMMAND)
def test_progress_that_can_not_be_written_changes_nothing(streams: Streams, before: list[str], command: str) -> None:
    for each in before:
        assert streams(each)[0] == 0
    status, out, _ = streams(f"{command} --json", err=FULL)
    assert "error" not in json.loads(out)
    assert status == (1 if command.startswith("status") else 0)


@pytest.mark.parametrize("command", ["", "nosuch", "run", "run --json NOTE --param x=1"])
def test_wrong_usage_that_can_not_be_told_has_its_status(streams: Streams, command: str) -> None:
    assert streams(command, err=FULL)[0] == 2
