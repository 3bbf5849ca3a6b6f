"""The windows of the bundle `structured` on random events, against averages computed here.

`python windows.py FOLDER SEED COUNT` runs in a Python with Spark, without a stream: each batch is a frame given to what
Spark's foreachBatch calls. FOLDER has the note's paragraphs. Prints what differs and how much was compared.
"""

import json
import math
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from messages import as_a_stream_has_them

PARAGRAPHS = ("dependencies", "package", "results", "events", "reader", "aggregates", "slices", "columns")
FORM = "%Y-%m-%dT%H:%M:%S%z"
START = datetime(2018, 10, 29, 2, 53, 36, tzinfo=UTC)
SLIDE, LATENESS = 10, 20

NO_EVENTS = ["no JSON", '{"id": "cut", "loa', "42", "null", '{"other": 1}', "ไม่ใช่ JSON", '{"ts": null, "id": null}']

Table = dict[Any, tuple[Any, ...]]


def define(folder: Path) -> dict[str, Any]:
    """The names that the note's paragraphs define, as they stand rendered in `folder`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for key in PARAGRAPHS:
        exec(compile((folder / f"{key}.py").read_text(), key, "exec"), names)
    return names


class Case:
    """A random stream: batches, each with the time of its trigger, of messages, each with that of its arrival."""

    def __init__(self, seed: int, by: str) -> None:
        self.random, self.by = random.Random(seed), by
        self.window = SLIDE if seed % 8 in (2, 5) else 3 * SLIDE
        self.batches: list[tuple[datetime, list[tuple[datetime, list[str]]]]] = []
        at = START
        for _ in range(self.random.randint(4, 8)):
            began = at
            at += timedelta(
                seconds=self.random.choice([2, 5, 10, 10, 10, 23, 70]), milliseconds=self.random.randrange(900)
            )
            span = (at - began).total_seconds()
            arrivals = sorted(
                began + timedelta(seconds=self.random.uniform(0, span)) for _ in range(self.random.choice([0, 3, 9]))
            )
            self.batches.append((at, [(arrival, self.message(arrival)) for arrival in arrivals]))

    def message(self, at: datetime) -> list[str]:
        """The events of a message; several of them for one in five."""
        return [self.event(at) for _ in range(self.random.choice([1, 1, 1, 1, 3]))]

    def event(self, at: datetime) -> str:
        if self.random.random() < 0.15:
            return self.random.choice(NO_EVENTS)
        happened = at - timedelta(seconds=self.random.choice([0, 0, 1, 5, 15, 25, 45, 90]) * self.random.random())
        values = {name: self.random.uniform(0, 100) for name in ("loadavg", "cpu", "mem") if self.random.random() < 0.9}
        ids = ["a", "b,c", 'say "hi"', "back\\slash", "ชื่อ"]
        return json.dumps({"ts": happened.strftime(FORM), "id": self.random.choice(ids), **values}, ensure_ascii=False)


def payload(events: list[str]) -> bytes:
    whole = all(each.startswith("{") and each.endswith("}") for each in events)
    if len(events) > 1 and whole:
        return f"[{', '.join(events)}]".encode()
    return "\n".join(events).encode()


def read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return found | {"ts": datetime.strptime(found["ts"], FORM) if found.get("ts") else None}


def millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def expected(case: Case) -> tuple[dict[int, list[dict[str, Any]]], dict[str, int]]:
    """The events of each window by its end, and the counts: straight from the definition, with no slices."""
    slide, window = SLIDE * 1000, case.window * 1000
    counts = {"events": 0, "late": 0, "malformed": 0}
    windows: dict[int, list[dict[str, Any]]] = {}
    held: list[tuple[int, dict[str, Any]]] = []
    clock: int | None = None
    done: int | None = None
    for triggered, messages in case.batches:
        if case.by == "arrival" and done is None:
            done = millis(triggered) // slide * slide
        for arrived, events in messages:
            for found in map(read, events):
                counts["events"] += 1
                good = found.get("ts") is not None and found.get("id") is not None
                counts["malformed"] += not good
                if case.by == "arrival":
                    first = max(millis(arrived) // slide * slide + slide, (done or 0) + slide)
                    counts["late"] += good and millis(found["ts"]) < first - window
                    held.append((first, found))
                elif good:
                    first = millis(found["ts"]) // slide * slide + slide
                    counts["late"] += done is not None and first <= done
                    held.append((first, found))
                    now = min(millis(found["ts"]), millis(arrived))
                    clock = now if clock is None else max(clock, now)
        clock = millis(triggered) if case.by == "arrival" else clock
        if clock is None:
            continue
        reached = (clock - (LATENESS * 1000 if case.by == "event" else 0)) // slide * slide
        ends = (
            range(min([first for first, _ in held] + [reached]), reached + 1, slide)
            if done is None
            else range(done + slide, reached + 1, slide)
        )
        for end in ends:
            rows = [found for first, found in held if end - window < first <= end]
            pause = case.by == "event" or reached - (done or 0) > window
            if rows or not pause:
                windows[end] = rows
        done = max(reached, done) if done is not None else reached
    return windows, counts


def averages(events: list[dict[str, Any]]) -> Table:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for each in events:
        groups.setdefault(each.get("id"), []).append(each)
    return {
        id_: (
            max((e["ts"] for e in of if e.get("ts")), default=None),
            *(mean(of, name) for name in ("loadavg", "cpu", "mem")),
        )
        for id_, of in groups.items()
    }


def mean(events: list[dict[str, Any]], name: str) -> float | None:
    values = [event[name] for event in events if event.get(name) is not None]
    return math.fsum(values) / len(values) if values else None


def same(one: Table, other: Table) -> bool:
    def near(a: Any, b: Any) -> bool:
        return math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b

    return one.keys() == other.keys() and all(all(map(near, row, other[key])) for key, row in one.items())


class Run:
    """A case put through the note's own classes. `restarts`: at times a new object takes over, or gets one again."""

    def __init__(self, names: dict[str, Any], case: Case, state: str, *, restarts: bool) -> None:
        self.names, self.case, self.state, self.restarts = names, case, state, restarts
        self.written: dict[int, Table] = {}
        names["outputs"] = self.outputs

    def outputs(self, rows: Any, end: int) -> None:
        self.written[end] = {row[1]: (row[0] and row[0].astimezone(UTC), *row[2:]) for row in rows.collect()}

    def made(self) -> Any:
        windows = self.names["Windows"](self.case.window, SLIDE, self.case.by, LATENESS, self.state, keep=True)
        self.names["windows"] = windows
        windows.use(
            "select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem) from measure group by id order by ts, id"
        )
        return windows

    def go(self) -> Any:
        windows = self.made()
        for number, batch in enumerate(self.case.batches):
            again = self.restarts and self.case.random.random() < 0.5
            windows(self.frame(*batch), number)
            if again:
                windows = self.made()
                if self.case.random.random() < 0.5:
                    windows(self.frame(*batch), number)
        return windows

    def frame(self, triggered: datetime, messages: list[tuple[datetime, list[str]]]) -> Any:
        rows = [(None, None, None, triggered)]
        rows += [(bytearray(payload(events)), "t", arrived, triggered) for arrived, events in messages]
        return as_a_stream_has_them(self.names["spark"], rows, self.names["windows"].reader.in_bulk)


def compiled(names: dict[str, Any], by: str) -> int:
    """How many classes Spark compiles for batches, and their windows, that are like those before them."""
    count = names["spark"]._jvm.org.apache.spark.metrics.source.CodegenMetrics.METRIC_COMPILATION_TIME().getCount
    case, before = Case(0, by), 0
    with tempfile.TemporaryDirectory() as state:
        run = Run(names, case, state, restarts=False)
        windows = run.made()
        for number in range(10):
            if number == 6:
                before = count()
            at = START + timedelta(seconds=number * SLIDE)
            event = json.dumps({"ts": f"{at:{FORM}}", "id": "a", "loadavg": 1.0, "cpu": 2.0, "mem": 3.0})
            windows(run.frame(at + timedelta(seconds=SLIDE), [(at, [event])]), number)
    assert len(run.written) > 4, "no windows"
    return int(count() - before)


def main(folder: Path, seed: int, count: int) -> int:
    names = define(folder)
    compared, wrong = 0, 0
    anew = {by: compiled(names, by) for by in ("arrival", "event")}
    print(f"compiled anew: {anew}")
    for number in range(seed, seed + count):
        case = Case(number, by="event" if number % 2 else "arrival")
        # of rows, of aggregates of slices, and of those of few batches together
        names["Parts"].LEAST, names["Parts"].SPAN = [(1000, 20), (1, 20), (1, 2)][number % 3]
        with tempfile.TemporaryDirectory() as state:
            restarts = number % 4 > 1
            run = Run(names, case, state, restarts=restarts)
            windows = run.go()
            wanted, counts = expected(case)
            told = dict(windows.results.counts)
            problems = (
                [] if run.written.keys() == wanted.keys() else [f"windows {sorted(run.written)}, not {sorted(wanted)}"]
            )
            problems += [
                f"window {end}: {run.written[end]}, not {averages(wanted[end])}"
                for end in run.written.keys() & wanted.keys()
                if not same(run.written[end], averages(wanted[end]))
            ]
            if not restarts and {name: told[name] for name in counts} != counts:
                problems.append(f"counts {told}, not {counts}")
            if windows.results.failed:
                problems.append(windows.results.reason)
        compared += len(wanted)
        wrong += bool(problems)
        for problem in problems:
            print(f"case {number} ({case.by}): {problem}")
    print(f"compared {compared} windows of {count} streams: {wrong} streams differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
