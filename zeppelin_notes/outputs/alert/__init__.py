"""Messages when a figure crosses a bound, and when that is over."""

from __future__ import annotations

import json
import operator
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._delivery import in_a_line
from .._outputs import Outputs
from .._window import END, Window

_RULE = re.compile(
    r"(?P<column>.+?)\s*(?P<sign>>=|<=|!=|=|>|<)\s*(?P<bound>-?\d+(?:\.\d+)?)"
    r"(?:\s+for\s+(?P<windows>\d+)\s+windows?)?"
)
_SIGNS = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
LIMIT = 1000
"""How many messages wait at most for an output that fails; the oldest gives way."""


@dataclass(frozen=True)
class Rule:
    """`text` is how a person wrote it: a column of the query crosses a bound in so many windows in a row."""

    text: str
    column: str
    sign: str
    bound: float
    windows: int

    def holds(self, value: Any) -> bool:
        return value is not None and bool(_SIGNS[self.sign](float(value), self.bound))


def rules(text: str) -> list[Rule]:
    """The rules of `avg(cpu) > 90 for 3 windows; min(mem) < 5`; raises ValueError for a text that is none."""
    found = []
    for each in filter(None, map(str.strip, text.split(";"))):
        rule = _RULE.fullmatch(each)
        if not rule or rule["windows"] == "0":
            raise ValueError(f"{each!r} is no alert: write one as in avg(cpu) > 90 for 3 windows")
        found.append(Rule(each, rule["column"], rule["sign"], float(rule["bound"]), int(rule["windows"] or 1)))
    return found


class Alert:
    """Sends messages by the outputs that carry some, all or those of `by`, for each device as `keys` tell them apart.

    A rule that has held in as many windows in a row as it says is told once, and once that it no longer does. What is
    known is in `file`, and outlives the process.
    """

    once = True

    def __init__(self, text: str, outputs: Outputs, file: str, keys: list[str], by: list[str] | None = None) -> None:
        self._rules, self._outputs, self._file = rules(text), outputs, Path(file)
        self._keys, self._by = keys, by
        self._state: dict[str, dict[str, int]] = {}
        self._pending: list[tuple[str, dict[str, Any]]] = []
        self._end, self._reason = 0, ""
        self._mistakes: list[str] = []
        self._load()

    def write(self, window: Window) -> None:
        if window.end != self._end:
            unknown = [rule for rule in self._rules if window.rows and rule.column not in window.columns]
            self._mistakes = [f"{rule.text!r}: the query has no column {rule.column!r}" for rule in unknown]
            for rule in self._rules:
                if rule not in unknown:
                    self._judge(rule, window)
            self._end = window.end
            self._save()
        self._send()

    def _judge(self, rule: Rule, window: Window) -> None:
        """Bring what is known of a rule up to this window. A key that has no row in it is one that does not hold."""
        values = {json.dumps([record.get(key) for key in self._keys]): record for record in window.records()}
        before = self._state.get(rule.text, {})
        after: dict[str, int] = {}
        for key in {**before, **values}:
            record = values.get(key, {})
            value = record.get(rule.column)
            held = before.get(key, 0)
            if rule.holds(value):
                after[key] = min(held + 1, rule.windows)
                if after[key] == rule.windows != held:
                    self._say(rule, key, value, window, "begun")
            elif held == rule.windows:
                self._say(rule, key, value, window, "over")
        self._state[rule.text] = after

    def _say(self, rule: Rule, key: str, value: Any, window: Window, state: str) -> None:
        named = dict(zip(self._keys, json.loads(key)))
        message = {"alert": rule.text, "state": state, **named, rule.column: value, END: window.ended}
        for name in self._by if self._by is not None else self._outputs.carriers():
            self._pending.append((name, message))
        del self._pending[:-LIMIT]

    def _send(self) -> None:
        """Send what is to be sent, to each output in order; one that fails is asked again with the next window."""
        failed: set[str] = set()
        self._reason = ""
        for each in list(self._pending):
            name, message = each
            if name in failed:
                continue
            try:
                self._outputs.send(name, message)
            except Exception as problem:  # noqa: BLE001 - whatever an output raises
                failed.add(name)
                self._reason = f"{name}: {in_a_line(problem)}"
                continue
            self._pending.remove(each)
            self._save()

    def remark(self) -> str:
        """How many keys are beyond a bound, and what waits."""
        counts = [(rule.text, self._firing(rule)) for rule in self._rules]
        told = [f"{text!r} holds for {number}" for text, number in counts if number]
        waiting = [f"{len(self._pending)} messages wait, {self._reason}"] if self._pending else []
        return "; ".join(self._mistakes + told + waiting)

    def _firing(self, rule: Rule) -> int:
        return sum(held == rule.windows for held in self._state.get(rule.text, {}).values())

    def _load(self) -> None:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            known = {rule.text for rule in self._rules}
            self._state = {text: each for text, each in found["state"].items() if text in known}
            self._pending = [(name, message) for name, message in found["pending"]]
            self._end = found["end"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return  # the first run

    def _save(self) -> None:
        unfinished = self._file.with_name(f".{self._file.name}")
        document = {"end": self._end, "state": self._state, "pending": self._pending}
        unfinished.write_text(json.dumps(document), encoding="utf-8")
        os.replace(unfinished, self._file)
