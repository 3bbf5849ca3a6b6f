"""`provision plan` shows what `provision apply` then does, and writes nothing."""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.cli import run
from provision.options.note import NoteOptions
from provision.platforms.netpie2015 import Netpie2015
from provision.sync.diff import HUNK, PLUS, DiffLine, plan_lines
from provision.sync.plan import make_plan
from zeppelin_sdk import Note, ZeppelinClient

from ..note_bench import Bench, render
from ..rendering import LOGIN, SECRETS, rendered

Capture = pytest.CaptureFixture[str]
Serve = Callable[[Bench, RenderedNote], None]
SAID = ["--zeppelin", "http://zeppelin.example:8080", "--appid", "MyApp"]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Serve:
    """Puts a bench's server, and what is wanted of it, behind the command line."""
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    for module in ("provision.prepare.setting_of", "provision.prepare.put_credentials"):
        monkeypatch.setattr(module, lambda *_arguments: None)

    def put(bench: Bench, note: RenderedNote) -> None:
        @contextmanager
        def rendered_note(*_arguments: Any, **_more: Any) -> Iterator[Any]:
            yield bench.server, note

        monkeypatch.setattr(NoteOptions, "rendered", rendered_note)
        bench.server.writes.clear()

    return put


def test_a_plan_writes_nothing_and_an_apply_does_what_it_says(serve: Serve, capsys: Capture) -> None:
    bench = Bench(render(a="a1", b="b1", c="c1"))
    bench.edit(0, text="mine")
    wanted = render(a="a1", b="b2", d="d1")
    serve(bench, wanted)
    before = bench.note
    assert run(["plan", *SAID, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert bench.note == before
    assert bench.server.writes == []
    assert planned["written"] == 0
    assert [(c["key"], c["verdict"]) for c in planned["changes"]] == [
        ("a", "keep"), ("b", "update"), ("d", "add"), ("c", "drop"),
    ]  # fmt: skip
    assert run(["apply", *SAID, "--no-run", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    changes = [{key: value for key, value in c.items() if key != "diff"} for c in planned["changes"]]
    assert done == {**planned, "changes": changes, "written": 3}


def test_the_same_lines_name_the_verdicts_of_a_plan_and_of_an_apply(serve: Serve, capsys: Capture) -> None:
    bench = Bench(render(a="one\ntwo\nthree", b="b1"))
    bench.edit(0, text="mine\ntwo\nthree")
    serve(bench, render(a="one\ntwo\nnew", b="b2"))
    run(["plan", *SAID])
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("update")]
    assert shown == ["update   Title of a (a): your lines and the bundle's, merged", "update   Title of b (b)"]
    run(["apply", *SAID, "--no-run"])
    said = capsys.readouterr().err.splitlines()
    assert [line.strip() for line in said if line.strip().startswith("update")] == shown


def test_a_conflict_is_status_3_with_both_sides_shown(serve: Serve, capsys: Capture) -> None:
    bench = Bench(render(a="a1"))
    bench.edit(0, text="mine")
    serve(bench, render(a="a2"))
    assert run(["plan", *SAID]) == 3
    out = capsys.readouterr().out
    assert "conflict Title of a (a)" in out
    assert "  +mine" in out
    assert "  +a2" in out
    assert run(["plan", *SAID, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["changes"][0]["verdict"] == "conflict"
    for decision in (["--theirs"], ["--ours"], ["--ours-of", "a"], ["--theirs-of", "a"]):
        assert run(["plan", *SAID, *decision]) == 0


def test_both_decisions_of_one_paragraph_are_wrong_usage(serve: Serve, capsys: Capture) -> None:
    serve(Bench(render(a="a1")), render(a="a2"))
    assert run(["plan", *SAID, "--ours-of", "a", "--theirs-of", "a"]) == 2
    assert "both name 'a'" in capsys.readouterr().err


def test_a_note_that_is_not_there_is_planned_as_new(serve: Serve, capsys: Capture) -> None:
    bench = Bench(render(a="a1"))
    serve(bench, replace(render(a="a1"), path="another"))
    assert run(["plan", *SAID, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "note": None,
        "changes": [{"key": "a", "verdict": "add", "title": "Title of a", "diff": "+a1"}],
        "written": 0,
    }


def test_what_came_back_from_an_open_page_is_status_3(
    serve: Serve, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(render(a="a1"))
    serve(bench, render(a="a2"))
    monkeypatch.setattr("provision.commands.apply.time.sleep", lambda _seconds: bench.edit(0, text="mine"))
    assert run(["apply", *SAID, "--no-run", "--settle", "5"]) == 3
    assert "over what was applied: 'Title of a'" in capsys.readouterr().err
    assert bench.texts() == ["mine"]


@pytest.mark.parametrize(
    ("others", "said"),
    [(None, ""), (["anonymous"], "open in Zeppelin's page:"), (["ann", "bob"], "open in Zeppelin's page by ann, bob:")],
)
def test_who_has_the_note_open_is_told_when_something_of_it_is_overwritten(
    serve: Serve, capsys: Capture, monkeypatch: pytest.MonkeyPatch, others: list[str] | None, said: str
) -> None:
    bench = Bench(render(a="a1"))
    bench.server.fake.others = frozenset(others or ())
    waited: list[str] = []

    def wait(_client: ZeppelinClient, note: Note, seconds: float, replaced: Collection[str]) -> None:
        assert (note.id, list(replaced)) == (bench.id, [bench.note.paragraphs[0].id])
        waited.append(f"{seconds:g} s with {bench.texts()[0]}")

    monkeypatch.setattr("provision.sync.open_elsewhere.hear_pages", wait)
    serve(bench, render(a="a1", b="b1"))
    assert run(["apply", *SAID, "--no-run"]) == 0
    assert "is open" not in capsys.readouterr().err  # nothing that an open page has is overwritten
    serve(bench, render(a="a2", b="b1"))
    assert run(["apply", *SAID, "--no-run"]) == 0
    told = capsys.readouterr().err
    assert (said in told and "'Title of a'" in told) if said else ("is open" not in told)
    assert waited == (["12 s with a1"] if said else [])


def lines(old: RenderedNote, new: RenderedNote, mine: str | None = None) -> list[DiffLine]:
    bench = Bench(old)
    if mine is not None:
        bench.edit(0, text=mine)
    return plan_lines(make_plan(bench.note, replace(new, path=old.path)), new.secrets)


def test_a_diff_has_the_changed_lines_and_where_they_stand() -> None:
    shown = lines(render(a="one\ntwo\nthree"), render(a="one\n2\nthree"))
    assert DiffLine(PLUS, "  +2") in shown
    assert any(line.kind == HUNK and "@@ -1,3 +1,3 @@" in line.text for line in shown)


@pytest.mark.parametrize("secrets", ["store", "inline"])
def test_no_secret_is_shown(secrets: str) -> None:
    old = rendered("streaming", secrets=secrets)
    other = Netpie2015(LOGIN.broker_url, LOGIN.appkey, "NewToken", "NewUser", "NewPassword", "New&HmacKey")
    news = (other.client_id, other.username, other.password, other.hmac_key)
    new = rendered("streaming", login=other, secrets=secrets, window="120")
    for mine in (None, f"val typed = {LOGIN.hmac_key}", f"val typed = {other.hmac_key}"):
        shown = "\n".join(line.text for line in lines(old, new, mine))
        hidden = news if mine else (*SECRETS, *news)
        assert not [secret for secret in hidden if secret in shown]


def test_what_could_steer_a_terminal_is_not_shown() -> None:
    shown = lines(render(a="a1"), render(a="a2\x1b[31m"), None)
    assert not [line for line in shown if "\x1b" in line.text]


def test_a_new_paragraph_is_shown_by_its_first_lines() -> None:
    note = RenderedNote("bundle", "note", (RenderedParagraph("a", "A", "\n".join(map(str, range(99)))),))
    shown = plan_lines(make_plan(None, note))
    assert shown[1].text == "  +0"
    assert shown[-1].text == "  … and 91 more lines"


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_a_terminal_that_wants_them(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: Capture, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm", "FORCE_COLOR": "1", **environment}.items():
        monkeypatch.setenv(name, value)
    serve(Bench(render(a="a1")), render(a="a2"))
    assert run(["plan", *SAID]) == 0
    assert ("\x1b[32m" in capsys.readouterr().out) is coloured


def test_without_a_terminal_there_are_no_colours(serve: Serve, capsys: Capture) -> None:
    serve(Bench(render(a="a1")), render(a="a2"))
    assert run(["plan", *SAID]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_new_credentials_change_nothing_that_a_person_sees_and_edits_stay(serve: Serve, capsys: Capture) -> None:
    bench = Bench(rendered("streaming"))
    bench.edit(6, text="mine")
    other = Netpie2015(LOGIN.broker_url, LOGIN.appkey, "NewToken", "NewUser", "NewPassword", "New&HmacKey")
    new = rendered("streaming", login=other)
    serve(bench, new)
    before = bench.note
    assert run(["apply", *SAID, "--no-run", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["written"] == 0
    assert {c["verdict"] for c in answer["changes"]} == {"same", "keep"}
    assert bench.note == before
    assert bench.server.writes == []
    assert new.credentials != rendered("streaming").credentials


@pytest.mark.parametrize(
    ("live", "wanted", "status"),
    [({"a": "a1"}, {"a": "a1"}, 0), ({"a": "a1"}, {"a": "a2"}, 6), ({"a": "a1"}, {"a": "a1", "b": "b1"}, 6),
     ({"a": "a1", "b": "b1"}, {"a": "a1"}, 6), ({"a": "a1", "b": "b1"}, {"b": "b1", "a": "a1"}, 6)],
)  # fmt: skip
def test_the_exit_code_tells_whether_there_is_something_to_do_where_that_is_asked(
    serve: Serve, live: dict[str, str], wanted: dict[str, str], status: int
) -> None:
    serve(Bench(render(**live)), render(**wanted))
    assert run(["plan", *SAID, "--exit-code"]) == status
    assert run(["plan", *SAID]) == 0


def test_what_stays_as_it_was_edited_is_nothing_to_do(serve: Serve) -> None:
    bench = Bench(render(a="a1"))
    bench.edit(0, text="mine")
    serve(bench, render(a="a1"))
    assert run(["plan", *SAID, "--exit-code"]) == 0


def test_a_conflict_is_status_3_with_the_exit_code_asked_for_too(serve: Serve) -> None:
    bench = Bench(render(a="a1", b="b1"))
    bench.edit(0, text="mine")
    serve(bench, render(a="a2", b="b2"))
    assert run(["plan", *SAID, "--exit-code"]) == 3


def test_json_has_each_change_s_diff_whole(serve: Serve, capsys: Capture) -> None:
    long = "\n".join(f"line {number}" for number in range(20))
    serve(Bench(render(a="one\ntwo", b="b1")), render(a="one\n2", b="b1", c=long))
    run(["plan", *SAID, "--json"])
    diffs = {change["key"]: change["diff"].splitlines() for change in json.loads(capsys.readouterr().out)["changes"]}
    assert diffs["b"] == []
    assert diffs["a"][:2] == ["--- in the note", "+++ after the apply"]
    assert {"-two", "+2"} <= set(diffs["a"])
    assert diffs["c"] == [f"+line {number}" for number in range(20)]


def test_no_diff_of_json_has_a_secret(serve: Serve, capsys: Capture) -> None:
    bench = Bench(render(a="x", b="b1"))
    bench.edit(1, text=f"b1\nval mine = {SECRETS[0]!r}")
    serve(bench, replace(render(a="y", b="b2"), secrets=SECRETS))
    run(["plan", *SAID, "--json"])
    out = capsys.readouterr().out
    assert "+y" in out
    assert [secret for secret in SECRETS if secret in out] == []
