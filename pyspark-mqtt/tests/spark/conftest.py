"""A Spark in this process, one for the tests of a module: the environment that it needs is not that of others."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mqtt_support import sparks

collect_ignore = [] if sparks.IS_FOUR else ["test_source.py", "test_other_machines.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("integration")


@pytest.fixture(scope="module")
def master() -> str:
    """Where the session's tasks run; a module with a fixture of that name may say otherwise."""
    return "local[2]"


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory, master: str) -> Iterator[Any]:
    """A session; where there are data sources in Python, with ours registered."""
    environment = sparks.environment(sparks.VERSION)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "path", [str(sparks.installed(sparks.VERSION)), *sys.path])
        from mqtt_support.query import session

        made = session(tmp_path_factory.mktemp("spark"), **sparks.QUICK, **{"spark.master": master})
        yield made
        made.stop()
        shutil.rmtree(sparks.installed(sparks.VERSION) / "pyspark" / "work", ignore_errors=True)  # of its workers
