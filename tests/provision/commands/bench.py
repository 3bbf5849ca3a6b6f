"""The command line against a Zeppelin in this process, for an application whose thing is kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netpie_creds import AccessToken, write_cache
from provision.cli import run
from provision.home import private_dir, state_dir
from zeppelin_sdk import Note
from zeppelin_sdk.testing import FakeZeppelin

APPID, APPKEY, APPSECRET = "MyApp", "AppKey1234567", "AppSecret123456789"
TOKEN = AccessToken("Token12345678", "TokenSecret12345678", "pie://127.0.0.1:9", "RevokeCode")
"""A thing whose broker, on a port that nobody has, takes no connection."""
PATH = "/NETPIE/MyApp metrics csv"


@dataclass
class CommandBench:
    """Runs commands; `said` is what the last one wrote, to standard output and standard error."""

    zeppelin: FakeZeppelin
    capsys: pytest.CaptureFixture[str]
    said: str = ""
    out: str = ""

    def run(self, *words: str) -> int:
        """Run a command, and return its exit status."""
        status = run(list(words))
        self.out, err = self.capsys.readouterr()
        self.said = self.out + err
        for note in self.zeppelin.notes.values():  # as the real one does on import
            for number, paragraph in enumerate(note["paragraphs"]):
                paragraph.setdefault("id", f"paragraph_{note['id']}_{number}")
                paragraph.setdefault("status", "READY")
        return status

    def apply(self, *words: str) -> Mapping[str, Any]:
        """The answer of `apply --no-run`, which must succeed; `said` has what it told."""
        assert self.run("apply", "--no-run", "--json", *words) == 0, self.said
        answer: Mapping[str, Any] = json.loads(self.out)
        return answer

    def note(self, path: str = PATH) -> Note:
        """The note at this path."""
        return next(Note.from_json(note) for note in self.zeppelin.notes.values() if note["path"] == path)

    def text(self, title: str, path: str = PATH) -> str:
        """The text of the paragraph whose title begins so."""
        return next(p.text for p in self.note(path).paragraphs if p.title.startswith(title))


def keep_thing() -> Path:
    """Keep the application's thing, as an earlier apply has."""
    return write_cache(private_dir(state_dir() / "netpie"), APPKEY, TOKEN)


def name_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the application in the environment."""
    for name, value in (("APPID", APPID), ("APPKEY", APPKEY), ("APPSECRET", APPSECRET)):
        monkeypatch.setenv(f"NETPIE_{name}", value)
