"""The quota, forecast."""

import pytest

from netpie_emulator.netpie2020.quota import API_BLOCK, FREE, MESSAGE_BLOCK, SHADOW_BLOCK
from provision.errors import UsageError
from provision.platforms.netpie2020.quota import SendingRate, _rules, forecasts, rate_of


def told(way, rate, **more):
    return [str(one) for one in forecasts(rate, way, **more)]


def test_ten_devices_every_ten_seconds_fit_as_messages():
    assert told("message", SendingRate(10, 10)) == ["5.2 M of 9 M messages a month"]


def test_as_shadow_writes_they_do_not():
    assert told("shadow", SendingRate(10, 10)) == [
        "5.2 M of 9 M messages a month", "2.6 M of 500,000 shadow operations a month: over",
    ]  # fmt: skip


def test_over_http_the_calls_are_counted():
    assert told("api_message", SendingRate(1, 10)) == [
        "518,400 of 800,000 API operations a month",
        "518,400 of 9 M messages a month",
    ]


def test_blocks_and_subscribers_count():
    (one,) = forecasts(SendingRate(1, 1, size=4097), "message", subscribers=3)
    assert one.used == 30 * 86_400 * (1 + 3) * 2


def test_limit_itself_is_not_over():
    assert not forecasts(SendingRate(1, 30 * 86_400 * 2 / 9_000_000), "message")[0].over


@pytest.mark.parametrize(
    ("text", "rate"), [("10/10s", SendingRate(10, 10)), ("30/1m", SendingRate(30, 60)), ("1/0.5", SendingRate(1, 0.5))]
)
def test_rate_is_read(text, rate):
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "10", "0/10s", "10/0", "10/x", "-1/1", "10/10/10"])
def test_rate_that_is_none_is_told(text):
    with pytest.raises(UsageError, match="--forecast"):
        rate_of(text)


def test_rules_are_the_emulator_s():
    rules = _rules()
    assert {kind: rules[kind]["limit"] for kind in FREE} == FREE
    blocks = (rules["messages"]["block"], rules["api"]["block"], rules["shadow"]["block"])
    assert blocks == (MESSAGE_BLOCK, API_BLOCK, SHADOW_BLOCK)
