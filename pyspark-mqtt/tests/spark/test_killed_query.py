"""A query that is killed, all of it or a part, has every message in its files, and at QoS 2 once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtt_support.killing import broker_killed, killed


@pytest.mark.long
def test_a_killed_query_has_every_message_once(tmp_path: Path) -> None:
    found = killed(tmp_path, qos=2, messages=20_000, kills=3)
    assert (found.missing, found.twice) == (0, 0)
    assert found.kills["driver"] >= 1


@pytest.mark.long
def test_at_qos_1_what_is_there_twice_is_marked(tmp_path: Path) -> None:
    found = killed(tmp_path, qos=1, messages=20_000, kills=3)
    assert (found.missing, found.twice_unmarked) == (0, 0)
    assert found.twice <= found.sent_again


@pytest.mark.long
def test_a_killed_broker_that_saves_at_once_loses_nothing(tmp_path: Path) -> None:
    found = broker_killed(tmp_path, qos=2, messages=500, kills=2)
    assert found.missing == 0
