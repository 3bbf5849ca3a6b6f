"""`provision creds` against the emulator: what is printed, what is kept, and how errors end."""

import json
import os
import stat
from pathlib import Path

import pytest

from netpie_creds import Application, cache_path, read_cache
from netpie_emulator import Emulator, Status
from provision.cli import run
from provision.sync.seen_secrets import recognised

APPSECRET = "hunter2-of-the-application"


@pytest.fixture
def emulator(tmp_path, monkeypatch):
    """An emulator that the environment names, in an empty current folder."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    with Emulator("MyApp", "MyKey", APPSECRET, state=tmp_path / "netpie") as running:
        monkeypatch.setenv("NETPIE_AUTH", running.auth_url)
        monkeypatch.setenv("NETPIE_APPID", "MyApp")
        monkeypatch.setenv("NETPIE_APPKEY", "MyKey")
        monkeypatch.setenv("NETPIE_APPSECRET", APPSECRET)
        yield running


@pytest.fixture
def creds(emulator, capsys):
    """Run `provision creds ARGUMENTS`; return status, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(["creds", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def kept(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state" / "netpie"


def test_get_prints_the_documents_lines_without_the_password(creds, emulator):
    status, out, _ = creds("get")
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert status == 0
    assert list(lines) == ["Host", "Port", "ClientId", "Username", "Password"]
    assert (lines["Host"], lines["Port"]) == ("127.0.0.1", str(emulator.mqtt_port))
    assert lines["Username"].startswith("MyKey%")
    assert "hidden" in lines["Password"]


def test_get_prints_the_password_on_request(creds):
    _, out, _ = creds("get", "--secrets", "--json")
    assert len(json.loads(out)["password"]) == 28


def test_get_uses_the_thing_that_exists(creds):
    first, second = (json.loads(creds("get", "--json")[1]) for _ in range(2))
    assert first["client_id"] == second["client_id"]
    assert "password" not in first


def test_thing_is_kept_in_the_state_folder_for_its_owner_only(creds, tmp_path):
    creds("get")
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o700
    assert stat.S_IMODE(cache_path(kept(tmp_path), "MyKey").stat().st_mode) == 0o600
    assert os.listdir() == []


def test_cache_in_the_current_folder_is_used_as_the_document_says(creds, tmp_path):
    creds("get", "--cache-dir", ".")
    here = read_cache(Path(), "MyKey")
    assert json.loads(creds("get", "--json")[1])["client_id"] == here.token
    assert not kept(tmp_path).exists()


def test_show_hides_secrets_unless_asked(creds, tmp_path):
    creds("get")
    token = read_cache(kept(tmp_path), "MyKey")
    for shown in (creds("show"), creds("show", "--json")):
        assert token.token in shown[1]
        assert not any(secret in "".join(shown[1:]) for secret in (token.secret, token.revokecode, APPSECRET))
    assert json.loads(creds("show", "--json", "--secrets")[1])["secret"] == token.secret
    assert token.revokecode in creds("show", "--secrets")[1]


def test_show_makes_nothing(creds, tmp_path, emulator):
    status, _, err = creds("show")
    assert status == 1
    assert "provision creds get" in err
    assert emulator.store.applications()
    assert not kept(tmp_path).exists()


def test_refresh_replaces_the_thing_and_revokes_the_old_one(creds, emulator):
    old = json.loads(creds("get", "--json")[1])["client_id"]
    status, out, _ = creds("refresh", "--json")
    new = json.loads(out)["client_id"]
    assert status == 0
    assert new != old
    assert emulator.store.thing(old) is None
    assert emulator.store.thing(new) is not None


def test_refresh_that_cannot_revoke_the_old_token_is_done_and_says_so(creds, tmp_path):
    creds("get")
    cache = cache_path(kept(tmp_path), "MyKey")
    cache.write_text(cache.read_text()[:-30])  # a client was killed while it wrote
    status, out, err = creds("refresh", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["revoked"] is False
    assert "cut off" in answer["not_revoked"]
    assert "warning: the old token is not revoked" in err
    assert "NETPIE's page" in err


def test_refresh_says_in_json_whether_there_was_a_token_to_revoke(creds):
    assert json.loads(creds("refresh", "--json")[1])["revoked"] is None
    assert json.loads(creds("refresh", "--json")[1])["revoked"] is True


def test_cache_of_the_old_name_in_the_current_folder_is_used(creds, tmp_path):
    creds("get", "--cache-dir", ".")
    cache_path(Path(), "MyKey").rename("microgear.cache")
    answer = json.loads(creds("show", "--json")[1])
    assert answer["cache"] == str(Path.cwd() / "microgear.cache")
    assert json.loads(creds("get", "--json")[1])["client_id"] == answer["token"]


def test_secret_that_could_be_code_is_refused_in_one_line_and_not_shown(creds, monkeypatch):
    monkeypatch.setenv("NETPIE_APPSECRET", 'ab"+sys.exit(1)+"cd')
    status, out, err = creds("get")
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "sys.exit" not in out + err


def test_revoke_ends_the_thing_and_its_cache(creds, emulator, tmp_path):
    old = json.loads(creds("get", "--json")[1])["client_id"]
    assert json.loads(creds("revoke", "--json")[1])["revoked"] is True
    assert emulator.store.thing(old) is None
    assert list(kept(tmp_path).iterdir()) == []
    assert "nothing to revoke" in creds("revoke")[1]


@pytest.mark.parametrize(("variable", "kind"), [("NETPIE_APPKEY", "wrong_key"), ("NETPIE_APPSECRET", "wrong_secret")])
def test_wrong_key_and_secret_end_with_5_and_keep_nothing(creds, monkeypatch, tmp_path, variable, kind):
    monkeypatch.setenv(variable, "wrong")
    status, out, err = creds("get", "--json")
    assert status == 5
    assert json.loads(out)["error"]["kind"] == kind
    assert err.count("error:") == 1
    assert list(kept(tmp_path).iterdir()) == []


def test_disabled_application_ends_with_5(creds, emulator):
    emulator.store.set_status("MyKey", Status.DISABLED)
    status, out, _ = creds("get", "--json")
    assert (status, json.loads(out)["error"]["kind"]) == (5, "refused")


def test_missing_application_ends_with_2(creds, monkeypatch):
    monkeypatch.delenv("NETPIE_APPKEY")
    status, _, err = creds("get")
    assert status == 2
    assert "--appkey" in err


def test_options_and_files_win_over_the_environment(creds, monkeypatch, tmp_path):
    (tmp_path / "netpie.env").write_text("appkey=MyKey\n")
    (tmp_path / "secret").write_text(APPSECRET + "\n")
    monkeypatch.setenv("NETPIE_APPKEY", "other")
    monkeypatch.setenv("NETPIE_APPSECRET", "other")
    named = ["--credentials-file", str(tmp_path / "netpie.env"), "--secret-file", str(tmp_path / "secret")]
    assert creds("get", *named)[0] == 0


def test_secret_is_no_option(creds):
    assert creds("get", "--appsecret", APPSECRET)[0] == 2


def test_secret_appears_in_no_output(creds, tmp_path):
    secrets = [APPSECRET]
    said = "".join(
        "".join(creds(*order)[1:]) for order in (["get"], ["show"], ["get", "--json"], ["refresh"], ["revoke"])
    )
    assert not any(secret in said for secret in secrets)
    assert APPSECRET not in repr(Application("A", "K", APPSECRET))


@pytest.mark.parametrize("command", ["get", "show", "refresh", "revoke"])
def test_help_of_every_command_names_the_variables(creds, command):
    status, out, _ = creds(command, "--help")
    assert status == 0
    assert "NETPIE_APPKEY" in out


def test_old_tokens_are_known_again_after_they_are_renewed_or_revoked(creds, tmp_path):
    creds("get")
    first = read_cache(kept(tmp_path), "MyKey")
    creds("refresh")
    second = read_cache(kept(tmp_path), "MyKey")
    creds("revoke")
    for old in (first, second):
        text = f"%md\n{old.token}\nval key = '{old.secret}&{APPSECRET}', {old.revokecode}"
        assert recognised([text]) == {old.token, old.secret, APPSECRET, old.revokecode}
    kept_files = [file for file in (tmp_path / "home").rglob("*") if file.is_file()]
    assert not [file for file in kept_files if any(s in file.read_text() for s in (first.secret, second.secret))]
