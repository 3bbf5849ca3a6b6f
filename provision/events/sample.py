"""Events of one's own form as a simulated fleet sends them: each number takes a random walk that a seed repeats."""

import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Any

from provision.bundles.event_form import EventForm, Path, fields_in
from provision.bundles.values.schema import Field
from provision.publisher.event import timestamp
from provision.publisher.pacing import paced

_MOST = {"tinyint": 100.0, "smallint": 100.0, "int": 100.0, "bigint": 100.0}


def sample_fleet(
    form: EventForm, hosts: int, rate: float, *, seed: int | None = None, stop: Event
) -> Iterator[list[bytes]]:
    """Yield events of `hosts` devices in turn, `rate` events/s over all, until `stop` is set.

    The figures depend on `form`, `hosts` and `seed` alone. The time of an event is that at which it is made.
    """
    chance = random.Random(seed)  # noqa: S311 - figures of a simulation
    devices = [_Device(form, number, chance) for number in range(hosts)]
    turn = 0
    for due in paced(rate, stop):
        batch = []
        for _ in range(due):
            batch.append(devices[turn].event(time.time()))
            turn = (turn + 1) % hosts
        yield batch


@dataclass
class _Device:
    """One that sends events; `walks` are its numbers, by path."""

    form: EventForm
    number: int
    chance: random.Random
    walks: dict[Path, float] = field(default_factory=dict)

    def event(self, now: float) -> bytes:
        values = {each.name: self._value(each, (each.name,), now) for each in self.form.fields}
        return json.dumps(values, ensure_ascii=False).encode()

    def _value(self, each: Field, path: Path, now: float) -> Any:
        inner = fields_in(each)
        if inner:
            return {one.name: self._value(one, (*path, one.name), now) for one in inner}
        if self.form.time and path == self.form.time_path:
            return _time(each.type, now)
        if path in self.form.keys:
            return self._key(each)
        return self._other(each.type, path, now)

    def _key(self, each: Field) -> Any:
        if each.is_number:
            return self.number
        return bool(self.number % 2) if each.type == "boolean" else f"{each.name}-{self.number:04d}"

    def _other(self, kind: str, path: Path, now: float) -> Any:
        base, _, rest = kind.partition("<")
        base = base.partition("(")[0]
        if base in ("double", "float"):
            return round(self._walk(path, 100.0), 4)
        if base == "decimal":
            precision, scale = map(int, re.findall(r"\d+", kind))
            return round(self._walk(path, min(100.0, 10.0 ** (precision - scale) - 1)), scale)
        if base in _MOST:
            return round(self._walk(path, _MOST[base]))
        if base == "boolean":
            return self.chance.random() < 0.5
        if base in ("timestamp", "date"):
            return _time(base, now)
        if base == "array":
            return [self._other(rest.removesuffix(">"), (*path, str(at)), now) for at in range(3)]
        return {} if base in ("map", "struct") else "" if base == "binary" else "text"

    def _walk(self, path: Path, most: float) -> float:
        before = self.walks.get(path)
        step = 0.08 * most * (self.chance.random() - 0.5)
        self.walks[path] = most * self.chance.random() if before is None else min(max(before + step, 0.0), most)
        return self.walks[path]


def _time(kind: str, now: float) -> Any:
    if kind == "timestamp":
        return timestamp(now)
    moment = datetime.fromtimestamp(now, UTC)
    if kind == "date":
        return moment.date().isoformat()
    if kind == "string":
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return round(now * 1000) if kind in ("bigint", "double") or kind.startswith("decimal") else int(now)
