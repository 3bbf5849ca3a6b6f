"""A Spark for the connector, an application that tests drive, and a scripted MQTT broker."""

import contextlib
import os
import queue
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provision.bundles.engine_jar import build_engine_jar
from provision.console import Console
from provision.embedded.runtime import Choice, install_runtime
from provision.locks import one_at_a_time
from provision.prepare import jars_dir

HERE = Path(__file__).parent
PATIENCE = 60.0  # seconds; what takes one on an idle machine takes many beside another Spark
MODULES = "java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent"
OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (MODULES + " sun.nio.ch sun.util.calendar").split()]

QUICK_START = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote"
)
"""Java's quick compiler alone: a shell that takes in the connector needs 33 s of processor time with it, 56 without.
Java gives it a fifth of the usual room for code, and would interpret the rest when a long life has filled that.
On two cores the plain collector spares some more; and a fifth of a note's start is the check of classes that are as
they come from their jars. (The option for that is a diagnostic one from Java 13 on.)
"""


@dataclass(frozen=True)
class SparkForTests:
    """Where Spark, Java and Paho's jar are; `compiler` is the Java that Spark's Scala compiler runs on."""

    home: Path
    java: Path
    compiler: Path
    paho_jar: Path

    def command(self, *jars: Path, options: tuple[str, ...] = ()) -> list[str]:
        """The start of a command that runs a class on Spark's class path."""
        class_path = os.pathsep.join([*map(str, jars), str(self.paho_jar), str(self.home / "jars" / "*")])
        memory = ["-Xmx512m", "-Xss4m", "-XX:+IgnoreUnrecognizedVMOptions"]
        return [str(self.java), *memory, *QUICK_START.split(), *OPENS, *options, "-cp", class_path]

    def compile(self, source: Path, jar: Path, *jars: Path) -> None:
        """Compile a Scala file into `jar`, with Spark's own compiler."""
        compiler = ["scala.tools.nsc.Main", "-usejavacp", "-nowarn", "-d", str(jar), str(source)]
        command = [str(self.compiler), *self.command(*jars)[1:], *compiler]
        subprocess.run(command, check=True, timeout=300)


def spark_for_tests() -> SparkForTests:
    """The embedded Spark; or the one that TEST_SPARK_HOME names, on the Java of TEST_JAVA_HOME: 2.4 to 4.x.

    TEST_COMPILER_HOME names another Java for the compiler.
    """
    runtime = install_runtime(Choice(), Console())
    home, java_home = os.environ.get("TEST_SPARK_HOME"), os.environ.get("TEST_JAVA_HOME")
    if not home or not java_home:
        return SparkForTests(runtime.spark_home, runtime.java, runtime.java, runtime.paho_jar)
    java, compiler = (
        Path(each) / "bin" / "java" for each in (java_home, os.environ.get("TEST_COMPILER_HOME", java_home))
    )
    return SparkForTests(Path(home), java, compiler, runtime.paho_jar)


@pytest.fixture(scope="session")
def spark() -> SparkForTests:
    return spark_for_tests()


def engine_for(spark: SparkForTests) -> Path:
    """The engine's jar, compiled for this Spark if need be."""
    folder = jars_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder / ".lock"):
        return build_engine_jar(spark.home, spark.compiler, spark.paho_jar, folder)


@pytest.fixture(scope="session")
def connector_jar(spark: SparkForTests) -> Path:
    return engine_for(spark)


@pytest.fixture(scope="session")
def probe_jar(spark: SparkForTests, connector_jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    jar = tmp_path_factory.mktemp("probe") / "probe.jar"
    spark.compile(HERE / "Probe.scala", jar, connector_jar)
    return jar


class Probe:
    """The test application, running; see Probe.scala for its commands and answers."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._log = (folder / "probe.log").open("wb")
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._answers: queue.Queue[tuple[str, str]] = queue.Queue()
        self.seen: list[tuple[str, str]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.wait("ready", timeout=240)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("PROBE "):
                _, word, text = line.rstrip("\n").split(" ", 2)
                self._answers.put((word, text))

    def tell(self, command: str, **options: object) -> None:
        assert self._process.stdin
        words = [command, *(f"{name}={value}" for name, value in options.items())]
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()

    def start(self, url: str, **options: object) -> None:
        self.seen.clear()
        self.tell("start", url=url, **{"topics": "/app/#"} | options)

    def ask(self, command: str, timeout: float = PATIENCE, **options: object) -> str:
        answer = {"stop": "stopped", "end": "ended"}.get(command, command)
        self.tell(command, **options)
        return self.wait(answer, timeout=timeout)

    def wait(self, word: str, *, timeout: float = PATIENCE, matching: str = "") -> str:
        """The next answer of the kind `word` that has `matching` in it; all answers are kept in `seen`."""
        end = time.monotonic() + timeout
        while True:
            try:
                answer = self._answers.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                raise AssertionError(f"no {word!r} {matching!r} in {timeout} s; seen: {self.seen}") from None
            self.seen.append(answer)
            if answer[0] == word and matching in answer[1]:
                return answer[1]

    def wait_for_messages(self, count: int, *, timeout: float = PATIENCE) -> list[str]:
        """All messages so far, once there are `count`."""
        end = time.monotonic() + timeout
        while len(self.heard("message")) < count:
            self.wait("message", timeout=end - time.monotonic())
        return self.heard("message")

    def heard(self, word: str) -> list[str]:
        return [text for kind, text in self.seen if kind == word]

    def counters(self) -> dict[str, int]:
        """What the receivers have counted, as the driver knows it: up to a heartbeat ago."""
        pairs = (pair.split("=") for pair in self.ask("counters").split())
        return {name: int(value) for name, value in pairs}

    def wait_for_counters(self, **wanted: int) -> dict[str, int]:
        """All counters, once those that are `wanted` have their values."""
        end = time.monotonic() + PATIENCE
        counted = self.counters()
        while any(counted.get(name) != value for name, value in wanted.items()):
            assert time.monotonic() < end, counted
            time.sleep(0.1)
            counted = self.counters()
        return counted

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()


@pytest.fixture(scope="session")
def shared_probe(
    spark: SparkForTests, connector_jar: Path, probe_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Probe]:
    probe = Probe([*spark.command(probe_jar, connector_jar), "Probe"], tmp_path_factory.mktemp("run"))
    yield probe
    probe.close()


@pytest.fixture
def probe_to_end(
    spark: SparkForTests, connector_jar: Path, probe_jar: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Probe]:
    """An application for one test, as one whose Spark has ended is of no use."""
    probe = Probe([*spark.command(probe_jar, connector_jar), "Probe"], tmp_path_factory.mktemp("run"))
    yield probe
    probe.close()


@pytest.fixture
def probe(shared_probe: Probe) -> Iterator[Probe]:
    """A running application with no stream."""
    yield shared_probe
    shared_probe.ask("stop")


LIMITS = """
spark.streaming.receiver.maxRate=500
spark.streaming.backpressure.enabled=true
spark.streaming.backpressure.initialRate=100
spark.streaming.backpressure.pid.minRate=20
"""
"""A receiver may store 500 messages/s, and fewer where Spark does not keep up."""


class Store:
    """Spark's write-ahead log, which can be made to fail: then Spark stores nothing."""

    def __init__(self, probe: Probe, folder: Path) -> None:
        self.probe = probe
        self.folder = folder

    def start(self, url: str, **options: object) -> None:
        logged = "spark.streaming.receiver.writeAheadLog.enable=true"
        self.probe.start(url, checkpoint=self.folder, conf=logged, **options)
        self.probe.wait("receiver")

    def breaks(self) -> None:
        shutil.rmtree(self.folder / "receivedData", ignore_errors=True)
        (self.folder / "receivedData").touch()

    def works(self) -> None:
        if (self.folder / "receivedData").is_file():
            (self.folder / "receivedData").unlink()


@pytest.fixture
def store(probe: Probe, tmp_path: Path) -> Iterator[Store]:
    made = Store(probe, tmp_path / "checkpoint")
    yield made
    made.works()


@dataclass
class Connect:
    """What a client said when it connected."""

    client_id: str
    username: str
    password: str = field(repr=False)
    clean: bool
    level: int
    at: float


class ScriptedBroker:
    """An MQTT 3.1.1 broker that records what it receives and publishes on a test's order to its last client.

    `answers` are the return codes for the next connects (None: never answer), 0 when there are none left; before
    that, `slams` connections are reset as soon as they are there;
    `window` is how many messages it sends unacknowledged; `grant` is what it answers to a subscription, None
    for what was asked.
    """

    def __init__(self) -> None:
        self.answers: deque[int | None] = deque()
        self.session_present = False
        self.grant: int | None = None
        self.slams = 0
        self.window = 1_000_000
        self.connects: list[Connect] = []
        self.subscriptions: list[list[tuple[str, int]]] = []
        self.acknowledged: list[int] = []
        self.disconnects = 0
        self._changed = threading.Condition()
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._next_id = 0
        self.port = 0
        self.listen()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def listen(self) -> None:
        self._server = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = self._server.getsockname()[1]
        self._spawn(self._accept, self._server)

    def kill(self) -> None:
        """Stop listening and drop the clients without a word."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.drop()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def drop(self) -> None:
        with self._changed:
            clients, self._clients = self._clients, []
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def until(self, condition: Callable[["ScriptedBroker"], object], timeout: float = PATIENCE) -> None:
        with self._changed:
            met = self._changed.wait_for(lambda: condition(self), timeout)
        assert met, f"{self.connects} {self.subscriptions} {self.acknowledged} {self.disconnects}"

    def until_subscribed(self, times: int = 1) -> None:
        self.until(lambda broker: len(broker.subscriptions) >= times)

    def publish(self, *payloads: str, topic: str = "/app/x", qos: int = 1) -> list[int]:
        """Send `payloads`, waiting where the window is full; returns the packet ids (0 at QoS 0)."""
        sent = []
        for payload in payloads:
            if qos:
                self._next_id += 1
                self.until(lambda broker: self._next_id - len(broker.acknowledged) <= broker.window)
            name = topic.encode()
            head = struct.pack("!H", len(name)) + name
            packet_id = struct.pack("!H", self._next_id) if qos else b""
            for client in self._clients[-1:]:
                client.sendall(packed(0x30 | qos << 1, head + packet_id + payload.encode()))
            sent.append(self._next_id if qos else 0)
        return sent

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            if self.slams:
                self.slams -= 1
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            else:
                self._clients.append(client)
                self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while packet := self._read(stream):
                with self._changed:
                    self._handle(client, *packet)
                    self._changed.notify_all()

    @staticmethod
    def _read(stream: object) -> tuple[int, bytes] | None:
        read = stream.read  # type: ignore[attr-defined]
        try:
            head = read(1)
            length = shift = 0
            while head:
                byte = read(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    return head[0], read(length)
        except (OSError, IndexError):
            return None
        return None

    def _handle(self, client: socket.socket, head: int, body: bytes) -> None:
        kind = head >> 4
        packet_id = struct.unpack("!H", body[:2])[0] if len(body) >= 2 else 0
        if kind == 1:
            self._connect(client, body)
        elif kind == 8:
            topics = list(self._filters(body[2:]))
            self.subscriptions.append(topics)
            granted = bytes(q if self.grant is None else self.grant for _, q in topics)
            client.sendall(packed(0x90, body[:2] + granted))
        elif kind == 5:
            client.sendall(packed(0x62, body[:2]))
        elif kind in (4, 7):
            self.acknowledged.append(packet_id)
        elif kind == 12:
            client.sendall(packed(0xD0, b""))
        elif kind == 14:
            self.disconnects += 1

    def _connect(self, client: socket.socket, body: bytes) -> None:
        flags, rest = body[7], body[10:]
        client_id, rest = self._text(rest)
        username, rest = self._text(rest) if flags & 0x80 else ("", rest)
        password, rest = self._text(rest) if flags & 0x40 else ("", rest)
        said = Connect(client_id, username, password, bool(flags & 0x02), body[6], time.monotonic())
        self.connects.append(said)
        answer = self.answers.popleft() if self.answers else 0
        if answer is not None:
            client.sendall(packed(0x20, bytes([self.session_present and answer == 0, answer])))

    def _filters(self, body: bytes) -> Iterator[tuple[str, int]]:
        while body:
            topic, body = self._text(body)
            yield topic, body[0]
            body = body[1:]

    @staticmethod
    def _text(body: bytes) -> tuple[str, bytes]:
        end = 2 + struct.unpack("!H", body[:2])[0]
        return body[2:end].decode(), body[end:]


def packed(head: int, body: bytes) -> bytes:
    """An MQTT packet."""
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([head]) + length + body


@pytest.fixture
def broker() -> Iterator[ScriptedBroker]:
    made = ScriptedBroker()
    yield made
    made.kill()
