"""The keys of `--json` that docs/scripting.md promises, on an emulated NETPIE and a Zeppelin without Spark."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netpie_emulator import Emulator
from provision.cli import run
from zeppelin_sdk.testing import FakeZeppelin

from .pages import ROOT, rows

NOTE = "MyApp metrics csv"


@dataclass
class Commands:
    """Runs commands as a script does."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> dict[str, Any]:
        status = run([*words, "--json"])
        printed = self.capture.readouterr()
        is_not_well = words[0] == "status" and '"state": "not run"' in printed.out
        assert status == 0 or is_not_well or "error" in printed.out, printed.err
        answer: dict[str, Any] = json.loads(printed.out)
        return answer


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_text('{"device": "a", "t": 1.5}\n')
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    with Emulator("MyApp", state=tmp_path / "emulator") as netpie, FakeZeppelin() as zeppelin:
        app = netpie.application
        for name, value in (("APPID", app.appid), ("APPKEY", app.appkey), ("APPSECRET", app.appsecret)):
            monkeypatch.setenv(f"NETPIE_{name}", value)
        monkeypatch.setenv("NETPIE_AUTH", netpie.auth_url)
        monkeypatch.setenv("ZEPPELIN_URL", zeppelin.url)
        yield Commands(capsys)


def promised(command: str) -> dict[str, set[str]]:
    """Key -> the keys inside of it, of one row of the page."""
    cell = next(row[1] for row in rows(ROOT / "docs" / "scripting.md", "| command |") if command in row[0])
    cell = cell.partition(";")[0]  # behind it are keys that only sometimes are there
    inner = {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in re.findall(r"`(\w+)` \(([^)]*)\)", cell)}
    outer = re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", cell))
    return {name: inner.get(name, set()) for name in outer}


def keys(answer: dict[str, Any], like: dict[str, set[str]]) -> dict[str, set[str]]:
    """The keys of an answer, and those inside of it where `like` has some."""

    def inside(value: Any) -> set[str]:
        return set(value[0] if isinstance(value, list) else value)

    return {name: inside(value) if like.get(name) else set() for name, value in answer.items()}


def test_a_problem_of_validate_has_the_keys_of_the_page(commands: Commands) -> None:
    Path("provision.toml").write_text("jobs = 0\n", encoding="utf-8")
    status = run(["validate", "--json"])
    answer = json.loads(commands.capture.readouterr().out)

    like = promised("`validate`")
    assert status == 2
    assert keys(answer, like) == like


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("`creds get`", ["creds get"]),
        ("`publish`", ["publish --count 1"]),
        ("`infer`", ["infer --file events.jsonl"]),
        ("`plan`", ["plan"]),
        ("`init`", ["init project"]),
        ("`config`", ["init .", "config"]),
        ("`apply`", ["apply --no-run"]),
        ("`list`", ["apply --no-run", "list"]),
        ("`status --zeppelin URL`", ["apply --no-run", "status"]),
        ("`status NOTE`", ["apply --no-run", "status NOTE"]),
        ("`logs NOTE`", ["apply --no-run", "logs NOTE"]),
        ("`undo`", ["apply --no-run", "undo NOTE"]),
        ("`pull NOTE`", ["apply --no-run", "pull NOTE"]),
        ("`stop NOTE`", ["apply --no-run", "stop NOTE"]),
        ("`remove NOTE`", ["apply --no-run", "remove --yes NOTE"]),
        ("`creds show`", ["creds get", "creds show"]),
        ("`creds revoke`", ["creds get", "creds revoke"]),
        ("`creds refresh`", ["creds get", "creds refresh"]),
        ("`down`", ["down"]),
        ("`doctor`", ["doctor"]),
        ("any, when it fails", ["status NOTE"]),
    ],
)
def test_answers_have_the_keys_of_the_page(commands: Commands, row: str, words: list[str]) -> None:
    for each in words:
        answer = commands(*(NOTE if word == "NOTE" else word for word in each.split()))

    like = promised(row)
    assert keys(answer, like) == like
