"""The real microgear-python in its own process, against an emulator."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest

from netpie_creds import Application, Credentials, mqtt_login
from netpie_emulator import Emulator

HERE = Path(__file__).parent
WAIT = 20.0  # seconds
ANSWERS = {"ready", "done", "token", "login"}
MICROGEAR, MICROPYTHON = CLIENTS = "microgear-1.2.7", "micropython-netpie-1.0.0"


class Microgear:
    """A microgear process: orders go in, events come out."""

    def __init__(self, interpreter: str, options: dict[str, object]) -> None:
        env = {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        self.process = subprocess.Popen(
            [interpreter, str(HERE / "microgear_driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        # Apart, as an event may come before or after the answer to the order that brings it about.
        self._answers: queue.Queue[dict[str, object]] = queue.Queue()
        self._events: queue.Queue[dict[str, object]] = queue.Queue()
        self._log: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_events), threading.Thread(target=self._read_log)
        ]  # fmt: skip
        for reader in self._readers:
            reader.start()
        self._say(options)
        self.wait("ready")

    def order(self, name: str, *arguments: object) -> None:
        """Give an order, and wait until microgear has returned from it."""
        self._say([name, *arguments])
        self.wait("done")

    def ask(self, name: str, *arguments: object) -> list[str]:
        """Give an order that answers with an event of the same name."""
        self._say([name, *arguments])
        return self.wait(name)

    def wait(self, event: str) -> list[str]:
        """Return what comes with the next such event, or answer to an order; others before it are passed over."""
        deadline = time.monotonic() + WAIT
        said_so_far = self._answers if event in ANSWERS else self._events
        while True:
            try:
                said = said_so_far.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"microgear did not say {event}: {''.join(self._log)[-2000:]}")
            if said["event"] == event:
                return said["values"]

    def connect(self) -> None:
        """Connect, as a program does that has a token already."""
        self._say(["connect"])
        self.wait("connect")
        self.wait("done")

    def stop(self) -> None:
        """End the process as a power cut would."""
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def _say(self, line: object) -> None:
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def _read_events(self) -> None:
        for line in self.process.stdout:
            said = json.loads(line)
            (self._answers if said["event"] in ANSWERS else self._events).put(said)

    def _read_log(self) -> None:
        self._log.extend(self.process.stderr)


def interpreter_with(client: str) -> str:
    """Return the Python that has a real client of NETPIE's, installed on first use."""
    script = HERE / "environment.py"
    made = subprocess.run([sys.executable, str(script), client], capture_output=True, text=True, timeout=900)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture(scope="session")
def interpreter() -> str:
    """The Python that has the real microgear."""
    return interpreter_with(MICROGEAR)


@pytest.fixture(scope="session")
def micropython_interpreter() -> str:
    """The Python that has the real micropython-netpie."""
    return interpreter_with(MICROPYTHON)


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator("MyApp", state=tmp_path / "netpie") as running:
        yield running


@pytest.fixture
def application(emulator: Emulator) -> Application:
    app = emulator.application
    return Application(app.appid, app.appkey, app.appsecret)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the cache that microgear uses."""
    path = tmp_path / "microgear"
    path.mkdir()
    return path


@pytest.fixture
def start_microgear(
    interpreter: str, emulator: Emulator, application: Application, folder: Path
) -> Iterator[Callable[..., Microgear]]:
    """Start the real microgear for the application, in `folder`."""
    started: list[Microgear] = []

    def start(where: Path = folder, appsecret: str = application.appsecret) -> Microgear:
        options = {
            "appid": application.appid,
            "appkey": application.appkey,
            "appsecret": appsecret,
            "auth_port": urlsplit(emulator.auth_url).port,
            "mqtt_port": emulator.mqtt_port,
            "folder": str(where),
        }
        started.append(Microgear(interpreter, options))
        return started[-1]

    yield start
    for microgear in started:
        microgear.stop()


class OurClient:
    """A client of today's paho with a login of ours."""

    def __init__(self, credentials: Credentials) -> None:
        login = mqtt_login(credentials, int(time.time()))
        self.paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, login.client_id)
        self.paho.username_pw_set(login.username, login.password)
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[object] = queue.Queue()
        self.paho.on_message = lambda _c, _u, message: self.messages.put((message.topic, message.payload))
        self.paho.on_connect = lambda _c, _u, _f, code, _p: self._answers.put(code)
        self.paho.on_subscribe = lambda _c, _u, _m, codes, _p: self._answers.put(codes)
        self.paho.connect(login.host, login.port)
        self.paho.loop_start()
        self.connected = not self._answers.get(timeout=WAIT).is_failure

    def subscribe(self, topic: str) -> None:
        self.paho.subscribe(topic, 1)
        self._answers.get(timeout=WAIT)

    def publish(self, topic: str, payload: str) -> None:
        self.paho.publish(topic, payload, 1).wait_for_publish(WAIT)

    def message(self) -> tuple[str, bytes]:
        return self.messages.get(timeout=WAIT)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture
def our_client() -> Iterator[Callable[[Credentials], OurClient]]:
    clients: list[OurClient] = []

    def connect(credentials: Credentials) -> OurClient:
        clients.append(OurClient(credentials))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
