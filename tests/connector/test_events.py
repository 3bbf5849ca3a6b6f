"""What is read of events of any form: with a time or none, one in a message or several; what a failed batch tells."""

import base64
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

DOCUMENT = "yyyy-MM-dd'T'HH:mm:ssZ"
BEGIN = 1540781616000
"""The window's begin, 2018-10-29T02:53:36Z, in ms since the epoch: what is from before it is late."""


def packed(text: str) -> str:
    return "=" + base64.b64encode(text.encode()).decode()


def tell(shared_probe, messages, *, fields, is_event, time, query, time_format=DOCUMENT, **options) -> None:
    texts = {"fields": fields, "timeFormat": time_format, "isEvent": is_event, "time": time, "query": query}
    words = {name: packed(text) for name, text in texts.items()}
    shared_probe.tell("read", messages=" ".join(map(packed, messages)), **words, **options)


def read(shared_probe, messages, **options) -> str:
    """The query's rows, and the counts."""
    tell(shared_probe, messages, **options)
    return shared_probe.wait("read").replace("counts: ", "").replace(" windows=0", "")


def stamped(*times: object) -> list[str]:
    return [json.dumps({"ts": time, "id": "a"}) for time in times]


@pytest.mark.parametrize("ansi", ["false", "true"])
@pytest.mark.parametrize(
    ("kind", "time", "times", "late"),
    [
        ("Timestamp", "ts", ["2018-10-29T09:53:36+0700", "2018-10-29T09:53:35+0700"], 1),
        ("Timestamp", "", ["2018-10-29T09:53:36+0700", "2018-10-29T09:53:35+0700"], 0),
        ("Timestamp", "  ", ["2018-10-29T09:53:35+0700"], 0),
        ("Timestamp", "ts + interval 1 hour", ["2018-10-29T08:53:36+0700", "2018-10-29T08:53:35+0700"], 1),
        ("Timestamp", "ts", ["2018-10-29T02:53:36Z", "2018-10-29T02:53:35.999Z", "2018-10-29 09:53:35+07:00"], 2),
        ("Timestamp", "ts", [BEGIN // 1000, BEGIN // 1000 - 1], 1),
        ("bigint", "ts", [BEGIN, BEGIN - 1], 1),
        ("bigint", "ts", [BEGIN // 1000, BEGIN // 1000 - 1], 1),
        ("int", "ts", [BEGIN // 1000, BEGIN // 1000 - 1], 1),
        ("double", "ts", [BEGIN / 1000, BEGIN / 1000 - 0.5, BEGIN - 0.5], 2),
        ("decimal(20, 3)", "ts", [BEGIN // 1000, BEGIN // 1000 - 1], 1),
        ("bigint", "timestamp(ts / 1000)", [BEGIN, BEGIN - 1], 1),
        ("bigint", "cast(ts / 1000 as timestamp)", [BEGIN, BEGIN - 1], 1),
        ("string", "ts", ["2018-10-29T02:53:36Z", "2018-10-29T02:53:35Z", "2018-10-29T09:53:35+07:00", "soon"], 2),
        ("string", "concat(ts, 'Z')", ["2018-10-29T02:53:36", "2018-10-29T02:53:35"], 1),
        ("string", "cast(ts as bigint)", [str(BEGIN), str(BEGIN - 1), "soon"], 1),
        ("struct<at: bigint>", "ts.at", [{"at": BEGIN}, {"at": BEGIN - 1}, {}], 1),
        ("date", "ts", ["2018-10-30", "2018-10-28"], 1),
    ],
)
def test_an_event_s_time_may_be_of_any_form(shared_probe, kind, time, times, late, ansi):
    columns = {"fields": f"ts {kind}, id string", "is_event": "id is not null", "time": time, "ansi": ansi}
    said = read(shared_probe, stamped(*times), query="select count(*) from measure", **columns)
    assert said == f"[{len(times)}] events={len(times)} late={late} malformed=0"


@pytest.mark.parametrize("time_format", ["", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX"])
def test_a_time_is_read_in_the_form_that_is_asked_for(shared_probe, time_format):
    times = ["2018-10-29T09:53:36.000+07:00", "2018-10-29T09:53:35.999+07:00"]
    columns = {"fields": "ts Timestamp, id string", "is_event": "ts is not null", "time": "ts"}
    said = read(
        shared_probe, stamped(*times), query="select count(ts) from measure", time_format=time_format, **columns
    )  # fmt: skip
    assert said == "[2] events=2 late=1 malformed=0"


def test_events_may_have_no_time(shared_probe):
    messages = ['{"temp": 25.3, "humid": 60.1}', '{"temp": 25.4, "humid": 60.0}', '{"humid": 1}']
    columns = {"fields": "temp double, humid double", "is_event": "temp is not null", "time": ""}
    said = read(shared_probe, messages, query="select max(temp), min(humid), count(*) from measure", **columns)
    assert said == "[25.4,1.0,3] events=3 late=0 malformed=1"


def test_a_column_s_name_may_need_quotes(shared_probe):
    columns = {"fields": "`t.s` Timestamp, `pm2.5` double", "is_event": "`pm2.5` > 1", "time": "`t.s`"}
    messages = ['{"t.s": "2018-10-29T09:53:35+0700", "pm2.5": 12.5}', '{"pm2.5": 1}']
    said = read(shared_probe, messages, query="select max(`pm2.5`) from measure", **columns)
    assert said == "[12.5] events=2 late=1 malformed=1"


@pytest.mark.parametrize("ansi", ["false", "true"])
def test_a_value_that_a_rule_can_t_be_computed_of_makes_an_event_malformed_and_nothing_more(shared_probe, ansi):
    columns = {"fields": "ts string, id string", "is_event": "cast(ts as int) > 0", "time": ""}
    said = read(shared_probe, stamped("1", "much", None), query="select count(id) from measure", ansi=ansi, **columns)
    assert said == "[3] events=3 late=0 malformed=2"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("time", {"time": "at"}),
        ("time", {"time": "ts <"}),
        ("time", {"time": "max(ts)"}),
        ("time", {"time": "ts is null"}),
        ("isEvent", {"is_event": "at is not null"}),
        ("isEvent", {"is_event": "id"}),
        ("fields", {"fields": "ts Timestmp"}),
        ("timeFormat", {"time_format": "yyyy-MM-ddTHH:mm:ss"}),
    ],
)
def test_columns_that_can_t_be_used_are_named_before_anything_streams(shared_probe, name, changed):
    columns = {"fields": "ts Timestamp, id array<string>", "is_event": "ts is not null", "time": "ts"} | changed
    tell(shared_probe, stamped(1), query="select 1 from measure", **columns)
    assert f'Columns.{name} = "' in shared_probe.wait("unusable")


EVENT = '{{"ts": "2018-10-29T09:53:36+0700", "id": "host-000{0}", "loadavg": {0}.0, "cpu": 10.0, "mem": 20.0}}'
A, B, C = (EVENT.format(number) for number in range(3))
SEVERAL = [
    (f"[{A}, {B}, {C}]", 3, 0),
    (f"{A}{B}{C}", 3, 0),
    (f"{A}\n{B}\r\n{C}\n", 3, 0),
    (f"{A}, {B},{C}", 3, 0),
    (f"[[{A}], [{B}, [{C}]]]", 3, 0),
    (f"[{A}, {B}]\n[{C}]", 3, 0),
    (json.dumps([json.loads(each) for each in (A, B, C)], indent=2), 3, 0),
    (f"{A}\nno JSON\n{B}\n{C}", 3, 1),
    (f"[{A}, 42, {B}, {C}]", 3, 1),
    (f'[{A}, {{"ts": "soon"}}, {B}, {C}]', 3, 1),
    (f'[{A}, {B}, {C}, {{"ts": ', 3, 1),
    (f"[{A}, {B}, {C}", 3, 1),
    ("", 0, 1),
    (" \n", 0, 1),
    ("[]", 0, 1),
]


@pytest.mark.parametrize("topics", [False, True])
@pytest.mark.parametrize(("message", "good", "bad"), SEVERAL)
def test_a_message_may_hold_several_events(shared_probe, message, good, bad, topics):
    columns = {
        "fields": "ts Timestamp, id String, loadavg double, cpu double, mem double",
        "is_event": "ts is not null and id is not null",
        "time": "ts",
    }
    options = columns | {"topics": "yes"} if topics else columns
    last = "max(topic)" if topics else "'/app/x'"
    query = f"select count(id), sum(loadavg), {last} from measure where id is not null"
    said = read(shared_probe, [A, message, B], query=query, **options)
    total = 1.0 + (3.0 if good else 0.0)
    assert said == f"[{good + 2},{total},/app/x] events={good + bad + 2} late=0 malformed={bad}"


@pytest.mark.parametrize(("how", "reason"), [("query", "nonsense"), ("task", "by zero"), ("files", "already exists")])
def test_a_note_shows_in_words_why_its_batches_fail(probe, tmp_path: Path, how, reason):
    probe.tell("fail", how=how, folder=tmp_path)
    failing, well = probe.wait("failing"), probe.wait("well")
    assert failing.startswith("THE STREAM FAILS: ")
    assert reason in failing
    assert "Exception" not in failing
    assert "org.apache" not in failing
    assert well.startswith("The stream is well again. Batches that failed before: ")
    assert reason in well
