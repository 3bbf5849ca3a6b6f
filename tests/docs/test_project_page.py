"""The page on project files: its files are valid, its commands do what it says, and its list of what counts is true."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from provision.cli import run

from .pages import FENCE, ROOT, shell_lines, text

PAGE = ROOT / "docs" / "project.md"
FILES = [code for _, language, code in FENCE.findall(text(PAGE)) if language == "toml"]
NO_SERVER = ("init", "config", "validate")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    for name in ("NETPIE_APPID", "NETPIE_APPKEY", "NETPIE_APPSECRET", "ZEPPELIN_URL", "PROVISION_PROJECT"):
        monkeypatch.delenv(name, raising=False)


def fill(folder: Path) -> None:
    """What the page's files name, beside them."""
    (folder / "zeppelin.password").write_text("x", encoding="utf-8")
    (folder / "netpie.env").write_text("appid=A\nappkey=K\nappsecret=S\n", encoding="utf-8")
    (folder / "people.csv").write_text("appid,appkey,topic\nA,K,metrics\n", encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=range(len(FILES)))
def test_a_file_of_the_page_is_valid(file: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(["init"]) == 0
    fill(tmp_path)
    (tmp_path / "provision.toml").write_text(file, encoding="utf-8")
    status = run(["validate"])
    assert status == 0, capsys.readouterr()


def test_what_the_page_has_config_print_is_what_it_prints(tmp_path: Path, capsys: Capture) -> None:
    run(["init"])
    fill(tmp_path)
    (tmp_path / "provision.toml").write_text(FILES[0], encoding="utf-8")
    capsys.readouterr()
    run(["config", "--target", "prod"])
    printed = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    (block,) = [code for _, language, code in FENCE.findall(text(PAGE)) if "target prod" in code and language == "text"]
    told = {" ".join(line.split()) for line in block.splitlines() if line and not line.startswith("project ")}
    assert told - printed == set()


def test_the_commands_that_need_no_server_do_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    ran = []
    for line in shell_lines(PAGE):
        words = shlex.split(line)
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
            file = Path("provision.toml")
            file.write_text(f"{file.read_text(encoding='utf-8')}\n[targets.prod]\njobs = 5\n", encoding="utf-8")
        elif words[0] == "provision" and words[1] in NO_SERVER:
            status = run(words[1:])
            assert status == 0, (line, capsys.readouterr())
            ran.append(words[1])
    assert set(ran) == set(NO_SERVER)


def test_the_example_is_valid_and_does_not_name_more_than_there_is(tmp_path: Path, capsys: Capture) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    status = run(["validate", "--project", "examples"])
    assert status == 0, capsys.readouterr()


def test_a_new_project_s_comments_name_options_that_there_are(tmp_path: Path, capsys: Capture) -> None:
    run(["init"])
    file = tmp_path / "provision.toml"
    lines = [re.sub(r"^# (?=[a-z-]+ = |\[)", "", line) for line in file.read_text(encoding="utf-8").splitlines()]
    fill(tmp_path)
    file.write_text("\n".join(lines), encoding="utf-8")
    assert "[targets.prod]" in lines
    status = run(["validate"])
    assert status == 0, capsys.readouterr()
