"""A receiver stores no more than Spark allows, and the broker waits meanwhile."""

import contextlib
import threading
import time

import pytest

from .conftest import LIMITS

pytestmark = pytest.mark.integration


@pytest.fixture
def flood(probe, broker):
    """Starts a stream and publishes to it as fast as it is taken; messages are large, so that no socket holds many."""
    senders = []

    def start(count: int, **options: object) -> threading.Thread:
        probe.start(broker.url, qos=0, flushMessages=50, conf=",".join(LIMITS.split()), **options)
        broker.until_subscribed()
        messages = [f"m{i}" + "x" * 10_000 for i in range(count)]
        senders.append(threading.Thread(target=publish, args=messages))
        senders[0].start()
        return senders[0]

    def publish(*messages: str) -> None:
        with contextlib.suppress(OSError):  # the test has ended before all of them were taken
            broker.publish(*messages, qos=0)

    yield start
    broker.drop()
    for sender in senders:
        sender.join()


def test_the_highest_rate_is_kept(probe, flood):
    began = time.monotonic()
    flood(2500)
    probe.wait_for_messages(2500, timeout=120)
    assert time.monotonic() - began > 2500 / 500 - 0.5


def test_a_receiver_slows_down_when_batches_take_too_long(probe, flood):
    sender = flood(6000, millisEach=10)  # Spark can do 100 messages/s, and the receiver 500
    time.sleep(8)
    counted = probe.counters()
    assert 100 < counted["stored"] < 0.6 * 500 * 8
    assert counted["received"] <= counted["stored"] + 4 * 50
    assert sender.is_alive()
