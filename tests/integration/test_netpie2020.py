"""Thirty devices of NETPIE 2020 through a FlowChannel: one connection, each event once, no token anywhere."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from netpie_emulator.netpie2020 import Account, Emulator2020
from netpie_emulator.netpie2020.devices import new_device, new_flowchannel
from provision.home import data_dir, state_dir
from provision.sync.find_note import find_note
from provision.sync.provenance import PAGE

from .command import Outcome, done, provision
from .conftest import Embedded
from .streams import Stream, event, parameters, wait_for
from .test_secrets import KEEPERS, files_with, leaks

COUNT = 30
TOPICS = (
    1 + COUNT
)  # the group's messages once, and each shadow; NETPIE counts a message for each, and for the connection
NOTE = "flow/all"


@dataclass
class Flow:
    """A note of a FlowChannel that streams."""

    emulator: Emulator2020
    account: Account
    stream: Stream
    applied: Outcome
    file: Path

    @property
    def secrets(self) -> list[str]:
        tokens = [device.token for device in self.account.devices.values()]
        return [*tokens, self.account.flowchannels[0].key.partition(":")[2]]

    def options(self) -> list[str]:
        return ["--credentials-file", str(self.file), "--note", NOTE]

    def messages(self, events: dict[str, str]) -> None:
        """Each device sends its event to the group, over HTTP."""
        for client_id, text in events.items():
            headers = {"Authorization": f"Device {client_id}:{self.account.devices[client_id].token}"}
            with requests.Session() as session:
                session.trust_env = False
                url = f"{self.emulator.api_url}/message/metrics"
                assert session.put(url, data=text, headers=headers, timeout=60).status_code == 200

    def averages(self) -> dict[str, tuple[str, float]]:
        """The latest time and the average of cpu of each id, in the newest window."""
        windows = self.stream.windows()
        return {row[1]: (row[0], float(row[3])) for row in windows[-1].rows} if windows else {}


@pytest.fixture(scope="module")
def flow(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    folder = tmp_path_factory.mktemp("flow")
    account = Account(flowchannels=[new_flowchannel()])
    for number in range(COUNT):
        account.add(new_device(alias=f"device{number}", group="class"))
    rows = "".join(f"{one.client_id},{one.token}\n" for one in account.devices.values())
    (folder / "devices.csv").write_text("client_id,token\n" + rows)
    with Emulator2020(account) as emulator:
        file = folder / "flow.env"
        file.write_text(
            f"flowchannel={account.flowchannels[0].key}\ndevices=devices.csv\napi={emulator.api_url}\n"
            f"netpie_broker=tcp://127.0.0.1:{emulator.mqtt_port}\n"
        )
        file.chmod(0o600)
        topics = "topic=metrics,@shadow/data/updated"
        lengths = parameters("streaming", window=600, slide=10, batch=5)
        options = ["--credentials-file", str(file), "--bundle", "streaming", "--note", NOTE, *lengths]
        out = folder / "out"
        applied = done("apply", "--json", *options, "--param", topics, "--param", f"out={out}")
        stream = Stream(embedded.client, find_note(embedded.client, NOTE).id, "streaming", out, None)  # type: ignore[arg-type]
        wait_for("one connection with all of its topics", lambda: emulator.used()["messages"] == TOPICS + 1)
        yield Flow(emulator, account, stream, applied, file)
        done("stop", NOTE, "--json")


def test_each_event_comes_once_over_one_connection_and_the_averages_are_right(flow: Flow) -> None:
    before = flow.emulator.used()["messages"]
    devices = list(flow.account.devices)
    for cpu in (20.0, 30.5):
        flow.messages(
            {one: event("2018-10-29T09:53:36+0700", one, cpu=cpu + place) for place, one in enumerate(devices)}
        )
    used = flow.emulator.used()["messages"] - before
    assert used == 2 * COUNT * 2  # each is published, and delivered to the note once
    flow.stream.sent = [b""] * (2 * COUNT)
    flow.stream.process()
    assert sum(flow.stream.batches().values()) == 2 * COUNT
    expected = {one: pytest.approx(25.25 + place, abs=1e-9) for place, one in enumerate(devices)}
    wait_for("their averages", lambda: {one: cpu for one, (_, cpu) in flow.averages().items()} == expected)
    assert all("53:36" in ts for ts, _ in flow.averages().values())


def test_shadow_of_any_device_reaches_the_note(flow: Flow) -> None:
    for one in flow.account.devices.values():
        headers = {"Authorization": f"Device {one.client_id}:{one.token}"}
        content: dict[str, Any] = {"data": {"temp": 20}, "timestamp": -1000}
        with requests.Session() as session:
            session.trust_env = False
            url = f"{flow.emulator.api_url}/shadow/data"
            assert session.put(url, json=content, headers=headers, timeout=60).status_code == 200
    wait_for("the shadows", lambda: sum(flow.stream.batches().values()) >= 3 * COUNT)
    assert sum(flow.stream.batches().values()) == 3 * COUNT


def test_no_token_is_anywhere(embedded: Embedded, flow: Flow) -> None:
    note = flow.stream.note
    texts = [json.dumps(embedded.client.export_note(note.id)), flow.applied.out + flow.applied.err]
    for command in (
        ["plan", *flow.options()], ["plan", "--json", *flow.options()], ["status", NOTE, "--json"],
        ["logs", NOTE, "--json"], ["list", "--json"],
    ):  # fmt: skip
        outcome = provision(*command)
        texts.append(outcome.out + outcome.err)
    page = next(p.config[PAGE] for p in note.paragraphs if p.config.get(PAGE))
    with requests.Session() as session:
        session.trust_env = False
        for path in ("jobs/", "streaming/", "environment/", "executors/", "executors/threadDump/?executorId=driver"):
            texts.append(session.get(f"{page}/{path}", timeout=60).text)
    assert [leaks(text, flow.secrets) for text in texts] == [0] * len(texts)
    assert [path for path in files_with(data_dir(), flow.secrets) if path.name not in KEEPERS] == []
    kept = state_dir() / "netpie2020"
    assert [path for path in files_with(state_dir(), flow.secrets) if kept not in path.parents] == []


@pytest.mark.parametrize(
    ("fault", "told", "status"),
    [
        ({"token": "A" * 32}, "NETPIE refuses its token", 5),
        ({"enabled": False}, "disabled", 5),
        ({"banned": True}, "banned", 5),
    ],
)
def test_device_that_netpie_refuses_is_a_line_and_nothing_is_written(
    embedded: Embedded, flow: Flow, fault: dict[str, Any], told: str, status: int
) -> None:
    device = next(iter(flow.account.devices.values()))
    before = {name: getattr(device, name) for name in fault}
    try:
        for name, value in fault.items():
            setattr(device, name, value)
        outcome = provision("apply", "--no-run", *flow.options(), "--param", "window=300")
    finally:
        for name, value in before.items():
            setattr(device, name, value)
    assert (outcome.status, len(outcome.errors)) == (status, 1)
    assert told in outcome.errors[0]
    assert leaks(outcome.out + outcome.err, flow.secrets) == 0
