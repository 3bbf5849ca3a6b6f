"""What the data store has, whole, whatever it cuts off."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpie_emulator.netpie2020.datastore import DataStore
from provision.errors import ProvisionError, UnreachableError
from provision.platforms.netpie2020.device import DeviceLogin
from provision.platforms.netpie2020.history import Reading, rows


class Store:
    """The data store of the emulator, without its server."""

    store = "https://ds.example"
    device = DeviceLogin("d", "token")

    def __init__(self, points, limit):
        self.kept, self.queries = DataStore(limit), 0
        for timestamp, values in points.items():
            for field, value in values.items():
                self.kept.add("d", field, timestamp, value)

    def query(self, content):
        self.queries += 1
        return self.kept.query(content, 10**9)


points_of = st.dictionaries(
    st.integers(0, 60), st.dictionaries(st.sampled_from("abc"), st.integers(), min_size=1, max_size=3), max_size=40
)


@settings(deadline=None)
@given(points_of, st.integers(4, 30), st.integers(0, 70), st.integers(0, 70))
def test_every_point_of_the_span_comes_once_and_in_order_whatever_the_limit(points, limit, start, end):
    got = list(rows(Store(points, limit), start, end))
    wanted = [Reading(moment, points[moment]) for moment in sorted(points) if start <= moment <= end]
    assert got == wanted


def test_fields_are_chosen():
    store = Store({1: {"a": 1, "b": 2}, 2: {"b": 3}}, 100)
    assert list(rows(store, 0, 10, ["a"])) == [Reading(1, {"a": 1})]


def test_250_000_points_take_few_queries():
    store = Store({moment: {"t": moment} for moment in range(250_000)}, 100_000)
    assert sum(1 for _ in rows(store, 0, 10**6)) == 250_000
    assert store.queries <= 6


def test_millisecond_that_the_store_can_t_tell_whole_is_an_error():
    store = Store({1: dict.fromkeys("abcdef", 1), 2: {"a": 1}}, 3)
    with pytest.raises(ProvisionError, match="one millisecond"):
        list(rows(store, 0, 10))


@pytest.mark.parametrize("answer", [{}, {"queries": []}, {"queries": [{"results": [{"values": [1], "tags": {}}]}]}])
def test_answer_that_is_none_is_told(answer):
    store = Store({}, 3)
    store.query = lambda _content: answer
    with pytest.raises(UnreachableError, match="not a data store's"):
        list(rows(store, 0, 10))


def test_over_http(api, account, emulator):
    for value in range(5):
        emulator.platform.store.add(api.device.client_id, "t", value, value)
    emulator.platform.store.limit = 2
    assert [row.values["t"] for row in rows(api, 0, 100)] == [0, 1, 2, 3, 4]
