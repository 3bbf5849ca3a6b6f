"""Queries that `structured` answers out of aggregates of slices give what they give of all rows, or are left alone."""

import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zeppelin_notes

NAMES: dict[str, Any] = {}
exec((Path(zeppelin_notes.__file__).parent / "structured" / "aggregates.py").read_text(encoding="utf-8"), NAMES)
parted = NAMES["parted"]

TAKEN = [
    "select max(ts) as ts, id, avg(loadavg) as loadavg, avg(cpu), avg(mem) from measure group by id order by ts, id",
    "SELECT id, count(*) AS n, Count(cpu), min(cpu), sum(mem) FROM measure GROUP BY id ORDER BY n DESC, id LIMIT 2",
    "select count(*), avg(cpu) from measure",
    "select count(*), sum(mem) from measure where cpu > 50 -- of (those\n and id <> 'a(,b'",
    "select round(avg(cpu), 1) as c, id from measure where mem is not null group by id having count(*) > 1 order by id",
    "select `id`, case when avg(cpu) > 50 then 'hot' else 'cold' end as how from measure group by `id`",
    "select id, mem, max(cpu) - min(cpu) from measure group by id, mem",
    "select max(case when cpu > 50 then mem else 0 end) from measure",
    "select id, mean(cpu) as cpu, avg(cpu) * count(cpu) / (1 + count(*)) as x from measure group by id",
]
LEFT_ALONE = [
    "",
    "select 1",
    "select * from measure",
    "select id from measure group by id",
    "select stddev(cpu) from measure",
    "select id, count(distinct cpu) from measure group by id",
    "select distinct max(cpu) from measure",
    "select sum(cpu) filter (where cpu > 1) from measure",
    "select id, avg(cpu) over (partition by id) from measure",
    "select avg(cpu) from measure m",
    "select avg(cpu) from measure, other",
    "select avg(cpu) from measure join other using (id)",
    "select avg(cpu) from other",
    "select avg(cpu) from (select * from measure)",
    "select avg(cpu) from measure where cpu > (select avg(cpu) from measure)",
    "with hot as (select 1) select avg(cpu) from measure",
    "select id, avg(cpu) from measure group by all",
    "select id, avg(cpu) from measure group by 1",
    "select upper(id), avg(cpu) from measure group by upper(id)",
    "select id, avg(cpu) from measure group by rollup(id)",
    "select measure.id, avg(cpu) from measure group by id",
    "select id, collect_list(id), avg(cpu) from measure group by id",
    "select avg(cpu); select 1 from measure",
    "select avg(cpu) from measure union all select 1",
    "select max(rand()) from measure",
    "select avg(cpu from measure",
]

Row = tuple[int, str | None, str, float | None, float | None, int | None]
rows = st.tuples(
    st.integers(1, 5),
    st.sampled_from(["a", "b", "a(,b", None]),
    st.sampled_from(["2018-10-29", "2018-10-30"]),
    st.none() | st.integers(0, 100).map(float),
    st.none() | st.integers(0, 100).map(float),
    st.none() | st.integers(0, 3),
)


def same(one: list[Any], other: list[Any]) -> bool:
    def near(a: Any, b: Any) -> bool:
        return math.isclose(a, b, rel_tol=1e-9) if isinstance(a, float) and isinstance(b, float) else a == b

    return len(one) == len(other) and all(all(map(near, *pair)) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("query", TAKEN)
@given(found=st.lists(rows, max_size=30), span=st.integers(0, 4))
def test_aggregates_of_slices_give_what_all_rows_give(query: str, found: list[Row], span: int) -> None:
    """Where the slices up to `span` are one part, and the window lacks the last slice."""
    sql = parted(query)
    with sqlite3.connect(":memory:") as tables:
        tables.create_aggregate("mean", 1, Mean)  # type: ignore[arg-type]
        tables.execute("create table _rows (_slice int, id text, ts text, loadavg double, cpu double, mem int)")
        tables.executemany("insert into _rows values (?, ?, ?, ?, ?, ?)", found)
        tables.execute("create view measure as select * from _rows where _slice < 5")
        tables.execute(f"create table made as {sql.part}")
        tables.execute(f"create view _parts as select * from made where _slice <= {span}")
        tables.execute(f"create table spans as {sql.merged}")
        tables.execute("drop view _parts")
        both = f"select * from made where _slice > {span} union all select * from spans"
        tables.execute(f"create view _parts as select * from ({both}) where _slice < 5")
        wanted, got = (tables.execute(text).fetchall() for text in (query, sql.whole))
    ordered = "order by" in query.lower()
    assert same(*(each if ordered else sorted(each, key=repr) for each in (got, wanted)))


class Mean:
    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        return math.fsum(self.values) / len(self.values) if self.values else None


@pytest.mark.parametrize("query", LEFT_ALONE)
def test_what_parts_may_not_tell_is_left_alone(query: str) -> None:
    assert parted(query) is None
