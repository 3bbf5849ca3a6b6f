"""Windows by HTTP and MQTT, to a real server and a real broker: in order, at the rate that is allowed, once."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from zeppelin_notes.outputs import Outputs
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.mqtt import Mqtt
from zeppelin_notes.outputs.webhook import Webhook

from .receiver import Receiver
from .test_delivery import until
from .windows import FIRST, window

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")


def test_a_window_is_posted_with_its_rows_and_its_key(receiver: Receiver) -> None:
    nan = Window(FIRST, ("id", "avg(cpu)"), ("string", "double"), (("a", 1.5), ("b", float("nan")), ("c", None)))
    Webhook(receiver.url, token="Secret").write(nan)
    ((headers, body),) = receiver.got
    assert body == {
        "window_end": "2018-10-29T02:53:40Z",
        "rows": [
            {"window_end": "2018-10-29T02:53:40Z", "id": "a", "avg(cpu)": 1.5},
            {"window_end": "2018-10-29T02:53:40Z", "id": "b", "avg(cpu)": None},
            {"window_end": "2018-10-29T02:53:40Z", "id": "c", "avg(cpu)": None},
        ],
    }
    assert headers["Authorization"] == "Bearer Secret"
    assert headers["Idempotency-Key"] == "2018-10-29T02:53:40Z"


def test_what_is_sent_again_has_the_same_key_and_what_another_sends_has_another(receiver: Receiver) -> None:
    one, other = Webhook(receiver.url, source="one"), Webhook(receiver.url, source="other")
    alert = {"alert": "x > 1", "state": "begun", "id": "a", "window_end": window(0).ended}
    for hook in (one, one, other):
        hook.write(window(0))
        hook.send(alert)
        hook.send({**alert, "state": "over"})
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.got]
    assert keys[:3] == keys[3:6]
    assert len(set(keys)) == 6
    assert keys[0] == f"one {window(0).ended}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_is_asked_for_no_address_of_this_machine(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    Webhook(receiver.url.replace("127.0.0.1", host)).write(window(0))
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [302, 400, 503])
def test_what_is_not_taken_is_tried_again_in_order(receiver: Receiver, tmp_path: Path, status: int) -> None:
    receiver.answers = [status, status]
    outputs = Outputs(str(tmp_path))
    outputs.to("webhook", Webhook(receiver.url, token="Secret"))
    for number in range(3):
        outputs.put(window(number))
    until("the failure", lambda: outputs.told()[0].reason)
    assert f"answered {status}" in outputs.told()[0].reason
    assert "Secret" not in outputs.told()[0].line()
    until("all are delivered", lambda: len(receiver.got) == 3)
    assert [body["window_end"] for _, body in receiver.got] == [window(number).ended for number in range(3)]
    outputs.close()


def test_an_address_where_nobody_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        Webhook(f"http://127.0.0.1:{port}/").write(window(0))


# --- MQTT ---


class Broker:
    """A Mosquitto, and a subscriber of everything on it."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.got: list[tuple[str, Any, bool]] = []
        self.times: list[float] = []
        until("the broker listens", self._listens)
        self.client = self.subscriber()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def subscriber(self) -> paho.Client:
        client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        subscribed = threading.Event()

        def on_message(_: Any, __: Any, message: paho.MQTTMessage) -> None:
            self.times.append(time.monotonic())
            self.got.append((message.topic, json.loads(message.payload), bool(message.retain)))

        client.on_message = on_message
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect("127.0.0.1", self.port)
        client.subscribe([("#", 1), ("@shadow/#", 1)])
        client.loop_start()
        assert subscribed.wait(30)
        return client

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        self.process.terminate()
        self.process.wait(30)


needs_broker = pytest.mark.skipif(
    MOSQUITTO is None,
    reason="no broker of the distribution's packages: mosquitto",
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path)
    yield found
    found.close()


@needs_broker
@pytest.mark.parametrize("qos", [0, 1])
def test_a_row_is_a_message_and_what_the_rate_has_no_time_for_is_dropped_and_counted(broker: Broker, qos: int) -> None:
    output = Mqtt(broker.url, "back/averages", qos=qos, rate=20, slide=0.25)
    output.write(window(0, keys=12))
    until("its messages", lambda: len(broker.got) == 5)
    assert [(topic, row["id"]) for topic, row, _ in broker.got] == [("back/averages", f"device {n}") for n in range(5)]
    assert broker.got[0][1]["window_end"] == window(0).ended
    assert broker.times[-1] - broker.times[0] > 0.15
    assert output.remark() == "7 rows dropped, more than the rate allows"


@needs_broker
def test_a_retained_message_is_there_for_who_comes_later_and_a_shadow_has_its_form(broker: Broker) -> None:
    Mqtt(broker.url, "kept", retain=True).write(window(0, keys=1))
    Mqtt(broker.url, "@shadow/data/update").write(window(0, keys=1))
    until("both", lambda: len(broker.got) == 2)
    assert broker.got[1][1].keys() == {"data", "timestamp"}
    broker.got.clear()
    later = broker.subscriber()
    until("the kept one", lambda: broker.got)
    assert [(topic, kept) for topic, _, kept in broker.got] == [("kept", True)]
    later.disconnect()
    later.loop_stop()


@needs_broker
def test_a_broker_that_is_away_gets_all_in_order_when_it_is_back(broker: Broker, tmp_path: Path) -> None:
    outputs = Outputs(str(tmp_path / "waiting"))
    output = Mqtt(f"tcp://127.0.0.1:{broker.port}", "back", rate=1000)
    real, output._connection = output._connection, Mqtt("tcp://127.0.0.1:9", "back")._connection
    outputs.to("mqtt", output)
    for number in range(3):
        outputs.put(window(number, keys=1))
    until("the failure", lambda: outputs.told()[0].reason)
    output._connection = real
    until("all messages", lambda: len(broker.got) == 3)
    assert [row["window_end"] for _, row, _ in broker.got] == [window(number).ended for number in range(3)]
    outputs.close()
