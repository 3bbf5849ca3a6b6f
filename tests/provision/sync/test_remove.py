"""`provision remove`, and what a removal leaves."""

from dataclasses import replace
from pathlib import Path

import pytest

from netpie_creds import AccessToken
from netpie_creds.cache import write_cache
from provision.cli import run
from provision.home import private_dir, state_dir
from provision.options.server import ServerOptions
from provision.sync.apply import put_credentials
from provision.sync.remove import remove_note
from provision.sync.undo_records import Records

from ..note_bench import Bench, render
from ..rendering import LOGIN, SECRETS, rendered

STORED = {"netpie-KEY-1": ("id", "hmac"), "netpie-KEY-2": ("id", "hmac"), "other": ("user", "password")}
NOTE = render(a='val id = "{netpie-KEY-1.user}"', b='val key = "{netpie-KEY-1.password}{netpie-KEY-2.user}"')


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    made = Bench(NOTE)
    made.records = Records(made.server.url)
    made.server.credentials = dict(STORED)
    made.server.writes.clear()
    monkeypatch.setattr(ServerOptions, "connect_running", lambda _self: made.server)
    return made


def test_the_note_goes_paragraph_by_paragraph_first_so_that_no_interpreter_restarts(bench: Bench) -> None:
    assert bench.records
    remove_note(bench.client, bench.note, bench.records)
    assert bench.server.writes == ["delete", "delete", "delete note"]


def test_only_the_credentials_that_no_other_note_names_go(bench: Bench) -> None:
    assert bench.records
    bench.server.import_note({"paragraphs": [{"text": 'sc.range({password.netpie-KEY-2}, "")'}]}, "/mine")
    removed = remove_note(bench.client, bench.note, bench.records)
    assert removed.entities == ("netpie-KEY-1",)
    assert set(bench.server.credentials) == {"netpie-KEY-2", "other"}


def test_the_entries_that_a_note_reads_go_with_it_but_those_that_another_reads(bench: Bench) -> None:
    assert bench.records
    note = rendered("classic", path="folder/note")
    bench.apply(note)
    put_credentials(bench.client, note)
    stored = sorted(note.credentials)
    mine = f"%spark.pyspark\ncredentials.getUsernamePassword('{stored[1]}').getPassword()"
    bench.server.import_note({"paragraphs": [{"text": mine}]}, "/mine")
    assert remove_note(bench.client, bench.note, bench.records).entities == (stored[0],)
    assert stored[1] in bench.server.credentials


def test_an_entry_that_an_older_version_has_left_goes_with_the_last_note_of_its_application(bench: Bench) -> None:
    assert bench.records
    note = render(a='val id = "{netpie-KEY-0a1b2c3d.user}{netpie-KEY-0a1b2c3d-mqtt.user}"')
    bench.apply(note)
    mine = bench.server.import_note({"paragraphs": [{"text": "{netpie-KEY.user}"}]}, "/mine")
    for entity in ("netpie-KEY-0a1b2c3d", "netpie-KEY-0a1b2c3d-mqtt", "netpie-KEY", "netpie-KEY-mqtt", "netpie-OTHER"):
        bench.server.set_credential(entity, "id", "key")
    removed = remove_note(bench.client, bench.note, bench.records)
    assert removed.entities == ("netpie-KEY-0a1b2c3d", "netpie-KEY-0a1b2c3d-mqtt", "netpie-KEY-mqtt")
    assert {"netpie-KEY", "netpie-OTHER"} <= set(bench.server.credentials)
    assert mine in bench.server.notes


def test_credentials_that_an_edit_has_taken_out_of_the_text_go_too(bench: Bench) -> None:
    assert bench.records
    bench.edit(0, text="mine")
    bench.edit(1, text="mine too")
    assert remove_note(bench.client, bench.note, bench.records).entities == ("netpie-KEY-1", "netpie-KEY-2")


@pytest.mark.parametrize("after", range(4))
def test_a_removal_that_was_cut_off_is_finished_by_the_next_and_its_record_is_whole(bench: Bench, after: int) -> None:
    assert bench.records
    bench.edit(0, text="mine {netpie-KEY-1.user}")
    bench.server.fail_at = after
    try:
        remove_note(bench.client, bench.note, bench.records)
    except ConnectionError:
        bench.server.fail_at = None
        remove_note(bench.client, bench.note, bench.records)
    assert bench.server.notes == {}
    assert set(bench.server.credentials) == {"other"}
    kept = bench.records.find("folder/note")
    assert kept is not None
    assert [saved.text for saved in kept.before] == ["mine {netpie-KEY-1.user}", NOTE.paragraphs[1].text]


def test_the_command_tells_what_is_kept_and_undo_brings_it_back(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.edit(0, text="mine")
    before = bench.seen()
    assert run(["remove", "note", "--yes"]) == 0
    assert "/folder/note: deleted" in capsys.readouterr().out
    assert bench.server.notes == {}
    assert run(["undo", "--yes"]) == 0
    assert "credentials come back with `provision apply`" in capsys.readouterr().out
    (bench.id,) = bench.server.notes
    assert bench.seen() == before
    assert run(["undo", "--yes"]) == 0
    assert capsys.readouterr().out == "nothing to undo\n"


def test_nothing_is_deleted_without_a_person_to_ask_or_yes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["remove", "note"]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert bench.server.writes == []


def test_a_note_that_no_apply_has_made_is_not_deleted(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.server.import_note({"paragraphs": [{"text": "mine"}]}, "/mine")
    assert run(["remove", "/mine", "--yes"]) == 2
    assert "no apply has made it" in capsys.readouterr().err
    assert len(bench.server.notes) == 2


def test_a_stream_that_runs_is_stopped_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[list[str]] = []

    def stop(*_arguments: object) -> None:
        stopped.append(list(bench.server.writes))

    monkeypatch.setattr("provision.commands.remove.stop_if_running", stop)
    assert run(["remove", "note", "--yes"]) == 0
    assert stopped == [[]]


def test_nothing_to_undo_in_json_has_the_keys_of_an_apply(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["undo", "folder/note", "--json"]) == 0
    assert capsys.readouterr().out == '{"note": null, "changes": [], "written": 0}\n'


OWN = "%md\n# Notes of three weeks\nour ClientId is TokenOfTheThing, and 'AppSecret' is the secret"


@pytest.fixture
def kept_token(bench: Bench) -> None:
    """The thing's token in the cache, where `apply` and `creds` keep it."""
    folder = private_dir(state_dir() / "netpie")
    write_cache(folder, LOGIN.appkey, AccessToken(LOGIN.client_id, "TokenSecret", "pie://broker.example:1883", ""))


@pytest.mark.usefixtures("kept_token")
@pytest.mark.parametrize("bundle", ["classic", "streaming"])
@pytest.mark.parametrize("secrets", ["inline", "store"])
def test_what_was_typed_beside_a_secret_comes_back_and_the_secret_with_the_next_apply(
    bench: Bench, tmp_path: Path, bundle: str, secrets: str
) -> None:
    note = rendered(bundle, secrets=secrets, path="folder/note")
    bench.id = bench.apply(replace(note, path="typed/note")).note_id
    put_credentials(bench.client, note)
    stream = next(index for index, each in enumerate(note.paragraphs) if each.key == "stream")
    bench.edit(stream, text=f"{bench.texts()[stream]}\n// MINE")
    bench.server.insert(bench.id, 1, OWN if (bundle, secrets) != ("classic", "inline") else OWN.partition(", and")[0])
    before = bench.texts()
    assert run(["remove", "/typed/note", "--yes"]) == 0
    records = "".join(file.read_text() for file in (tmp_path / "state" / "records").rglob("*.json"))
    assert [each for each in SECRETS if each in records] == []
    assert run(["undo", "/typed/note"]) == 0
    bench.id = next(each for each, there in bench.server.notes.items() if there.path == "/typed/note")
    assert len(bench.texts()) == len(before)
    assert "// MINE" in bench.texts()[stream + 1]
    assert "ClientId is TokenOfTheThing" in bench.texts()[1]
    bench.apply(replace(note, path="typed/note"))
    assert bench.texts() == before


def test_a_copy_of_a_secret_that_nobody_knows_is_in_no_record(bench: Bench, tmp_path: Path) -> None:
    bench.server.insert(bench.id, 1, rendered("streaming", secrets="inline").paragraphs[7].text)
    bench.server.insert(bench.id, 1, 'val login = NetpieMqtt.signed("KEY", "Unknown&Secret") // MINE')
    assert run(["remove", "note", "--yes"]) == 0
    kept = "".join(file.read_text() for file in (tmp_path / "state" / "records").rglob("*.json"))
    assert "MINE" in kept
    assert "Unknown" not in kept
    assert "AppSecret" not in kept


def test_an_undo_says_where_a_secret_is_missing(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    note = rendered("streaming", secrets="inline", path="typed/note")
    bench.apply(note)
    assert run(["remove", "/typed/note", "--yes"]) == 0
    assert run(["undo", "/typed/note"]) == 0
    assert "a secret is missing in it, which `provision apply` fills in" in capsys.readouterr().err
