"""Outputs of a note: chosen by name, a paragraph each, their parameters where they count."""

import ast

import pytest

from provision.bundles.bundle import load_bundle
from provision.bundles.outputs import matches, outputs, outputs_in
from provision.bundles.render import RenderedNote, render
from provision.errors import UsageError
from provision.platforms.netpie2020.account import Netpie2020Client
from provision.platforms.netpie2020.device import DeviceLogin, FlowChannelKey

from ..rendering import ZEPPELIN_9, code, rendered


def keys(**given: str) -> list[str]:
    return [each.key for each in rendered("structured", **given).paragraphs if each.role == "outputs"]


def test_those_that_are_named_have_a_paragraph_each_and_the_table_always_has() -> None:
    assert keys() == ["output-csv", "output-table"]
    assert keys(outputs="parquet, csv") == ["output-csv", "output-parquet", "output-table"]
    assert keys(outputs="parquet") == ["output-parquet", "output-table"]


@pytest.mark.parametrize("variant", ["csv", "average"])
def test_the_variants_of_before_write_what_they_wrote(variant: str) -> None:
    note = rendered("structured", variant=variant, out="/data", csv_header="yes")
    assert [each.key for each in note.paragraphs if each.role == "outputs"] == ["outputs"]
    assert "note_outputs" not in "".join(each.text for each in note.paragraphs)
    text = code(note, "outputs")
    assert ('write.mode("overwrite").option("header", "true").csv("/data/avg-" + str(end))' in text) == (
        variant == "csv"
    )
    assert note.rows == ("/data/avg-*" if variant == "csv" else "")


def test_outputs_beside_such_a_variant_are_refused() -> None:
    with pytest.raises(UsageError, match="outputs=parquet counts with variant=outputs only, and variant is csv"):
        rendered("structured", variant="csv", outputs="parquet")


def test_an_unknown_output_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="there is no output 'parket'") as refused:
        rendered("structured", outputs="csv,parket")
    assert "did you mean parquet" in str(refused.value.next_step)


def test_a_parameter_of_an_output_counts_where_it_is_chosen() -> None:
    note = rendered("structured", outputs="csv", csv_keep="48", parquet_keep="7")
    assert "keep_hours=48" in code(note, "output-csv")
    assert "csv_keep" in note.values
    assert "parquet_keep" not in note.values
    assert "keep_hours=7" in code(rendered("structured", outputs="parquet", parquet_keep="7"), "output-parquet")


def test_all_rows_are_where_the_first_output_that_keeps_them_writes() -> None:
    assert rendered("structured", out="/data").rows.startswith("/data/windows-")
    assert rendered("structured", out="/data").rows.endswith("/csv")
    assert rendered("structured", outputs="parquet").rows.endswith("/parquet")
    assert "/parquet" in code(rendered("structured", outputs="parquet"), "output-parquet")


def test_windows_wait_on_the_driver_s_disk_wherever_files_go() -> None:
    assert '"/data/outputs-' in code(rendered("structured", out="/data"), "delivery")
    assert '"/tmp/outputs-' in code(rendered("structured", out="hdfs://name/data"), "delivery")
    assert '"/state/outputs-' in code(rendered("structured", out="hdfs://name/data", state_folder="/state"), "delivery")


def test_every_output_says_what_it_is_and_its_paragraphs_are_of_their_language() -> None:
    needed = {
        "webhook_url": "http://host/in",
        "postgresql_url": "postgresql://host/db",
        "mqtt_to": "/MyApp/back",
        "alert": "x > 1",
        "influxdb_url": "http://host:8086",
        "influxdb_bucket": "averages",
    }
    names = ",".join(name for name, each in outputs_in("python").items() if not each.always)
    note = rendered("structured", outputs=names, **needed)
    assert len(outputs()) >= 3
    for each in outputs().values():
        assert each.help.endswith(".")
        assert each.title.startswith(f"Output {each.name}")
    for paragraph in note.paragraphs:
        if paragraph.role == "outputs":
            ast.parse(paragraph.text.partition("\n")[2])
            assert len(paragraph.text.splitlines()) < 20


def test_what_an_output_needs_is_asked_for_where_it_is_chosen() -> None:
    with pytest.raises(UsageError, match="no webhook_url given"):
        rendered("structured", outputs="csv,webhook")
    rendered("structured")


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "host/db", "postgresql://host/d b"])
def test_an_address_with_a_login_or_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="postgresql_url") as refused:
        rendered("structured", outputs="postgresql", postgresql_url=url)
    assert "secret" not in refused.value.message or "me:secret" not in str(refused.value)


def test_logins_are_read_from_the_store_by_a_name_of_the_note_s_own() -> None:
    given = {"outputs": "postgresql", "postgresql_url": "postgresql://host/db"}
    texts = {code(rendered("structured", path=path, **given), "output-postgresql") for path in ("one", "other")}
    assert len(texts) == 2
    assert all('getUsernamePassword("netpie-output-postgresql-' in text for text in texts)
    assert all('keys=["id"]' in text for text in texts)


@pytest.mark.parametrize(
    ("topic", "to"), [("metrics", "/MyApp/metrics"), ("#", "/MyApp/back"), ("a,+/b", "/MyApp/x/b")]
)
def test_an_output_to_a_topic_that_the_note_reads_is_refused(topic: str, to: str) -> None:
    with pytest.raises(UsageError, match="would read what it writes"):
        rendered("structured", topic=topic, outputs="mqtt", mqtt_to=to)
    with pytest.raises(UsageError, match="would read what it writes"):
        rendered("structured", topic=topic, outputs="mqtt", mqtt_to=to, mqtt_broker="ssl://broker.example:8883")
    rendered("structured", topic=topic, outputs="mqtt", mqtt_to=to, mqtt_broker="tcp://another:1883")


def test_a_shared_subscription_reads_what_its_filter_has() -> None:
    assert matches("$share/group/a/#", "a/b")
    assert not matches("$share/group/a/#", "b")


def test_an_output_to_where_the_platform_lets_nobody_write_is_refused() -> None:
    with pytest.raises(UsageError, match="NETPIE lets nobody write there") as refused:
        rendered("structured", outputs="mqtt", mqtt_to="back")
    assert refused.value.next_step == "take /MyApp/…"
    rendered("structured", outputs="mqtt", mqtt_to="back", mqtt_broker="tcp://another:1883")
    rendered("structured", outputs="mqtt", mqtt_to="/MyApp/@writefeed/feed")
    with pytest.raises(UsageError, match="wildcards, for subscribers only"):
        rendered("structured", outputs="mqtt", mqtt_to="/MyApp/back/#")


def of_netpie2020(topic: str, flowchannel: FlowChannelKey | None = None, **given: str) -> RenderedNote:
    devices = tuple(DeviceLogin(name, f"Token{name}") for name in ("d1", "d2"))
    bundle = load_bundle("structured")
    values = bundle.values({"appid": "d1", "topic": topic, "outputs": "mqtt", "broker_login": "password", **given})
    login = Netpie2020Client("ssl://mqtt.netpie.io:1884", "d1", devices, flowchannel)
    return render(bundle, values, login.connection(values, "n"), zeppelin=ZEPPELIN_9, scala="2.12", path="n")


FLOW = FlowChannelKey("FWAG1", "secret")


@pytest.mark.parametrize(
    ("topic", "flow", "to", "device", "cause"),
    [
        ("@msg/a/#", None, "@msg/a/b", "d9", "would read what it writes"),
        ("@msg/a/#", FLOW, "@msg/a/b", "d9", "would read what it writes"),
        ("@msg/a/#", None, "@msg/b", "d1", "the note itself connects as that device"),
        ("@shadow/data/updated", FLOW, "@shadow/data/update", "d2", "hears what it writes"),
        ("@msg/a", None, "back", "d9", "NETPIE lets nobody write there"),
        ("@msg/a", None, "@msg/b", "d9", ""),
        ("@msg/a", FLOW, "@shadow/data/update", "d2", ""),
        ("@shadow/data/updated", FLOW, "@shadow/data/update", "d9", ""),
    ],
)
def test_an_output_to_netpie_2020_goes_where_the_note_does_not_hear_it(
    topic: str, flow: FlowChannelKey | None, to: str, device: str, cause: str
) -> None:
    if not cause:
        of_netpie2020(topic, flow, mqtt_to=to, mqtt_client_id=device)
        return
    with pytest.raises(UsageError, match=cause):
        of_netpie2020(topic, flow, mqtt_to=to, mqtt_client_id=device)


def test_an_alert_is_chosen_by_its_own_parameter() -> None:
    note = rendered("structured", alert="avg(cpu) > 90 for 3 windows")
    assert '"avg(cpu) > 90 for 3 windows"' in code(note, "output-alert")
    assert note.values["outputs"] == "alert,csv"
    assert "output-alert" not in keys()


def test_a_paragraph_of_the_bundle_s_own_takes_the_place_of_an_output_s(tmp_path: object) -> None:
    from pathlib import Path
    from shutil import copytree

    folder = Path(str(tmp_path)) / "mine"
    copytree(load_bundle("structured").folder, folder)
    note = (folder / "note.toml").read_text()
    own = '[[paragraphs]]\nkey = "output-csv"\nrole = "outputs"\nfile = "mine.py"\ninterpreter = "python"\n\n'
    at = note.index("# A paragraph each, of those that the parameter outputs")
    (folder / "note.toml").write_text(note[:at] + own + note[at:])
    (folder / "mine.py").write_text("outputs.to('csv', mine)\n")
    found = rendered(str(folder), outputs="csv,parquet")
    assert code(found, "output-csv") == "outputs.to('csv', mine)"
    assert [each.key for each in found.paragraphs if each.role == "outputs"] == [
        "output-csv",
        "output-parquet",
        "output-table",
    ]


def test_influxdb_and_prometheus_have_the_key_s_columns_as_tags_and_labels() -> None:
    given = {"outputs": "influxdb,prometheus", "influxdb_url": "http://host:8086", "influxdb_bucket": "b", "key": "id"}
    note = rendered("structured", **given, influxdb_login="password", prometheus_port="9000")
    assert 'tags=["id"]' in code(note, "output-influxdb")
    assert 'getUsernamePassword("netpie-output-influxdb-' in code(note, "output-influxdb")
    assert '    "127.0.0.1",\n    9000,\n    labels=["id"],' in code(note, "output-prometheus")
    assert "password" not in code(rendered("structured", **given), "output-influxdb")
