import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from zeppelin_sdk import ZeppelinClient
from zeppelin_sdk.transport import Transport
from zeppelin_sdk.websocket import _tls

from .fake_zeppelin import FakeZeppelin


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
            client.version()
        http = Transport(fake.url, user=None, password=None, timeout=1, session=session, verify=asked, proxy=None)
        assert recorder.verify == http.ca_bundle == used


def test_the_websockets_options_follow(tmp_path: Path) -> None:
    assert _tls("/mine.pem") == {"ca_certs": "/mine.pem"}
    assert _tls(str(tmp_path)) == {"ca_cert_path": str(tmp_path)}
    assert _tls(False) == {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    assert Path(_tls(True)["ca_certs"]).is_file()
