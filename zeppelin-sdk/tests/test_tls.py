import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import HTTPAdapter

from sdk_support.certificates import Certificates, make_certificates
from zeppelin_sdk import Ticket, UnreachableError, ZeppelinClient
from zeppelin_sdk._transport import Transport
from zeppelin_sdk._websocket import Connection, _tls
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
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


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
) -> None:
    if of_environment:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", of_environment)
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
        ZeppelinClient(fake.url, user="ann", password="secret", verify=str(certificates.ca), timeout=5) as ann,
    ):
        note_id = ann.create_note("/n")
        with ann.open_note(note_id) as note:
            assert note.add_paragraph(text="%md over TLS").text == "%md over TLS"
        assert [p.text for p in ann.get_note(note_id).paragraphs] == ["%md over TLS"]


def test_the_environments_authority_is_used_for_both(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca))
    with (
        FakeZeppelin(tls=certificates.server) as fake,
        ZeppelinClient(fake.url, timeout=5) as client,
        client.open_note(client.create_note("/n")) as note,
    ):
        assert note.note.path == "/n"


@pytest.mark.parametrize("verify", [True, "another"])
def test_an_authority_that_is_not_trusted_is_named_for_both(
    certificates: Certificates, tmp_path: Path, verify: bool | str
) -> None:
    trusted = str(make_certificates(tmp_path).ca) if verify == "another" else True
    with FakeZeppelin(tls=certificates.server) as fake:
        with ZeppelinClient(fake.url, verify=trusted, timeout=5) as client:
            with pytest.raises(UnreachableError, match="certificate is not trusted: ") as caught:
                client.get_version()
            assert caught.value.next_step == "name the CA's file"
        http = Transport(fake.url, user=None, password=None, timeout=5, session=None, verify=trusted, proxy=None)
        with pytest.raises(UnreachableError, match="no websocket connection: its TLS certificate is not trusted: "):
            Connection(http, Ticket("anonymous", "anonymous", "[]"))


def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path) -> None:
    other = make_certificates(tmp_path, "127.0.0.2")
    with (
        FakeZeppelin(tls=other.server) as fake,
        ZeppelinClient(fake.url, verify=str(other.ca), timeout=5) as client,
        pytest.raises(UnreachableError, match="certificate is not trusted: "),
    ):
        client.get_version()


def test_without_a_check_any_certificate_will_do(certificates: Certificates) -> None:
    with (
        FakeZeppelin(tls=certificates.server) as fake,
        ZeppelinClient(fake.url, verify=False, timeout=5) as client,
        pytest.warns(urllib3.exceptions.InsecureRequestWarning),
        client.open_note(client.create_note("/n")) as note,
    ):
        assert note.note.path == "/n"
