"""`provision apply --each`: rows checked, written side by side, each for itself; run again, nothing is done twice."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from netpie_emulator import Emulator, RegisteredApp
from provision.bundles.bundle import load_bundle
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import read_people
from provision.classroom.side_by_side import do_rows
from provision.classroom.write_rows import RowWriter
from provision.cli import run
from provision.errors import UsageError
from provision.platforms.netpie2015 import entities
from provision.sync.provenance import MARK, digest
from zeppelin_sdk import Permissions
from zeppelin_sdk.testing import FakeZeppelin

APP = RegisteredApp("ClassApp", "ClassKey1234567", "ClassSecret-123456789")
OTHER = RegisteredApp("OtherApp", "OtherKey1234567", "OtherSecret-987654321")
STREAMING = load_bundle("streaming")


@pytest.fixture
def netpie(tmp_path: Path) -> Iterator[Emulator]:
    with Emulator(APP.appid, APP.appkey, APP.appsecret, state=tmp_path / "netpie") as emulator:
        emulator.store.add_application(OTHER)
        yield emulator


@pytest.fixture
def zeppelin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeZeppelin]:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        yield server


@pytest.fixture
def each(
    netpie: Emulator, zeppelin: FakeZeppelin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> Callable[..., tuple[int, dict]]:
    """Write these lines to a file, apply it, and return the exit status and the answer."""
    monkeypatch.setenv("NETPIE_APPID", APP.appid)
    monkeypatch.setenv("NETPIE_APPKEY", APP.appkey)
    monkeypatch.setenv("NETPIE_APPSECRET", APP.appsecret)

    def apply(*lines: str, options: tuple[str, ...] = ()) -> tuple[int, dict]:
        file = tmp_path / "people.csv"
        file.write_text("\n".join(lines) + "\n")
        status = run(["apply", "--each", str(file), "--auth", netpie.auth_url, "--json", *options])
        for note in zeppelin.notes.values():  # as the real one does on import
            for number, paragraph in enumerate(note["paragraphs"]):
                paragraph.setdefault("id", f"paragraph_{note['id']}_{number}")
                paragraph.setdefault("status", "READY")
        said = capsys.readouterr()
        assert not re.search("|".join((APP.appsecret, OTHER.appsecret, "Traceback")), said.out + said.err)
        return status, json.loads(said.out)

    return apply


def results(answer: dict) -> list[str]:
    return [row["result"] for row in answer["rows"]]


# --- the file ---


def people(tmp_path: Path, text: str):
    file = tmp_path / "people.csv"
    file.write_text(text)
    return read_people(file, STREAMING)


def test_a_row_has_the_bundle_s_parameters_an_application_a_note_and_permissions(tmp_path: Path) -> None:
    (person,) = people(
        tmp_path,
        "\ufeffappid, appkey,secret_file,topic,window,note,owner,readers,zeppelin_user,zeppelin_password_file\n"
        "A,K,secrets/a.txt,room/1,120,Class/ann,ann,ann; bob ;,ann,/p\n",
    )
    assert person.parameters == {"topic": "room/1", "window": "120"}
    assert (dict(person.account), person.note, person.line) == ({"appid": "A", "appkey": "K"}, "Class/ann", 2)
    assert person.secret_file == tmp_path / "secrets/a.txt"
    assert person.permissions == Permissions(owners=frozenset({"ann"}), readers=frozenset({"ann", "bob"}))
    assert (person.user, person.password_file) == ("ann", Path("/p"))


ROSTER = 'appid;note;owner\nA;Class/ann;ann\nB;Class/bob;"bob;eve"\n'


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("first", ["", "sep=", "SEP="])
@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
)
def test_a_file_as_a_spreadsheet_writes_it_is_understood(
    tmp_path: Path, separator: str, first: str, write: Callable[[str], bytes]
) -> None:
    text = ROSTER if separator == ";" else ROSTER.replace(";", separator).replace(f"bob{separator}eve", "bob;eve")
    file = tmp_path / "people.csv"
    file.write_bytes(write(f"{first}{separator}\n{text}" if first else text))
    ann, bob = read_people(file, STREAMING)
    assert (ann.account["appid"], ann.note, ann.permissions) == (
        "A",
        "Class/ann",
        Permissions(owners=frozenset({"ann"})),
    )
    assert (bob.account["appid"], bob.permissions) == ("B", Permissions(owners=frozenset({"bob", "eve"})))
    assert (ann.line, bob.line) == ((3, 4) if first else (2, 3))


def test_a_file_in_an_old_code_page_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes("topic,appsecret\nห้อง,hidden-1\n".encode("cp874"))
    with pytest.raises(UsageError, match="line 2 is no text in UTF-8") as refused:
        read_people(file, STREAMING)
    assert "hidden-1" not in refused.value.message
    assert refused.value.next_step == "save it as CSV UTF-8"


@pytest.mark.parametrize("secret", ['"""+sys.exit(1)+"""', "a\\b", "${x}", "{entity.password}"])
def test_a_row_s_secret_that_could_be_code_fails_the_row_and_is_not_shown(each: Callable, secret: str) -> None:
    status, answer = each("note,appid,appkey,appsecret", f"Class/ann,A,K,{secret}", options=("--no-run",))
    assert (status, results(answer)) == (1, ["failed"])
    assert "characters that no secret has" in answer["rows"][0]["error"]["message"]
    assert "sys.exit" not in json.dumps(answer)


def test_empty_cells_and_lines_say_nothing_and_a_secret_is_not_in_a_row_s_repr(tmp_path: Path) -> None:
    (person,) = people(tmp_path, "topic,appsecret,owner\n,Hidden-1,\n,,\n\n")
    assert person.parameters == {}
    assert person.permissions is None
    assert "Hidden-1" not in repr(person)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topic,colour\na,b\n", "unknown column 'colour'"),
        ("topic,topic\na,b\n", "column 'topic' is there twice"),
        ("topic,out\na,b,c\n", ":2: 3 cells, and 2 columns"),
        ("topic\n", "no rows"),
        ("", "no rows"),
        ('topic\n"a\n', "no CSV"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        people(tmp_path, text)


def test_an_unknown_column_is_refused_before_anything_is_written(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each("topic,colour", "a,b")
    assert status == 2
    assert "colour" in answer["error"]["message"]
    assert zeppelin.requests == []


# --- the rows ---


def test_every_row_gets_a_note_a_thing_and_an_entry_in_the_store_of_its_own(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each("topic,note,out", *(f"room{n},Class/student {n},/data/{n}" for n in range(6)))
    assert status == 0
    assert results(answer) == ["done"] * 6
    assert sorted(note["path"] for note in zeppelin.notes.values()) == [f"/Class/student {n}" for n in range(6)]
    stored = {entities(APP.appkey, f"/Class/student {n}")[0] for n in range(6)}
    assert set(zeppelin.credentials) == stored
    assert len({entry["username"] for entry in zeppelin.credentials.values()}) == 6
    for row in answer["rows"]:
        note = zeppelin.notes[row["url"].rpartition("/")[2]]
        number = row["note"].rpartition(" ")[2]
        assert any(f"/data/{number}/avg-" in (paragraph["text"] or "") for paragraph in note["paragraphs"])


def test_the_same_file_again_makes_no_new_things(each, zeppelin: FakeZeppelin) -> None:
    lines = ("topic", "a", "b", "c")
    each(*lines)
    before = {name: dict(entry) for name, entry in zeppelin.credentials.items()}
    status, answer = each(*lines)
    assert (status, results(answer)) == (0, ["same"] * 3)
    assert zeppelin.credentials == before


def test_rows_that_are_done_are_skipped_and_new_ones_written(each, zeppelin: FakeZeppelin) -> None:
    each("topic", "a", "b")
    del zeppelin.requests[:]
    status, answer = each("topic", "a", "b", "c")
    assert (status, results(answer)) == (0, ["same", "same", "done"])
    assert [request.path for request in zeppelin.asked("POST")] == ["/api/notebook/import"]


def test_a_row_that_fails_harms_no_other_and_is_told_with_its_reason(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each(
        "appid,appkey,appsecret,topic,window",
        f"{OTHER.appid},{OTHER.appkey},{OTHER.appsecret},a,60",
        f"{OTHER.appid},{OTHER.appkey},wrong-secret,b,60",
        ",,,c,61",
        ",,,d,60",
    )
    assert status == 1
    assert results(answer) == ["done", "failed", "failed", "done"]
    assert [row["error"] and row["error"]["kind"] for row in answer["rows"]] == [None, "wrong_secret", "usage", None]
    assert (answer["done"], answer["failed"]) == (2, 2)
    assert len(zeppelin.notes) == 2


def test_two_rows_with_one_note_are_one_note_and_one_failure(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each("topic,note", "a,N", "b,/N", "c,M")
    assert (status, results(answer)) == (1, ["done", "failed", "done"])
    assert "line 2 has the same note" in answer["rows"][1]["error"]["message"]


def test_conflicts_alone_end_with_3_and_leave_what_the_person_wrote(each, zeppelin: FakeZeppelin) -> None:
    each("note,topic,window", "N,t,60", "M,t,60")
    note = next(note for note in zeppelin.notes.values() if note["path"] == "/N")
    window = next(p for p in note["paragraphs"] if "Sliding window" in (p["title"] or ""))
    window["text"] = "%spark\nmy own"
    status, answer = each("note,topic,window", "N,t,120", "M,t,120")
    assert (status, results(answer)) == (3, ["failed", "done"])
    assert window["text"] == "%spark\nmy own"


def test_a_secret_file_beside_the_rows_is_read(each, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(OTHER.appsecret)
    status, _ = each("appid,appkey,secret_file", f"{OTHER.appid},{OTHER.appkey},secret")
    assert status == 0


def test_things_are_kept_in_private_folders_one_a_note(each, tmp_path: Path) -> None:
    _, answer = each("note", "Class/อุณหภูมิ", "Class/b")
    folders = [Path(row["cache"]) for row in answer["rows"]]
    assert len(set(folders)) == 2
    for folder in folders:
        assert folder.stat().st_mode & 0o077 == 0
        assert [file.stat().st_mode & 0o077 for file in folder.glob("*.cache")] == [0]


def test_a_note_that_reads_the_entry_of_an_older_version_is_moved_to_its_own(each, zeppelin: FakeZeppelin) -> None:
    each("note", "N")
    (note,) = zeppelin.notes.values()
    stream = next(p for p in note["paragraphs"] if p["title"] == "Stream of events")
    new = stream["text"]
    stream["text"] = new.replace(entities(APP.appkey, "N")[0], f"netpie-{APP.appkey}")
    stream["config"][MARK]["sha256"] = digest(stream["text"])
    status, answer = each("note", "N")
    assert (status, results(answer)) == (0, ["done"])
    assert stream["text"] == new


def test_an_interrupt_waits_for_no_row_that_is_under_way() -> None:
    begun: list[int] = []
    release = threading.Event()

    def do(row: SimpleNamespace) -> Outcome:
        begun.append(row.line)
        if row.line:
            release.wait(30)
        return Outcome(row.line, Result.DONE, "/note")

    def interrupt(_outcome: Outcome) -> None:
        raise KeyboardInterrupt

    work = cast(RowWriter, SimpleNamespace(do=do, needs=lambda _row: ()))
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            do_rows(work, cast(Any, [SimpleNamespace(line=line) for line in range(9)]), 2, interrupt)
        assert time.monotonic() - began < 10
        assert len(begun) < 9
    finally:
        release.set()


def test_spark_is_asked_for_its_scala_once_for_all_rows(each, zeppelin: FakeZeppelin, monkeypatch) -> None:
    asked: list[object] = []

    def ask(client: object) -> str:
        asked.append(client)
        return "2.12"

    monkeypatch.setattr("provision.classroom.write_rows.ask_scala", ask)
    status, _ = each("topic", "a", "b", "c", options=("--bundle", "classic"))
    assert (status, len(asked)) == (0, 1)


# --- Spark and permissions ---


def test_notes_that_share_spark_are_not_run_and_asking_for_it_is_refused(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each("topic", "a", "b", options=("--run",))
    assert status == 2
    assert "--isolate" in answer["error"]["next"]
    assert "2 × 1g" in answer["error"]["next"]
    assert zeppelin.notes == {}


def test_isolating_gives_each_note_a_spark_and_sharing_takes_it_back(
    each, zeppelin: FakeZeppelin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeppelin_sdk._interpreters.POLL_SECONDS", 0.01)
    assert each("topic", "a", options=("--isolate",))[0] == 0
    assert zeppelin.settings["spark"]["option"]["perNote"] == "isolated"
    assert zeppelin.settings["spark"]["properties"]["SPARK_HOME"]["value"] == "/opt/spark"
    assert each("topic", "a", options=("--shared",))[0] == 0
    assert zeppelin.settings["spark"]["option"]["perNote"] == "shared"


def test_a_class_in_python_is_isolated_in_python_s_setting_and_each_setting_goes_back_with_its_run(
    each, zeppelin: FakeZeppelin, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("zeppelin_sdk._interpreters.POLL_SECONDS", 0.01)
    zeppelin.settings["python"] = json.loads(
        json.dumps(zeppelin.settings["spark"] | {"id": "python", "name": "python"})
    )
    in_python = ("--bundle", "structured", "--param", "python=python")
    status, answer = each("topic", "a", "b", options=(*in_python, "--run"))
    assert (status, "2 × 1.6 GB" in answer["error"]["next"]) == (2, True)
    each("topic", "a", options=("--isolate",))
    assert isolated(zeppelin) == {"spark"}
    assert each("topic", "b", options=(*in_python, "--isolate"))[0] == 0
    assert isolated(zeppelin) == {"spark", "python"}
    assert run(["undo", "--yes"]) == 0
    assert isolated(zeppelin) == {"spark"}
    assert "Python's setting, shared as it was" in capsys.readouterr().err
    assert run(["undo", "--yes"]) == 0
    assert isolated(zeppelin) == set()


def test_undo_takes_a_class_back_and_spark_s_setting_with_it(
    each, zeppelin: FakeZeppelin, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("zeppelin_sdk._interpreters.POLL_SECONDS", 0.01)
    each("topic,window", "a,60", "b,60")
    before = texts(zeppelin)
    each("topic,window", "a,120", "b,120", "c,120", options=("--isolate",))
    assert len(zeppelin.notes) == 3
    assert run(["undo", "--yes", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {row["path"]: row["note"] is None for row in answer["rows"]} == {
        "NETPIE/ClassApp a csv": False, "NETPIE/ClassApp b csv": False, "NETPIE/ClassApp c csv": True
    }  # fmt: skip
    assert texts(zeppelin) == before
    assert zeppelin.settings["spark"]["option"] == {"remote": True, "perNote": "shared", "owners": ["ann"]}
    assert zeppelin.settings["spark"]["properties"]["SPARK_HOME"]["value"] == "/opt/spark"


def test_a_class_that_only_the_project_file_names_is_undone_after_a_question(
    each, zeppelin: FakeZeppelin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    each("topic", "a", "b")
    before = texts(zeppelin)
    (file,) = tmp_path.glob("*.csv")
    (tmp_path / "provision.toml").write_text(f'each = "{file.name}"\n')
    monkeypatch.chdir(tmp_path)
    assert run(["undo"]) == 2
    assert f"the project file names a class, {file}: nobody here to ask" in capsys.readouterr().err
    assert texts(zeppelin) == before
    assert run(["undo", "--yes"]) == 0
    assert not zeppelin.notes


def test_spark_s_setting_goes_back_with_the_last_note_of_its_apply(
    each, zeppelin: FakeZeppelin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeppelin_sdk._interpreters.POLL_SECONDS", 0.01)
    each("topic", "a", "b", options=("--isolate",))
    assert run(["undo", "ClassApp a csv"]) == 0
    assert per_note(zeppelin) == "isolated"
    assert run(["undo", "ClassApp b csv"]) == 0
    assert per_note(zeppelin) == "shared"


def test_spark_s_setting_alone_is_undone_and_stays_where_somebody_has_changed_it_since(
    each, zeppelin: FakeZeppelin, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("zeppelin_sdk._interpreters.POLL_SECONDS", 0.01)
    each("topic", "a")
    each("topic", "a", options=("--isolate",))
    assert run(["undo", "--yes"]) == 0
    assert (per_note(zeppelin), len(zeppelin.notes)) == ("shared", 1)
    assert capsys.readouterr().out == "no note was changed by it\n"
    each("topic", "a", options=("--isolate",))
    zeppelin.settings["spark"]["option"]["perNote"] = "scoped"
    assert run(["undo", "--yes"]) == 0
    assert per_note(zeppelin) == "scoped"


def test_a_note_that_can_not_be_undone_keeps_no_other_from_it(each, zeppelin: FakeZeppelin, capsys) -> None:
    each("topic", "a", "b")
    for note_id in [note["id"] for note in zeppelin.notes.values() if " a " in note["path"]]:
        del zeppelin.notes[note_id]
    assert run(["undo", "--yes"]) == 1
    assert "no longer on" in capsys.readouterr().err
    assert zeppelin.notes == {}


def isolated(zeppelin: FakeZeppelin) -> set[str]:
    return {name for name, setting in zeppelin.settings.items() if setting["option"]["perNote"] == "isolated"}


def per_note(zeppelin: FakeZeppelin) -> str:
    return str(zeppelin.settings["spark"]["option"]["perNote"])


def texts(zeppelin: FakeZeppelin) -> dict[str, list[str]]:
    return {note["path"]: [each["text"] for each in note["paragraphs"]] for note in zeppelin.notes.values()}


def test_permissions_need_a_server_with_users(each, zeppelin: FakeZeppelin) -> None:
    status, answer = each("topic,owner", "a,ann")
    assert status == 2
    assert "has no users" in answer["error"]["message"]
    assert zeppelin.notes == {}


def test_permissions_are_set_once_and_the_caller_stays_an_owner(each, zeppelin, monkeypatch) -> None:
    zeppelin.users = {"teacher": "chalk"}
    monkeypatch.setenv("ZEPPELIN_USER", "teacher")
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "chalk")
    lines = ("topic,owner,readers", "a,ann,ann;bob", "b,,")
    assert each(*lines)[0] == 0
    (permissions,) = zeppelin.permissions.values()
    assert permissions == {"owners": ["ann", "teacher"], "readers": ["ann", "bob"], "runners": [], "writers": []}
    assert results(each(*lines)[1]) == ["same", "same"]


def test_a_row_s_own_user_writes_its_note(each, zeppelin: FakeZeppelin, tmp_path: Path, monkeypatch) -> None:
    zeppelin.users = {"teacher": "chalk", "ann": "pencil"}
    monkeypatch.setenv("ZEPPELIN_USER", "teacher")
    monkeypatch.setenv("ZEPPELIN_PASSWORD", "chalk")
    (tmp_path / "ann.txt").write_text("pencil\n")
    status, answer = each("topic,zeppelin_user,zeppelin_password_file", "a,ann,ann.txt", "b,ann,")
    assert results(answer) == ["done", "failed"]
    assert status == 1
    assert set(zeppelin.sessions.values()) == {"teacher", "ann"}


def test_options_that_go_with_each_are_refused_without_it() -> None:
    assert run(["apply", "--isolate"]) == 2


def test_without_json_there_is_a_line_a_row(each, zeppelin, netpie: Emulator, tmp_path: Path, capsys) -> None:
    (tmp_path / "two.csv").write_text("topic,window\na,60\nb,61\n")
    assert run(["apply", "--each", str(tmp_path / "two.csv"), "--auth", netpie.auth_url]) == 1
    out = sorted(capsys.readouterr().out.splitlines())
    assert out[0] == "done      /NETPIE/ClassApp a csv (line 2)"
    assert out[1].startswith("failed    /NETPIE/ClassApp b csv (line 3): window=61 is no multiple of batch=10; ")


def test_on_a_terminal_a_bar_goes_ahead_of_the_lines(
    each, zeppelin, netpie: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    (tmp_path / "two.csv").write_text("topic\na\nb\n")
    assert run(["apply", "--each", str(tmp_path / "two.csv"), "--auth", netpie.auth_url]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == ["done", "done"]
    assert "100%" in said.err
