"""Hand edits brought back into a bundle: the note comes out of the pulled files exactly as it is."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.engine import typed_part
from provision.bundles.render import RenderedNote, render
from provision.cli import run
from provision.errors import ConflictError, ProvisionError
from provision.options.server import ServerOptions
from provision.prepare import made_of
from provision.sync.apply import put_credentials
from provision.sync.bundle_files import check_pulled, write_files
from provision.sync.diff import plan_lines
from provision.sync.plan import OURS, Verdict, make_plan
from provision.sync.provenance import by_key, is_empty
from provision.sync.pull import Pulled
from provision.sync.pull import pull as pull_made
from zeppelin_sdk import Note, Paragraph

from ..note_bench import Bench
from ..rendering import LOGIN, SECRETS, ZEPPELIN_9, rendered

Edit = Callable[[Bench], None]


def pull(note: Note, bundle: Bundle, folder: Path, secrets: Sequence[str] = ()) -> Pulled:
    return pull_made(note, bundle, folder, made_of(note, bundle), secrets)


def index_of(note: Note, key: str) -> int:
    return next(i for i, p in enumerate(note.paragraphs) if p.config.get("provision", {}).get("key") == key)


def applied(bundle: str = "streaming", **given: str) -> Bench:
    return Bench(rendered(bundle, **given))


def pulled(bench: Bench, folder: Path, bundle: str = "streaming") -> RenderedNote:
    """Pull the note into `folder`, and render that with what the note was made of."""
    source = load_bundle(bundle)
    files = pull(bench.note, source, source.folder, SECRETS)
    made = made_of(bench.note, source)
    check_pulled(files, bench.note, made, source.name)
    write_files(files, folder / source.name)
    assert not [name for name, text in files.files.items() if any(secret in text for secret in SECRETS)]
    loaded = load_bundle(str(folder / source.name))
    given_ = {name: ",".join(v) if isinstance(v, list) else str(v) for name, v in made.values.items()}
    values, path = loaded.values(given_), made.path
    return render(loaded, values, LOGIN.connection(values, path), zeppelin=ZEPPELIN_9, scala="2.12", path=path)


def changes(bench: Bench, bundle: str = "streaming") -> dict[str, Verdict]:
    source = load_bundle(bundle)
    found: Pulled = pull(bench.note, source, source.folder)
    return {change.key: change.verdict for change in found.changes if change.verdict is not Verdict.SAME}


def texts(note: Note) -> list[tuple[str, str]]:
    """All but what nobody has written anything into: what Zeppelin itself appends is no one's paragraph."""
    ours = {paragraph.id for paragraph in by_key(note).values()}
    return [(p.title, p.text.rstrip()) for p in note.paragraphs if p.text.strip() and (p.id in ours or not is_empty(p))]


def check(bench: Bench, note: RenderedNote) -> None:
    assert [(p.title, p.text.rstrip()) for p in note.paragraphs] == texts(bench.note)
    plan = make_plan(bench.note, note)
    assert not plan.writes
    assert not plan.conflicts
    before = bench.seen()
    assert bench.apply(replace(note, path=bench.note.path)).written == 0
    assert bench.seen() == before


@pytest.mark.parametrize(
    ("bundle", "variant"),
    [
        ("streaming", "csv"),
        ("streaming", "print"),
        ("classic", "average"),
        ("structured", "outputs"),
        ("structured", "csv"),
    ],
)
def test_a_note_without_edits_gives_the_bundle_s_own_texts(tmp_path: Path, bundle: str, variant: str) -> None:
    bench = applied(bundle, variant=variant)
    assert changes(bench, bundle) == {}
    check(bench, pulled(bench, tmp_path, bundle))
    there, came = (load_bundle(name) for name in (bundle, str(tmp_path / bundle)))
    assert [replace(template, file=Path()) for template in came.templates] == [
        replace(template, file=Path()) for template in there.templates
    ]
    assert came.embedded == there.embedded


def test_an_edited_output_gets_a_file_of_its_own_and_the_others_stay_the_tool_s(tmp_path: Path) -> None:
    bench = applied("structured", outputs="csv,parquet", csv_keep="24")
    at = index_of(bench.note, "output-csv")
    bench.edit(at, text=f"{bench.texts()[at]}\n# mine")
    assert changes(bench, "structured") == {"output-csv": Verdict.UPDATE}
    check(bench, pulled(bench, tmp_path, "structured"))
    own = (tmp_path / "structured" / "output-csv.py").read_text()
    assert "{{ csv_keep | python }}" in own
    assert own.endswith("# mine\n")
    assert (tmp_path / "structured" / "note.toml").read_text().count("outputs:python") == 1


def test_an_emptied_paragraph_leaves_the_bundle(tmp_path: Path) -> None:
    bench = applied()
    bench.edit(index_of(bench.note, "latest"), text="")
    assert changes(bench) == {"latest": Verdict.DROP}
    check(bench, pulled(bench, tmp_path))


def test_an_edit_comes_back_with_its_places(tmp_path: Path) -> None:
    bench = applied(window="120")
    at = index_of(bench.note, "window")
    bench.edit(at, text=f"{bench.texts()[at]}\n// mine")
    check(bench, pulled(bench, tmp_path))
    text = next(t.text for t in load_bundle(str(tmp_path / "streaming")).templates if t.file.name == "window.scala")
    assert "{{ window | scala }}" in text
    assert text.endswith("// mine")


def test_secrets_stay_references(tmp_path: Path) -> None:
    bench = applied()
    at = index_of(bench.note, "stream")
    bench.edit(at, text=f"{bench.texts()[at]}\n// mine")
    check(bench, pulled(bench, tmp_path))
    text = next(t.text for t in load_bundle(str(tmp_path / "streaming")).templates if t.key == "stream")
    assert "{{ hmac_key | scala }}" in text


def test_paragraphs_added_deleted_and_moved_titles_and_charts_come_along(tmp_path: Path) -> None:
    bench = applied()
    bench.delete(index_of(bench.note, "chart"))
    bench.edit(index_of(bench.note, "query"), title='My "query"\n')
    own = Paragraph("own1", title="Own: totals", text="%spark.sql\nselect 1 -- {{ x }}", config={"title": True})
    bench.server.put(bench.id, 3, own)
    bench.server.put(bench.id, 0, Paragraph("own2", text="no interpreter named"))
    bench.set(index_of(bench.note, "latest"), tableHide=True, results={"0": {"graph": {"mode": "pieChart"}}})
    bench.move(index_of(bench.note, "start"), 2)
    assert changes(bench) == {
        "own": Verdict.ADD,
        "own-totals": Verdict.ADD,
        "query": Verdict.UPDATE,
        "latest": Verdict.UPDATE,
        "chart": Verdict.DROP,
    }
    note = pulled(bench, tmp_path)
    check(bench, note)
    assert (tmp_path / "streaming" / "own-totals.sql").read_text().startswith("select 1")
    latest = next(p for p in note.paragraphs if p.key == "latest")
    assert latest.config["results"]["0"]["graph"]["mode"] == "pieChart"
    assert {t.key for t in load_bundle(str(tmp_path / "streaming")).templates if t.when.get("variant") == "print"} == {
        "outputs",
        "window",
    }


def test_a_file_of_several_bundles_is_edited_in_a_copy(tmp_path: Path) -> None:
    bench = applied()
    at = index_of(bench.note, "connector")
    bench.edit(at, text=bench.texts()[at].replace("\n", "\n// mine\n", 1))
    before = typed_part("connector")
    check(bench, pulled(bench, tmp_path))
    assert typed_part("connector") == before
    assert not list(tmp_path.glob("connector"))
    assert (tmp_path / "streaming" / "connector.scala").read_text().startswith("// mine\n")


def test_what_is_generated_and_was_not_edited_stays_generated(tmp_path: Path) -> None:
    bench = applied()
    check(bench, pulled(bench, tmp_path))
    files = {template.key: str(template.file) for template in load_bundle(str(tmp_path / "streaming")).templates}
    assert [files[key] for key in ("results", "slices")] == ["engine:results", "engine:slices"]
    assert not [file.name for file in (tmp_path / "streaming").iterdir() if ":" in file.name]


def test_a_bundle_that_has_changed_since_the_last_apply_is_a_conflict(tmp_path: Path) -> None:
    bench = applied()
    write_files(pull(bench.note, load_bundle("streaming"), load_bundle("streaming").folder), tmp_path / "streaming")
    file = tmp_path / "streaming" / "query.scala"
    file.write_text(f"// newer\n{file.read_text()}")
    changed = load_bundle(str(tmp_path / "streaming"))
    with pytest.raises(ConflictError, match="since the last apply"):
        pull(bench.note, changed, changed.folder)


def test_an_edited_paragraph_with_an_inline_secret_is_not_pulled_and_others_are(tmp_path: Path) -> None:
    bench = applied(secrets="inline")
    at = index_of(bench.note, "window")
    bench.edit(at, text=f"{bench.texts()[at]}\n// mine")
    assert changes(bench) == {"window": Verdict.UPDATE}
    at = index_of(bench.note, "stream")
    bench.edit(at, text=f"{bench.texts()[at]}\n// mine")
    with pytest.raises(ProvisionError, match="holds a secret"):
        changes(bench)


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_a_note_without_its_start_makes_no_bundle(how: str) -> None:
    bench, source = applied(), load_bundle("streaming")
    if how == "deleted":
        bench.delete(index_of(bench.note, "start"))
    else:
        bench.edit(index_of(bench.note, "start"), text=" \n")
    with pytest.raises(ProvisionError, match="makes no bundle: no paragraph starts the stream"):
        check_pulled(pull(bench.note, source, source.folder), bench.note, made_of(bench.note, source), source.name)


def test_a_credential_that_a_person_has_typed_is_not_written() -> None:
    bench = applied()
    bench.server.insert(bench.id, 0, f"%spark\nval key = {LOGIN.hmac_key!r}")
    source = load_bundle("streaming")
    with pytest.raises(ProvisionError, match="a credential stands in") as caught:
        pull(bench.note, source, source.folder, SECRETS)
    assert LOGIN.hmac_key not in str(caught.value)


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "cut", "replace", "delete", "move", "own", "title", "hide", "copy"]),
        st.integers(0, 20),
        st.integers(0, 4000),
        st.sampled_from(["\n// mine\n", "60", "{{ x }}", "{{ window | scala }}", '"', "%md", "\n\n", "é\\u"]),
    ),
    max_size=5,
)


def edit(bench: Bench, what: str, place: int, at: int, text: str) -> None:
    count = len(bench.note.paragraphs)
    index = place % count
    old = bench.texts()[index]
    at %= len(old) + 1
    match what:
        case "insert":
            bench.edit(index, text=old[:at] + text + old[at:])
        case "cut":
            bench.edit(index, text=old[:at] + old[at + place :])
        case "replace":
            bench.edit(index, text=old[:at] + text + old[at + len(text) :])
        case "delete" if count > 2:
            bench.delete(index)
        case "move":
            bench.move(index, at % count)
        case "own":
            bench.server.insert(bench.id, index, f"{text}{at}")
        case "title":
            bench.edit(index, title=f"{text} {at}".strip())
        case "hide":
            bench.set(index, editorHide=bool(at % 2), colWidth=at % 12 + 1)
        case "copy":
            bench.server.copy(bench.id, index, count)


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
@given(edits=EDITS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_edited_the_pulled_bundle_gives_the_note(
    bundle: str, edits: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench = applied(bundle, variant="average")
    for each in edits:
        edit(bench, *each)
    if not any("provision-note" in p.config for p in bench.note.paragraphs):
        return
    folder = tmp_path_factory.mktemp("pulled")
    has_start = any(p.text.strip() for key, p in by_key(bench.note).items() if key == "start")
    if not has_start:
        with pytest.raises(ProvisionError, match="makes no bundle: no paragraph starts the stream"):
            pulled(bench, folder, bundle)
        return
    check(bench, pulled(bench, folder, bundle))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    bench = applied()
    monkeypatch.setattr(ServerOptions, "connect_running", lambda _self: bench.server)
    return bench


def test_the_command_writes_a_new_folder_and_refuses_one_with_files(
    served: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = index_of(served.note, "window")
    served.edit(at, text=served.texts()[at].replace("Seconds(60)", "Seconds(90)").replace("60", "90"))
    assert run(["pull", served.id]) == 0
    out, err = capsys.readouterr()
    assert "plain text now, as you have edited the value: window" in err
    assert "--bundle" in out
    assert (tmp_path / "streaming" / "note.toml").is_file()
    assert run(["pull", served.id]) == 2
    assert "there are files in it" in capsys.readouterr().err
    assert run(["pull", served.id, "--force", "--json"]) == 0


def test_a_bundle_named_by_its_folder_is_changed_in_place_after_a_diff(
    served: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pull", served.id, "--into", "mine"]) == 0
    at = index_of(served.note, "window")
    served.edit(at, text=f"{served.texts()[at]}\n// mine")
    served.delete(index_of(served.note, "chart"))
    capsys.readouterr()
    assert run(["pull", served.id, "--bundle", str(tmp_path / "mine")]) == 0
    out = capsys.readouterr().out
    assert "\n+// mine" in out
    assert '\n-key = "chart"' in out
    assert not (tmp_path / "mine" / "chart.sql").exists()
    assert (tmp_path / "mine" / "window.scala").read_text().endswith("// mine\n")


def test_a_bundle_edited_on_windows_is_pulled_into(tmp_path: Path) -> None:
    bench, source = applied(), load_bundle("streaming")
    folder = tmp_path / "streaming"
    write_files(pull(bench.note, source, source.folder), folder)
    for file in source.folder.iterdir():
        text = file.read_text() if not (folder / file.name).exists() else (folder / file.name).read_text()
        (folder / file.name).write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    mine = load_bundle(str(folder))
    files = pull(bench.note, mine, folder)
    assert write_files(files, folder) == []
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def pull_into(bench: Bench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pull with the command, whatever it exits with; returns all that was written."""
    monkeypatch.setenv("PROVISION_HOME", str(folder / "home"))
    monkeypatch.setattr(ServerOptions, "connect_running", lambda _self: bench.server)
    run(["pull", bench.id, "--into", str(folder / "pulled"), "--force"])
    return "".join(file.read_text() for file in (folder / "pulled").rglob("*") if file.is_file())


@pytest.mark.parametrize("bundle", ["classic", "streaming"])
def test_a_copy_of_a_paragraph_with_its_secrets_is_not_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    bench = applied(bundle, secrets="inline")
    index = index_of(bench.note, "stream")
    bench.server.copy(bench.id, index, index + 1)
    assert pull_into(bench, tmp_path, monkeypatch) == ""
    bench.apply(rendered(bundle, secrets="inline", window="120"))
    assert pull_into(bench, tmp_path, monkeypatch) == ""


@pytest.mark.parametrize("secret", ["AppSecret", "TokenSecret", LOGIN.hmac_key, "TokenSecret%26AppSecret"])
@pytest.mark.parametrize("secrets", ["store", "inline"])
def test_a_part_of_the_key_in_a_person_s_text_is_not_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, secrets: str
) -> None:
    bench = applied(secrets=secrets)
    put_credentials(bench.client, rendered("streaming", secrets=secrets))
    bench.server.insert(bench.id, 1, f"%md\nappsecret = '{secret}'")
    assert pull_into(bench, tmp_path, monkeypatch) == ""


def test_a_secret_that_nobody_knows_any_more_is_neither_pulled_nor_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inline text, edited and kept with --ours by an apply with new credentials in the server's store."""
    bench = applied(secrets="inline")
    index = index_of(bench.note, "stream")
    bench.edit(index, text=f"{bench.texts()[index]}\n// mine")
    new = replace(LOGIN, client_id="NewToken", password="NewPassword", hmac_key="NewTokenSecret&NewAppSecret")
    wanted = rendered("streaming", login=new, secrets="store")
    bench.apply(wanted, OURS)
    bench.apply(rendered("streaming", login=new, secrets="store", window="120"), OURS)
    shown = "\n".join(line.text for line in plan_lines(make_plan(bench.note, wanted), wanted.secrets))
    assert [each for each in SECRETS if each in shown] == []
    assert pull_into(bench, tmp_path, monkeypatch) == ""
    bench.server.insert(bench.id, 1, bench.texts()[index].replace("%spark", "%spark.scala"))
    bench.delete(index + 1)
    assert pull_into(bench, tmp_path, monkeypatch) == ""


def test_a_word_that_is_another_entry_s_user_is_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = applied()
    bench.server.credentials = {"warehouse": ("streams", "of-another")}
    bench.server.insert(bench.id, 1, "%md\nabout streams")
    assert "about streams" in pull_into(bench, tmp_path, monkeypatch)


def test_an_empty_paragraph_that_zeppelin_has_appended_is_not_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = applied()
    bench.server.insert(bench.id, len(bench.texts()), "%md\n")
    assert changes(bench) == {}
    assert pull_into(bench, tmp_path, monkeypatch) != ""
