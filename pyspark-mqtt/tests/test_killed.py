"""A reader that is killed again and again, at any moment: nothing is missing, and at QoS 2 nothing is there twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtt_support.reader_killing import reader_killed


@pytest.mark.parametrize("qos", [1, 2])
def test_a_killed_reader_loses_nothing(tmp_path: Path, qos: int) -> None:
    found = reader_killed(tmp_path, qos=qos, messages=6_000, kills=3, seed=qos)
    assert found.missing == 0
    assert found.twice == 0 if qos == 2 else found.twice <= found.sent_again
