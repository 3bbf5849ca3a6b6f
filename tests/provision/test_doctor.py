"""`provision doctor`: each part well and ill, in one line with the next step, and the exit status that fits."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from netpie_creds import AuthServerUnreachableError
from netpie_emulator import Emulator
from provision.checks import installed, machine, zeppelin
from provision.checks.finding import exit_code, told
from provision.cli import run
from provision.embedded import record
from provision.embedded.install import install_dir
from provision.embedded.manifest import Component, MavenJar
from provision.errors import RefusedError, UsageError
from provision.finding import Finding, Level, fail, ok, warn
from provision.platforms import netpie2015_checks
from provision.streams.idle_end import PREFIX
from provision.streams.spark_page import SparkPage, StreamState
from provision.sync.provenance import MARK, PAGE
from zeppelin_sdk import ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, html

SECRET = "Application-Secret-1"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in [name for name in os.environ if name.startswith(("NETPIE_", "ZEPPELIN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def server() -> Iterator[FakeZeppelin]:
    with FakeZeppelin("0.10") as fake:
        yield fake


def doctor(capsys, *arguments: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """The exit status, and the findings by part as (level, message)."""
    status = run(["doctor", "--json", *arguments])
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    parts: dict[str, list[tuple[str, str]]] = {}
    for check in json.loads(said.out)["checks"]:
        assert check["level"] == "ok" or check["next"]
        parts.setdefault(check["part"], []).append((check["level"], check["message"]))
    return status, parts


# --- findings ---


def test_the_exit_status_is_the_one_that_all_failures_share() -> None:
    away = fail("a", "x", "y", 4)
    assert exit_code([ok("a", "x"), warn("a", "x", "y")]) == 0
    assert exit_code([away, away]) == 4
    assert exit_code([away, fail("b", "x", "y")]) == 1
    assert exit_code([fail("b", "x", "y", 5)]) == 5


def test_a_finding_is_one_line_with_its_next_step() -> None:
    assert fail("disk", "a\nb", "c").line() == "fail  disk          a b; c"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RefusedError("no", next_step="x"), 5),
        (AuthServerUnreachableError("no"), 4),
        (PermissionError(13, "denied", "/f"), 1),
    ],
)
def test_an_error_of_a_part_is_its_failure_after_what_was_found(error: Exception, code: int) -> None:
    def check() -> Iterator[Finding]:
        yield ok("p", "first")
        raise error

    first, second = told("p", check)
    assert first.level is Level.OK
    assert (second.level, second.exit_code) == (Level.FAIL, code)


# --- this machine and what is installed ---


def levels(findings) -> dict[str, str]:
    return {finding.part: str(finding.level) for finding in findings}


def test_a_good_machine_has_nothing_to_mend() -> None:
    assert set(levels(machine.check_machine(embedded=True)).values()) == {"ok"}


@pytest.mark.parametrize(("free", "level"), [(10e9, "ok"), (1e9, "warn"), (1e8, "fail")])
def test_little_space_is_told_before_it_is_used_up(monkeypatch: pytest.MonkeyPatch, free: float, level: str) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert levels(machine.check_machine(embedded=False))["disk"] == level


def test_a_cache_that_others_can_read_is_told(home: Path) -> None:
    kept = home / "state" / "netpie" / "microgear-K.cache"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    kept.chmod(0o644)
    assert levels(machine.check_machine(embedded=False))["secrets"] == "warn"
    kept.chmod(0o600)
    assert levels(machine.check_machine(embedded=False))["secrets"] == "ok"


def test_a_folder_that_spark_can_not_run_in_is_told_where_spark_is_to_run(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "with space"))
    assert levels(machine.check_machine(embedded=True))["folder"] == "fail"
    assert levels(machine.check_machine(embedded=False))["folder"] == "ok"


def test_a_jar_that_is_not_whole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Component("mqtt", jars=(MavenJar("g:a:1", 4, "00", "lib"),))
    monkeypatch.setattr(installed, "component", lambda _: part)
    monkeypatch.setattr(installed, "COMPONENTS", ("mqtt",))
    jar = install_dir(part) / "lib" / "a-1.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"four")
    assert [finding.level for finding in installed.check_installed()] == [Level.OK]
    jar.write_bytes(b"cut")
    (finding,) = installed.check_installed()
    assert finding.level is Level.FAIL
    assert str(jar) in finding.message


def test_a_missing_extra_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "COMPONENTS", ())
    monkeypatch.setitem(sys.modules, "amqtt", None)
    (finding,) = installed.check_installed()
    assert (finding.level, "[emulator]" in finding.next_step) == (Level.WARN, True)


@pytest.mark.parametrize(("status", "level"), [(0, "ok"), (1, "fail")])
def test_the_package_index_is_asked_only_when_something_is_missing(monkeypatch, status: int, level: str) -> None:
    monkeypatch.setattr(installed.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=status))
    found = levels(installed.check_installed())
    assert found == {"installed": "warn", "index": level}


def test_a_stack_that_ended_in_part_is_told_with_what_clears_it_away() -> None:
    assert [f.message for f in installed.check_stack()] == ["not up; provision up starts it"]
    record.write_mark("a-mark-of-nobody")
    (finding,) = installed.check_stack()
    assert finding.level is Level.WARN
    assert "provision down" in finding.next_step


# --- NETPIE ---


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator("App", "Key123456789012", SECRET, state=tmp_path / "netpie") as running:
        yield running


def application_file(tmp_path: Path) -> str:
    file = tmp_path / "app.env"
    file.write_text(f"appid=App\nappkey=Key123456789012\nappsecret={SECRET}\n")
    file.chmod(0o600)
    return str(file)


def named(emulator: Emulator, server: FakeZeppelin, tmp_path: Path) -> list[str]:
    return ["--auth", emulator.auth_url, "--credentials-file", application_file(tmp_path), "--zeppelin", server.url]


def test_a_server_and_an_application_that_work_end_with_0(emulator, server, tmp_path: Path, capsys) -> None:
    status, parts = doctor(capsys, *named(emulator, server, tmp_path))
    assert status == 0
    parts_of_it = ("zeppelin", "login", "spark", "idle spark", "websocket", "notes")
    for part in ("application", "thing", "auth server", "clock", "broker", *parts_of_it):
        assert {level for level, _ in parts[part]} == {"ok"}, part
    assert "installed" not in parts


def test_a_clock_that_is_wrong_is_told(emulator, server, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(netpie2015_checks.AuthServer, "time", lambda _: int(time.time()) + 300)
    status, parts = doctor(capsys, *named(emulator, server, tmp_path))
    assert status == 0
    assert parts["clock"][0][0] == "warn"
    assert re.search(r"differ by (299|300|301) s", parts["clock"][0][1])


def test_a_readable_credentials_file_and_a_broken_cache_are_told(emulator, server, tmp_path: Path, capsys) -> None:
    arguments = named(emulator, server, tmp_path)
    Path(application_file(tmp_path)).chmod(0o644)
    (tmp_path / "microgear-Key123456789012.cache").write_text("{")
    status, parts = doctor(capsys, *arguments, "--cache-dir", str(tmp_path))
    assert status == 1
    assert parts["thing"][0][0] == "fail"
    assert ("warn", f"{tmp_path}/app.env can be read by others") in parts["secrets"]


def test_the_broker_of_a_cache_that_names_none_is_asked_for(emulator, server, tmp_path: Path, capsys) -> None:
    token = {"token": "t", "secret": "s", "endpoint": "", "revokecode": "r"}
    (tmp_path / "microgear-Key123456789012.cache").write_text(json.dumps({"_": {"accesstoken": token}}))
    _, parts = doctor(capsys, *named(emulator, server, tmp_path), "--cache-dir", str(tmp_path))
    assert parts["broker"] == [("ok", f"127.0.0.1:{emulator.mqtt_port} takes connections")]


def test_a_missing_application_is_told_and_its_secret_is_not_asked_for(emulator, server, capsys) -> None:
    status, parts = doctor(capsys, "--auth", emulator.auth_url, "--zeppelin", server.url, "--appid", "A")
    assert status == 0
    assert parts["application"][0][0] == "warn"
    assert "thing" not in parts


def test_servers_out_of_reach_end_with_4(tmp_path: Path, capsys) -> None:
    away = "http://127.0.0.1:9"
    status, parts = doctor(capsys, "--auth", away, "--zeppelin", away, "--credentials-file", application_file(tmp_path))
    assert status == 4
    assert {parts[part][0][0] for part in ("auth server", "broker", "zeppelin")} == {"fail"}


# --- Zeppelin ---


def test_a_refused_login_ends_with_5(emulator, server, tmp_path: Path, capsys, monkeypatch) -> None:
    server.users = {"ann": "pencil"}
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "wrong")
    status, parts = doctor(capsys, *named(emulator, server, tmp_path), "--user", "ann")
    assert status == 5
    assert parts["zeppelin"][-1][0] == "fail"


@pytest.mark.parametrize(
    ("status", "level"), [("READY", "ok"), ("ERROR", "fail"), ("DOWNLOADING_DEPENDENCIES", "warn")]
)
def test_spark_s_interpreter_setting_has_to_be_ready(emulator, server, tmp_path, capsys, status, level) -> None:
    server.settings["spark"]["status"] = status
    with ZeppelinClient(server.url) as client:
        found = list(zeppelin.check_zeppelin(client, deep=False))
    assert next(finding for finding in found if finding.part == "spark").level == level


@pytest.mark.parametrize("generation", ["0.8", "0.10", "0.11", "0.12"])
def test_a_websocket_that_opens_is_told_in_each_version(generation: str) -> None:
    with FakeZeppelin(generation) as server, ZeppelinClient(server.url) as client:
        server.allowed_origins = {server.url}
        assert zeppelin._websocket(client) == ok("websocket", "it opens, and the server answers")


@pytest.mark.parametrize(("origins", "told_as"), [("", "empty"), ("http://else:8080", "http://else:8080")])
def test_a_server_that_keeps_this_address_out_of_its_websocket_is_told_with_what_lets_it_in(
    monkeypatch: pytest.MonkeyPatch, origins: str, told_as: str
) -> None:
    with FakeZeppelin("0.12") as server, ZeppelinClient(server.url) as client:
        server.configurations = {zeppelin.ORIGINS: origins}
        monkeypatch.setattr(server, "allows", lambda _origin: False)
        finding = zeppelin._websocket(client)
        assert finding.level is Level.FAIL
        assert f"its zeppelin.server.allowed.origins is {told_as}" in finding.message
        assert f"add {server.url} to it" in finding.next_step
        server.configurations = {}  # as for a user who may not read them
        finding = zeppelin._websocket(client)
        assert finding.level is Level.FAIL
        assert zeppelin.ORIGINS in finding.next_step


def test_a_page_at_the_loopback_address_that_a_server_keeps_out_is_told_where_to_be_opened() -> None:
    with FakeZeppelin("0.12") as server, ZeppelinClient(server.url) as client:
        server.configurations = {zeppelin.ORIGINS: ""}
        finding = zeppelin._websocket(client)
        assert finding.level is Level.WARN
        assert finding.next_step == f"open pages as {server.url.replace('127.0.0.1', 'localhost')}"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(html(502, "bad gateway"), "no websocket at /ws (502)"), (html(403, "no"), "refused the websocket (403)")],
)
def test_a_proxy_that_passes_no_websockets_is_told(emulator, server, tmp_path: Path, capsys, fault, cause) -> None:
    server.websocket_fault = fault
    status, parts = doctor(capsys, *named(emulator, server, tmp_path))
    assert status in (4, 5)
    assert parts["websocket"][0][0] == "fail"
    assert cause in parts["websocket"][0][1]


def test_a_websocket_on_which_nothing_comes_is_told(server: FakeZeppelin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zeppelin, "WEBSOCKET_TIMEOUT", 0.1)
    server.deaf_to = {"GET_NOTE"}
    with ZeppelinClient(server.url) as client:
        assert zeppelin._websocket(client).level is Level.WARN


def test_a_server_that_ends_an_idle_spark_is_told_with_what_keeps_it(emulator, server, tmp_path, capsys) -> None:
    manager = "org.apache.zeppelin.interpreter.lifecycle.TimeoutLifecycleManager"
    server.configurations |= {f"{PREFIX}.class": manager, f"{PREFIX}.timeout.threshold": "3600000"}
    status, parts = doctor(capsys, *named(emulator, server, tmp_path))
    assert status == 0
    assert parts["idle spark"][0][0] == "warn"
    assert "no paragraph for 1 h" in parts["idle spark"][0][1]


def test_streams_that_fail_are_told_with_the_reason(emulator, server, tmp_path, capsys, monkeypatch) -> None:
    stream = StreamState(
        batches=7, events=9, processing_ms=1, delay_ms=1, waiting_batches=0, receivers=1, last_error="",
        failed_batches=7, failure="AnalysisException: cannot resolve 'ts'",
    )  # fmt: skip
    monkeypatch.setattr(SparkPage, "stream", lambda page: stream if "driver" in page.url else None)
    for path, config in (("/A/fails", {PAGE: "http://driver:4040"}), ("/A/new", {})):
        mark = {MARK: {"version": 1, "bundle": "streaming", "key": "start"}}
        server.add_paragraph(server.add_note(path), {"text": "%spark\n1", "config": {**mark, **config}})
    status, parts = doctor(capsys, *named(emulator, server, tmp_path))
    assert status == 1
    assert parts["notes"] == [("ok", "2 made by provision: 1 failing, 1 not run")]
    assert parts["stream"] == [("fail", "/A/fails: its newest batch failed: AnalysisException: cannot resolve 'ts'")]


def test_without_a_server_the_embedded_one_is_meant_and_nothing_is_started(capsys, monkeypatch, home: Path) -> None:
    monkeypatch.setattr(installed, "COMPONENTS", ())
    status, parts = doctor(capsys)
    assert status == 0
    assert parts["stack"] == [("ok", "not up; provision up starts it")]
    assert "zeppelin" not in parts
    assert record.read_mark() is None


def test_a_home_that_can_not_be_written_is_one_failure_and_no_error(capsys, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "file"))
    status, parts = doctor(capsys)
    assert status == 1
    assert parts["machine"][0][0] == "fail"


def test_a_person_reads_a_line_a_check(emulator, server, tmp_path: Path, capsys) -> None:
    assert run(["doctor", *named(emulator, server, tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.split()[0] in ("ok", "warn", "fail") for line in lines)


@pytest.mark.parametrize("status", ["READY", "ERROR"])
def test_python_s_interpreter_setting_is_told_where_there_is_one(emulator, server, tmp_path, status) -> None:
    server.settings["python"] = {**server.settings["spark"], "id": "python", "name": "python", "status": status}
    with ZeppelinClient(server.url) as client:
        found = [each for each in zeppelin.check_zeppelin(client, deep=False) if each.part == "python"]
    assert [each.level for each in found] == [Level.OK if status == "READY" else Level.WARN, Level.OK]
    assert found[1].message == "one process for all notes: one stream"


def test_which_python_runs_the_bundle_in_python_is_told_and_that_none_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_client: object) -> str:
        raise UsageError("http://zeppelin: no Python has pyarrow and a Spark", next_step="-")

    monkeypatch.setattr(zeppelin, "python_with_spark", lambda _client: "spark.pyspark")
    assert "%spark.pyspark has Spark" in zeppelin._python(cast(ZeppelinClient, None)).message
    monkeypatch.setattr(zeppelin, "python_with_spark", none)
    assert zeppelin._python(cast(ZeppelinClient, None)).level is Level.OK
    assert "does not run" in zeppelin._python(cast(ZeppelinClient, None)).message
