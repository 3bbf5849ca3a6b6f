"""The Python of the bundle `structured`: its paragraphs, run here without a Spark."""

import ast
import json
import re
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark_mqtt._options import read_source

from netpie_creds import AccessToken, Application, Credentials, mqtt_login
from provision.bundles.render import RenderedNote
from provision.errors import UsageError
from provision.events.messages import lines_in
from provision.mqtt.login import Login
from provision.streams.printed_windows import headed_windows

from ..rendering import LOGIN, SECRETS, code, rendered

EXACTLY_ONCE = {"qos": "2", "session": "persistent", "by": "event", "lateness": "30", "state_folder": "/var/lib/n"}
BROKER = {"broker": "tcp://own:1883", "broker_login": "none"}


class Gauge:
    value = 0

    def reset(self) -> None:
        self.value = 0

    def add(self, number: int) -> None:
        self.value += number


def ran(note: RenderedNote, *keys: str, **names: Any) -> SimpleNamespace:
    """What is defined after these paragraphs."""
    defined: dict[str, Any] = dict(names)
    for key in keys:
        exec(code(note, key), defined)
    return SimpleNamespace(**{name: value for name, value in defined.items() if name != "__builtins__"})


EVENTS = ran(rendered("structured"), "events")


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class `Results`, with gauges of no Spark."""
    made = ran(rendered("structured"), "results").Results
    names = {*made.FIGURES, *made.MESSAGES}
    monkeypatch.setattr(made, "_registered", lambda *_: {name: Gauge() for name in names})
    return made(Context(), batch=10_000)


class Context:
    """Spark's, as far as the description of a job goes."""

    def __init__(self) -> None:
        self.descriptions: list[str] = []

    def setJobDescription(self, text: str | None) -> None:  # noqa: N802 - Spark's name
        self.descriptions += [text] if text else []

    def parallelize(self, *_: Any) -> Any:
        return SimpleNamespace(count=lambda: 1)


@pytest.mark.parametrize(
    "given", [{}, {"variant": "average"}, BROKER, {"csv_header": "yes", "event_time": "to_timestamp(id)"}, EXACTLY_ONCE]
)
def test_every_paragraph_is_python_and_holds_no_secret(given: dict[str, str]) -> None:
    note = rendered("structured", **given)
    for paragraph in note.paragraphs[1:]:
        assert paragraph.text.startswith("%python\n")
        ast.parse(paragraph.text.partition("\n")[2])
        assert not [secret for secret in SECRETS if secret in paragraph.text]


def test_a_broker_of_one_s_own_is_logged_in_to_without_netpie_s_login() -> None:
    stream = code(rendered("structured", **BROKER), "stream")
    assert "netpie_login" not in stream
    assert "getUsernamePassword" not in stream


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, (4, 65535, 4294967295)),
        ({"mqtt_version": "5"}, (5, 65535, 2592000)),
        ({"mqtt_version": "5", "receive_maximum": "500", "session_expiry": "24h"}, (5, 500, 86400)),
    ],
)
def test_mqtt_5_and_its_limits_are_the_source_s_options(given: dict[str, str], wanted: tuple[int, ...]) -> None:
    made = ran(rendered("structured", **BROKER, **given), "stream", Messages=lambda options, **_: options).messages
    options = {name: str(value) for name, value in made.items() if value != ""}
    connection = read_source(options, streaming=True).connection
    assert (connection.level, connection.receive_maximum, connection.session_expiry) == wanted


def test_netpie_speaks_no_mqtt_5() -> None:
    with pytest.raises(UsageError, match=r"mqtt_version=5: NETPIE speaks MQTT 3\.1\.1"):
        rendered("structured", mqtt_version="5")


def test_the_login_is_netpie_s_made_at_each_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    note = rendered("structured", secrets="inline", topic="a/+")
    text = code(note, "stream").partition("messages = ")[0]
    defined: dict[str, Any] = {"time": time}
    exec(text, defined)
    token = AccessToken(LOGIN.client_id, "TokenSecret", "pie://broker.example:1883", "-")
    credentials = Credentials(Application("MyApp", LOGIN.appkey, "AppSecret"), token)
    for at in (1540000000, 1540000060):
        monkeypatch.setattr(time, "time", lambda at=at: at + 0.9)
        wanted = mqtt_login(credentials, at)
        assert defined["netpie_login"]() == (wanted.username, wanted.password)


def test_what_it_shows_is_read_back_as_windows(results: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = SimpleNamespace(columns=["id", "avg(cpu)"], schema=SimpleNamespace(fields=[]))
    rows.limit = lambda _: SimpleNamespace(collect=lambda: [("a", 0.5), ("long name", None)])
    for end in (1540781620_000, 1540781630_000):
        results.table(rows, end)
    results.show(1)
    (window,) = headed_windows(capsys.readouterr().out)
    assert window.end == 1540781630_000
    assert window.columns == ("id", "avg(cpu)")
    assert window.rows == (("a", "0.5"), ("long name", "NULL"))


def test_a_note_does_not_show_nor_change_the_stream_of_another_that_shares_its_python(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    running = SimpleNamespace(getNoteId=lambda: "first")
    made = ran(rendered("structured"), "results", z=SimpleNamespace(getInterpreterContext=lambda: running)).Results
    monkeypatch.setattr(made, "_registered", lambda *_: {name: Gauge() for name in {*made.FIGURES, *made.MESSAGES}})
    results = made(Context(), batch=10_000)
    results.show(1)
    running.getNoteId = lambda: "second"
    for its in (lambda: results.show(1), results.chart, results.check_note):
        with pytest.raises(RuntimeError, match="another note's stream runs in this Python"):
            its()
    assert capsys.readouterr().out == "counts: events=0 late=0 malformed=0 windows=0\n"


class Spark:
    """What the paragraph Dependencies starts; `runs`: it runs already, with these settings."""

    version = "4.1.4"

    def __init__(self, runs: dict[str, str] | None = None) -> None:
        self.core, self.of_session = runs or {}, dict[str, str]()
        self._runs = runs is not None
        self.builder = self
        self.conf = SimpleNamespace(set=self.of_session.__setitem__)
        self.sparkContext = SimpleNamespace(getConf=lambda: self.core, defaultParallelism=2)

    def appName(self, _name: str) -> "Spark":  # noqa: N802 - Spark's name
        return self

    def config(self, name: str, value: str) -> None:
        if not self._runs:
            self.core[name] = value

    def getOrCreate(self) -> "Spark":  # noqa: N802 - Spark's name
        return self

    def dependencies(self, monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
        """Run the paragraph of a note with these parameters."""
        modules = {
            "py4j": SimpleNamespace(),
            "py4j.protocol": SimpleNamespace(Py4JNetworkError=ConnectionError),
            "pyspark": SimpleNamespace(),
            "pyspark.sql": SimpleNamespace(SparkSession=self),
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        ran(rendered("structured", **given), "dependencies")


SETTINGS = {"spark_master": "spark://host:7077", "spark_properties": "spark.sql.shuffle.partitions=7,spark.a=b=c,d"}


def test_spark_is_started_with_the_settings_that_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    spark = Spark()
    spark.dependencies(monkeypatch, **SETTINGS)
    given = {"spark.master": "spark://host:7077", "spark.sql.shuffle.partitions": "7", "spark.a": "b=c,d"}
    assert given.items() <= spark.core.items()
    assert "spark.sql.shuffle.partitions" not in spark.of_session
    spark = Spark()
    spark.dependencies(monkeypatch)
    assert "spark.master" not in spark.core
    assert spark.of_session["spark.sql.shuffle.partitions"] == "2"


def test_a_spark_that_runs_with_other_settings_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spark = Spark()
    spark.dependencies(monkeypatch, **SETTINGS)
    Spark(spark.core).dependencies(monkeypatch, **SETTINGS)
    for runs, asked, names in (
        (spark.core, {}, "netpie.settings"),
        ({}, SETTINGS, "spark.master, spark.sql.shuffle.partitions, spark.a, netpie.settings"),
        (spark.core, SETTINGS | {"spark_master": "local[2]"}, "spark.master"),
    ):
        with pytest.raises(RuntimeError, match=rf"^Spark runs with other settings \({names}\): restart"):
            Spark(runs).dependencies(monkeypatch, **asked)
    Spark({"of": "Zeppelin"}).dependencies(monkeypatch, python="spark.pyspark", **SETTINGS)


def test_its_first_events_are_what_a_window_prints() -> None:
    note = rendered("structured", variant="print")
    assert code(note, "query") == 'windows.use("select * from measure limit 10")'
    assert [paragraph.key for paragraph in note.paragraphs if paragraph.key in ("outputs", "latest", "chart")] == [
        "outputs",
        "latest",
    ]


def test_a_figure_is_the_newest_number(results: Any) -> None:
    results.figure("events", 5)
    results.figure("events", 7.9)
    assert results._gauges["events"].value == 7
    assert results._gauges["batch_ms"].value == 10_000


def test_a_failing_batch_is_told_with_its_reason_first_and_a_well_one_takes_it_back(
    results: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    results.batch_ended(0.1, 1540781620_000, "[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\n== SQL ==\nat java.x")
    results.show(3)
    assert capsys.readouterr().out.startswith(
        "THE STREAM FAILS: the newest batch, until 2018-10-29T02:53:40Z. Windows are missing, or not whole. "
        "The reason:\n  Division by zero.\n"
    )
    assert results._context.descriptions == ["the newest batch failed: Division by zero."]
    assert (results._gauges["newest_failed"].value, results._gauges["failed"].value) == (1, 1)
    results.batch_ended(0.1, 1540781630_000, None)
    results.show(3)
    assert capsys.readouterr().out.startswith("The stream is well again. Batches that failed before: 1:\n")
    assert results._gauges["newest_failed"].value == 0


def test_the_chart_has_the_windows_with_the_newest_columns_in_cells_of_a_table(
    results: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(columns: list[str], *found: tuple[Any, ...]) -> SimpleNamespace:
        schema = SimpleNamespace(fields=columns)
        return SimpleNamespace(columns=columns, schema=schema, limit=lambda _: SimpleNamespace(collect=lambda: found))

    results.table(rows(["old"], ("gone",)), 1540781610_000)
    results.table(rows(["id", "n"], ("a\tb", 1), (None, 2)), 1540781620_000)
    results.chart()
    assert capsys.readouterr().out.splitlines() == [
        "%table window_end\tid\tn",
        "2018-10-29T02:53:40Z\ta b\t1",
        "2018-10-29T02:53:40Z\tnull\t2",
    ]


@pytest.mark.parametrize(
    ("qos", "sources", "needs"), [("0", True, False), ("1", True, True), ("2", True, True), ("0", False, True)]
)
def test_what_is_acknowledged_has_to_be_in_a_journal_and_spark_3_reads_from_one(
    qos: str, sources: bool, needs: bool
) -> None:
    spark = SimpleNamespace(dataSource=None) if sources else SimpleNamespace()
    note = rendered("structured", qos=qos, **BROKER)
    assert ran(note, "source", "stream", spark=spark, counted_by_source=None).messages.needs_journal is needs


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError(""), "ValueError"),
        (
            "org.apache.spark.SparkException: Job aborted\nCaused by: java.io.IOException: No space left\n\tat x",
            "No space left",
        ),
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` can't be resolved. SQLSTATE: 42703",
            "A column `x` can't be resolved.",
        ),
        (
            "Failed to plan Python data source initialize source: Traceback (most recent call last):\n"
            '  File "x.py", line 1, in main\n    f()\n    ^^^\nValueError: no such\nthing\n SQLSTATE: 38000',
            "no such",
        ),
        (
            '[PYTHON_DATA_SOURCE_ERROR] Failed to plan: Traceback (most recent call last):\n  File "x", line 1\n'
            "ModuleNotFoundError: No module named 'x'\n\n"
            "During handling of the above exception, another exception occurred:\n\nUnboundLocalError: no reader\n"
            " SQLSTATE: 38000",
            "No module named 'x'",
        ),
    ],
)
def test_a_problem_is_told_in_a_line_without_frames(results: Any, told: Any, line: str) -> None:
    assert ran(rendered("structured"), "results").in_a_line(told) == line


A, B, C = (f'{{"id": "{name}", "cpu": 1.0}}' for name in "abc")


@pytest.mark.parametrize(
    ("message", "events"),
    [
        (A, [A]),
        (f"[{A}, {B}, {C}]", [A, B, C]),
        (f"{A}{B}{C}", [A, B, C]),
        (f"{A}\n{B}\r\n{C}\n", [A, B, C]),
        (f"{A}, {B},{C}", [A, B, C]),
        (f"[[{A}], [{B}, [{C}]]]", [A, B, C]),
        (f"{A}\nno JSON\n{B}", [A, "no JSON", B]),
        (f"[{A}, 42, {B}]", [A, "42", B]),
        (f"[{A},, {B}]", [A, "", B]),
        (f"[{A}, {B}", [A, B, ""]),
        (f'{A}\n{{"id": "cut\n{B}', [A, '{"id": "cut', B]),
        ('{"a": "}{", "b": ["]"]}', ['{"a": "}{", "b": ["]"]}']),
        ("", [""]),
        (" \n", [""]),
        ("[]", [""]),
        ("no JSON, at all", ["no JSON, at all"]),
    ],
)
def test_the_events_of_a_message_are_those_of_the_scala_engine(message: str, events: list[str]) -> None:
    assert ran(rendered("structured"), "events").events_in(message) == events


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(), JSON, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["", "\n", ", ", " "]),
)
def test_objects_one_after_the_other_and_in_an_array_are_an_event_each(
    objects: list[dict[str, Any]], between: str
) -> None:
    texts = [json.dumps(each) for each in objects]
    assert EVENTS.events_in(between.join(texts)) == texts
    assert EVENTS.events_in(f"[{', '.join(texts)}]") == texts


@settings(max_examples=200, deadline=None)
@given(JSON, st.text('{}[]",:\\ab\n ', max_size=20))
def test_what_passes_for_a_plain_message_is_one_event(value: Any, noise: str) -> None:
    """Java's pattern, in Python's words: possessive quantifiers are new in 3.11, the end of the text is \\Z."""
    plain = re.compile(EVENTS.PLAIN.removesuffix("z") + "Z")
    for text in (json.dumps(value), noise, f"{{{noise}}}"):
        if plain.search(text):
            assert [each.strip() for each in EVENTS.events_in(text)] == [text.strip()]


def test_usual_events_are_plain() -> None:
    plain = re.compile(EVENTS.PLAIN.removesuffix("z") + "Z")
    for text in (A, f" {A}\n", '{"data": {"at": "x"}, "list": [1, 2], "t": true}', "{}"):
        assert plain.search(text)
    for text in (f"{A}{B}", f"[{A}]", "42", "", '{"a": "\\""}'):
        assert not plain.search(text)


def test_a_broker_may_be_reached_over_websockets() -> None:
    text = code(rendered("structured", broker="wss://own/path", broker_login="none"), "stream")
    assert '"mqtt.broker.url": "wss://own/path",' in text
    options = read_source({"mqtt.broker.url": "wss://own", "subscribe": "a", "mqtt.qos": "0"}, streaming=True)
    assert options.connection.broker.path == Login("wss://own").path


MAPPING = "device=topic[-2], temp=$.data['it\\'s \"{x.password}\"'], at=$.ts epoch_ms"


def test_columns_come_from_where_a_mapping_says() -> None:
    defined = ran(rendered("structured", schema="device string, temp double, at timestamp", mapping=MAPPING), "columns")

    assert defined.Columns.fields == "device string, temp double, at timestamp"
    assert defined.Columns.read == 'data struct<`it\'s "{x.password}"`:string>, ts string'
    assert defined.Columns.made == [
        "element_at(split(regexp_replace(_topic, '^/', ''), '/'), -2)",
        'cast(_event.data.`it\'s "{x.password}"` as double)',
        "timestamp_millis(cast(cast(_event.ts as double) as bigint))",
    ]


def test_no_mapping_breaks_out_of_its_paragraph() -> None:
    text = code(rendered("structured", schema="device string, temp double, at timestamp", mapping=MAPPING), "columns")
    (defined,) = ast.parse(text).body

    assert isinstance(defined, ast.ClassDef)
    assert all(isinstance(each, ast.Assign) for each in defined.body)
    assert "{x" not in text


def test_without_a_mapping_columns_are_the_fields_of_their_names() -> None:
    defined = ran(rendered("structured"), "columns")

    assert (defined.Columns.payload, defined.Columns.read, defined.Columns.made) == ("json", "", [])


@given(text=st.text(alphabet='a1.;,\t"\n\r ', max_size=30), header=st.booleans())
def test_lines_of_csv_are_those_that_sub_shows(text: str, header: bool) -> None:
    found = [json.loads(each) if each else "" for each in EVENTS.lines_in(text, header)]

    assert found == list(lines_in(text.encode(), header=header))
