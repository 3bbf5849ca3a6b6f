"""A Zeppelin server with a certificate of one's own CA, behind a login, or at the other scheme's port."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.cli import run
from sdk_support.basic_gate import BasicGate
from sdk_support.certificates import Certificates, make_certificates
from zeppelin_sdk.testing import FakeZeppelin

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROVISION_HOME", str(tmp_path / "home"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "ZEPPELIN_CA_FILE", "ZEPPELIN_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(certificates: Certificates) -> Iterator[FakeZeppelin]:
    with FakeZeppelin(tls=certificates.server) as server:
        yield server


def status(server: str, capsys: Capture, *more: str) -> tuple[int, str]:
    """The exit status and the one line of `provision status` for a note that is not there."""
    code = run(["status", "--zeppelin", server, *more, "a note"])
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    return code, err


@pytest.mark.parametrize("how", ["--ca-file", "ZEPPELIN_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_ca_of_ones_own_is_named_by_an_option_or_by_the_environment(
    server: FakeZeppelin, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, capsys: Capture, how: str
) -> None:
    ca = str(certificates.ca)
    if not how.startswith("--"):
        monkeypatch.setenv(how, ca)
    code, said = status(server.url, capsys, *([how, ca] if how.startswith("--") else []))
    assert server.requests
    assert (code, "no note 'a note'" in said) == (2, True)


def test_without_it_the_error_says_what_to_name(server: FakeZeppelin, capsys: Capture) -> None:
    code, said = status(server.url, capsys)
    assert code == 4
    assert "of a CA that is not known here" in said
    assert "name the CA's file" in said
    assert server.requests == []


def test_a_ca_file_that_is_not_there_is_wrong_usage(server: FakeZeppelin, capsys: Capture) -> None:
    assert status(server.url, capsys, "--ca-file", "/nowhere/ca.pem")[0] == 2


def test_the_other_scheme_is_told(server: FakeZeppelin, capsys: Capture) -> None:
    code, said = status(server.url.replace("https:", "http:"), capsys)
    assert (code, said.endswith("it speaks TLS only; write https:// in place of http://\n")) == (4, True)


def test_a_login_of_a_proxy_before_the_server_is_told_as_that(capsys: Capture) -> None:
    with FakeZeppelin() as fake, BasicGate(fake, "ann", "hush") as gate:
        code, said = status(gate.url, capsys)
    assert (code, "wants a login of its own (HTTP Basic)" in said) == (5, True)
