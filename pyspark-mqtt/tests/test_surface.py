"""What is public, what the package may import, and which Python it needs."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import vermin

import pyspark_mqtt

SOURCES = sorted(Path(pyspark_mqtt.__file__).parent.rglob("*.py"))
MAY_IMPORT = {"pyspark_mqtt", "pyarrow", "pyspark", *sys.stdlib_module_names}
PUBLIC = [
    "DataLost",
    "JournalError",
    "LoginRefused",
    "Metrics",
    "MqttDataSource",
    "MqttError",
    "MqttStream",
    "OptionError",
    "ProtocolError",
    "PublicationRefused",
    "SubscriptionRefused",
    "TakenOver",
    "Unreachable",
    "mqtt_stream",
]


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def test_this_is_all_that_is_public() -> None:
    assert sorted(pyspark_mqtt.__all__) == PUBLIC


def test_it_needs_pyarrow_and_pyspark_alone() -> None:
    assert {name for path in SOURCES for name in imported(path.read_text())} <= MAY_IMPORT


def test_only_the_data_source_needs_spark_4() -> None:
    wanting = {path.name for path in SOURCES if "pyspark.sql.datasource" in path.read_text()}
    assert wanting == {"_datasource.py"}


def test_python_3_9_is_enough() -> None:
    config = vermin.Config()
    config.set_eval_annotations(False)
    for path in SOURCES:
        lowest = vermin.detect(path.read_text(), config)
        assert lowest[1] is not None, path
        assert lowest[1] <= (3, 9), f"{path.name} needs Python {lowest[1]}"


def test_every_error_is_in_the_tree_that_is_drawn() -> None:
    drawn = (pyspark_mqtt._errors.__doc__ or "").split()
    for name in set(PUBLIC) - {"Metrics", "MqttDataSource", "MqttStream", "mqtt_stream"}:
        assert issubclass(getattr(pyspark_mqtt, name), pyspark_mqtt.MqttError)
        assert name in drawn
