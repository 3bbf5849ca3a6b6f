import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from sdk_support.certificates import Certificates, make_certificates
from sdk_support.servers import HangsUp, TwoFaced
from zeppelin_sdk import ServerUnreachableError, Ticket, ZeppelinClient
from zeppelin_sdk._tls import why_tls
from zeppelin_sdk._transport import Transport
from zeppelin_sdk._websocket import WebsocketConnection, _tls
from zeppelin_sdk.testing import FakeZeppelin


class Recorder(HTTPAdapter):
    """Sends as always, and notes what the certificate would have been checked against."""

    def __init__(self) -> None:
        super().__init__()
        self.verify: Any = None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        self.verify = options["verify"]
        return super().send(request, **options)


@pytest.fixture(autouse=True)
def no_ca_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize(
    ("asked", "of_session", "of_environment", "used"),
    [
        (True, True, None, True),
        (False, True, None, False),
        (False, True, "/env.pem", False),
        ("/mine.pem", True, "/env.pem", "/mine.pem"),
        (True, True, "/env.pem", "/env.pem"),
        (True, "/session.pem", None, "/session.pem"),
        (True, False, None, False),
    ],
)
def test_calls_and_websocket_check_certificates_against_the_same(
    monkeypatch: pytest.MonkeyPatch,
    asked: bool | str,
    of_session: bool | str,
    of_environment: str | None,
    used: bool | str,
    variable: str,
) -> None:
    if of_environment:
        monkeypatch.setenv(variable, of_environment)
    recorder = Recorder()
    with FakeZeppelin() as fake, requests.Session() as session:
        session.verify = of_session
        session.mount("http://", recorder)
        with ZeppelinClient(fake.url, session=session, verify=asked) as client:
            client.get_version()
        http = Transport(fake.url, user=None, password=None, timeout=1, session=session, verify=asked, proxy=None)
        assert recorder.verify == http.ca_bundle == used


def test_the_websockets_options_follow(tmp_path: Path) -> None:
    assert _tls("/mine.pem") == {"ca_certs": "/mine.pem"}
    assert _tls(str(tmp_path)) == {"ca_cert_path": str(tmp_path)}
    assert _tls(False) == {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    assert Path(_tls(True)["ca_certs"]).is_file()


def test_calls_and_websocket_work_over_tls_with_an_authority_of_ones_own(certificates: Certificates) -> None:
    with (
        FakeZeppelin("0.12", prefix="/zeppelin", users={"ann": "secret"}, tls=certificates.server) as fake,
        ZeppelinClient(fake.url, user="ann", password="secret", verify=str(certificates.ca), timeout=30) as ann,
    ):
        note_id = ann.create_note("/n")
        with ann.open_note(note_id) as note:
            assert note.add_paragraph(text="%md over TLS").text == "%md over TLS"
        assert [p.text for p in ann.get_note(note_id).paragraphs] == ["%md over TLS"]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environments_authority_is_used_for_both(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates.ca))
    with (
        FakeZeppelin(tls=certificates.server) as fake,
        ZeppelinClient(fake.url, timeout=30) as client,
        client.open_note(client.create_note("/n")) as note,
    ):
        assert note.note.path == "/n"


def refused(url: str, verify: bool | str = True) -> tuple[ServerUnreachableError, ServerUnreachableError]:
    """The errors of a call and of a websocket."""
    with ZeppelinClient(url, verify=verify, timeout=30) as client, pytest.raises(ServerUnreachableError) as of_call:
        client.get_version()
    http = Transport(url, user=None, password=None, timeout=30, session=None, verify=verify, proxy=None)
    with pytest.raises(ServerUnreachableError) as of_websocket:
        WebsocketConnection(http, Ticket("anonymous", "anonymous", "[]"))
    return of_call.value, of_websocket.value


@pytest.mark.parametrize("verify", [True, "another"])
def test_an_authority_that_is_not_known_is_told_by_both(
    certificates: Certificates, tmp_path: Path, verify: bool | str
) -> None:
    trusted = str(make_certificates(tmp_path).ca) if verify == "another" else True
    with FakeZeppelin(tls=certificates.server) as fake:
        for error in refused(fake.url, trusted):
            assert "its TLS certificate is of a CA that is not known here: " in error.message
            assert error.next_step == "name the CA's file, or set SSL_CERT_FILE to it"


@pytest.mark.parametrize(
    ("address", "days", "cause", "next_step"),
    [
        ("127.0.0.2", 2, "is for another host: IP address mismatch", "give the host's name"),
        ("127.0.0.1", -1, "has expired: certificate has expired", "have it renewed"),
    ],
)
def test_a_certificate_of_another_host_and_an_expired_one_are_told_by_both(
    tmp_path: Path, address: str, days: int, cause: str, next_step: str
) -> None:
    other = make_certificates(tmp_path, address, days=days)
    with FakeZeppelin(tls=other.server) as fake:
        for error in refused(fake.url, str(other.ca)):
            assert f"its TLS certificate {cause}" in error.message
            assert error.next_step.startswith(next_step)
            assert "\n" not in error.message


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("certificate verify failed: self signed certificate (_ssl.c:1)", "is of a CA that is not known here"),
        (
            "certificate verify failed: unable to get local issuer certificate (_ssl.c:1)",
            "is of a CA that is not known",
        ),
        ("certificate verify failed: certificate is not yet valid (_ssl.c:1)", "is not valid yet"),
        ("certificate verify failed: Hostname mismatch, certificate is not valid for 'h'. (_ssl.c:1)", "another host"),
        (
            "certificate verify failed: CA cert does not include key usage extension (_ssl.c:1)",
            "is not trusted: CA cer",
        ),
        ("certificate verify failed", "is not trusted"),
    ],
)
def test_each_fault_of_a_certificate_is_told_as_that(reason: str, cause: str) -> None:
    said, next_step = why_tls(f"[SSL: CERTIFICATE_VERIFY_FAILED] {reason}")
    assert f"its TLS certificate {cause}" in said.replace("is for another", "another")
    assert next_step


@pytest.mark.parametrize(
    ("content", "cause"), [(None, "No such file or directory"), ("no certificate", "has no certificate in it")]
)
@pytest.mark.parametrize("how", ["named", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_ca_file_that_is_none_is_told_by_both(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, cause: str, how: str
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    if how != "named":
        monkeypatch.setenv(how, str(file))
    with FakeZeppelin(tls=certificates.server) as fake:
        for error in refused(fake.url, str(file) if how == "named" else True):
            assert f"the CA file {file}" in error.message
            assert cause in error.message


def test_http_to_a_port_of_tls_is_told_by_both(certificates: Certificates) -> None:
    with FakeZeppelin(tls=certificates.server) as fake:
        for error in refused(fake.url.replace("https:", "http:")):
            assert error.message.endswith("it speaks TLS only")
            assert error.next_step == "write https:// in place of http://"


def test_https_to_a_port_without_tls_is_told_by_both() -> None:
    with FakeZeppelin() as fake:
        for error in refused(fake.url.replace("http:", "https:")):
            assert error.message.endswith("it does not speak TLS")
            assert error.next_step == "write http:// in place of https://"


def test_a_web_server_that_answers_http_on_a_port_of_tls_is_told_as_that(certificates: Certificates) -> None:
    """As nginx, Apache and Go do: 400, with a page of their own."""
    with TwoFaced(certificates.server) as server:
        for error in refused(f"http://{server.address}"):
            assert error.message.endswith("it speaks TLS only")


def test_a_port_that_hangs_up_on_everything_is_not_taken_for_one_of_tls() -> None:
    with HangsUp() as server:
        for scheme in ("http", "https"):
            for error in refused(f"{scheme}://{server.address}"):
                assert "speak" not in error.message


def test_without_a_check_any_certificate_will_do(certificates: Certificates) -> None:
    with (
        FakeZeppelin(tls=certificates.server) as fake,
        ZeppelinClient(fake.url, verify=False, timeout=30) as client,
        pytest.warns(urllib3.exceptions.InsecureRequestWarning),
        client.open_note(client.create_note("/n")) as note,
    ):
        assert note.note.path == "/n"
