"""A server that ends a Spark in which no paragraph runs: what becomes of a stream, what is told, what keeps it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from netpie_emulator import Emulator
from provision.console import Console
from provision.embedded import processes
from provision.prepare import engine_jar
from provision.streams.idle_end import CLASS, NEVER, OWN_CLASS, PREFIX, THRESHOLD
from provision.sync.find_note import find_note
from provision.sync.provenance import by_role
from zeppelin_sdk import ZeppelinClient

from .command import Outcome, done, provision
from .own_server import OwnServer
from .streams import parameters, wait_for

THRESHOLD_SECONDS = 20
NOTE = "/idle/note"


@dataclass(frozen=True)
class Idle:
    """A server that ends an idle Spark, and an application for notes on it."""

    client: ZeppelinClient
    apply: list[str]
    mark: str

    @property
    def url(self) -> str:
        return self.client.url

    def state(self) -> str:
        return str(provision("status", NOTE, "--zeppelin", self.url, "--json").json["state"])

    def is_streaming(self) -> bool:
        return self.state() == "streaming"

    def told_by_doctor(self) -> str:
        checks = provision("doctor", "--zeppelin", self.url, "--json").json["checks"]
        return next(str(check["level"]) for check in checks if check["part"] == "idle spark")

    def sparks(self) -> list[psutil.Process]:
        """The processes of the server's Spark."""
        return [each for each in processes.marked(self.mark) if "org.apache.spark.deploy.SparkSubmit" in each.cmdline()]

    def run(self) -> Outcome:
        return done("run", NOTE, "--zeppelin", self.url)


@pytest.fixture
def idle(provision_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Idle]:
    manager = "org.apache.zeppelin.interpreter.lifecycle.TimeoutLifecycleManager"
    properties = {CLASS: manager, THRESHOLD: f"{THRESHOLD_SECONDS}000", f"{PREFIX}.timeout.checkinterval": "1000"}
    server = OwnServer(tmp_path / "zeppelin", **properties)
    try:
        with Emulator("IdleApp", state=tmp_path / "netpie") as netpie, ZeppelinClient(server.url) as client:
            for name in ("appid", "appkey", "appsecret"):
                monkeypatch.setenv(f"NETPIE_{name.upper()}", getattr(netpie.application, name))
            monkeypatch.setenv("NETPIE_AUTH", netpie.auth_url)
            jars = f"{engine_jar(server.runtime, Console())},{server.runtime.paho_jar}"
            options = parameters("streaming", out=tmp_path / "out", connector="jar", mqtt_jars=jars)
            options += ["--spark-property", "spark.ui.port=14040"]  # no other Spark of this machine takes it in between
            yield Idle(client, ["apply", "--zeppelin", server.url, "--note", NOTE, *options], server.mark)
    finally:
        server.kill()


@pytest.mark.long
def test_an_idle_spark_is_ended_with_its_stream_unless_it_is_used_or_kept_as_told(idle: Idle) -> None:
    applied = done(*idle.apply)
    look_now_and_then(idle, 1.5 * THRESHOLD_SECONDS)
    unused = time.monotonic()
    wait_for("a batch that is well", idle.is_streaming, THRESHOLD_SECONDS / 2)
    assert f"ends a Spark that has run no paragraph for {THRESHOLD_SECONDS} s (TimeoutLifecycleManager)" in applied.err
    assert f"the property {OWN_CLASS} = {NEVER}" in applied.err
    assert idle.told_by_doctor() == "warn"
    wait_for("the end of Spark", lambda: idle.state() == "stopped", 60)
    assert time.monotonic() - unused > THRESHOLD_SECONDS / 2

    setting = idle.client.get_interpreter_setting("spark")
    idle.client.update_interpreter_setting(setting.with_properties({OWN_CLASS: NEVER}))
    idle.client.wait_interpreter_ready(setting.id)
    wait_for("the end of its process", lambda: not idle.sparks(), 60)  # a run before that waits for it in vain
    assert "TimeoutLifecycleManager" not in idle.run().err
    assert idle.told_by_doctor() == "ok"
    time.sleep(1.5 * THRESHOLD_SECONDS)
    wait_for("a batch that is well", idle.is_streaming, THRESHOLD_SECONDS / 2)


def look_now_and_then(idle: Idle, seconds: float) -> None:
    """Run the paragraph of latest windows, as `status --watch` and `logs -f` do."""
    note = find_note(idle.client, NOTE)
    latest = by_role(note)["latest"]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        idle.client.execute_paragraph(note.id, latest.id)
        time.sleep(THRESHOLD_SECONDS / 4)
