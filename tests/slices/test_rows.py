"""The rows of a note's windows are those of the document's code, whatever comes and whatever is asked."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.shell import Shell
from bench.sides import OURS, Times, machine, note, paragraphs, properties

from ..connector.conftest import QUICK_START

pytestmark = pytest.mark.integration

PATIENCE = 300.0  # seconds for the longest comparison beside another Spark
NEEDED = ("connector", "columns")
COMPARE = (Path(__file__).parent / "compare.scala").read_text(encoding="utf-8")

DOCUMENT = "select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem) from measure group by id order by ts, id"
PARTS = [
    DOCUMENT,
    "select count(*), count(id), sum(cpu), min(ts), max(id), avg(mem) from measure",
    "select id, sum(cpu) / count(*) as mean, max(mem) - min(mem) from measure where cpu > 10 group by id"
    " having count(*) > 1",
    "select substring(id, 1, 1) as letter, avg(cpu + mem) from measure group by substring(id, 1, 1)"
    " order by 2 desc limit 2",
    "select m.id, upper(m.id), avg(m.cpu) from measure m where m.id is not null group by m.id",
    "select max(mean) from (select id, avg(cpu) as mean from measure group by id)",
    "select id from measure group by id",
    "select id, rank() over (order by avg(cpu), id) from measure group by id",
    "select hour(ts), sum(cast(cpu as int)), count(mem) from measure group by hour(ts)",
]
ROWS = [
    "select * from measure",
    "select id, count(distinct cpu), stddev(cpu), collect_set(id) from measure group by id",
    "select distinct id from measure where cpu > 20",
    "select a.id, avg(b.cpu) from measure a join (select distinct id, cpu from measure) b on a.id = b.id group by a.id",
    "select id, avg(cpu) from measure where cpu >= (select avg(cpu) from measure) group by id",
    "select avg(cpu) from (select cpu from measure order by cpu desc, ts, id limit 3)",
    "select grouping(id), id, avg(cpu) from measure group by cube(id)",
    "select id, sum(cast(cpu as decimal(10, 2))) from measure group by id",
]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    host, folder = machine(), tmp_path_factory.mktemp("slices")
    jars = f"{host.connector_jar},{host.runtime.paho_jar}"
    rendered = note(OURS, host, "tcp://127.0.0.1:1", Times(), folder / "out", connector="jar", mqtt_jars=jars)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", QUICK_START)
        shell = Shell(host.runtime, folder / "shell", properties(rendered))
    try:
        for key in NEEDED:
            shell.paste(key, paragraphs(rendered)[key])
        shell.paste("compare", COMPARE)
        yield shell
    finally:
        shell.close()


Message = tuple[str, list[str]]
"""A message, and the events in it."""


def compared(
    shell: Shell,
    folder: Path,
    batches: list[list[Message]],
    window: int,
    slide: int,
    queries: list[str],
    *,
    topics: bool = False,
) -> str:
    """What the shell says of these batches of messages."""
    before = len(shell.heard("compared"))
    file = folder / "case"
    lines = [queries]
    for batch in batches:
        lines += [[text for text, _ in batch], [event for _, events in batch for event in events]]
    file.write_text("\n".join(" ".join(map(packed, texts)) for texts in lines))
    shell.tell(f'Compare.file("{file}", {window}, {slide}, {str(topics).lower()})')
    shell.wait(lambda: len(shell.heard("compared")) > before, "comparison", timeout=PATIENCE)
    return shell.heard("compared")[before]


def packed(text: str) -> str:
    """Any text as a word of ASCII."""
    return "=" + base64.b64encode(text.encode("utf-16-be", "surrogatepass")).decode()


ids = st.sampled_from(["a", "b", "host-0001", "กข", "☃ snow", "", "A\\B", 'say "x"', "tab\t"])
clock = st.builds(
    "{}-{:02}-{:02}T{:02}:{:02}:{:02}{}".format,
    st.sampled_from([1582, 1969, 2018, 2024, 2100]),
    st.integers(0, 13),
    st.sampled_from([0, 1, 28, 29, 30, 31]),
    st.sampled_from([0, 9, 23, 24]),
    st.sampled_from([0, 59, 60]),
    st.sampled_from([0, 36, 60]),
    st.sampled_from(["+0700", "-0330", "+0000", "+1500", "Z", "+07:00", ""]),
)
stamps = st.one_of(st.integers(0, 59).map("2018-10-29T09:53:{:02}+0700".format), clock, st.text(max_size=4))
numbers = st.one_of(
    st.floats(0, 100).map(lambda value: round(value, 4)),
    st.floats(),
    st.integers(-100, 100),
    st.sampled_from([0.0, -0.0, 1e-7, 1e300, 2**53 + 1, 10**17 + 1, 12345678901234567890, 0.1 + 0.2]),
)
odd = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.lists(st.integers(0, 1), max_size=1))
events = st.fixed_dictionaries(
    {},
    optional={
        "ts": st.one_of(stamps, stamps, odd, st.integers(0, 10**9)),
        "id": st.one_of(ids, ids, odd, numbers),
        "loadavg": st.one_of(numbers, numbers, odd),
        "cpu": st.one_of(numbers, numbers, odd),
        "mem": numbers,
        "more": odd,
    },
)
plain = st.fixed_dictionaries(
    {"ts": stamps, "id": ids, "loadavg": st.floats(0, 9), "cpu": st.floats(0, 100), "mem": st.integers(0, 100)}
)
objects = st.one_of(
    plain.map(json.dumps),
    events.map(json.dumps),
    events.map(lambda e: json.dumps(e, ensure_ascii=False)),
    plain.map(lambda e: json.dumps(e, indent=2)),
    st.sampled_from(
        ["{}", " { } ", '{"cpu": 1, "cpu": 2, "id": "a"}', '{"id": "a", "cpu": 01}', '{"cpu": .5}',
         '{"cpu": 5.}', '{"cpu": 1e2, "id": "a"}', '{"cpu": -0, "id": "a"}', '{"cpu": +1}', '{"cpu": NaN}',
         '{"id": "a",}', '{"id": "a"} ', "{'id': 'a'}", '{"id": "a" "cpu": 1}', '{"id": {"cpu": 1}, "cpu": 2}',
         '{"ID": "a", "cpu": 3}', '{"\\u0069d": "a", "cpu": 4}', '{"id": "a\x01", "cpu": 1}',
         '{"id": "a", "cpu": 0.1000000000000000055511151231257827}', '{"id": "a", "cpu": tru}', '{"cpu": nullx}',
         '{"id": "}]{[", "cpu": 5}', '{"id": "say \\"{\\"", "cpu": 6}',
         '{"more": [{"id": [1, {}]}], "cpu": 7, "id": "b"}'],
    ),
)  # fmt: skip
scraps = st.sampled_from(["null", "7", '"text"', '"a, ] {"', "no JSON", "x"])
one = st.one_of(objects, objects, scraps).map(lambda text: (text, [text]))
CUT = '{"ts": "2018-10-29T09:53:36+0700", "id": "cut'
ALONE: list[Message] = [
    ("", [""]),
    (" \r\n", [""]),
    ("[]", [""]),
    ("[[], [ ]]", [""]),
    (",", [""]),
    ("{", ["{"]),
    ('{"ts": "2018', ['{"ts": "2018']),
    ('\ufeff{"id": "a"}', ['\ufeff{"id": "a"}']),
    ('{"cpu": 1}{"cpu": 2}', ['{"cpu": 1}', '{"cpu": 2}']),
    ('{"id": "a"} x {"id": "b"}', ['{"id": "a"}', 'x {"id": "b"}']),
    ('{"id": "a"}]{"id": "b"}', ['{"id": "a"}', ']{"id": "b"}']),
    ('[{"id": "a"}, 7, {"id": "b"}]', ['{"id": "a"}', "7", '{"id": "b"}']),
    ('[{"id": "a"}, {"id": }, {"id": "b"}]', ['{"id": "a"}', '{"id": }', '{"id": "b"}']),
    ('[{"id": "a"}, {"id": [1}, {"id": "b"}]', ['{"id": "a"}', '{"id": [1}', '{"id": "b"}']),
    ('[{"id": "a"}, nonsense {"id": "b"}]', ['{"id": "a"}', "nonsense", '{"id": "b"}']),
    ('[{"id": "a"},, {"id": "b"},]', ['{"id": "a"}', "", '{"id": "b"}', ""]),
    ('[,{"id": "a"}]', ["", '{"id": "a"}']),
    ('[{"id": "a"}, {"id": "b"}', ['{"id": "a"}', '{"id": "b"}', ""]),
    ('[{"id": "a"}, {"id": "b', ['{"id": "a"}', '{"id": "b']),
    ('[{"id": "a"}, {"id": "b"]', ['{"id": "a"}', '{"id": "b"']),
    (f'{CUT}\n{{"id": "a"}}\n', [CUT, '{"id": "a"}']),
    (f'{{"id": "a"}}\r\n{CUT}\r\n[{{"id": "b"}}]', ['{"id": "a"}', f"{CUT}\r", '{"id": "b"}']),
    ('{"id": 1,\n{"id": "a"}\n{"id": "b"}', ['{"id": 1,', '{"id": "a"}', '{"id": "b"}']),
    ('{"id": 1,\n{"id": 2,\n{"id": "b"}', ['{"id": 1,', '{"id": 2,', '{"id": "b"}']),
    ('{\n  "id": "a",\n  "more": {\n    "cpu": 1', ['{\n  "id": "a",\n  "more": {\n    "cpu": 1']),
    ('[\n{\n"id": "a"\n},\n{\n"id": "b"\n}\n]', ['{\n"id": "a"\n}', '{\n"id": "b"\n}']),
    ('\x1e{"id": "a"}\n\x1e{"id": "b"}\n', ['{"id": "a"}', '{"id": "b"}']),
    (json.dumps(json.dumps({"id": "a"})), [json.dumps(json.dumps({"id": "a"}))]),
]
"""What is broken, and where the next event begins."""


def together(between: str, begin: str = "", end: str = "") -> Callable[[list[Message]], Message]:
    return lambda some: (
        begin + between.join(text for text, _ in some) + end,
        [event for _, events in some for event in events],
    )


several = st.one_of(
    *(st.lists(one, min_size=2, max_size=4).map(together(between)) for between in ("\n", "\r\n", "\n\n")),
    *(
        st.lists(objects.map(lambda text: (text, [text])), min_size=2, max_size=4).map(together(between))
        for between in ("", " ", ",", " , ")
    ),
)
arrays = st.recursive(
    st.lists(one, min_size=1, max_size=4).map(together(", ", "[", "]")),
    lambda inner: st.lists(st.one_of(one, inner), min_size=1, max_size=3).map(together(" ,\n", " [ ", "]\n")),
    max_leaves=6,
)
messages = st.one_of(one, one, several, arrays, st.sampled_from(ALONE))
batches = st.lists(st.lists(messages, max_size=8), min_size=1, max_size=12)


@settings(
    max_examples=4,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    batches=batches,
    window=st.integers(1, 12),
    slide=st.integers(1, 3),
    queries=st.lists(st.sampled_from([DOCUMENT, *PARTS, *ROWS]), min_size=1, max_size=2),
    topics=st.booleans(),
)
def test_any_events_in_any_windows_give_the_rows_of_the_document_s_code(
    shell, tmp_path, batches, window, slide, queries, topics
):
    assert compared(shell, tmp_path, batches, window, slide, queries, topics=topics).startswith("same")


@pytest.mark.parametrize("topics", [False, True])
def test_each_event_of_a_message_is_read_and_what_is_none_is_counted(shell, tmp_path, topics):
    batches = [ALONE[at : at + 4] for at in range(0, len(ALONE), 4)]
    assert compared(shell, tmp_path, batches, 1, 1, ["select * from measure"], topics=topics).startswith("same")


def some_batches(count: int) -> list[list[Message]]:
    """Batches with some events each, and a gap."""
    return [[(some_event(i, n), [some_event(i, n)]) for n in range(i % 7 if i % 11 else 0)] for i in range(count)]


def some_event(i: int, n: int) -> str:
    at = f"2018-10-29T09:53:{i % 60:02}+0700"
    return json.dumps({"ts": at, "id": f"id-{(i + n) % 4}", "loadavg": n / 7, "cpu": 10.0 * n, "mem": i})


@pytest.mark.parametrize("query", [*PARTS, *ROWS])
def test_any_query_gives_the_rows_of_the_document_s_code(shell, tmp_path, query):
    assert compared(shell, tmp_path, some_batches(6), 5, 3, [query]) in ("same 1", "same 2")


@pytest.mark.parametrize(
    ("batches", "window"), [pytest.param(80, 72, id="parts of parts", marks=pytest.mark.long), pytest.param(24, 18)]
)
def test_a_long_window_is_put_together_from_parts(shell, tmp_path, batches, window):
    assert compared(shell, tmp_path, some_batches(batches), window, 4, [DOCUMENT]).startswith("same")


@pytest.mark.long
def test_a_slide_of_a_long_window_reads_the_rows_of_no_other_slide(shell):
    shell.tell("Compare.read(66, 66, 200)")
    shell.wait(lambda: bool(shell.heard("read")), "windows", timeout=PATIENCE)
    assert 20 <= int(shell.heard("read")[0]) < 100  # its own rows, and parts; 64 slices have 1,280


def test_what_a_window_has_passed_is_not_kept(shell):
    shell.tell("Compare.held(16)")
    shell.wait(lambda: bool(shell.heard("held")), "windows", timeout=PATIENCE)
    assert 2 <= int(shell.heard("held")[0]) < 8


def explained(shell: Shell, query: str) -> str:
    before = len(shell.heard("explained"))
    shell.tell(f'Bench.say("explained " + Compare.explained("{packed(query)}"))')
    shell.wait(lambda: len(shell.heard("explained")) > before, "explanation", timeout=PATIENCE)
    return shell.heard("explained")[before]


@pytest.mark.parametrize("query", PARTS)
def test_a_query_that_permits_it_is_computed_from_parts(shell, query):
    assert explained(shell, query) == "Each window: aggregates of its slices, put together"


@pytest.mark.parametrize(
    "query", [*ROWS, "select max(ts) from measure where ts > current_timestamp() - interval 1 day"]
)
def test_a_query_that_needs_every_row_says_why(shell, query):
    assert explained(shell, query).startswith("Each window: all its rows are queried, as ")
