"""A folder with a project, and the command line in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provision.cli import run


@dataclass
class ProjectBench:
    """Runs commands in `folder`; `said` is what the last one wrote, to standard output and standard error."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    out: str = ""

    def write(self, text: str, name: str = "provision.toml") -> Path:
        """Write a file of the project."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *words: str) -> int:
        """Run a command, and return its exit status."""
        status = run(list(words))
        self.out, err = self.capsys.readouterr()
        self.said = self.out + err
        return status

    def json(self, *words: str) -> dict[str, Any]:
        """The answer of a command."""
        self.run(*words, "--json")
        answer: dict[str, Any] = json.loads(self.out)
        return answer

    def in_force(self, *words: str) -> dict[str, tuple[Any, str]]:
        """Name -> value and source, of `provision config`."""
        self.run("config", "--json", *words)
        answer = json.loads(self.out)
        assert "values" in answer, self.said
        return {each["name"]: (each["value"], each["from"]) for each in answer["values"]}


VARIABLES = [
    *("NETPIE_APPID", "NETPIE_APPKEY", "NETPIE_APPSECRET", "NETPIE_AUTH"),
    *("ZEPPELIN_URL", "ZEPPELIN_USER", "ZEPPELIN_PASSWORD", "ZEPPELIN_CA_FILE"),
    *("PROVISION_PROJECT", "PROVISION_TARGET"),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> ProjectBench:
    """An empty folder below the user's home, which is the current one."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return ProjectBench(folder, capsys)
