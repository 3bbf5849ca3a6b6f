"""What a note was applied with is the default of the next apply and plan, and what is other than then is told."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from netpie_emulator import Emulator
from provision.bundles.bundle import load_bundle
from provision.sync.provenance import ORIGIN
from provision.sync.undo_records import Records

from .bench import APPID, APPKEY, APPSECRET, PATH, CommandBench

OWN = "Class/ann"


def noted(bench: CommandBench, path: str = PATH) -> dict[str, Any]:
    """What the note's last apply has noted of it; to be changed, too."""
    note = next(note for note in bench.zeppelin.notes.values() if note["path"] == path)
    return next(p["config"][ORIGIN] for p in note["paragraphs"] if p["config"].get(ORIGIN))


def test_a_parameter_stays_until_another_value_is_given_which_is_told(bench: CommandBench) -> None:
    bench.apply("--param", "window=30", "--param", "slide=20")
    again = bench.apply()
    assert again["written"] == 0
    assert "->" not in bench.said
    bench.apply("--param", "window=120")
    assert "window: 30 -> 120" in bench.said
    assert "slide" not in bench.said
    assert "Seconds(120), Seconds(20)" in bench.text("Sliding window").replace("window = ", "").replace("slide = ", "")


def test_an_empty_value_goes_back_to_the_bundle_s_default_for_good(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    bench.apply("--param", "window=")
    assert "window: 30 -> 60" in bench.said
    assert noted(bench)["given"] == {}
    assert bench.apply()["written"] == 0


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--param", "secrets=inline"], "secrets", "inline"),
        (["--param", "connector=jar", "--param", "mqtt_jars=/a.jar,/b.jar"], "mqtt_jars", "/a.jar,/b.jar"),
        (["--param", "broker=ssl://broker.example:8883"], "broker", "ssl://broker.example:8883"),
        (["--param", "qos=1", "--param", "session=persistent"], "session", "persistent"),
        (["--spark-master", "local[3]"], "spark_master", "local[3]"),
        (["--spark-property", "spark.a=1", "--spark-property", "spark.b=2"], "spark_properties", "spark.a=1,spark.b=2"),
        (["--param", "window=5m"], "window", "300"),
    ],
)
def test_every_option_of_a_note_is_remembered(bench: CommandBench, words: list[str], name: str, value: str) -> None:
    bench.apply(*words)
    texts = [paragraph.text for paragraph in bench.note().paragraphs]
    assert noted(bench)["values"][name] == value
    assert bench.apply()["written"] == 0
    assert noted(bench)["values"][name] == value
    assert [paragraph.text for paragraph in bench.note().paragraphs] == texts
    bench.apply(*(word for given in words[1::2] if "=" in given for word in ("--param", f"{given.partition('=')[0]}="))
                if words[0] == "--param" else ("--param", f"{name}="))  # fmt: skip
    assert f"{name}: {value} -> " in bench.said


def test_a_note_s_bundle_is_remembered(bench: CommandBench) -> None:
    bench.apply("--note", OWN, "--bundle", "classic", "--param", "mqtt_package=g:a:1")
    assert bench.apply("--note", OWN)["written"] == 0
    assert noted(bench, f"/{OWN}")["bundle"] == "classic"
    bench.apply("--note", OWN, "--bundle", "streaming")
    assert "bundle: classic -> streaming" in bench.said
    assert bench.run("plan", "--note", OWN) == 0
    assert "->" not in bench.said


def test_so_is_the_folder_of_a_bundle_of_one_s_own(bench: CommandBench, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(load_bundle("streaming").folder, folder)
    toml = folder / "note.toml"
    toml.write_text(
        toml.read_text().replace("[parameters.window]", '[parameters.colour]\ntype = "word"\ndefault = "red"\n'
                                 'help = "A colour."\n\n[parameters.window]')
    )  # fmt: skip
    bench.apply("--bundle", "./mine", "--param", "colour=blue")
    assert bench.apply("--param", "window=30")["written"] > 0
    assert noted(bench)["values"] | {"colour": "blue", "window": "30"} == noted(bench)["values"]
    bench.apply("--param", "colour=green")
    assert "colour: blue -> green" in bench.said
    assert bench.run("apply", "--no-run", "--param", "color=green") == 2
    assert "bundle mine has no parameter 'color'" in bench.said

    bench.apply("--bundle", "streaming")
    assert "colour: green -> left out, as bundle streaming has no such parameter" in bench.said
    assert "colour" not in noted(bench)["given"]

    bench.apply("--bundle", "./mine")
    shutil.rmtree(folder)
    assert bench.run("apply", "--no-run") == 2
    assert f"{folder}, which is not on this machine; name its folder with --bundle DIR" in bench.said


def test_a_parameter_that_the_bundle_has_no_more_is_told_and_left_out(bench: CommandBench) -> None:
    bench.apply("--note", OWN, "--param", "topic_column=yes", "--param", "window=30")
    bench.apply("--note", OWN, "--bundle", "classic", "--param", "mqtt_package=g:a:1")
    assert "topic_column: yes -> left out, as bundle classic has no such parameter" in bench.said
    assert noted(bench, f"/{OWN}")["given"] == {"window": "30", "mqtt_package": "g:a:1"}


def test_a_remembered_value_that_does_not_fit_is_told_as_one(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    assert bench.run("apply", "--no-run", "--param", "batch=20", "--param", "slide=20") == 2
    assert "window=30 is no multiple of batch=20; the note was applied with window=30; " in bench.said
    assert "--param NAME=" in bench.said
    assert bench.run("apply", "--no-run", "--param", "batch=7", "--param", "slide=14", "--param", "window=15") == 2
    assert "was applied with" not in bench.said


def test_given_values_are_checked_with_those_that_are_remembered(bench: CommandBench) -> None:
    bench.apply("--param", "batch=5")
    bench.apply("--param", "window=35")
    assert noted(bench)["given"] == {"batch": "5", "window": "35"}


@pytest.mark.parametrize("lost", [["given"], ["given", "version", "rows"]])
def test_a_note_of_an_older_version_keeps_what_is_not_the_bundle_s_default(
    bench: CommandBench, lost: list[str]
) -> None:
    bench.apply("--param", "window=30", "--param", "out=/data")
    for name in lost:
        del noted(bench)[name]
    bench.apply("--param", "slide=20")
    assert noted(bench)["given"] == {"window": "30", "out": "/data", "slide": "20"}
    assert [line for line in bench.said.splitlines() if "->" in line] == ["slide: 10 -> 20"]


def test_undo_brings_what_was_remembered_before_back(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    bench.apply("--param", "window=120")
    assert bench.run("undo", "--yes") == 0
    assert bench.apply()["written"] == 0
    assert noted(bench)["values"]["window"] == "30"


def test_what_changes_no_paragraph_leaves_the_apply_before_it_to_be_undone(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    bench.apply("--param", "window=60")
    record = Records(bench.zeppelin.url).find(PATH)
    bench.apply("--param", "slide=10")
    assert noted(bench)["given"] == {"window": "60", "slide": "10"}
    assert Records(bench.zeppelin.url).find(PATH) == record
    assert bench.run("undo", "--yes") == 0
    assert noted(bench)["given"] == {"window": "30"}


def test_a_plan_takes_and_tells_the_same(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    assert bench.run("plan") == 0
    assert "->" not in bench.out
    assert bench.run("plan", "--param", "window=60") == 0
    assert "window: 30 -> 60" in bench.out
    assert bench.run("plan", "--json", "--param", "window=60") == 0
    assert {change["key"] for change in json.loads(bench.out)["changes"] if change["verdict"] == "update"} >= {"window"}


def test_the_application_of_a_note_that_is_named_is_remembered(
    bench: CommandBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.apply("--note", OWN)
    for name in ("NETPIE_APPID", "NETPIE_APPKEY"):
        monkeypatch.delenv(name)
    assert bench.apply("--note", OWN)["written"] == 0
    monkeypatch.setenv("NETPIE_APPKEY", APPKEY)
    monkeypatch.setenv("NETPIE_APPID", "Other")
    bench.apply("--note", OWN)
    assert "appid: MyApp -> Other" in bench.said


def test_a_class_s_parameters_are_remembered_row_by_row(bench: CommandBench, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("note,topic,window\nClass/ann,a,30\nClass/bob,b,\n")
    with Emulator(APPID, APPKEY, APPSECRET, state=tmp_path / "netpie") as netpie:  # each row gets a thing of its own
        each(bench, file, "--param", "slide=20", "--auth", netpie.auth_url)
    assert [noted(bench, f"/{note}")["given"] for note in ("Class/ann", "Class/bob")] == [
        {"slide": "20", "topic": "a", "window": "30"}, {"slide": "20", "topic": "b"},
    ]  # fmt: skip
    file.write_text("note\nClass/ann\nClass/bob\n")
    assert [row["result"] for row in json.loads(each(bench, file))["rows"]] == ["same", "same"]
    rows = json.loads(each(bench, file, "--param", "slide="))["rows"]
    assert [row["told"] for row in rows] == [["slide: 20 -> 10"]] * 2


def each(bench: CommandBench, file: Path, *words: str) -> str:
    bench.run("apply", "--each", str(file), "--json", *words)
    return bench.out


OLD_SPELLINGS = ["/Class/x", "./Class/x", "Class//x", "Class\\x", "Class/./x/"]


@pytest.mark.parametrize("spelled", OLD_SPELLINGS)
def test_a_note_that_an_older_version_made_at_another_spelling_of_its_path_keeps_its_client_id(
    bench: CommandBench, spelled: str
) -> None:
    own_broker = ["--param", "broker=tcp://127.0.0.1:9", "--param", "broker_login=none", "--param", "mqtt_jars=/a.jar"]
    bench.apply("--note", "Class/x", *own_broker)
    plain = client_id("Class/x")
    assert holds(bench, plain)
    noted(bench, "/Class/x")["site"]["path"] = spelled
    bench.apply("--note", "Class/x")
    assert holds(bench, client_id(spelled))
    assert not holds(bench, plain)
    for again in ("/Class/x", "Class/x", "Class//x"):
        assert bench.apply("--note", again)["written"] == 0
        assert holds(bench, client_id(spelled))
    assert [note["path"] for note in bench.zeppelin.notes.values()] == ["/Class/x"]
    assert bench.run("pull", "Class/x", "--into", "pulled") == 0
    assert not any(client_id(spelled) in file.read_text() for file in Path("pulled").iterdir())


@pytest.mark.parametrize("spelled", OLD_SPELLINGS)
def test_each_spelling_of_a_new_note_s_path_gives_it_one_client_id(bench: CommandBench, spelled: str) -> None:
    bench.apply("--note", spelled, "--param", "broker=tcp://127.0.0.1:9", "--param", "broker_login=none")
    assert holds(bench, client_id("Class/x"))


def client_id(path: str) -> str:
    """What a note at this path calls itself at a broker without a login."""
    return f"zeppelin-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def holds(bench: CommandBench, text: str) -> bool:
    return any(text in paragraph.text for paragraph in bench.note("/Class/x").paragraphs)


def test_a_word_that_is_some_other_entry_s_user_keeps_nothing_from_being_pulled(bench: CommandBench) -> None:
    bench.apply("--note", "Class/x")
    bench.zeppelin.credentials["jdbc"] = {"username": "metrics", "password": "hunter2-of-the-database"}
    for paragraph in next(iter(bench.zeppelin.notes.values()))["paragraphs"]:
        if paragraph["title"].startswith("Query"):
            paragraph["text"] += "\n// the metrics of the database"
    assert bench.run("pull", "Class/x", "--into", "pulled") == 0, bench.said
    assert any("the metrics of the database" in file.read_text() for file in Path("pulled").iterdir())


def test_a_secret_that_an_older_version_let_into_the_properties_is_not_shown(bench: CommandBench) -> None:
    bench.apply("--spark-property", "spark.a=1")
    for values in (noted(bench)["values"], noted(bench)["given"]):
        values["spark_properties"] = "spark.a.password=hush"
    assert bench.run("apply", "--no-run") == 2
    assert "spark_properties=(not shown)" in bench.said
    bench.apply("--param", "spark_properties=")
    assert "spark_properties: (not shown) -> (none)" in bench.said
    assert "hush" not in bench.said


def test_what_is_noted_in_a_note_drives_no_terminal(bench: CommandBench) -> None:
    bench.apply("--param", "window=30")
    noted(bench)["values"]["window"] = "\x1b[31m30"
    noted(bench)["given"]["window\x07"] = "1"
    bench.apply("--param", "window=60")
    assert "window: 30 -> 60" in bench.said
    assert "\x1b" not in bench.said
    assert "\x07" not in bench.said
    assert bench.run("plan", "--json", "--param", "window=20") == 0
    assert "window: 60 -> 20" in bench.said.removeprefix(bench.out)
