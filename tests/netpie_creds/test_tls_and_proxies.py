"""An auth server behind TLS, behind a proxy, or at a port that speaks something else: told as what it is."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from netpie_creds import AuthServer, AuthServerUnreachableError
from netpie_creds.web import is_loopback
from sdk_support.certificates import Certificates, make_certificates
from sdk_support.fake_proxy import BEHIND, ForwardingProxy
from sdk_support.servers import HangsUp, TwoFaced


class Clock(BaseHTTPRequestHandler):
    """NETPIE's clock, and no more of it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"1540780416")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", *names, *map(str.upper, names)):
        monkeypatch.delenv(name, raising=False)


class Listening:
    """The clock over TLS, or without it."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if self._tls:
            self._server.socket = self._tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def address(certificates: Certificates) -> Iterator[str]:
    with Listening(certificates.server) as address:
        yield address


def refused(address: str) -> str:
    with pytest.raises(AuthServerUnreachableError) as caught:
        AuthServer(address, timeout=30).time()
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_authority_that_the_environment_names_is_trusted(
    address: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(certificates.ca))
    assert AuthServer(address).time() == 1540780416


def test_an_authority_that_is_not_known_is_told(address: str) -> None:
    assert "its TLS certificate is not trusted: " in refused(address)


@pytest.mark.parametrize(
    ("host", "days", "cause"), [("127.0.0.2", 2, "IP address mismatch"), ("127.0.0.1", -1, "has expired")]
)
def test_a_certificate_of_another_host_and_an_expired_one_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, days: int, cause: str
) -> None:
    other = make_certificates(tmp_path, host, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(other.ca))
    with Listening(other.server) as address:
        assert cause in refused(address)


@pytest.mark.parametrize(
    ("content", "cause"), [(None, "No such file or directory"), ("no certificate", "has no certificate in it")]
)
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_ca_file_that_is_none_is_told(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, cause: str, variable: str
) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    said = refused(address)
    assert f"{variable}={file}" in said
    assert cause in said


def test_http_to_a_port_of_tls_is_told(address: str) -> None:
    assert refused(address.replace("https:", "http:")).endswith("write https:// in place of http://")


def test_https_to_a_port_without_tls_is_told() -> None:
    with Listening(None) as address:
        assert refused(address.replace("http:", "https:")).endswith("write http:// in place of https://")


def test_a_web_server_that_answers_http_on_a_port_of_tls_is_told_as_that(certificates: Certificates) -> None:
    with TwoFaced(certificates.server) as server:
        assert refused(f"http://{server.address}").endswith("write https:// in place of http://")


def test_a_port_that_hangs_up_on_everything_is_not_taken_for_one_of_tls() -> None:
    with HangsUp() as server:
        assert "https" not in refused(f"http://{server.address}")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_login_is_told_and_its_own_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with ForwardingProxy(user="ann", password="hush") as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://ann:wrong-hush@{proxy.address}")
        said = refused(f"{scheme}://{BEHIND}")
    assert said.endswith("the proxy wants a user and a password")
    assert "hush" not in said


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert "the proxy" in refused(f"http://{BEHIND}")


def test_a_proxy_before_the_server_that_wants_a_login_is_told_as_that(netpie, application, reply) -> None:
    challenge = {"WWW-Authenticate": 'Basic realm="Restricted"'}
    netpie.replies = {"/oauth2/authorize": reply(401, "no", headers=challenge)}
    with pytest.raises(AuthServerUnreachableError, match=r"a proxy before it wants a login of its own \(HTTP Basic\)"):
        AuthServer(netpie.url).authorize(application)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_asked_directly(monkeypatch: pytest.MonkeyPatch, variable: str, host: str) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with Listening(None) as address:
        assert AuthServer(address.replace("127.0.0.1", host), timeout=30).time() == 1540780416


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.2", True),
        ("::1", True),
        ("a.localhost", True),
        ("localhost.", True),
        ("10.0.0.1", False),
        ("h", False),
    ],
)
def test_loopback_is_each_address_of_it(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
