"""A stream at QoS 1 with a session that the broker keeps: whatever dies, no published event is missing afterwards."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from netpie_creds import AuthServer, get_credentials
from netpie_creds.cache import write_cache
from provision.embedded import processes
from provision.embedded.application import demo_application
from provision.home import private_dir
from provision.mqtt.login import Login
from provision.platforms.netpie2015 import Netpie2015, full_topic
from provision.publisher import Publisher
from provision.streams.interpreter import spark_setting
from provision.streams.windows import read_windows
from provision.sync.find_note import find_note
from provision.sync.provenance import by_key
from provision.waiting import wait_until

from .command import done
from .conftest import Embedded
from .mosquitto import Mosquitto, mosquitto
from .streams import event, publishing, wait_for

AT = "2018-10-29T09:53:36+0700"
NOTE = "/streams/recovery"
AWAY = float(os.environ.get("TEST_BROKER_AWAY", "3"))
"""Seconds that the broker is away for; 60 for what the tests are about, at the cost of a minute."""
INFLIGHT = 20  # messages that a broker sends and has not seen acknowledged: these can come twice
COUNTING = "select id, count(*) as n from measure group by id"
TWO_BATCHES_A_WINDOW = {"batch": 2, "window": 4, "slide": 4, "qos": 1, "session": "persistent"}


@dataclass
class Counted:
    """A stream whose windows, one behind the other, say how often each event came; and the ids of those published."""

    embedded: Embedded
    folder: Path
    publisher: Publisher
    out: Path
    options: list[str]
    published: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Apply the note and run it with a query that counts."""
        done("apply", "--json", "--no-run", *self.options)
        note = find_note(self.embedded.client, NOTE)
        paragraph = by_key(note)["query"]
        text = f'%spark\nval query = "{COUNTING}"\nspark.sql(query)\nspark.conf.set("netpie.query", query)'
        self.embedded.client.update_paragraph(note.id, paragraph.id, text=text)
        done("run", NOTE, "--json")

    def publish(self, number: int) -> None:
        """Publish so many events; they wait while the broker is away."""
        ids = [f"e{len(self.published) + index}" for index in range(number)]
        self.published += ids
        self.publisher.publish([event(AT, id_).encode() for id_ in ids])

    def counts(self) -> Counter[str]:
        """How often each event is in the windows."""
        found: Counter[str] = Counter()
        for window in read_windows(self.out):
            for id_, number in window.rows:
                found[id_] += int(number)
        return found

    def settle(self, timeout: float = 180.0) -> None:
        """Wait until every published event is in a window."""
        assert self.publisher.flush(timeout) == 0
        wanted = set(self.published)

        def missing() -> set[str]:
            return wanted - self.counts().keys()

        wait_until(lambda: not missing(), timeout, every=0.5)
        assert missing() == set()

    def duplicates(self) -> int:
        return sum(self.counts().values()) - len(self.published)

    def redelivered(self) -> int:
        """How many events may be there twice, as the note's receiver has counted since it started."""
        messages = done("status", NOTE, "--json").json["stream"]["messages"]
        return int(messages["redelivered"]) if messages else 0

    def repeated(self) -> set[tuple[str, int]]:
        """The events that came more than once, and how often."""
        return {(id_, times) for id_, times in self.counts().items() if times > 1}


def counted(embedded: Embedded, folder: Path, exits: ExitStack, broker: Mosquitto | None) -> Counted:
    """The stream from Mosquitto if there is one, else from the stack's own broker; not started."""
    topic = "recovery" if broker is None else "recovery-mosquitto"
    note_dir = private_dir(folder / "note-thing")
    logins = [_login(embedded, each, broker) for each in (note_dir, private_dir(folder / "publisher-thing"))]
    publisher = Publisher(logins[1], full_topic(demo_application().appid, topic), qos=1)
    out = folder / "out"
    parameters = {**TWO_BATCHES_A_WINDOW, "topic": topic, "out": out}
    options = ["--bundle", "streaming", "--note", NOTE, "--cache-dir", str(note_dir)]
    options += [word for name, value in parameters.items() for word in ("--param", f"{name}={value}")]
    return Counted(embedded, folder, exits.enter_context(publisher), out, options)


def _login(embedded: Embedded, folder: Path, broker: Mosquitto | None):
    """How a thing with its cache in `folder` logs in; the cache names `broker` if there is one."""
    application = demo_application()
    credentials = get_credentials(application, folder, AuthServer(embedded.stack.netpie.auth))
    if broker is not None:
        token = replace(credentials.token, endpoint=f"pie://127.0.0.1:{broker.port}")
        write_cache(folder, application.appkey, token)
        credentials = replace(credentials, token=token)

    def login() -> Login:
        return Netpie2015.of(credentials, int(time.time())).login()

    return login


@pytest.fixture(scope="module")
def stream(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A stream from the stack's own broker."""
    with ExitStack() as exits:
        made = counted(embedded, tmp_path_factory.mktemp("recovery"), exits, None)
        made.start()
        yield made
        done("stop", NOTE)


def test_a_stop_at_any_moment_and_a_run_later_lose_nothing(stream: Counted) -> None:
    before = stream.duplicates()
    with publishing(stream.publish):
        done("stop", NOTE)
        drained = stream.counts()
        time.sleep(1)
        done("run", NOTE)
    assert drained
    stream.settle()
    assert stream.duplicates() - before <= INFLIGHT


def restart(stream: Counted) -> None:
    """As a person does in Zeppelin's page."""
    client = stream.embedded.client
    client.stop_interpreter(spark_setting(client).id)


def kill(stream: Counted) -> None:
    """SIGKILL to the process that Spark's driver is."""
    for process in processes.marked(stream.embedded.stack.mark):
        if "org.apache.spark.deploy.SparkSubmit" in process.cmdline():
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("end", [pytest.param(restart, marks=pytest.mark.long), kill])
def test_an_interpreter_that_ends_at_any_moment_needs_one_run(stream: Counted, end: Callable[[Counted], None]) -> None:
    before = stream.duplicates()
    with publishing(stream.publish):
        end(stream)
        time.sleep(1)
        done("run", NOTE)
    stream.settle()
    wait_for("the counts of what came twice", lambda: stream.redelivered() > 0)
    assert stream.duplicates() - before <= stream.redelivered()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture(scope="module")
def from_mosquitto(
    embedded: Embedded, broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Counted]:
    with ExitStack() as exits:
        made = counted(embedded, tmp_path_factory.mktemp("recovery"), exits, broker)
        made.start()
        yield made
        done("stop", NOTE)


@pytest.mark.parametrize("away", [0.0, AWAY])
def test_a_broker_that_was_killed_and_comes_back(from_mosquitto: Counted, broker: Mosquitto, away: float) -> None:
    stream = from_mosquitto
    stream.publish(300)
    stream.settle()
    before = stream.repeated()
    stream.publish(300)
    at_stake = set(stream.published[-300:])
    assert stream.publisher.flush(30) == 0
    broker.save()
    broker.kill()
    stream.publish(300)
    time.sleep(away)
    broker.start()
    stream.publish(100)

    stream.settle(180 + away)
    # it sends again what it had not noted as delivered when it last saved, and nothing else
    again = stream.repeated() - before
    assert {id_ for id_, times in again if times == 2} <= at_stake
    assert {times for _, times in again} <= {2}
