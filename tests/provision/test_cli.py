import errno
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from provision import cli
from provision.cli import COMMANDS, json_option, run
from provision.console import Console
from provision.errors import ConflictError, hide_passwords

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Console], None]], None]:
    """Puts a command `probe` that does what it is given in the place of all."""

    def put(action: Callable[[Console], None]) -> None:
        @click.command()
        @click.option("--number", type=int)
        @json_option
        @click.pass_obj
        def probe(console: Console, number: int | None) -> None:
            action(console)

        monkeypatch.setattr(cli.Commands, "get_command", lambda _self, _ctx, name: probe if name == "probe" else None)

    return put


def failing(error: BaseException) -> Callable[[Console], None]:
    def action(_console: Console) -> None:
        raise error

    return action


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str, option: str, capsys: Capture) -> None:
    assert run([*command.split(), option]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: provision {command}".rstrip())
    assert err == ""


def test_the_group_s_help_names_every_command(capsys: Capture) -> None:
    run(["--help"])
    out = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in out] == []


def test_the_version_is_shown(capsys: Capture) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("provision, version ")


def test_without_a_command_the_help_is_shown_and_the_usage_was_wrong(capsys: Capture) -> None:
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: provision")


@pytest.mark.parametrize(
    ("args", "message", "see"),
    [
        (["xyzzy"], "No such command 'xyzzy'", "provision"),
        (["--nope"], "No such option '--nope'", "provision"),
        (["down", "--nope"], "No such option '--nope'", "provision down"),
        (["creds", "nope"], "No such command 'nope'", "provision creds"),
        (["down", "extra"], "Got unexpected extra argument (extra)", "provision down"),
        (
            ["up", "--mqtt-port", "x"],
            "Invalid value for '--mqtt-port': 'x' is not a valid integer range",
            "provision up",
        ),
    ],
)
def test_wrong_usage_is_one_line_and_exit_status_2(args: list[str], message: str, see: str, capsys: Capture) -> None:
    assert run(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {message}; see {see} --help\n"


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["aply"], "apply"),
        (["creds", "refesh"], "refresh"),
        (["apply", "--bundel", "x"], "--bundle"),
        (["--vershun"], "--version"),
        (["publish", "--Hosts", "3"], "--hosts"),
    ],
)
def test_a_mistyped_command_or_option_is_told_with_what_was_meant(args: list[str], meant: str, capsys: Capture) -> None:
    assert run(args) == 2
    err = capsys.readouterr().err
    assert f"; did you mean {meant}? see provision" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("args", [["down", "--nope", "--json"], ["down", "--json", "--nope"], ["--json", "nope"]])
def test_wrong_usage_with_json_is_one_object(args: list[str], capsys: Capture) -> None:
    assert run(args) == 2
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"kind", "message", "next"}
    assert answer["error"]["kind"] == "usage"


@pytest.mark.parametrize("args", [["probe", "--json"], ["--json", "probe"]])
def test_json_may_stand_before_the_command_and_behind_it(args: list[str], probe: Callable, capsys: Capture) -> None:
    probe(lambda console: console.result({"a": 1}, "text"))
    assert run(args) == 0
    assert json.loads(capsys.readouterr().out) == {"a": 1}


def test_an_error_has_its_exit_status_and_no_traceback(probe: Callable, capsys: Capture) -> None:
    probe(failing(ConflictError("two edits", next_step="decide")))
    assert run(["probe"]) == 3
    assert capsys.readouterr() == ("", "error: two edits; decide\n")


@pytest.mark.parametrize("args", [["probe", "--debug"], ["--debug", "probe"]])
def test_with_debug_there_is_a_traceback(args: list[str], probe: Callable, capsys: Capture) -> None:
    probe(failing(ConflictError("two edits")))
    assert run(args) == 3
    err = capsys.readouterr().err
    assert err.startswith("error: two edits\n")
    assert "Traceback" in err


def test_a_traceback_has_no_password_of_a_url(probe: Callable, capsys: Capture) -> None:
    probe(failing(ConflictError("http://ann:hush@h:1/x: no")))
    run(["probe", "--debug"])
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "hush" not in err


def test_a_bug_is_one_line_that_says_how_to_see_more(probe: Callable, capsys: Capture) -> None:
    probe(failing(KeyError("x")))
    assert run(["probe"]) == 1
    assert capsys.readouterr().err == "error: KeyError: 'x'; run it again with --debug to see where it happened\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/x/y"),
            "/x/y: Permission denied; run it again with --debug",
        ),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "/x: No space left on device; free some space"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; free some space"),
    ],
)
def test_an_error_of_the_system_is_one_line(error: OSError, message: str, probe: Callable, capsys: Capture) -> None:
    probe(failing(error))
    assert run(["probe"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_one_line_and_exit_status_130(error: BaseException, probe: Callable, capsys: Capture) -> None:
    probe(failing(error))
    assert run(["probe", "--json"]) == 130
    out, err = capsys.readouterr()
    assert err.strip() == "error: interrupted"
    assert json.loads(out)["error"]["kind"] == "interrupted"


def test_other_signals_that_end_a_program_are_as_ctrl_c_and_an_ignored_one_stays_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    ended: list[int] = []
    monkeypatch.setattr(cli, "run", lambda _args: 5)
    monkeypatch.setattr(cli.os, "_exit", ended.append)
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        cli.main()
        assert ended == [5]
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_an_apply_to_a_named_server_imports_no_more_than_it_needs() -> None:
    code = "import sys, provision.cli, provision.commands.apply; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "requests" in loaded
    assert not {"rich", "websocket", "psutil", "paho", "amqtt"} & set(loaded)


@pytest.mark.parametrize("args", [["down"], ["down", "--json"], ["--help"]])
def test_a_reader_that_goes_away_is_no_error_to_talk_about(args: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        ended = subprocess.run(
            [sys.executable, "-m", "provision", *args], stdout=output, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert "rror" not in ended.stderr


def shell(command: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Run `command` in a shell, where `provision` is this one."""
    program = f"{sys.executable} -m provision"
    return subprocess.run(
        ["sh", "-c", command.replace("provision", program)],
        cwd=tmp_path,
        env={**os.environ, "PROVISION_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )


FAILS = "provision creds show --appid A --appkey K --secret-file /nowhere"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("provision --help >&-", 0),
        ("provision --help 2>&-", 0),
        ("provision --help >&- 2>&- <&-", 0),
        ("provision --help >/dev/full", 1),
        ("provision --version >/dev/full", 1),
        ("provision --help 2>/dev/full", 0),
        (f"{FAILS} >&-", 2),
        (f"{FAILS} 2>&-", 2),
        (f"{FAILS} --json >&-", 2),
        (f"{FAILS} --json >/dev/full", 2),
        (f"{FAILS} 2>/dev/full", 2),
        (f"{FAILS} --json >/dev/full 2>/dev/full", 2),
        (f"{FAILS} --debug 2>/dev/full", 2),
    ],
)
def test_a_closed_stream_or_a_full_device_is_no_traceback(tmp_path: Path, command: str, status: int) -> None:
    done = shell(command, tmp_path)
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) <= 1


def test_an_answer_that_could_not_be_written_is_an_error(tmp_path: Path) -> None:
    done = shell("provision --help >/dev/full", tmp_path)
    assert done.stderr.startswith("error: No space left on device")


class Full(io.StringIO):
    """A stream on a full device."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_progress_that_nobody_can_read_does_not_end_the_work(
    probe: Callable[[Callable[[Console], None]], None], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def work(console: Console) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", Full())
            console.say("a step")
        console.result({}, "done")

    probe(work)
    assert run(["probe"]) == 0
    assert capsys.readouterr().out == "done\n"


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:hush@h:1/x",
        "https://hush@h/x",
        "ftp://ann:hu/sh@h",
        "jdbc:x://:hush@h",
        "http://ann:hu'sh@h",
        "http://ann:hu@sh@h",
    ],
)
def test_a_password_in_a_url_is_in_no_error(
    probe: Callable[[Callable[[Console], None]], None], capsys: Capture, url: str
) -> None:
    probe(failing(ConflictError(f"'{url}': no", next_step=f"try {url}")))
    run(["probe", "--json"])
    out, err = capsys.readouterr()
    assert "hu" not in out.replace("http", "") + err.replace("http", "")
    assert "://***@h" in err


@pytest.mark.parametrize("address", ["ann:hush@h:1/x", "a.nn:hu+sh!@h", "ann:hush@[::1]:9"])
def test_a_password_in_an_address_without_a_scheme_is_in_no_error(
    probe: Callable[[Callable[[Console], None]], None], capsys: Capture, address: str
) -> None:
    probe(failing(ConflictError(f"--zeppelin-archive {address}: no such file")))
    run(["probe"])
    err = capsys.readouterr().err
    assert "hu" not in err
    assert err.startswith("error: --zeppelin-archive ***@")


@pytest.mark.parametrize("text", ["a.b:c:1.0", "09:53:36+0700", "me@example.com", "C:\\x", "/a:b@c", "https://h:1/x"])
def test_what_is_no_login_stays(text: str) -> None:
    assert hide_passwords(f"see {text} there") == f"see {text} there"
