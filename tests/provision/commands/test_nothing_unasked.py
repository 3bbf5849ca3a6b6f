"""Nothing is started, made or written before it is asked for and known to be right; a plan needs Zeppelin alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netpie_creds import delete_cache
from provision.embedded import stack
from provision.home import state_dir

from .bench import APPKEY, APPSECRET, PATH, TOKEN, CommandBench

NO_SERVER = "no Zeppelin server named, and the embedded one is down"


@pytest.fixture
def nothing_named(bench: CommandBench, monkeypatch: pytest.MonkeyPatch) -> CommandBench:
    """Neither a server nor an application is named, nothing runs, and a start fails the test."""
    for name in ("ZEPPELIN_URL", "NETPIE_APPID", "NETPIE_APPKEY", "NETPIE_APPSECRET"):
        monkeypatch.delenv(name)

    def up(*_arguments: Any) -> None:
        raise AssertionError("a server was started")

    monkeypatch.setattr(stack, "up", up)
    return bench


@pytest.mark.parametrize(
    "words",
    [
        ["apply"],
        ["plan"],
        ["apply", "--appid", "A", "--appkey", "K"],
        ["apply", "--note", "Class/ann"],
        ["apply", "--each", "people.csv"],
        ["apply", "--json"],
        ["status", "note"],
        ["run", "note"],
        ["stop", "note"],
        ["logs", "note"],
        ["pull", "note"],
        ["remove", "note", "--yes"],
        ["undo"],
    ],
)
def test_without_a_server_there_is_one_line_that_says_how_to_have_one(
    nothing_named: CommandBench, words: list[str], tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("topic\na\n")
    assert nothing_named.run(*words) == 2
    said = nothing_named.said.removeprefix(nothing_named.out)
    assert said.splitlines() == [said.rstrip()]
    assert NO_SERVER in said
    for way in ("--zeppelin URL", "ZEPPELIN_URL", "provision up"):
        assert way in said


@pytest.mark.parametrize("command", ["apply", "plan"])
@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--param", "windw=30"], "windw"),
        (["--param", "window"], "no = in it"),
        (["--param", "window=a"], "window='a'"),
        (["--param", "slide=0"], "out of range"),
        (["--bundle", "nosuch"], "no bundle 'nosuch'"),
        (["--note", "a?b"], "Zeppelin keeps no such path"),
        (["--credentials-file", "/nosuch/file"], "does not exist"),
        (["--secret-file", "/nosuch/file"], "does not exist"),
        (["--spark-property", "nonsense"], "is not spark.NAME=VALUE"),
    ],
)
def test_wrong_words_are_told_before_a_server_is_missed(
    nothing_named: CommandBench, command: str, words: list[str], cause: str
) -> None:
    assert nothing_named.run(command, *words) == 2
    assert cause in nothing_named.said


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--param", "windw=30"], "windw"),
        (["--param", "window=15"], "no multiple"),
        (["--param", "qos=0", "--param", "session=persistent"], "keeps nothing"),
        (["--param", "receivers=3"], "receivers=3"),
        (["--bundle", "classic", "--param", "qos=1"], "qos"),
        (["--bundle", "nosuch"], "nosuch"),
        (["--sha512", "x"], "sha512"),
    ],
)
def test_a_demo_that_is_wrong_starts_nothing(nothing_named: CommandBench, words: list[str], cause: str) -> None:
    assert nothing_named.run("demo", *words) == 2
    assert cause in nothing_named.said
    assert not list(state_dir().glob("*.json"))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def without_thing(bench: CommandBench) -> None:
    delete_cache(state_dir() / "netpie", APPKEY)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--param", "window=15"], "no multiple"),
        (["--param", "windw=30"], "windw"),
        (["--param", "session=persistent"], "keeps nothing"),
        (["--param", "receivers=3"], "receivers=3"),
        (["--param", "broker_ca=/ca.pem"], "broker_ca"),
        (["--param", "broker_login=none"], "broker_login"),
        (["--param", "connector=jar"], "jar files"),
        (["--bundle", "classic", "--param", "connector=jar"], "jar files"),
    ],
)
def test_what_is_wrong_with_a_note_makes_no_thing(bench: CommandBench, words: list[str], cause: str) -> None:
    without_thing(bench)
    assert bench.run("apply", "--no-run", *words) == 2  # NETPIE would be asked for a thing, and is out of reach: 4
    assert cause in bench.said
    assert bench.zeppelin.notes == {}
    assert {request.method for request in bench.zeppelin.requests} <= {"GET"}


def no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETPIE_APPSECRET")


CLASSIC, INLINE = ["--bundle", "classic"], ["--param", "secrets=inline"]
PAHO, PACKAGE = ["--param", "mqtt_jars=/a.jar"], ["--param", "mqtt_package=g:a:1"]


@pytest.mark.parametrize("kept", [True, False], ids=["with its thing", "without a thing"])
@pytest.mark.parametrize("secret", [True, False], ids=["with its secret", "without a secret"])
@pytest.mark.parametrize("words", [[], CLASSIC, INLINE, [*CLASSIC, *INLINE]], ids=" ".join)
def test_a_plan_of_a_new_note_needs_zeppelin_alone_and_changes_nothing(
    bench: CommandBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], kept: bool, secret: bool
) -> None:
    if not kept:
        without_thing(bench)
    if not secret:
        no_secret(monkeypatch)
    before = snapshot(tmp_path)
    assert bench.run("plan", *words) == 0
    assert "a new note" in bench.out
    assert {request.method for request in bench.zeppelin.requests} == {"GET"}
    assert snapshot(tmp_path) == before
    assert bench.zeppelin.notes == {}
    for hidden in (APPSECRET, TOKEN.token, TOKEN.secret):
        assert hidden not in bench.said


@pytest.mark.parametrize(
    "words", [["--param", "mqtt_jars=/a.jar"], ["--bundle", "classic", "--param", "mqtt_package=g:a:1"]]
)
def test_a_plan_without_credentials_says_what_an_apply_with_them_does(
    bench: CommandBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    bench.apply("--note", "N", *words)
    without_thing(bench)
    no_secret(monkeypatch)
    for name in ("NETPIE_APPID", "NETPIE_APPKEY"):
        monkeypatch.delenv(name)
    before = snapshot(tmp_path)
    del bench.zeppelin.requests[:]
    assert bench.run("plan", "--note", "N", "--json") == 0
    assert '"update"' not in bench.out
    assert {request.method for request in bench.zeppelin.requests} == {"GET"}
    assert snapshot(tmp_path) == before


def test_an_apply_needs_no_broker_that_this_machine_reaches(bench: CommandBench) -> None:
    bench.apply()
    assert bench.note().path == PATH


def test_a_broker_out_of_reach_is_told_where_that_is_asked_for(bench: CommandBench) -> None:
    assert bench.run("apply", "--no-run", "--check-broker") == 4
    assert "MQTT broker 127.0.0.1:9" in bench.said
    assert bench.zeppelin.notes == {}


@pytest.fixture
def prompted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def ask() -> str:
        raise AssertionError("a person was asked")

    monkeypatch.setattr("provision.options.application._ask_secret", ask)
    return lambda: monkeypatch.setattr("sys.stdin.isatty", lambda: True)


def test_a_plan_asks_nobody_for_a_secret(bench: CommandBench, monkeypatch: pytest.MonkeyPatch, prompted: Any) -> None:
    no_secret(monkeypatch)
    prompted()
    assert bench.run("plan") == 0
