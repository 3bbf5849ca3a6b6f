"""Where secrets are after notes were applied, run and stopped: in no note, no file, no answer, no command line."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import requests

from netpie_creds import read_cache
from provision.bundles.literals.stored import entities_in, reading, upgraded
from provision.bundles.literals.values import Secret
from provision.embedded.application import demo_application
from provision.embedded.zeppelin import Folders
from provision.home import data_dir, state_dir
from provision.sync.find_note import find_note
from zeppelin_sdk import ParagraphError

from .command import done, provision
from .conftest import Embedded, Round, Streams
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
    return [path for path in files_with(data_dir(), secrets) if path.name not in KEEPERS]


def leaking_records(secrets: Iterable[str]) -> list[Path]:
    """Files of the tool's state, its records of applies among them, that hold secrets, but should not."""
    known = [state_dir() / name for name in ("emulator", "netpie", "netpie2020")]
    leaking = [path for path in files_with(state_dir(), secrets) if path.name not in KEEPERS]
    return [path for path in leaking if not any(folder in path.parents for folder in known)]


def open_stores(secrets: Iterable[str]) -> list[Path]:
    """Files with secrets that others than their owner may read."""
    found = [*files_with(data_dir(), secrets), *files_with(state_dir(), secrets)]
    return [path for path in found if path.stat().st_mode & 0o077]


def test_notes_hold_no_secret(embedded: Embedded, rounds: list[Round], secrets: list[str]) -> None:
    for each in rounds:
        note = find_note(embedded.client, each.note)
        exported = json.dumps(embedded.client.export_note(note.id), ensure_ascii=False)
        assert "injectCredentials" not in exported
        assert leaks(exported, secrets) == 0


def test_notebooks_logs_and_all_else_that_the_stack_writes_hold_no_secret(
    embedded: Embedded, rounds: list[Round], secrets: list[str]
) -> None:
    assert embedded.stack.logs.is_relative_to(data_dir())
    shells = Folders(data_dir() / "zeppelin").temporary
    assert list(shells.rglob("*.class"))
    assert leaking_data(secrets) == []


def test_the_stores_that_hold_secrets_are_for_their_owner_only(
    embedded: Embedded, rounds: list[Round], secrets: list[str]
) -> None:
    assert open_stores(secrets) == []
    assert (data_dir() / "zeppelin" / "conf" / "credentials.json").stat().st_mode & 0o077 == 0


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


ODD = 'quo"te\\back\nnew {other.password} ${form} $x \'"""\' ไทย \u2028 ");sys.exit(1);("'


@pytest.fixture
def own_note(embedded: Embedded, quiet_spark: None) -> Iterator[str]:
    """A note of a person's own, and after it nothing of it."""
    note = embedded.client.create_note("/secrets/own")
    yield note
    for paragraph in embedded.client.get_note(note).paragraphs:
        embedded.client.delete_paragraph(note, paragraph.id)
    embedded.client.delete_note(note)


def typed(embedded: Embedded, note: str, text: str) -> str:
    return embedded.client.add_paragraph(note, text=f"%spark\n{text}")


@pytest.mark.parametrize("part", ["user", "password"])
def test_a_stored_secret_of_any_characters_is_data_to_the_note(embedded: Embedded, own_note: str, part: str) -> None:
    embedded.client.set_credential("netpie-odd-1", f"user {ODD}", f"password {ODD}")
    try:
        text = f'println({reading(Secret("netpie-odd-1", part, ""))}.getBytes("UTF-8").mkString(" "))'
        ran = embedded.client.execute_paragraph(own_note, typed(embedded, own_note, text))
    finally:
        embedded.client.delete_credential("netpie-odd-1")
    assert bytes(int(each) % 256 for each in ran.output.split()).decode() == f"{part} {ODD}"


def test_a_secret_that_is_not_stored_is_one_clear_line(embedded: Embedded, own_note: str) -> None:
    text = f"val login = Some({reading(Secret('netpie-gone-1', 'password', ''))})"
    with pytest.raises(ParagraphError) as failed:
        embedded.client.execute_paragraph(own_note, typed(embedded, own_note, text))
    assert failed.value.message.endswith(
        "netpie-gone-1 is not in this user's credential store of Zeppelin: run `provision apply` as this user"
    )
    assert "NullPointerException" not in failed.value.output


def test_a_note_whose_entry_is_gone_says_so_when_it_is_run_and_in_its_log(
    embedded: Embedded, streams: Streams, tmp_path: Path
) -> None:
    streams.stop()
    note = "/secrets/gone"
    done("apply", "--no-run", "--bundle", "streaming", "--note", note, *parameters("streaming", out=tmp_path))
    (entity,) = entities_in("\n".join(p.text for p in find_note(embedded.client, note).paragraphs))
    embedded.client.delete_credential(entity)
    ran = provision("run", note)
    assert ran.status == 1
    assert f"{entity} is not in this user's credential store of Zeppelin: run `provision apply`" in ran.errors[0]
    assert f"{entity} is not in this user's credential store" in done("logs", note).out
    done("remove", note, "--yes")


def test_a_note_of_an_older_version_goes_on_working_and_is_brought_up_to_date(
    embedded: Embedded, quiet_spark: None
) -> None:
    """Zeppelin still puts an entry into a text that asks for it, beside one that reads it."""
    client, entity = embedded.client, "netpie-older-1"
    client.set_credential(entity, "an old user", "an old word")
    note = client.create_note("/secrets/older")
    try:
        text = f'%spark(injectCredentials=true)\nprintln("{{{entity}.user}}" + "; " + "{{{entity}.user}}".length)'
        both = text.replace(f'"{{{entity}.user}}".', f"{reading(Secret(entity, 'user', ''))}.")
        added = [client.add_paragraph(note, text=each) for each in (text, upgraded(text), both)]
        outputs = [client.execute_paragraph(note, each).output.strip() for each in added]
    finally:
        client.delete_credential(entity)
        for paragraph in client.get_note(note).paragraphs:
            client.delete_paragraph(note, paragraph.id)
        client.delete_note(note)
    assert outputs == ["an old user; 11"] * 3


PAGES = ["jobs/", "stages/", "storage/", "environment/", "executors/", "SQL/", "streaming/", "metrics/json/"]
PAGES += ["executors/threadDump/?executorId=driver", "api/v1/applications"]


def test_spark_s_own_page_shows_no_secret(embedded: Embedded, streams: Streams) -> None:
    """It asks for no login, and shows all that Spark was started with and has run."""
    stream = streams.running("streaming")
    page = done("status", stream.note.path, "--json").json["page"].rstrip("/")
    stored = [part for entry in embedded.client.list_credentials() for part in (entry.user, *entry.password.split("&"))]
    with requests.Session() as session:
        session.trust_env = False
        application = session.get(f"{page}/api/v1/applications").json()[0]["id"]
        for path in [*PAGES, f"api/v1/applications/{application}/environment"]:
            answer = session.get(f"{page}/{path}", timeout=20)
            assert answer.ok, path
            assert leaks(answer.text, [secret for secret in stored if len(secret) > 8]) == 0, path


def test_secrets_that_stand_in_a_note_are_in_no_log(embedded: Embedded, secrets: list[str], tmp_path: Path) -> None:
    """Neither those of a note that is made, nor those of a paragraph that is added, which Zeppelin logs whole."""
    note, bundle = "/inline/logged", ["--bundle", "streaming"]
    inline = parameters("streaming", out=tmp_path, secrets="inline")
    said = done("apply", "--no-run", *bundle, "--note", note, *inline)
    assert "warning: secrets=inline: who can read the note" in said.err
    found = find_note(embedded.client, note)
    text = next(p.text for p in found.paragraphs if demo_application().appsecret in p.text)
    embedded.client.add_paragraph(found.id, text=text)
    done("remove", note, "--yes")
    assert "will update paragraph" not in embedded.stack.logs.joinpath("zeppelin.log").read_text()
    assert files_with(embedded.stack.logs, secrets) == []
