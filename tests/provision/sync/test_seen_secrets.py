"""Old secrets are known again in texts; nothing else is kept of them."""

import json
import stat
from pathlib import Path
from urllib.parse import quote

import pytest

from provision.home import state_dir
from provision.sync.seen_secrets import recognised, remember

TOKEN, SECRET, SIGNATURE = "kAb3deF9hiJ2lmN7", "x" * 16 + "Y7" * 8, "1DzUni98Rgpy+f/s/+V3YE6AoJ4="


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path))


def test_a_secret_seen_before_is_known_again_and_others_are_not() -> None:
    remember([TOKEN, f"{SECRET}&AppSecret1"])
    remember([TOKEN])
    assert recognised([f"%md\nClientId: {TOKEN}.", "nothing"]) == {TOKEN}
    assert recognised([f"'{SECRET}&AppSecret1'"]) == {SECRET, "AppSecret1"}
    assert recognised(["kAb3deF9hiJ2lmN8 " * 50]) == set()


@pytest.mark.parametrize(
    "around", ["%s", "KEY%%%s", "token=%s", "/app/%s/x", "(%s)", "%s&more", "a %s\n", "_%s_", "ก%sข"]
)
def test_it_is_known_wherever_it_stands_as_a_word(around: str) -> None:
    remember([TOKEN])
    assert recognised([around % TOKEN]) == {TOKEN}


@pytest.mark.parametrize(
    "written",
    [
        quote(SIGNATURE, safe=""),
        json.dumps(SIGNATURE),
        SIGNATURE.replace("/", "\\u002f"),
        SIGNATURE.replace("+", "&#43;"),
    ],
)
def test_it_is_known_in_any_literal(written: str) -> None:
    remember([SIGNATURE])
    assert recognised([f"val password = {written}"]) == {SIGNATURE}


def test_what_is_kept_tells_no_secret_and_is_for_its_owner_only() -> None:
    remember([TOKEN, SECRET])
    file = state_dir() / "seen-secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert TOKEN not in file.read_text()
    assert SECRET not in file.read_text()


def test_two_machines_digests_of_one_secret_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember([TOKEN])
    one = (state_dir() / "seen-secrets.json").read_text()
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "other"))
    remember([TOKEN])
    assert json.loads(one)["digests"] != json.loads((state_dir() / "seen-secrets.json").read_text())["digests"]


def test_words_and_what_can_be_no_secret_are_not_remembered() -> None:
    remember(["", "short", "two words", "AppKey%1540000000"])
    assert recognised(["short two words AppKey%1540000000"]) == set()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"salt": 1}', '{"salt": "zz", "digests": {}}'])
def test_a_damaged_file_is_made_anew(content: str) -> None:
    (state_dir() / "seen-secrets.json").write_text(content)
    assert recognised([TOKEN]) == set()
    remember([TOKEN])
    assert recognised([TOKEN]) == {TOKEN}


def test_it_is_known_in_a_long_text() -> None:
    remember([TOKEN, SECRET, SIGNATURE])
    text = "val x = spark.sql(s\"select '%s' from a\").foreach(println) // \\u0041 {x}\n" * 3000
    assert recognised([f"{text}{TOKEN}"]) == {TOKEN}
