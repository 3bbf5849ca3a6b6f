"""The receiver on a real Spark: what it says to a broker, what Spark gets of it, and when."""

import base64
import hashlib
import hmac
import threading
import time
from itertools import pairwise

import pytest

from provision.streams.spark_page import SparkPage

pytestmark = pytest.mark.integration


def test_messages_of_several_topics_reach_spark(probe, broker):
    probe.start(broker.url, topics="/app/x /app/+/y")
    broker.until_subscribed()
    broker.publish("one", topic="/app/x")
    broker.publish("zwei \u00fc", topic="/app/a/y")
    assert sorted(probe.wait_for_messages(2)) == ["one", "zwei \u00fc"]
    assert broker.subscriptions == [[("/app/x", 1), ("/app/+/y", 1)]]
    assert broker.connects[0].level == 4


def test_a_topic_stream_has_the_topic_of_each_message(probe, broker):
    probe.start(broker.url, topics="/app/+", topicColumn="yes")
    broker.until_subscribed()
    broker.publish("one", topic="/app/x")
    broker.publish("two", topic="/app/ไทย")
    assert sorted(probe.wait_for_messages(2)) == ["/app/x one", "/app/ไทย two"]


@pytest.mark.parametrize("qos", [1, 2])
def test_each_message_is_acknowledged_once(probe, broker, qos):
    probe.start(broker.url, qos=qos)
    broker.until_subscribed()
    sent = broker.publish(*(f"m{i}" for i in range(50)), qos=qos)
    assert sorted(probe.wait_for_messages(50)) == sorted(f"m{i}" for i in range(50))
    broker.until(lambda b: len(b.acknowledged) >= 50)
    assert broker.acknowledged == sent
    assert probe.wait_for_counters(acknowledged=50) == {
        "received": 50,
        "stored": 50,
        "acknowledged": 50,
        "reconnects": 0,
        "redelivered": 0,
    }


def test_the_driver_s_page_tells_what_was_counted(probe, broker):
    probe.start(broker.url)
    broker.until_subscribed()
    broker.publish(*(f"m{i}" for i in range(10)))
    probe.wait_for_counters(acknowledged=10)
    state = SparkPage(probe.ask("page"), timeout=60).stream()
    assert state
    assert state.messages == {"received": 10, "stored": 10, "acknowledged": 10, "reconnects": 0, "redelivered": 0}


def test_a_stream_that_is_started_anew_counts_anew(probe, broker):
    for times in (1, 2):
        probe.start(broker.url)
        broker.until_subscribed(times)
        broker.publish(*(f"m{i}" for i in range(times)))
        assert probe.wait_for_counters(acknowledged=times)["received"] == times
        probe.ask("stop")


@pytest.mark.parametrize("window", [3, 20])
def test_a_full_in_flight_window_does_not_slow_the_stream(probe, broker, window):
    broker.window = window
    probe.start(broker.url)
    broker.until_subscribed()
    began = time.monotonic()
    broker.publish(*(f"m{i}" for i in range(20 * window)))
    assert time.monotonic() - began < 20 * 0.15
    probe.wait_for_messages(20 * window)


def test_many_messages_make_few_blocks(probe, broker):
    probe.start(broker.url, qos=0)
    broker.until_subscribed()
    broker.publish(*(f"m{i}" for i in range(3000)), qos=0)
    probe.wait_for_messages(3000)
    assert sum(map(int, probe.heard("blocks"))) <= 10


def test_the_password_is_signed_afresh_at_every_connect(probe, broker):
    probe.start(broker.url, clientId="TOKEN", username="KEY", hmacKey="secret&appsecret", retryMillis=1300)
    broker.until_subscribed()
    broker.drop()
    broker.until_subscribed(2)
    times = []
    for said in broker.connects:
        key, epoch = said.username.split("%")
        signature = hmac.digest(b"secret&appsecret", f"TOKEN%{said.username}".encode(), hashlib.sha1)
        assert (key, said.password) == ("KEY", base64.b64encode(signature).decode())
        times.append(int(epoch))
    assert times[0] < times[1] <= time.time()


def test_no_thread_is_named_after_the_client_id_which_is_a_token(probe, broker):
    probe.start(broker.url, clientId="TOKEN", username="KEY", hmacKey="secret&appsecret")
    for times in (1, 2):
        broker.until_subscribed(times)
        names = probe.ask("threads").split(",")
        assert len([name for name in names if name.startswith("MQTT ")]) >= 3
        assert [name for name in names if "TOKEN" in name] == []
        broker.drop()


def test_a_broker_that_comes_back_finds_the_same_receiver(probe, broker):
    probe.start(broker.url, clientId="TOKEN", username="KEY", hmacKey="secret&appsecret")
    broker.until_subscribed()
    broker.publish("before")
    probe.wait_for_messages(1)
    broker.kill()
    error = probe.wait("error")
    time.sleep(1)
    broker.listen()
    broker.until_subscribed(2)
    broker.publish("after")
    assert probe.wait_for_messages(2) == ["before", "after"]
    assert probe.wait_for_counters(reconnects=1, stored=2)
    assert probe.heard("receiver") == ["started"]
    assert error.startswith(f"MQTT {broker.url}: ")
    for line in probe.heard("error"):
        assert "\\n" not in line
        assert not any(secret in line for secret in ("TOKEN", "KEY", "secret"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(4, "user name or password refused (CONNACK 4)"), (5, "not authorised (CONNACK 5)")],
)
def test_a_refusal_is_named_and_retried_slowly(probe, broker, answer, reason):
    broker.answers.append(answer)
    probe.start(broker.url, retryMillis=50)
    assert reason in probe.wait("error")
    broker.until_subscribed()
    assert broker.connects[1].at - broker.connects[0].at > 30 * 0.05 * 0.8


def test_each_failure_doubles_the_pause_before_the_next_try(probe, broker):
    broker.answers.extend([3, 3, 3, 3])
    probe.start(broker.url, retryMillis=200)
    broker.until_subscribed()
    pauses = [later.at - earlier.at for earlier, later in pairwise(broker.connects)]
    for times, pause in enumerate(pauses):
        assert 0.8 * 0.2 * 2**times < pause < 1.2 * 0.2 * 2**times + 0.5


def test_a_refused_subscription_is_named_with_its_topic_and_without_a_device_s_token(probe, broker):
    broker.grant = 128
    probe.start(
        broker.url, topics="/other/x @tap/shadow/updated/ID:hunter2 @tap/msg/topic/ID:hunter2/a/#", retryMillis=50
    )
    told = probe.wait("error")
    assert "refuses a subscription to /other/x, @tap/shadow/updated/ID, @tap/msg/topic/ID/a/#" in told
    assert "hunter2" not in told
    broker.grant = None
    broker.until_subscribed(2)


def test_a_broker_that_never_answers_is_left_and_tried_again(probe, broker):
    broker.answers.append(None)
    probe.start(broker.url, timeout=1)
    probe.wait("error")
    broker.until_subscribed()
    broker.publish("heard")
    assert probe.wait_for_messages(1) == ["heard"]


def test_connections_that_are_reset_at_once_cost_neither_time_nor_threads(probe, broker):
    broker.slams = 12
    probe.start(broker.url, retryMillis=10)
    broker.until_subscribed()
    probe.ask("stop")
    assert probe.ask("threads") == ""


def test_a_session_that_the_broker_kept_is_not_subscribed_again(probe, broker):
    probe.start(broker.url, clientId="TOKEN", cleanSession="false")
    broker.until_subscribed()
    broker.session_present = True
    broker.drop()
    broker.until(lambda b: len(b.connects) == 2)
    broker.publish("kept")
    assert probe.wait_for_messages(1) == ["kept"]
    assert len(broker.subscriptions) == 1
    assert not broker.connects[1].clean


def test_a_stop_says_goodbye_and_leaves_no_thread(probe, broker):
    probe.start(broker.url)
    broker.until_subscribed()
    probe.ask("stop")
    broker.until(lambda b: b.disconnects == 1)
    assert probe.ask("threads") == ""
    assert len(broker.connects) == 1


def test_a_stop_while_the_broker_is_away_leaves_no_thread(probe, broker):
    broker.kill()
    probe.start(broker.url)
    probe.wait("error")
    probe.ask("stop")
    assert probe.ask("threads") == ""


def test_a_stop_while_the_broker_does_not_answer_leaves_no_thread(probe, broker):
    broker.answers.append(None)
    probe.start(broker.url)
    broker.until(lambda b: b.connects)
    probe.ask("stop")
    assert probe.ask("threads") == ""


def test_a_graceful_stop_keeps_what_was_received(probe, broker):
    probe.start(broker.url)
    broker.until_subscribed()
    sent = broker.publish(*(f"m{i}" for i in range(500)))
    broker.until(lambda b: b.acknowledged)
    probe.ask("stop", graceful="true")
    assert len(probe.heard("message")) >= len(broker.acknowledged)
    assert broker.acknowledged == sent[: len(broker.acknowledged)]


def test_the_call_of_the_documents_note_works(probe, broker):
    probe.start(broker.url, bahir="yes", clientId="TOKEN", username="KEY%1", password="fixed", topics="/app/t")
    broker.until_subscribed()
    broker.publish("event", topic="/app/t")
    assert probe.wait_for_messages(1) == ["event"]
    said = broker.connects[0]
    assert (said.client_id, said.username, said.password) == ("TOKEN", "KEY%1", "fixed")
    assert (said.clean, said.level, broker.subscriptions) == (True, 4, [[("/app/t", 1)]])


def test_nothing_is_acknowledged_that_spark_has_not_stored(store, broker):
    store.start(broker.url)
    broker.until_subscribed()
    store.breaks()
    sent = broker.publish("a", "b", "c")
    assert "did not store" in store.probe.wait("error", matching="Spark")
    time.sleep(0.5)
    assert broker.acknowledged == []
    store.works()
    broker.until(lambda b: b.acknowledged == sent)
    assert store.probe.wait_for_messages(3) == ["a", "b", "c"]


def test_an_acknowledgement_never_goes_to_a_later_connection(store, broker):
    store.start(broker.url)
    broker.until_subscribed()
    store.breaks()
    broker.publish("a")
    store.probe.wait("error", matching="Spark")
    broker.drop()
    broker.until_subscribed(2)
    store.works()
    assert store.probe.wait_for_messages(1) == ["a"]
    sent = broker.publish("b")
    broker.until(lambda b: b.acknowledged)
    assert broker.acknowledged == sent


def test_a_message_stored_while_the_broker_is_away_does_not_hinder_the_reconnect(store, broker):
    store.start(broker.url, timeout=60)
    broker.until_subscribed()
    store.breaks()
    broker.publish("a")
    store.probe.wait("error", matching="Spark")
    broker.kill()
    store.works()
    assert store.probe.wait_for_messages(1) == ["a"]
    broker.listen()
    broker.until_subscribed(2)
    sent = broker.publish("b")
    broker.until(lambda b: b.acknowledged == sent)


def test_a_store_that_fails_holds_the_broker_back(store, broker):
    store.start(broker.url, qos=0, flushMessages=10)
    broker.until_subscribed()
    store.breaks()
    flood = [f"m{i}" + "x" * 20_000 for i in range(1000)]
    sender = threading.Thread(target=lambda: broker.publish(*flood, qos=0))
    sender.start()
    try:
        store.probe.wait("error", matching="Spark")
        time.sleep(1)
        assert sender.is_alive()
        assert 0 < store.probe.counters()["received"] <= 2 * 10 + 10
        store.works()
        assert len(store.probe.wait_for_messages(len(flood), timeout=60)) == len(flood)
    finally:
        broker.drop() if sender.is_alive() else None
        sender.join()


def test_an_error_that_no_retry_can_cure_ends_the_stream(probe, broker):
    probe.start(broker.url, broken=1)
    broker.until_subscribed()
    broker.publish("any")
    assert "NoClassDefFoundError: example/Missing" in probe.wait("receiver-stopped")
    end = time.monotonic() + 60
    while (state := probe.ask("state")) != "STOPPED":
        assert time.monotonic() < end, state
        time.sleep(0.1)
    assert broker.acknowledged == []


def test_a_connect_that_runs_out_of_memory_is_not_tried_again(probe_to_end, broker):
    probe_to_end.start(broker.url.replace("tcp:", "ssl:"), caFile="/dev/zero")
    assert "OutOfMemoryError" in probe_to_end.wait("receiver-stopped", timeout=60)
    assert not [said for said in probe_to_end.heard("error") if "next try" in said]
