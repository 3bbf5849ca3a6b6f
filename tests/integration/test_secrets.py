"""Where secrets are after notes were applied, run and stopped: in no note, no log, no answer, no command line."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from netpie_creds import read_cache
from provision.embedded.application import demo_application
from provision.embedded.zeppelin import Folders
from provision.home import data_dir, state_dir
from provision.sync.find_note import find_note

from .command import done
from .conftest import Embedded, Round
from .streams import parameters

KEEPERS = {"demo-application.toml", "credentials.json"}
"""Files that are there to hold secrets, beside the emulator's own and microgear's cache."""


@pytest.fixture(scope="module")
def secrets(embedded: Embedded, rounds: list[Round]) -> list[str]:
    return known_secrets(embedded)


def known_secrets(embedded: Embedded) -> list[str]:
    """The APPSECRET, and what every token and login has of secrets; the notes' tokens may have been renewed since."""
    stored = {part for entry in embedded.client.list_credentials() for part in entry.password.split("&")}
    assert demo_application().appsecret in stored
    assert len(stored) > 1
    token = read_cache(state_dir() / "netpie", demo_application().appkey)
    assert token is not None
    return sorted(secret.rstrip("=") for secret in stored | {token.secret, token.revokecode})


def temporary() -> Path:
    """Where Spark's shell leaves class files with secrets in them: private, emptied by `down` (SECURITY.md)."""
    return Folders(data_dir() / "zeppelin").temporary


def is_temporary(path: Path) -> bool:
    return path.suffix == ".class" and path.is_relative_to(temporary())


def leaks(text: str, secrets: Iterable[str]) -> int:
    return sum(secret in text for secret in secrets)


def files_with(folder: Path, secrets: Iterable[str]) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files
    return [path for path in files if leaks(_text(path), secrets)]


def _text(path: Path) -> str:
    """What a file holds; a running server removes some while they are read."""
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""


def leaking_data(secrets: Iterable[str]) -> list[Path]:
    """Files that the stack writes and that hold secrets, but should not."""
    leaking = [path for path in files_with(data_dir(), secrets) if path.name not in KEEPERS]
    return [path for path in leaking if not is_temporary(path)]


def leaking_records(secrets: Iterable[str]) -> list[Path]:
    """Files of the tool's state, its records of applies among them, that hold secrets, but should not."""
    known = [state_dir() / "emulator", state_dir() / "netpie"]
    leaking = [path for path in files_with(state_dir(), secrets) if path.name not in KEEPERS]
    return [path for path in leaking if not any(folder in path.parents for folder in known)]


def open_stores(secrets: Iterable[str]) -> list[Path]:
    """Files with secrets that others than their owner may read."""
    found = [*files_with(data_dir(), secrets), *files_with(state_dir(), secrets)]
    return [path for path in found if (temporary() if is_temporary(path) else path).stat().st_mode & 0o077]


def test_notes_hold_no_secret(embedded: Embedded, rounds: list[Round], secrets: list[str]) -> None:
    for each in rounds:
        note = find_note(embedded.client, each.note)
        exported = json.dumps(embedded.client.export_note(note.id), ensure_ascii=False)
        assert "injectCredentials" in exported
        assert leaks(exported, secrets) == 0


def test_notebooks_logs_and_all_else_that_the_stack_writes_hold_no_secret(
    embedded: Embedded, rounds: list[Round], secrets: list[str]
) -> None:
    assert embedded.stack.logs.is_relative_to(data_dir())
    assert leaking_data(secrets) == []


def test_the_stores_that_hold_secrets_are_for_their_owner_only(
    embedded: Embedded, rounds: list[Round], secrets: list[str]
) -> None:
    assert open_stores(secrets) == []


def test_records_of_applies_hold_no_secret(embedded: Embedded, rounds: list[Round], secrets: list[str]) -> None:
    assert leaking_records(secrets) == []


def test_answers_and_progress_hold_no_secret(rounds: list[Round], secrets: list[str]) -> None:
    outcomes = [outcome for each in rounds for outcome in (each.applied, each.status, each.stopped) if outcome]
    outcomes += [done("status", "--json"), done("up", "--json")]

    assert [leaks(outcome.out + outcome.err, secrets) for outcome in outcomes] == [0] * len(outcomes)


def test_command_lines_hold_no_secret(rounds: list[Round], secrets: list[str]) -> None:
    assert all(any("SparkSubmit" in line for line in each.cmdlines) for each in rounds)
    assert leaks("\n".join(line for each in rounds for line in each.cmdlines), secrets) == 0


@pytest.mark.parametrize("bundle", ["streaming", "classic"])
def test_secrets_are_inline_where_that_is_asked_for(embedded: Embedded, bundle: str, tmp_path: Path) -> None:
    note = f"/inline/{bundle}"
    done("apply", "--no-run", "--bundle", bundle, "--note", note, *parameters(bundle, out=tmp_path, secrets="inline"))
    found = find_note(embedded.client, note)
    texts = "\n".join(paragraph.text for paragraph in found.paragraphs)
    for paragraph in found.paragraphs:
        embedded.client.delete_paragraph(found.id, paragraph.id)
    embedded.client.delete_note(found.id)

    assert "injectCredentials" not in texts
    assert ("&" + demo_application().appsecret in texts) == (bundle == "streaming")
