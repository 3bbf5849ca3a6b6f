"""Alerts: once at the crossing and once when it is over, for each key, and no restart repeats or forgets."""

from pathlib import Path
from typing import Any

import pytest

from zeppelin_notes.outputs import Outputs
from zeppelin_notes.outputs._window import Window
from zeppelin_notes.outputs.alert import Alert, rules

from .test_delivery import until
from .windows import FIRST, SLIDE

RULE = "avg(cpu) > 90 for 3 windows"


def window(number: int, **values: float | None) -> Window:
    end = FIRST + number * SLIDE
    return Window(end, ("id", "avg(cpu)"), ("string", "double"), tuple(values.items()))


class Carrier:
    """An output that carries messages; it dies, or fails, after so many."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.failing = False

    def write(self, window: Window) -> None:
        pass

    def send(self, message: dict[str, Any]) -> None:
        if self.failing:
            raise OSError("away")
        self.messages.append(message)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(each["id"], each["state"]) for each in self.messages]


def outputs_with(folder: Path, *carriers: Carrier) -> Outputs:
    found = Outputs(str(folder), keep=True)
    for number, each in enumerate(carriers):
        found.to(f"carrier {number}", each)
    return found


def alert(outputs: Outputs, folder: Path, text: str = RULE) -> Alert:
    return Alert(text, outputs, str(folder / "alert.json"), ["id"])


def test_it_is_told_once_for_each_key_when_it_has_held_long_enough_and_once_when_it_is_over(tmp_path: Path) -> None:
    carrier = Carrier()
    outputs = outputs_with(tmp_path, carrier)
    it = alert(outputs, tmp_path)
    for number, (a, b) in enumerate([(95, 95), (96, 10), (97, 95), (98, 95), (99, 95), (90, 96), (91, None)]):
        it.write(window(number, a=a, b=b))
        if number == 4:
            assert it.remark() == f"'{RULE}' holds for 2"
    assert carrier.said == [("a", "begun"), ("b", "begun"), ("a", "over"), ("b", "over")]
    assert carrier.messages[0] == {
        "alert": RULE, "state": "begun", "id": "a", "avg(cpu)": 97, "window_end": window(2).ended,
    }  # fmt: skip
    assert it.remark() == ""
    outputs.close()


def test_a_key_that_comes_no_more_is_over(tmp_path: Path) -> None:
    carrier = Carrier()
    outputs = outputs_with(tmp_path, carrier)
    it = alert(outputs, tmp_path, "avg(cpu) >= 90")
    it.write(window(0, a=90))
    it.write(window(1, b=1))
    assert carrier.said == [("a", "begun"), ("a", "over")]
    outputs.close()


def test_a_restart_at_any_window_neither_repeats_nor_forgets(tmp_path: Path) -> None:
    values = [95, 95, 95, 95, 10, 95, 95, 95, 10]
    wanted = [("a", "begun"), ("a", "over")] * 2
    for restart in range(len(values)):
        folder = tmp_path / str(restart)
        carrier = Carrier()
        outputs = outputs_with(folder, carrier)
        it = alert(outputs, folder)
        for number, value in enumerate(values):
            if number == restart:
                it = alert(outputs, folder)
                it.write(window(number - 1, a=values[number - 1])) if number else None
            it.write(window(number, a=value))
        assert carrier.said == wanted, restart
        outputs.close()


def test_messages_wait_for_an_output_that_fails_and_hold_no_other_up(tmp_path: Path) -> None:
    well, ill = Carrier(), Carrier()
    ill.failing = True
    outputs = outputs_with(tmp_path, well, ill)
    it = alert(outputs, tmp_path, "avg(cpu) > 90")
    it.write(window(0, a=95))
    it.write(window(1, a=10))
    assert well.said == [("a", "begun"), ("a", "over")]
    assert it.remark() == "2 messages wait, carrier 1: away"
    ill.failing = False
    again = alert(outputs, tmp_path, "avg(cpu) > 90")
    again.write(window(2, a=10))
    assert ill.said == well.said
    outputs.close()


def test_it_gets_windows_as_any_output_does_and_is_told(tmp_path: Path) -> None:
    carrier = Carrier()
    outputs = outputs_with(tmp_path, carrier)
    outputs.to("alert", alert(outputs, tmp_path, "avg(cpu) > 90; max(mem) > 1"))
    outputs.put(window(0, a=95))
    until("the message", lambda: carrier.said == [("a", "begun")])
    mistake = "'max(mem) > 1': the query has no column 'max(mem)'"
    line = f"output alert: 1 windows; {mistake}; 'avg(cpu) > 90' holds for 1"
    until("it is told", lambda: outputs.told()[-1].line() == line)
    outputs.close()


@pytest.mark.parametrize(
    "text", ["avg(cpu)", "> 90", "avg(cpu) > x", "avg(cpu) > 90 for 0 windows", "a > 1 for 3 days"]
)
def test_what_is_no_alert_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no alert: write one as in"):
        rules(text)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("x>1", 2, True),
        ("x >= 2", 2, True),
        ("x < -1.5", -2, True),
        ("x = 2 for 1 window", 2, True),
        ("x != 2", 2, False),
    ],
)
def test_signs_are_those_of_sql(text: str, value: float, holds: bool) -> None:
    (rule,) = rules(text)
    assert (rule.column, rule.holds(value), rule.holds(None)) == ("x", holds, False)
