"""A token that was renewed and still stands in a person's paragraph: in no record, no pulled file, no answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from provision.bundles.render import RenderedNote
from provision.cli import run
from provision.options.server import ServerOptions
from provision.sync.seen_secrets import remember
from provision.sync.undo_records import Records

from ..note_bench import Bench
from ..rendering import LOGIN, rendered

OLD = "oldToken12345678"
NEW = replace(LOGIN, client_id="NewToken12345678", hmac_key="NewTokenSecret1&AppSecret1")


def note(**given: str) -> RenderedNote:
    return rendered("streaming", login=NEW, path="folder/note", **given)


def stream(bench: Bench) -> int:
    return next(i for i, p in enumerate(bench.note.paragraphs) if p.config.get("provision", {}).get("key") == "stream")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    made = Bench(note())
    made.records = Records(made.server.url)
    monkeypatch.setattr(ServerOptions, "connect_running", lambda _self: made.server)
    return made


def written(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def typed(bench: Bench) -> Bench:
    """The old token as a note to oneself in the Stream paragraph, in a title, and in a paragraph of one's own."""
    remember([OLD, "oldTokenSecret99"])
    bench.edit(stream(bench), text=bench.texts()[stream(bench)].replace("qos=0,", f'qos=0,  // was "{OLD}"'))
    bench.edit(stream(bench), title=f"Stream of {OLD}")
    bench.server.insert(bench.id, 1, f"%sh\ncurl 'https://example.org/?token={OLD}&key=oldTokenSecret99'")
    return bench


def test_no_record_of_an_apply_holds_it_and_undo_keeps_the_edit(typed: Bench, tmp_path: Path) -> None:
    before = typed.seen()
    typed.apply(note(window="120"))
    assert OLD not in written(tmp_path / "home")
    assert run(["undo", typed.id]) == 0
    assert typed.seen() == before


def test_no_pulled_file_holds_it(typed: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", typed.id, "--into", str(tmp_path / "pulled")]) == 1
    assert "a credential stands in the text" in capsys.readouterr().err
    assert not (tmp_path / "pulled").exists()


def test_no_record_of_a_removal_and_no_answer_holds_it(
    typed: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["remove", typed.id, "--yes", "--json"]) == 0
    shown = capsys.readouterr()
    assert "***" in shown.out
    assert OLD not in written(tmp_path / "home") + shown.out + shown.err
    assert run(["undo", "--yes"]) == 0
    assert OLD not in "".join(capsys.readouterr())
    (typed.id,) = typed.server.notes
    assert "curl 'https://example.org/?token=" in typed.texts()[1]


@pytest.mark.parametrize("options", [[], ["--json"], ["--debug"]])
def test_no_error_and_no_traceback_holds_it(
    typed: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    def broken(_self: ServerOptions) -> None:
        raise RuntimeError(f"https://api.example/revoke/{OLD}?key=oldTokenSecret99")

    monkeypatch.setattr(ServerOptions, "connect_running", broken)
    assert run(["remove", typed.id, "--yes", *options]) == 1
    shown = "".join(capsys.readouterr())
    assert "https://api.example/revoke/***?key=***" in shown
    assert OLD not in shown
    assert ("Traceback" in shown) is ("--debug" in options)


def test_logs_show_it_no_more_than_a_plan_does(typed: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    results = {"code": "SUCCESS", "msg": [{"type": "TEXT", "data": f"token = {OLD}\n"}]}
    typed.server.fake.notes[typed.id]["paragraphs"][1]["results"] = results
    for options in ([], ["--json"]):
        assert run(["logs", typed.id, *options]) == 0
        shown = "".join(capsys.readouterr())
        assert "token = ***" in shown
        assert OLD not in shown
