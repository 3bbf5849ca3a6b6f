"""Real brokers: Mosquitto with both versions of MQTT, and amqtt. Publishing is paho's."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mqtt_support.mosquitto import mosquitto
from mqtt_support.publishing import publish
from pyspark_mqtt._listen import listened
from pyspark_mqtt._options import read_sink, read_source
from pyspark_mqtt._publisher import Message, Publisher
from pyspark_mqtt._rows import More, batches
from pyspark_mqtt._stream import Stream, rows_of


@contextmanager
def amqtt() -> Iterator[int]:
    """An amqtt broker in a thread of this process; its port."""
    from amqtt.broker import Broker

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def serve() -> Broker:
        broker = Broker(config)
        await broker.start()
        ready.set()
        return broker

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    broker = asyncio.run_coroutine_threadsafe(serve(), loop).result(20)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(broker.shutdown(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def received(port: int, folder: Path, count: int, **more: str) -> list[str]:
    """Values that a stream has, when so many were published while it was subscribed."""
    given = {"mqtt.broker.url": f"tcp://127.0.0.1:{port}", "subscribe": "a/+", "journalLocation": str(folder)}
    stream = Stream(
        read_source({**given, **{name.replace("_", "."): text for name, text in more.items()}}, streaming=True)
    )
    try:
        start, found = stream.initial(), list[str]()
        publish(port, "a/b", [str(number) for number in range(count)], int(more["mqtt_qos"]))
        while len(found) < count:
            end = stream.latest()
            for part in stream.parts(start, end):
                found += [value.decode() for batch in rows_of(part) for value in batch.column(0).to_pylist()]
            stream.commit(end)
            start = end
        return found
    finally:
        stream.stop()


@pytest.mark.parametrize("qos", ["0", "1", "2"])
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mosquitto(tmp_path: Path, version: str, qos: str) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        found = received(broker.port, tmp_path / "journal", 500, mqtt_version=version, mqtt_qos=qos)
    assert found == [str(number) for number in range(500)]


@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_amqtt(tmp_path: Path, qos: str) -> None:
    with amqtt() as port:
        found = received(port, tmp_path / "journal", 300, mqtt_version="3.1.1", mqtt_qos=qos)
    assert sorted(found, key=int) == [str(number) for number in range(300)]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mosquitto_takes_what_is_published_and_keeps_what_is_retained(tmp_path: Path, version: str) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        common = {"mqtt.broker.url": broker.url, "mqtt.version": version}
        sent = [Message(f"c/{number}", str(number).encode(), number % 3, True) for number in range(30)]
        assert Publisher(read_sink(common)).publish(sent) == 30
        options = read_source({**common, "subscribe": "c/#", "duration": "0.5"}, streaming=False)
        rows = [row for batch in batches(listened(options, None), 0, 100, More()) for row in batch.to_pylist()]
    assert sorted((row["topic"], row["value"].decode(), row["retained"]) for row in rows) == sorted(
        (message.topic, message.value.decode(), True) for message in sent
    )


def test_mosquitto_s_queue_of_an_absent_reader_comes_first(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "broker") as broker:
        assert received(broker.port, tmp_path / "journal", 10, mqtt_qos="2") == [str(number) for number in range(10)]
        publish(broker.port, "a/b", ["while away"], 2)
        broker.save()
        broker.kill()
        broker.start()
        found = received(broker.port, tmp_path / "journal", 1, mqtt_qos="2")
    assert found[0] == "while away"
