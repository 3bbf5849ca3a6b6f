"""What Spark writes, against averages computed here: each window, filling, full and draining."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest

from .conftest import Streams
from .streams import Stream, event

COLUMNS = ("loadavg", "cpu", "mem")
IDS = ["host-0000", "a,b", 'say "hi"', "ชื่อ☃", "back\\slash", "it's; 5$", "two\nlines", "null"]
OFFSETS = ["+0700", "-0330", "+0000", "+0545"]
START = datetime(2018, 10, 29, 2, 53, 36, tzinfo=UTC)

Row = tuple[datetime | None, tuple[float | None, ...]]

NO_EVENTS = [
    "no JSON at all",
    '{"ts": "2018-10-29T09:53:36+0700", "id": "cut off", "loa',
    "42",
    '"text"',
    "null",
    '{"other": 1}',
    '{"ts": null, "id": null, "cpu": null}',
    "ไม่ใช่ JSON",
]
HALF_EVENTS = [
    '{"ts": "2018-10-29T09:53:40+0700", "id": "half", "loadavg": 1.5, "cpu": 20}',
    '{"ts": "soon", "id": "half", "loadavg": 2.5, "cpu": 30, "mem": 7}',
    '{"ts": "2018-10-29T09:53:37+0700", "id": "half", "loadavg": 3.5, "cpu": "much", "mem": 9}',
    '{"ts": "2018-10-29T09:53:38+0700", "id": "half", "loadavg": [1], "cpu": {"a": 1}, "mem": 8, "more": true}',
    '{"ts": "2018-02-30T09:53:36+0700", "id": "no such date", "loadavg": 1, "cpu": 2, "mem": 3}',
    '{"ts": "2018-10-29T25:61:00+0700", "id": "no such time", "loadavg": 1, "cpu": 2, "mem": 3}',
    '{"ts": "2018-10-29T09:53:39+0700", "loadavg": 1, "cpu": 2, "mem": 3}',
]


@pytest.fixture(scope="module", params=["classic", "streaming"])
def bundle(request: pytest.FixtureRequest) -> str:
    """A fixture, so that all tests of one bundle come before those of the other."""
    return request.param


def known_events(group: int, number: int = 24) -> list[str]:
    """Events of several ids; the latest of an id is seldom the one whose text sorts last."""
    random = Random(group)
    events = []
    for index in range(number):
        offset = random.choice(OFFSETS)
        minutes = int(offset[0] + "1") * (60 * int(offset[1:3]) + int(offset[3:]))
        at = START + timedelta(seconds=random.randrange(40_000))
        local = at.astimezone(timezone(timedelta(minutes=minutes)))
        values = [random.uniform(0, 4), random.uniform(0, 100), random.choice([random.uniform(0, 1e9), 7])]
        events.append(event(local.strftime("%Y-%m-%dT%H:%M:%S") + offset, IDS[index % len(IDS)], *values))
    return events


def averages(lines: list[bytes]) -> dict[str, Row]:
    """The document's query, in Python: id -> latest time, averages of what there is."""
    groups: dict[str, list[dict]] = {}
    for line in lines:
        read = as_event(line)
        groups.setdefault(read.get("id") or "", []).append(read)
    return {
        id_: (max((e["ts"] for e in events if e.get("ts")), default=None), tuple(mean(events, c) for c in COLUMNS))
        for id_, events in groups.items()
    }


def mean(events: list[dict], column: str) -> float | None:
    values = [event[column] for event in events if isinstance(event.get(column), int | float)]
    return math.fsum(values) / len(values) if values else None


def as_event(line: bytes) -> dict:
    """A line as the table has it: nulls where it has no such value."""
    try:
        read = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(read, dict):
        return {}
    try:
        return read | {"ts": datetime.strptime(read.get("ts") or "", "%Y-%m-%dT%H:%M:%S%z")}
    except ValueError:
        return read | {"ts": None}


def as_written(rows: tuple[tuple[str, ...], ...]) -> dict[str, Row]:
    written = {}
    for ts, id_, *values in rows:
        at = datetime.fromisoformat(ts) if ts else None
        written[id_] = (at, tuple(float(value) if value else None for value in values))
    assert len(written) == len(rows)
    return written


def check(stream: Stream, bundle: str, since: int = 0) -> list[list[bytes]]:
    """Compare every window that ends after `since` (ms); returns the windows' events, oldest first."""
    expected = stream.expected()
    written = stream.windows()
    if bundle == "streaming":
        written = [window for window in written if window.end in expected]
        assert [window.end for window in written] == list(expected)
    else:  # its folders have the time of writing: one for each batch, in order
        written = written[: len(expected)]
        assert all(end <= window.end for end, window in zip(expected, written, strict=True))
    compared = []
    for (end, lines), window in zip(expected.items(), written, strict=True):
        if end <= since:
            continue
        compared.append(lines)
        rows, wanted = as_written(window.rows), averages(lines)
        assert rows.keys() == wanted.keys()
        for id_, (ts, values) in wanted.items():
            assert rows[id_][0] == ts
            assert rows[id_][1] == tuple(v if v is None else pytest.approx(v, rel=1e-9) for v in values)
    return compared


def test_windows_that_fill_are_full_and_drain_hold_the_right_averages(streams: Streams, bundle: str) -> None:
    stream = streams.running(bundle)
    since = stream.drain()
    for group in range(4):
        stream.publish(known_events(group, number=16 + 8 * group))
    stream.drain()

    windows = check(stream, bundle, since)
    busy = [end for end, lines in stream.taken().items() if lines]
    steps = range(0, 1000 * stream.lengths.window, 1000 * stream.lengths.batch)
    assert any(all(end - step in busy for step in steps) for end in busy), "no window was ever full"
    assert [] in windows
    assert averages(windows[-1]) == {}


def test_lines_that_are_no_events_are_rows_of_nulls(streams: Streams, bundle: str) -> None:
    stream = streams.running(bundle)
    since = stream.drain()
    stream.publish([*NO_EVENTS, *HALF_EVENTS, *known_events(99)])
    stream.drain()

    windows = check(stream, bundle, since)
    with_bad = [averages(lines) for lines in windows if NO_EVENTS[0].encode() in lines]
    assert with_bad
    assert all(rows[""][1] == (1, 2, 3) for rows in with_bad)
