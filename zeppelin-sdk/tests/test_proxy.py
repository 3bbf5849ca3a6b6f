"""Calls and websockets go through the same proxy, or through none."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk_support.basic_gate import BasicGate
from sdk_support.certificates import Certificates
from sdk_support.fake_proxy import BEHIND, ForwardingProxy
from zeppelin_sdk import InvalidAddressError, LoginError, LoginRequiredError, ServerUnreachableError, ZeppelinClient
from zeppelin_sdk.testing import FakeZeppelin, html


@pytest.fixture
def gate() -> Iterator[BasicGate]:
    """A server behind a proxy that wants ann's password, "hush"."""
    with FakeZeppelin() as fake, BasicGate(fake, "ann", "hush") as gate:
        yield gate


def work(client: ZeppelinClient) -> None:
    """A call, and a change over the websocket."""
    with client.open_note(client.create_note("/n")) as note:
        assert note.add_paragraph(0, text="%md x").text == "%md x"


def test_calls_and_websocket_go_through_a_named_proxy() -> None:
    with FakeZeppelin() as fake, ForwardingProxy() as proxy:
        with ZeppelinClient(fake.url, proxy=f"http://{proxy.address}", timeout=30) as client:
            work(client)
        assert proxy.asked == [
            f"POST {fake.url}/api/notebook",
            f"GET {fake.url}/api/security/ticket",
            f"CONNECT {fake.url.removeprefix('http://')}",
        ]
        assert len(fake.requests) == len(proxy.asked)


def test_tls_goes_through_a_proxy_unopened(certificates: Certificates) -> None:
    with FakeZeppelin(tls=certificates.server) as fake, ForwardingProxy() as proxy:
        with ZeppelinClient(
            fake.url, proxy=f"http://{proxy.address}", verify=str(certificates.ca), timeout=30
        ) as client:
            work(client)
        assert {asked.split()[0] for asked in proxy.asked} == {"CONNECT"}


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_environments_proxy_is_used_by_both(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with FakeZeppelin() as fake, ForwardingProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"{scheme}{proxy.address}")
        with ZeppelinClient(fake.url.replace("127.0.0.1", BEHIND), timeout=30) as client:
            work(client)
        assert len(proxy.asked) == 3


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_loopback_is_not_looked_for_behind_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    with FakeZeppelin() as fake, ForwardingProxy() as proxy:
        monkeypatch.setenv(variable, f"http://{proxy.address}")
        with ZeppelinClient(fake.url.replace("127.0.0.1", host), timeout=30) as client:
            work(client)
        assert proxy.asked == []


@pytest.mark.parametrize("how", ["NO_PROXY", "named none"])
def test_the_environments_proxy_is_left_out_by_both(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    with FakeZeppelin() as fake, ForwardingProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
        url = fake.url.replace("127.0.0.1", BEHIND)
        if how == "NO_PROXY":
            monkeypatch.setenv("NO_PROXY", BEHIND)
        with (
            ZeppelinClient(url, proxy="" if how == "named none" else None, timeout=30) as client,
            pytest.raises(ServerUnreachableError, match="name is unknown"),
        ):
            client.get_version()
        assert proxy.asked == []


def test_a_named_proxy_overrules_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeZeppelin() as fake, ForwardingProxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with ZeppelinClient(fake.url, proxy=f"http://{proxy.address}", timeout=30) as client:
            work(client)
        assert len(proxy.asked) == 3


def test_a_proxys_password_is_sent_to_it_and_not_shown() -> None:
    with FakeZeppelin() as fake, ForwardingProxy(user="ann", password="hush!") as proxy:
        with ZeppelinClient(fake.url, proxy=f"http://ann:hush%21@{proxy.address}", timeout=30) as client:
            work(client)
        with ZeppelinClient(fake.url, proxy=f"http://ann:wrong-hush@{proxy.address}", timeout=30) as client:
            with pytest.raises(ServerUnreachableError, match="the proxy wants a user and a password") as caught:
                client.list_notes()
            assert "hush" not in f"{caught.value!r} {vars(caught.value)} {client!r}"


def test_a_proxy_that_wants_a_login_for_a_tunnel_is_told_by_both(certificates: Certificates) -> None:
    with FakeZeppelin(tls=certificates.server) as fake, ForwardingProxy() as proxy:
        with ZeppelinClient(
            fake.url, proxy=f"http://{proxy.address}", verify=str(certificates.ca), timeout=30
        ) as client:
            note_id = client.create_note("/n")
            client.get_ticket()  # over a connection that is kept
            proxy.refuse = 407
            with pytest.raises(
                ServerUnreachableError, match="websocket connection: the proxy wants a user and a password"
            ):
                client.follow(note_id)
        with (
            ZeppelinClient(fake.url, proxy=f"http://{proxy.address}", timeout=30) as client,
            pytest.raises(ServerUnreachableError, match="the proxy wants a user and a password"),
        ):
            client.get_version()


def test_a_proxy_before_the_server_that_wants_a_login_is_told_as_that(gate: BasicGate) -> None:
    for options in ({}, {"user": "ann", "password": "secret"}):
        with ZeppelinClient(gate.url, timeout=30, **options) as client, pytest.raises(LoginError) as caught:
            client.list_notes()
        assert caught.value.message == (f"a proxy before Zeppelin at {gate.url} wants a login of its own (HTTP Basic)")
        assert "~/.netrc" in caught.value.next_step
        assert "secret" not in f"{caught.value!r} {vars(caught.value)}"
    assert not any("authorization" in headers for headers in gate.asked)
    assert not any(b"secret" in body for body in gate.bodies)


def test_a_login_in_netrc_opens_it_for_calls_and_websocket(
    gate: BasicGate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hush\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with ZeppelinClient(gate.url, timeout=30) as client:
        work(client)
    netrc.write_text("machine 127.0.0.1 login ann password wrong\n")
    with ZeppelinClient(gate.url, timeout=30) as client, pytest.raises(LoginError) as caught:
        client.list_notes()
    assert "refused the login for HTTP Basic" in caught.value.message
    assert "wrong" not in f"{caught.value!r} {vars(caught.value)}"


def test_a_server_that_wants_its_own_login_is_told_as_before() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=30) as client:
        fake.fail_next("GET", html(401, "log in"))
        with pytest.raises(LoginRequiredError, match="wants a login$"):
            client.list_notes()


def test_a_websocket_that_a_proxy_before_the_server_keeps_to_itself_is_told_as_that() -> None:
    challenge = {"WWW-Authenticate": 'Negotiate, Basic realm="x"'}
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/n")
        fake.websocket_fault = html(401, "", challenge)
        with pytest.raises(LoginError, match=r"wants a login of its own \(HTTP Negotiate\)"):
            client.follow(note_id)


def test_a_proxy_that_refuses_is_named_by_both(certificates: Certificates) -> None:
    with FakeZeppelin(tls=certificates.server) as fake, ForwardingProxy() as proxy:
        url = f"http://{proxy.address}"
        with ZeppelinClient(fake.url, proxy=url, verify=str(certificates.ca), timeout=30) as client:
            note_id = client.create_note("/n")
            client.get_ticket()  # over a connection that is kept
            proxy.refuse = 403
            with pytest.raises(
                ServerUnreachableError, match="no websocket connection: the proxy does not connect to it"
            ):
                client.follow(note_id)
        with (
            ZeppelinClient(fake.url, proxy=url, timeout=30) as client,
            pytest.raises(ServerUnreachableError, match="the proxy does not connect to it"),
        ):
            client.get_version()


def test_a_proxy_that_is_not_there_is_named() -> None:
    with FakeZeppelin() as fake, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with ZeppelinClient(fake.url, proxy=url) as client, pytest.raises(ServerUnreachableError, match="out of reach"):
            client.get_version()


@pytest.mark.parametrize("proxy", ["proxy:3128", "ftp://hush.example", "http://", "http://hush.example:port"])
def test_a_proxys_address_that_is_none_is_an_error_that_does_not_repeat_it(proxy: str) -> None:
    with pytest.raises(InvalidAddressError, match="the proxy's address") as caught:
        ZeppelinClient("http://127.0.0.1", proxy=proxy)
    assert "hush" not in caught.value.message


def test_a_websocket_goes_through_no_proxy_that_speaks_tls() -> None:
    with FakeZeppelin() as fake, ZeppelinClient(fake.url, timeout=30) as client:
        note_id = client.create_note("/n")
        ticket = client.get_ticket()
        client._http._proxies = {"http": "https://proxy.example:3129"}
        client.get_ticket = lambda: ticket  # type: ignore[method-assign]
        with pytest.raises(InvalidAddressError, match="over TLS"):
            client.follow(note_id)
