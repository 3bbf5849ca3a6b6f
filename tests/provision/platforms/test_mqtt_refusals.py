"""What a broker refuses, or what is wrong with its certificate: one line and its exit status, whoever asks."""

import json
import ssl
from pathlib import Path

import pytest

from provision.cli import run
from provision.errors import UnreachableError
from provision.mqtt.client import LoginRefusedError, UntrustedError, try_login
from provision.mqtt.login import Login, Tls
from sdk_support.certificates import make_certificates


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MQTT_PASSWORD", "the-password")


def publish(port: int, *more: str, scheme: str = "mqtts", user: bool = True) -> int:
    named = ["--mqtt-user", "ann"] if user else []
    return run(
        ["publish", "--broker", f"{scheme}://127.0.0.1:{port}", *named, *more, "--message", "{}", "--count", "1"]
    )


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1, said
    assert "the-password" not in said
    return said


@pytest.mark.parametrize(
    ("code", "cause", "status"),
    [
        (1, "it does not speak MQTT 3.1.1 (CONNACK 1)", 5),
        (2, "the client id is rejected (CONNACK 2)", 5),
        (4, "user name or password is wrong (CONNACK 4)", 5),
        (5, "not authorised (CONNACK 5)", 5),
    ],
)
def test_a_refused_login_is_told_by_its_code(answering, capsys, code: int, cause: str, status: int) -> None:
    with answering(code) as port:
        assert publish(port, scheme="mqtt") == status
    assert cause in one_line(capsys)


@pytest.mark.parametrize(
    ("address", "days", "trust", "cause"),
    [
        ("127.0.0.1", 2, False, "its authority is not trusted (checked against those that this machine trusts)"),
        ("127.0.0.1", -1, True, "it has expired (checked against the authorities that are given)"),
        ("127.0.0.2", 2, True, "it is for another address (checked against the authorities that are given)"),
    ],
)
def test_a_certificate_that_is_wrong_is_told_by_its_fault(
    answering, capsys, tmp_path: Path, address: str, days: int, trust: bool, cause: str
) -> None:
    certificates = make_certificates(tmp_path, address, days=days)
    with answering(0, certificates.server) as port:
        assert publish(port, *(["--mqtt-ca", str(certificates.ca)] if trust else [])) == 4
    said = one_line(capsys)
    assert f"its certificate is refused: {cause}" in said
    assert "--mqtt-ca" in said


def test_a_certificate_for_another_host_s_name_is_told(answering, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    tls = Tls(certificates.ca.read_text())
    with answering(0, certificates.server) as port, pytest.raises(UntrustedError, match="it is for another host"):
        try_login(Login(f"ssl://localhost:{port}", "c", tls=tls))


def test_a_broker_with_an_authority_that_is_named_is_trusted(answering, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with answering(0, certificates.server) as port:
        try_login(Login(f"ssl://127.0.0.1:{port}", "c", tls=Tls(certificates.ca.read_text())))


def test_a_client_without_the_certificate_that_a_broker_wants_is_told_so(answering, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    certificates.server.verify_mode = ssl.CERT_REQUIRED
    certificates.server.load_verify_locations(certificates.ca)
    tls = Tls(certificates.ca.read_text())
    with answering(0, certificates.server) as port, pytest.raises(UnreachableError, match="certificate") as caught:
        try_login(Login(f"ssl://127.0.0.1:{port}", "c", tls=tls))
    assert "--mqtt-certificate" in caught.value.next_step or "certificate" in caught.value.message


def test_a_port_with_tls_and_one_without_are_told_apart(answering, capsys, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with answering(None) as port:
        assert publish(port) == 4
        assert "does not speak TLS on this port" in one_line(capsys)
    with (
        answering(0, certificates.server) as port,
        pytest.raises(UnreachableError, match="port may be one with TLS|reset"),
    ):
        try_login(Login(f"tcp://127.0.0.1:{port}", "c"))


def test_a_broker_that_does_not_speak_the_version_that_is_asked_for_is_told_by_it(answering) -> None:
    for version_5, version in ((False, "3.1.1"), (True, "5")):
        with answering(1) as port, pytest.raises(LoginRefusedError, match=f"does not speak MQTT {version} "):
            try_login(Login(f"tcp://127.0.0.1:{port}", "c"), version_5=version_5)


def test_the_password_is_in_no_error() -> None:
    error = LoginRefusedError(Login("tcp://h:1", "c", "ann", "the-password"), 4)
    assert "the-password" not in error.message + error.next_step


# --- commands ---


def test_doctor_tells_what_the_broker_says(answering, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MQTT_PASSWORD")
    for code, level in ((0, "ok"), (5, "fail")):
        with answering(code) as port:
            run(["doctor", "--json", "--broker", f"mqtt://127.0.0.1:{port}"])
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert [each["level"] for each in checks if each["part"] == "broker"] == [level]
        assert [each["level"] for each in checks if each["part"] == "account"] == ["ok"]


def test_creds_get_keeps_a_login_that_show_shows_and_revoke_deletes(capsys) -> None:
    named = ["--broker", "mqtts://127.0.0.1:9"]
    assert run(["creds", "get", *named, "--mqtt-user", "ann"]) == 0
    assert "the-password" not in capsys.readouterr().out
    assert run(["creds", "show", *named, "--secrets", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["password"] == "the-password"
    assert run(["creds", "refresh", *named]) == 2
    assert "makes no new credentials by itself" in one_line(capsys)
    assert run(["creds", "revoke", *named]) == 0
    capsys.readouterr()
    assert run(["creds", "show", *named, "--mqtt-user", "ann"]) == 2
    assert "no login is kept there" in one_line(capsys)
