"""`provision page` and `provision open`, as far as they do not serve."""

import json
import signal
import socket
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from provision.cli import run
from provision.page.access import Access
from zeppelin_sdk import ZeppelinClient

from ..live.stage import Stage, StagedNote
from .served import serving


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as running:
        yield running


@pytest.fixture(scope="module")
def note(stage: Stage) -> StagedNote:
    return stage.add("NETPIE/COMMAND metrics csv")


@pytest.fixture
def opened(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was opened in the browser; the server is named in the environment."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: found.append(url) or True)
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))
    monkeypatch.setenv("ZEPPELIN_URL", stage.url)
    return found


def test_a_note_opens_in_zeppelin_s_own_page_where_there_is_one(
    stage: Stage,
    note: StagedNote,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ZeppelinClient, "has_web_page", lambda _: True)
    assert run(["open", note.path, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert opened == [answer["page"]] == [answer["note"]] == [f"{stage.url}/#/notebook/{note.id}"]


def test_else_it_is_served_and_opened(note: StagedNote, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Access] = []
    monkeypatch.setattr("provision.page.serve.serve", lambda pages, access, listener: served.append(access))
    monkeypatch.setattr("provision.page.serve.NoteFeed.start", lambda _: None)
    assert run(["open", note.id]) == 0
    assert opened == [served[0].note_url(note.id)]


def test_ctrl_c_ends_it_well(stage: Stage, note: StagedNote, tmp_path: Path) -> None:
    with serving(tmp_path, stage.url, note.id) as served, requests.Session() as session:
        session.trust_env = False
        assert session.get(served.note(note.id)).status_code == 200
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(30) == 0


def test_a_port_that_is_taken_is_one_line(
    note: StagedNote, opened: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(["page", "--port", str(taken.getsockname()[1]), note.id]) == 1
    assert "can't be had: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["page", "open"])
def test_a_note_that_is_not_there_is_wrong_usage(word: str, opened: list[str]) -> None:
    assert run([word, "nothing such"]) == 2


@pytest.mark.parametrize("word", ["page", "open"])
def test_a_server_out_of_reach_is_told(word: str, opened: list[str]) -> None:
    assert run([word, "--zeppelin", "http://127.0.0.1:9", "note"]) == 4


def test_where_the_extra_is_missing_it_is_named(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.page.background._NEEDS", ("no_such_framework",))
    assert run(["page"]) == 2
