"""A real stream under a real load: every event that was sent is in the batches, and the sides run as they stand."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.mosquitto import Mosquitto
from bench.probing import Probing
from bench.sides import BASELINE, OURS, Machine, Times, machine, note, paragraphs, properties, running
from bench.stream import drain

from ..connector.conftest import QUICK_START

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"),
        reason="no mosquitto here: measures need one",
    ),
]
TIMES = Times(window=8, slide=4)
RATE = 200.0


@pytest.fixture(autouse=True)
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", QUICK_START)


@pytest.fixture(scope="module")
def host() -> Machine:
    return machine()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def broker(folder: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(folder)
    yield broker
    broker.stop()


@pytest.mark.long
@pytest.mark.parametrize("side", [OURS, BASELINE])
def test_what_was_sent_is_in_the_batches_and_averages_are_in_files(
    side: str, host: Machine, broker: Mosquitto, folder: Path
) -> None:
    out = folder / "out"
    rendered = note(side, host, broker.url, TIMES, out)
    with running(paragraphs(rendered), properties(rendered), host, folder / side) as shell:
        probing = Probing(side, shell, broker, TIMES)
        try:
            probing.fill(RATE)
            verdict = probing.hold(RATE, 2 * TIMES.slide)
        finally:
            probing.stop()
    assert verdict.rate == pytest.approx(RATE, rel=0.1)
    assert verdict.received == pytest.approx(verdict.rate, rel=0.1)
    assert verdict.processing > 0
    rows = [line for file in out.glob("avg-*/part-*") for line in file.read_text().splitlines()]
    assert {line.split(",")[1] for line in rows} == {f"host-{number:04d}" for number in range(100)}


def test_a_bare_subscriber_drains_what_the_generator_sends(broker: Mosquitto) -> None:
    assert drain(broker, 1) > 1000
