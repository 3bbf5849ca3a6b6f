"""`provision init` writes a project that works, all of it or nothing, and overwrites nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.bundles.bundle import bundle_problems, load_bundle
from provision.project import write
from zeppelin_sdk.testing import FakeZeppelin

from ..commands.bench import CommandBench, keep_thing, name_application
from .conftest import ProjectBench

SCHEMA = "device string, temperature double, humidity double"


def files(folder: Path) -> dict[str, str]:
    """Every file below the folder with its text."""
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_new_project_is_valid_and_names_the_bundle_beside_it(project: ProjectBench) -> None:
    assert project.run("init", "greenhouse") == 0, project.said
    folder = project.folder / "greenhouse"
    assert {"provision.toml", ".gitignore", "bundle/note.toml", "bundle/query.py"} <= set(files(folder))
    assert [each for each in folder.iterdir() if each.name.startswith(".provision")] == []
    assert project.run("validate", "--project", "greenhouse") == 0
    assert bundle_problems(str(folder / "bundle")) == []
    assert load_bundle(str(folder / "bundle")).path.startswith("greenhouse/")


def test_the_events_of_a_new_project_have_the_fields_that_were_named(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = project.json("init", ".", "--schema", SCHEMA)
    assert answer["project"] == str(project.folder / "provision.toml")
    assert {Path(file).name for file in answer["written"]} >= {"provision.toml", "note.toml", ".gitignore"}
    monkeypatch.setenv("NETPIE_AUTH", "http://127.0.0.1:9")
    name_application(monkeypatch)
    keep_thing()
    with FakeZeppelin("0.10") as server:
        server.interpreters["spark"] = lambda _text: ["probe 4.1.4"]
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        assert project.run("apply", "--no-run") == 0, project.said
        (note,) = server.notes.values()
        assert project.run("plan", "--exit-code") == 0, project.said
    texts = {paragraph["title"].partition(":")[0]: paragraph["text"] for paragraph in note["paragraphs"]}
    assert note["path"] == "/project/MyApp metrics outputs in Python"
    assert f'fields = "{SCHEMA}"' in texts["Columns of the table measure"]
    query = " ".join(texts["Query"].split())
    assert "device, avg(temperature), avg(humidity) from measure group by device" in query
    (chart,) = [each for each in note["paragraphs"] if each["title"].startswith("Chart")]
    assert "temperature" in json.dumps(chart["config"])


def test_a_note_is_pulled_into_the_project_s_bundle_and_another_s_note_is_not(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("init", "--bundle", "streaming")
    monkeypatch.setenv("NETPIE_AUTH", "http://127.0.0.1:9")
    name_application(monkeypatch)
    keep_thing()
    before = files(project.folder)
    with FakeZeppelin("0.10") as server:
        monkeypatch.setenv("ZEPPELIN_URL", server.url)
        bench = CommandBench(server, project.capsys)
        bench.apply()
        bench.apply("--bundle", "streaming", "--note", "Other/note")
        assert bench.run("pull", "Other/note") == 2
        assert "was made of streaming, which is not the project's; name its bundle with --bundle" in bench.said
        assert bench.run("pull", "MyApp metrics csv") == 0, bench.said
        assert f"{project.folder / 'bundle'}: 0 files written" in bench.said
    assert files(project.folder) == before


def test_a_schema_that_is_none_is_refused_and_nothing_is_written(project: ProjectBench) -> None:
    assert project.run("init", "x", "--schema", "temp duble") == 2
    assert "unknown type 'duble' of 'temp'; did you mean double?" in project.said
    assert not (project.folder / "x").exists()


@pytest.mark.parametrize("there", ["provision.toml", "bundle/mine.txt"])
def test_a_folder_with_a_project_or_a_bundle_is_refused_as_it_is(project: ProjectBench, there: str) -> None:
    project.write("mine\n", there)
    before = files(project.folder)
    assert project.run("init") == 2
    assert "there" in project.said
    assert files(project.folder) == before


def test_a_link_that_leads_nowhere_is_there_too(project: ProjectBench) -> None:
    (project.folder / "provision.toml").symlink_to("nowhere")
    assert project.run("init") == 2
    assert "there is a project already" in project.said
    assert not (project.folder / "bundle").exists()


def test_a_second_init_changes_nothing(project: ProjectBench) -> None:
    project.run("init")
    project.write("# mine\n", "bundle/query.scala")
    before = files(project.folder)
    assert project.run("init") == 2
    assert "there is a project already; edit it" in project.said
    assert files(project.folder) == before


def test_what_else_is_in_the_folder_stays(project: ProjectBench) -> None:
    mine = {".gitignore": "mine\n", "README.md": "mine\n"}
    for name, text in mine.items():
        project.write(text, name)
    assert project.run("init") == 0
    assert mine.items() <= files(project.folder).items()


def test_init_makes_the_folders_above(project: ProjectBench) -> None:
    assert project.run("init", "a/b/c") == 0
    assert (project.folder / "a/b/c/provision.toml").is_file()


@pytest.mark.parametrize("after", range(1, 6))
def test_an_interrupted_init_leaves_nothing_behind(
    project: ProjectBench, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    steps = {"left": after}

    def stopping(name: str) -> None:
        real = getattr(write, name)

        def step(*words: object) -> None:
            steps["left"] -= 1
            if not steps["left"]:
                raise KeyboardInterrupt
            real(*words)

        monkeypatch.setattr(write, name, step)

    stopping("_write" if after < 3 else "_take")
    steps["left"] = after if after < 3 else after - 2
    assert project.run("init", "new/one") == 130
    assert list(project.folder.iterdir()) == []


def test_a_write_that_fails_leaves_nothing_behind(project: ProjectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_words: object, **_more: object) -> None:
        raise OSError(28, os.strerror(28), "x")

    monkeypatch.setattr(write, "_write", full)
    project.write("mine\n", "README.md")
    assert project.run("init") == 1
    assert "No space left on device; free some space" in project.said
    assert files(project.folder) == {"README.md": "mine\n"}


def test_a_folder_that_can_not_be_written_is_one_line(project: ProjectBench) -> None:
    project.write("x", "file")
    assert project.run("init", "file/below") in (1, 2)
    assert len(project.said.splitlines()) == 1


def test_a_real_program_writes_the_same(project: ProjectBench) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "provision", "init", "--schema", "a int"],
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=project.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == [
        "provision up       # a Zeppelin here; or name yours in provision.toml",
        "provision apply",
    ]
