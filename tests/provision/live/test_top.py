"""`provision top` before a staged server."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.cli import run

from .stage import Stage, StagedNote

SECONDS = 60.0
ESCAPE = "\x1b"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture(scope="module")
def note(stage: Stage) -> StagedNote:
    return stage.add("NETPIE/TOP metrics csv")


@pytest.fixture(autouse=True)
def named(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.setenv("ZEPPELIN_URL", stage.url)


def test_once_it_is_a_picture_without_escape_codes(note: StagedNote, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["top", "--once", note.path]) == 0
    shown = capsys.readouterr().out
    assert ESCAPE not in shown
    first, second, *rest = shown.splitlines()
    assert first.split() == ["NETPIE/TOP", "metrics", "csv", "streaming"]
    assert second == "All is well."
    assert {"ant", "bee", "cat", "dog"} <= {line.split()[0] for line in rest if line}


def test_without_a_terminal_it_ends_by_itself(note: StagedNote, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["top", note.path]) == 0
    assert "All is well." in capsys.readouterr().out


def test_for_a_script_it_is_one_object_with_all_digits(note: StagedNote, capsys: pytest.CaptureFixture[str]) -> None:
    end = note.next_window()
    assert run(["top", "--once", "--json", note.path]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["state"] == "streaming"
    assert answer["stream"]["events_per_s"] == 4.0
    assert answer["window"]["end"] == end
    assert answer["window"]["rows"] == [list(row) for row in note.windows[-1][1]]
    assert answer["note"] == f"{os.environ['ZEPPELIN_URL']}/#/notebook/{note.id}"


def test_a_stream_that_fails_ends_it_with_one_and_the_reason(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    note = stage.add("NETPIE/FAILING metrics csv")
    note.failure = "java.lang.ArithmeticException: / by zero"
    assert run(["top", "--once", note.path]) == 1
    assert "The newest batch failed: java.lang.ArithmeticException: / by zero" in capsys.readouterr().out
    note.failure = ""


def test_without_a_note_it_shows_all_of_the_server(note: StagedNote, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["top"]) == 0
    assert "NETPIE/TOP metrics csv" in capsys.readouterr().out
    assert run(["top", "--once", "--json"]) == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert next(each for each in notes if each["id"] == note.id)["stream"]["events_per_s"] == 4.0


def test_it_changes_nothing_in_the_note(stage: Stage, note: StagedNote, capsys: pytest.CaptureFixture[str]) -> None:
    before = [(p["text"], p["config"]) for p in note.json["paragraphs"]]
    assert run(["top", "--once", note.path]) == 0
    assert [(p["text"], p["config"]) for p in note.json["paragraphs"]] == before


def test_a_note_that_is_not_there_is_wrong_usage() -> None:
    assert run(["top", "nothing such"]) == 2


@pytest.mark.parametrize("words", [["top"], ["top", "note"]])
def test_a_server_out_of_reach_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--zeppelin", "http://127.0.0.1:9"]) == 4
    assert len(capsys.readouterr().err.splitlines()) == 1


class Terminal:
    """A command in a terminal of this size."""

    def __init__(self, words: list[str], columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "provision", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def read_until(self, pattern: str, after: int = 0) -> None:
        """Wait until what is shown after so many characters matches."""
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.shown[after:]):
            assert time.monotonic() < deadline, self.shown[-2000:]
            self._read(1.0)

    def end(self) -> int:
        """Press Ctrl-C; returns the exit status."""
        self.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.2)
        while self._read(0.2):
            pass
        os.close(self._master)
        return self.process.wait(SECONDS)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            read = os.read(self._master, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


def test_in_a_terminal_it_moves_with_the_windows_and_ctrl_c_gives_the_screen_back(note: StagedNote) -> None:
    terminal = Terminal(["top", note.path], 60, 20)
    terminal.read_until("All is well.")
    assert f"{ESCAPE}[?1049h" in terminal.shown  # the other screen
    before = len(terminal.shown)
    end = note.next_window()
    until = time.strftime("%H:%M:%S", time.localtime(end / 1000))
    terminal.read_until(f"last window .*{until}", before)
    assert terminal.end() == 0
    assert terminal.shown.rstrip("\r\n").endswith(f"{ESCAPE}[?25h{ESCAPE}[?1049l")
    assert "Traceback" not in terminal.shown
