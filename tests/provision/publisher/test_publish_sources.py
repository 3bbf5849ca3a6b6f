import json
import re
import time
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Event, Timer
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.errors import UsageError
from provision.publisher import fleet, host_metrics, pacing, replay
from provision.publisher.event import event, quoted, timestamp
from provision.publisher.host import cpu_percent
from provision.publisher.pacing import paced

FOUR_DECIMALS = re.compile(
    r'\{"ts": "\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", "id": ".*", '
    r'"loadavg": \d+\.\d{4}, "cpu": \d+\.\d{4}, "mem": \d+\.\d{4}\}'
)
percent = st.floats(0, 100)


def first(batches, count):
    return list(islice((payload for batch in batches for payload in batch), count))


@given(st.text(), st.floats(0, 1e6), percent, percent, st.integers(0, 2**32))
def test_an_event_is_one_line_of_json_as_the_document_shows_it(name, loadavg, cpu, mem, at) -> None:
    line = event(timestamp(at), quoted(name), loadavg, cpu, mem).decode()
    read = json.loads(line)
    assert FOUR_DECIMALS.fullmatch(line)
    assert list(read) == ["ts", "id", "loadavg", "cpu", "mem"]
    assert read["id"] == name
    assert [read["loadavg"], read["cpu"], read["mem"]] == pytest.approx([loadavg, cpu, mem], abs=5.1e-5)
    assert datetime.strptime(read["ts"], "%Y-%m-%dT%H:%M:%S%z").timestamp() == at


@pytest.mark.parametrize(("zone", "shown"), [("ICT-7", "+0700"), ("EST5", "-0500"), ("NPT-5:45", "+0545")])
def test_a_timestamp_has_the_local_zone_offset(monkeypatch, zone: str, shown: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert timestamp(1_540_781_616).endswith(shown)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_documents_timestamp_comes_out_in_its_zone(monkeypatch) -> None:
    monkeypatch.setenv("TZ", "ICT-7")
    time.tzset()
    try:
        assert timestamp(1_540_781_616) == "2018-10-29T09:53:36+0700"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_this_hosts_first_event_comes_at_once_and_the_next_after_the_interval() -> None:
    stop = Event()
    since = time.monotonic()
    batches = host_metrics("here", every=0.5, stop=stop)
    (payload,) = next(batches)
    assert time.monotonic() - since < 3
    next(batches)
    assert time.monotonic() - since >= 0.5
    stop.set()
    assert list(batches) == []
    metrics = json.loads(payload)
    assert metrics["id"] == "here"
    assert 0 <= metrics["cpu"] <= 100
    assert 0 < metrics["mem"] <= 100
    assert metrics["loadavg"] == pytest.approx(psutil.getloadavg()[0], abs=5)


def test_the_first_cpu_figure_is_measured(monkeypatch) -> None:
    readings = iter([cpu(user=10, idle=100), cpu(user=13, idle=101)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(readings))
    (payload,) = next(host_metrics("here", stop=Event()))
    assert json.loads(payload)["cpu"] == 75


def cpu(**times: float) -> SimpleNamespace:
    times = {"user": 0, "idle": 0, "iowait": 0, "guest": 0, **times}
    return SimpleNamespace(**times, _fields=tuple(times))


def test_waiting_for_a_disk_is_idle_and_a_guests_time_counts_once() -> None:
    assert cpu_percent(cpu(), cpu(user=2, guest=2, idle=4, iowait=2)) == 25


def test_no_time_between_two_readings_is_no_use() -> None:
    assert cpu_percent(cpu(user=5), cpu(user=5)) == 0


def test_a_fleets_hosts_take_turns() -> None:
    names = [json.loads(payload)["id"] for payload in first(fleet(3, 1e6, seed=1, stop=Event()), 7)]
    assert names == [f"host-000{turn % 3}" for turn in range(7)]


def test_a_seed_repeats_a_fleets_figures() -> None:
    def figures(seed: int) -> list[tuple[float, ...]]:
        events = map(json.loads, first(fleet(5, 1e6, seed=seed, stop=Event()), 500))
        return [(read["loadavg"], read["cpu"], read["mem"]) for read in events]

    assert figures(7) == figures(7)
    assert figures(7) != figures(8)


@settings(max_examples=25)
@given(st.integers(1, 12_000), st.integers())
def test_every_event_of_a_fleet_is_well_formed(hosts: int, seed: int) -> None:
    for payload in first(fleet(hosts, 1e6, seed=seed, stop=Event()), 50):
        read = json.loads(payload)
        assert FOUR_DECIMALS.fullmatch(payload.decode())
        assert 0 <= read["cpu"] <= 100
        assert 0 <= read["mem"] <= 100


def test_a_fleets_event_has_the_time_at_which_it_is_made() -> None:
    batches = fleet(1, 2, seed=1, stop=Event())
    next(batches)
    time.sleep(1.1)
    before = int(time.time())
    ts = json.loads(next(batches)[0])["ts"]
    assert datetime.strptime(ts, "%Y-%m-%dT%H:%M:%S%z").timestamp() >= before


@pytest.mark.parametrize("rate", [40, 2000])
def test_the_pace_is_about_the_rate(rate: int) -> None:
    stop = Event()
    timer = Timer(0.5, stop.set)
    timer.start()
    total = sum(paced(rate, stop))
    timer.join()
    assert rate * 0.2 <= total <= rate * 0.8 + 1


def test_a_pace_that_was_held_up_does_not_rush_to_catch_up(monkeypatch) -> None:
    monkeypatch.setattr(pacing, "BEHIND", 0.1)
    stop = Event()
    pace = paced(100, stop)
    next(pace)
    time.sleep(0.2)
    assert next(pace) == 1


def test_a_replay_is_byte_for_byte_without_line_ends_and_empty_lines(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b'{"a": 1}\r\n\n  no json \n\xff\xfe\nlast')
    assert first(replay(file, stop=Event()), 9) == [b'{"a": 1}', b"  no json ", b"\xff\xfe", b"last"]


def test_a_looped_replay_starts_over(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("1\n2\n")
    assert first(replay(file, loop=True, stop=Event()), 5) == [b"1", b"2", b"1", b"2", b"1"]


def test_a_replay_is_paced_by_its_rate(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("1\n2\n3\n4\n5\n")
    since = time.monotonic()
    assert len(first(replay(file, rate=10, stop=Event()), 9)) == 5
    assert time.monotonic() - since >= 0.35


@pytest.mark.parametrize("content", ["", "\n\r\n\n"])
def test_a_file_without_an_event_is_refused_before_anything_is_sent(tmp_path: Path, content: str) -> None:
    file = tmp_path / "none.jsonl"
    file.write_text(content)
    with pytest.raises(UsageError, match="has no events"):
        replay(file, loop=True, stop=Event())


def test_a_source_ends_when_it_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("1\n")
    stop = Event()
    stop.set()
    sources = [host_metrics("h", stop=stop), fleet(1, 1, stop=stop), replay(file, loop=True, stop=stop)]
    assert [list(source) for source in sources] == [[], [], []]
