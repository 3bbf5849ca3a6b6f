"""How long NETPIE 2020's free quota lasts, forecast from how many devices send how often. The numbers are data."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from provision.bundles.values.durations import seconds_of
from provision.errors import UsageError

MONTH = 30 * 86_400  # seconds
_RATE = re.compile(r"\s*([1-9][0-9]{0,6})\s*/\s*(\S+)\s*")


@dataclass(frozen=True)
class SendingRate:
    """`devices` that each send an event of `size` bytes every `every` seconds."""

    devices: int = 10
    every: float = 10.0
    size: int = 100

    @property
    def events(self) -> float:
        """Events a month, of 30 days."""
        return self.devices * MONTH / self.every

    def __str__(self) -> str:
        one = "device" if self.devices == 1 else "devices"
        return f"{self.devices} {one}, every {self.every:g} s"


@dataclass(frozen=True)
class Forecast:
    """What is used of one kind of the quota in a month."""

    kind: str
    used: float
    limit: int

    @property
    def over(self) -> bool:
        return self.used > self.limit

    def __str__(self) -> str:
        text = f"{shortened(self.used)} of {shortened(self.limit)} {self.kind} a month"
        return f"{text}: over" if self.over else text


def rate_of(text: str) -> SendingRate:
    """Return what `10/10s` says: ten devices, an event of each every ten seconds. Raises: UsageError."""
    match = _RATE.fullmatch(text)
    every = seconds_of(match[2]) if match else None
    if match is None or not every:
        raise UsageError(f"--forecast {text}: it is no DEVICES/TIME", next_step="write it such as 10/10s or 30/1m")
    return SendingRate(int(match[1]), every)


def forecasts(rate: SendingRate, way: str, *, subscribers: int = 1) -> list[Forecast]:
    """Return what events that go `way` use: one of `[event.…]` of quota.toml."""
    rules = _rules()
    counts: dict[str, float] = {}
    event: Mapping[str, Any] = rules["event"][way]
    for kind, count in event.items():
        if kind == "delivered":
            kind, count = count, subscribers
        counts[kind] = counts.get(kind, 0) + count * -(-rate.size // rules[kind]["block"])
    return [Forecast(rules[kind]["name"], count * rate.events, rules[kind]["limit"]) for kind, count in counts.items()]


def shortened(number: float) -> str:
    """Return 5.2 M for 5,184,000, and 500,000 as it is."""
    if number < 1_000_000:
        return f"{number:,.0f}"
    millions = f"{number / 1_000_000:.1f}"
    return f"{millions.removesuffix('.0')} M"


@functools.cache
def _rules() -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath("quota.toml").read_text(encoding="utf-8"))
