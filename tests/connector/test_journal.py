"""The journal: what was acknowledged and not processed is there again, however the stream before ended."""

import hashlib
from pathlib import Path

import pytest

from ..integration.streams import wait_for
from .conftest import Probe, ScriptedBroker

pytestmark = pytest.mark.integration

CLIENT_ID = "a/thing's TOKEN"
FOLDER = f".unprocessed-{hashlib.sha256(CLIENT_ID.encode()).hexdigest()[:16]}"
MESSAGES = [f"m{i} ☃" for i in range(20)]


def start(probe: Probe, broker: ScriptedBroker, journal: object, **options: object) -> None:
    subscriptions = len(broker.subscriptions)
    probe.start(broker.url, clientId=CLIENT_ID, cleanSession="false", journal=journal, **options)
    broker.until_subscribed(subscriptions + 1)


def publish_and_break_off(probe: Probe, broker: ScriptedBroker, journal: object, **options: object) -> None:
    """All messages are acknowledged, and none processed when the stream ends."""
    start(probe, broker, journal, millisEach=5000, **options)
    broker.publish(*MESSAGES)
    broker.until(lambda b: len(b.acknowledged) >= len(MESSAGES))
    probe.ask("stop")
    assert probe.heard("message") == []


def test_what_was_not_processed_comes_again_once_and_in_order(
    probe: Probe, broker: ScriptedBroker, tmp_path: Path
) -> None:
    publish_and_break_off(probe, broker, tmp_path)
    start(probe, broker, tmp_path)
    assert probe.wait_for_messages(len(MESSAGES)) == MESSAGES
    assert probe.wait_for_counters(redelivered=len(MESSAGES))["received"] == 0
    probe.ask("stop", graceful="yes")

    start(probe, broker, tmp_path)
    broker.publish("new")
    assert probe.wait_for_messages(1) == ["new"]


def test_a_second_break_loses_nothing_either(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    publish_and_break_off(probe, broker, tmp_path)
    start(probe, broker, tmp_path, millisEach=5000)
    probe.wait_for_counters(redelivered=len(MESSAGES))
    broker.publish("new")
    broker.until(lambda b: len(b.acknowledged) > len(MESSAGES))
    probe.ask("stop")
    assert probe.heard("message") == []

    start(probe, broker, tmp_path)
    assert probe.wait_for_messages(len(MESSAGES) + 1) == [*MESSAGES, "new"]


def test_a_batch_that_the_end_of_spark_breaks_off_comes_again(
    probe_to_end: Probe, probe: Probe, broker: ScriptedBroker, tmp_path: Path
) -> None:
    start(probe_to_end, broker, tmp_path, jobMillis=60_000)
    broker.publish(*MESSAGES)
    probe_to_end.wait("job")
    probe_to_end.ask("end", timeout=60)
    probe_to_end.close()
    assert probe_to_end.heard("message") == []

    start(probe, broker, tmp_path)
    assert probe.wait_for_messages(len(MESSAGES)) == MESSAGES


def test_what_is_in_no_window_yet_comes_again(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    start(probe, broker, tmp_path, slideMillis=60_000)
    broker.publish(*MESSAGES)
    assert probe.wait_for_messages(len(MESSAGES)) == MESSAGES
    probe.ask("stop", graceful="yes")

    start(probe, broker, tmp_path, slideMillis=1000)
    assert probe.wait_for_messages(len(MESSAGES)) == MESSAGES
    kept = tmp_path / FOLDER
    wait_for("the journal", lambda: not list(kept.iterdir()))


def test_a_window_ends_with_a_batch(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    probe.start(broker.url, clientId=CLIENT_ID, cleanSession="false", journal=tmp_path, slideMillis=750)
    assert "slide has to be a multiple of the batches' 500 ms, not 750 ms" in probe.wait("refused")


def test_what_was_processed_leaves_the_journal_and_a_stop_leaves_no_folder(
    probe: Probe, broker: ScriptedBroker, tmp_path: Path
) -> None:
    start(probe, broker, tmp_path)
    broker.publish(*MESSAGES)
    probe.wait_for_messages(len(MESSAGES))
    kept = tmp_path / FOLDER
    wait_for("the journal", lambda: list(tmp_path.iterdir()) == [kept] and not list(kept.iterdir()))
    broker.publish("more")
    probe.wait_for_messages(len(MESSAGES) + 1)
    probe.ask("stop", graceful="yes")
    wait_for("the journal", lambda: not list(tmp_path.iterdir()))


def test_nothing_is_acknowledged_that_the_journal_does_not_take(
    probe: Probe, broker: ScriptedBroker, tmp_path: Path
) -> None:
    (tmp_path / FOLDER).touch()
    start(probe, broker, tmp_path)
    broker.publish("m")
    error = probe.wait("error", matching="The journal did not store 1 messages")
    assert FOLDER in error
    assert "they are kept and tried again" in error
    assert broker.acknowledged == []
    assert probe.heard("message") == []

    (tmp_path / FOLDER).unlink()
    assert probe.wait_for_messages(1) == ["m"]
    broker.until(lambda b: len(b.acknowledged) == 1)


def test_half_a_file_is_not_stored_and_is_cleared_away(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "writing-1-0000-1").write_bytes(b"\0\0\0\x04/app")
    start(probe, broker, tmp_path)
    broker.publish("m")
    assert probe.wait_for_messages(1) == ["m"]
    wait_for("the journal", lambda: not list((tmp_path / FOLDER).iterdir()))


def test_a_file_that_can_not_be_read_is_named_and_kept(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    broken = tmp_path / FOLDER / "1-0000-1-1"
    broken.write_bytes(b"\0\0\0\x04/app\0\0\1\0cut")
    start(probe, broker, tmp_path)
    error = probe.wait("error")
    assert "1-0000-1-1" in error
    assert "left where it is" in error
    broker.publish("m")
    assert probe.wait_for_messages(1) == ["m"]
    assert broken.exists()


def test_any_file_system_of_hadoop_s_will_do(probe: Probe, broker: ScriptedBroker, tmp_path: Path) -> None:
    mounted = f"spark.hadoop.fs.viewfs.mounttable.default.link./journal=file://{tmp_path}"
    publish_and_break_off(probe, broker, "viewfs:///journal", conf=mounted)
    assert (tmp_path / FOLDER).is_dir()
    start(probe, broker, "viewfs:///journal", conf=mounted)
    assert probe.wait_for_messages(len(MESSAGES)) == MESSAGES
    probe.ask("stop", graceful="yes")
    wait_for("the journal", lambda: not (tmp_path / FOLDER).exists())


@pytest.mark.parametrize("options", [{"qos": 0, "cleanSession": "false"}, {"qos": 1, "cleanSession": "true"}])
def test_a_journal_is_refused_where_the_broker_keeps_nothing(
    probe: Probe, broker: ScriptedBroker, tmp_path: Path, options: dict[str, object]
) -> None:
    probe.start(broker.url, clientId=CLIENT_ID, journal=tmp_path, **options)
    assert "a journal is for qos 1 or 2 and cleanSession = false" in probe.wait("refused")
