"""The README says what the code does: its tables of options are the code's, its Python can be compiled."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from pyspark_mqtt._options import SINK, SOURCE, Option
from pyspark_mqtt._receiver import Metrics
from pyspark_mqtt._rows import More

README = Path(__file__).parents[1] / "README.md"


def row(option: Option) -> str:
    default = "needed" if option.needed else f"`{option.default}`" if option.default is not None else ""
    return f"| `{option.name}` | {default} | {option.help} |"


def table(after: str) -> list[str]:
    """The rows of the first table behind a text."""
    lines = README.read_text(encoding="utf-8").split(after, 1)[1].split("|---|---|---|\n", 1)[1].splitlines()
    return lines[: next(at for at, line in enumerate([*lines, ""]) if not line.startswith("|"))]


def test_the_source_s_options_are_all_there() -> None:
    assert table("## Options") == [row(option) for option in SOURCE]


def test_the_sink_s_options_are_all_there() -> None:
    shared = {option.name for option in SOURCE}
    own = [option for option in SINK if option.name not in shared or option.name == "mqtt.qos"]
    assert table("## Read once, and write") == [row(option) for option in own]


def test_the_columns_are_all_there() -> None:
    columns = [column.split()[0] for column in More().schema.split(", ")]
    assert [re.findall("`(.*?)`", line)[0] for line in table("Each message is a row:")] == columns


def test_the_metrics_are_all_there() -> None:
    section = README.read_text(encoding="utf-8").split("## A query's progress")[1].split("##")[0]
    assert {name for name in Metrics().as_dict() if f"`{name}`" not in section} == set()


def test_its_python_can_be_compiled() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        ast.parse(block)
