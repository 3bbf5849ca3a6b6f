"""A query that is killed, all of it or a part, has every message in its files, and at QoS 2 once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtt_support.killing import killed


@pytest.mark.long
def test_a_killed_query_has_every_message_once(tmp_path: Path) -> None:
    found = killed(tmp_path, qos=2, messages=20_000, kills=3)
    assert (found.missing, found.twice) == (0, 0)
    assert found.kills["driver"] >= 1
