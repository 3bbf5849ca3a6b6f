"""A broker of one's own beside the stack."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from provision.cli import run
from provision.embedded import mosquitto
from provision.embedded.record import Stack
from provision.errors import RefusedError
from provision.mqtt.client import UntrustedError, try_login
from provision.mqtt.login import Login
from provision.platforms.mqtt import PLATFORM
from provision.platforms.platform import Given

HAS_MOSQUITTO = mosquitto.find_program("mosquitto") is not None


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize("missing", ["mosquitto", "mosquitto_passwd", "openssl"])
def test_what_is_not_installed_is_told_before_anything_is_started(monkeypatch, capsys, missing: str) -> None:
    monkeypatch.setattr(mosquitto, "find_program", lambda name: None if name == missing else f"/bin/{name}")
    assert run(["demo", "--platform", "mqtt"]) == 2
    said = capsys.readouterr().err.strip()
    assert f"needs {missing}, which is not on the PATH" in said
    assert "apt install" in said
    assert len(said.splitlines()) == 1


@pytest.mark.skipif(not HAS_MOSQUITTO, reason="no mosquitto: it comes with the distribution's package of that name")
def test_it_takes_its_user_over_tls_and_nobody_else(home: Path) -> None:
    broker = mosquitto.start(cast(Stack, SimpleNamespace(mark="mark-of-a-test", logs=home)))
    try:
        assert broker.credentials.stat().st_mode & 0o777 == 0o600
        client = PLATFORM.account(Given(credentials_file=broker.credentials, env={})).client()
        assert client.reachable("nothing was written") is client
        login = client.login()
        with pytest.raises(RefusedError, match=r"CONNACK [45]"):
            try_login(Login(login.url, "c", login.username, "wrong", login.tls))
        with pytest.raises(RefusedError, match=r"CONNACK [45]"):
            try_login(Login(login.url, "c", tls=login.tls))
        with pytest.raises(UntrustedError, match="is not trusted"):
            try_login(Login(login.url, "c", login.username, login.password))
    finally:
        broker.stop()
