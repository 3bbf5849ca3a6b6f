"""A Spark in this process, one for the tests of a module: the environment that it needs is not that of others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mqtt_support import sparks

collect_ignore = [] if sparks.IS_FOUR else ["test_source.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("integration")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session; where there are data sources in Python, with ours registered."""
    environment = sparks.environment(sparks.VERSION)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "path", [str(sparks.installed(sparks.VERSION)), *sys.path])
        from mqtt_support.query import session

        made = session(tmp_path_factory.mktemp("spark"), **sparks.QUICK)
        yield made
        made.stop()
