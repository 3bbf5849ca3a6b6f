"""`scripts/test` collects integration tests in some folders only."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_no_integration_test_stands_elsewhere() -> None:
    listed = re.search(r"^places=\((.*)\)$", (ROOT / "scripts/test").read_text(), re.MULTILINE)
    assert listed is not None
    marked = {
        file.parent.relative_to(ROOT).as_posix()
        for folder in ("tests", "zeppelin-sdk/tests", "pyspark-mqtt/tests")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"mark\.integration\b|add_marker\(.*integration", file.read_text())
    }
    assert marked - {"tests"} == set(listed.group(1).split())
