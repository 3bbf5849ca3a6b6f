"""The auth server's calls, and every way in which they fail told apart."""

import json
import logging
import socket
import threading
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpie_creds import (
    Application,
    ApplicationError,
    AuthServer,
    AuthServerRefusedError,
    AuthServerUnreachableError,
    MalformedAnswerError,
    Revoked,
    WrongKeyError,
    WrongSecretError,
)
from netpie_creds.auth_server import _authorize_query


def test_authorize_asks_as_microgear_does_and_returns_the_code(netpie, application):
    assert AuthServer(netpie.url).authorize(application) == "C0dE"
    assert netpie.asked[0] == (
        "/oauth2/authorize?response_type=code&client_id=KeYkEyKeY123456&scope=appid:MyApp&state=mgrev:PY11k"
    )


def test_alias_goes_into_the_scope(netpie, application):
    AuthServer(netpie.url).authorize(application, alias="sensor")
    assert "&scope=appid:MyApp%20alias:sensor&state" in netpie.asked[0]


@pytest.mark.parametrize("alias", ["", "two words", "a/b", "+", "#", "x" * 17])
def test_alias_that_netpie_would_cut_or_misread_is_refused(netpie, application, alias):
    with pytest.raises(ApplicationError, match="alias"):
        AuthServer(netpie.url).authorize(application, alias=alias)
    assert netpie.asked == []


def test_token_is_asked_for_as_microgear_does(netpie, application, token):
    assert AuthServer(netpie.url).access_token(application, "C0dE") == (token, True)
    assert netpie.asked[0] == (
        "/oauth2/token?grant_type=authorization_code&code=C0dE&client_id=KeYkEyKeY123456"
        "&client_secret=sEcReT-1234567890abcdefgh&state=mgrev:PY11k"
    )


def test_session_token_is_not_to_be_kept(netpie, application, reply, issued):
    netpie.replies["/oauth2/token"] = reply(200, issued(flag="S"))
    assert AuthServer(netpie.url).access_token(application, "C0dE")[1] is False


def test_no_code_means_a_wrong_key(netpie, application, reply):
    netpie.replies["/oauth2/authorize"] = reply(401, "unknown client")
    with pytest.raises(WrongKeyError, match="KeYkEyKeY123456") as error:
        AuthServer(netpie.url).authorize(application)
    assert error.value.exit_code == 5


@pytest.mark.parametrize("status", [400, 401])
def test_refused_token_means_a_wrong_secret(netpie, application, reply, status):
    netpie.replies["/oauth2/token"] = reply(status, '{"error": "invalid_client"}')
    with pytest.raises(WrongSecretError) as error:
        AuthServer(netpie.url).access_token(application, "C0dE")
    assert error.value.exit_code == 5


def test_disabled_application_is_told_from_a_wrong_key(netpie, application, reply):
    netpie.replies |= {"/oauth2/authorize": reply(403), "/oauth2/token": reply(403)}
    with pytest.raises(AuthServerRefusedError, match="disabled"):
        AuthServer(netpie.url).authorize(application)
    with pytest.raises(AuthServerRefusedError, match="approval"):
        AuthServer(netpie.url).access_token(application, "C0dE")


def test_server_that_is_no_netpie_is_told_from_a_wrong_key(server, application):
    with pytest.raises(MalformedAnswerError, match="not a NETPIE auth server") as error:
        AuthServer(server.url).authorize(application)
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "null",
        "{}",
        '{"access_token": "no colon", "endpoint": "pie://h:1", "flag": "P"}',
        '{"access_token": ":", "endpoint": "pie://h:1", "flag": "P"}',
        '{"access_token": "t:s", "endpoint": "h", "flag": "P"}',
        '{"access_token": "t:s", "endpoint": 1, "flag": "P"}',
        '{"access_token": "t:s", "endpoint": "pie://h:1"}',
        '{"access_token": "t:s", "endpoint": "pie://h:1", "flag": "X"}',
        '{"access_token": 1, "endpoint": "pie://h:1", "flag": "P"}',
        '{"access_token": "t:s", "endpoint": "pie://h\\"+code+\\":1", "flag": "P"}',
        '{"access_token": "t:s", "endpoint": "pie://{x}:1", "flag": "P"}',
        '{"access_token": "t:s", "endpoint": "pie://user:pass@h:1", "flag": "P"}',
    ],
)
def test_answer_that_is_no_token_is_malformed(netpie, application, reply, body):
    netpie.replies["/oauth2/token"] = reply(200, body)
    with pytest.raises(MalformedAnswerError):
        AuthServer(netpie.url).access_token(application, "C0dE")


@pytest.mark.parametrize(
    "odd", ['"+code+"', "a\\b", "a\nb", "${x}", "{user.x}", "a b", "a'b", "`", "é", "\x00", "\u200b"]
)
@pytest.mark.parametrize("template", ["t{}:s", "t:{}s"])
def test_token_that_could_be_code_in_a_note_is_refused_and_not_shown(netpie, application, reply, odd, template):
    body = json.dumps({"access_token": template.replace("{}", odd), "endpoint": "pie://h:1", "flag": "P"})
    netpie.replies["/oauth2/token"] = reply(200, body)
    with pytest.raises(MalformedAnswerError, match="characters that no token has") as error:
        AuthServer(netpie.url).access_token(application, "C0dE")
    assert odd not in error.value.message.replace("no token has", "")


@pytest.mark.parametrize("body", ["<html>", "pie://", "pie://h{x}:1", "http://h/page?x=pie://h:1 "])
def test_endpoint_that_names_no_broker_is_malformed(server, reply, body):
    server.replies["/api/endpoint/K"] = reply(200, body)
    with pytest.raises(MalformedAnswerError, match="/api/endpoint"):
        AuthServer(server.url).endpoint("K")


def test_endpoint_may_be_percent_encoded(server, reply):
    server.replies["/api/endpoint/K"] = reply(200, "pie%3A%2F%2Fgb.netpie.io%3A1883")
    assert AuthServer(server.url).endpoint("K") == "pie://gb.netpie.io:1883"


def test_redirects_without_end_are_malformed(server, application, reply):
    server.replies["/oauth2/authorize"] = reply(302, location="/oauth2/authorize")
    with pytest.raises(MalformedAnswerError, match="redirects"):
        AuthServer(server.url).authorize(application)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_server_in_trouble_is_out_of_reach(netpie, application, reply, status):
    netpie.replies["/oauth2/authorize"] = reply(status)
    with pytest.raises(AuthServerUnreachableError, match=str(status)):
        AuthServer(netpie.url).authorize(application)


def test_refused_connection_is_out_of_reach(application):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(AuthServerUnreachableError, match="connection refused") as error:
        AuthServer(f"http://127.0.0.1:{port}").authorize(application)
    assert error.value.exit_code == 4


def test_name_that_does_not_resolve_is_out_of_reach(application):
    with pytest.raises(AuthServerUnreachableError, match="resolve|connect"):
        AuthServer("http://nowhere.invalid", timeout=30).authorize(application)


def test_silent_server_is_given_up_after_the_timeout(application):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AuthServerUnreachableError, match=r"0\.2 s"):
            AuthServer(address, timeout=0.2).authorize(application)


def test_server_that_hangs_up_or_does_not_speak_http_is_out_of_reach(application):
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def greet() -> None:
            connection, _ = rude.accept()
            connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(AuthServerUnreachableError):
            AuthServer(f"http://127.0.0.1:{rude.getsockname()[1]}").authorize(application)
        thread.join()


def test_server_without_tls_is_out_of_reach_over_https(netpie, application):
    with pytest.raises(AuthServerUnreachableError, match="TLS"):
        AuthServer(netpie.url.replace("http:", "https:")).authorize(application)


@pytest.mark.parametrize("address", ["", "ga.netpie.io", "ftp://h", "http://", "http://user:pw@h", "http://h/path"])
def test_address_that_is_none_is_refused(address):
    with pytest.raises(ApplicationError):
        AuthServer(address)


@pytest.mark.parametrize(
    "address", ["http://ann:hush@h", "ann:hush@h", "http://ann:hu'sh@h", "ann:hush@h:1/x", "hush@h"]
)
def test_an_address_with_a_password_is_refused_and_not_repeated(address):
    with pytest.raises(ApplicationError) as error:
        AuthServer(address)
    assert "sh@" not in error.value.message


@pytest.mark.parametrize(("said", "revoked"), [("SUCCESS", Revoked.REVOKED), ("TOKENNOTFOUND", Revoked.UNKNOWN)])
def test_revocation_is_asked_for_by_token_and_code(server, token, reply, said, revoked):
    path = "/api/revoke/AbCdEfGhIjKlMnOp/Kdn9wyCu756gYzVMY5UcT4srwbI%3D"
    server.replies[path] = reply(200, said)
    assert AuthServer(server.url).revoke(token) is revoked


def test_revocation_that_failed_is_refused_and_another_answer_is_malformed(server, token, reply):
    path = "/api/revoke/AbCdEfGhIjKlMnOp/Kdn9wyCu756gYzVMY5UcT4srwbI%3D"
    server.replies[path] = [reply(200, "FAILED"), reply(200, "<html>")]
    with pytest.raises(AuthServerRefusedError):
        AuthServer(server.url).revoke(token)
    with pytest.raises(MalformedAnswerError):
        AuthServer(server.url).revoke(token)


def test_endpoint_and_time_are_plain_text(server, reply):
    server.replies = {"/api/endpoint/K": reply(200, "pie://h:1883\n"), "/api/time": reply(200, "1540780416")}
    assert AuthServer(server.url).endpoint("K") == "pie://h:1883"
    assert AuthServer(server.url).time() == 1540780416


def test_proxy_of_the_environment_is_not_asked_for_loopback(netpie, application, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert AuthServer(netpie.url).authorize(application) == "C0dE"


def test_secret_is_in_no_error_traceback_or_log(netpie, application, token, reply, caplog):
    caplog.set_level(logging.DEBUG)
    auth = AuthServer(netpie.url)
    code, shown = "x".join(["C0", "dE"]), []
    for answer in (reply(503), reply(401), reply(403), reply(200, '{"access_token": "leaked:leaked"}')):
        netpie.replies["/oauth2/token"] = answer
        with pytest.raises(Exception, match=r".") as error:
            auth.access_token(application, code)
        shown += traceback.format_exception(error.value)
    with pytest.raises(MalformedAnswerError):
        auth.revoke(token)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(AuthServerUnreachableError) as error:
        AuthServer(f"http://127.0.0.1:{port}").access_token(application, code)
    shown += traceback.format_exception(error.value)
    shown.append(caplog.text)
    for secret in (application.appsecret, "leaked:leaked", token.revokecode, code):
        assert secret not in "".join(shown)
    assert "client_secret=***" in caplog.text


anything = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/\\%+#\"'`{}$"), min_size=1)


@given(appid=anything, appkey=anything)
def test_query_says_what_was_given_whatever_it_holds(appid, appkey):
    class Recorder:
        def request(self, method: str, url: str, **_options: object) -> object:
            self.url = url
            raise AuthServerUnreachableError("recorded")

    recorder = Recorder()
    with pytest.raises(AuthServerUnreachableError, match="recorded"):
        AuthServer("http://h", session=recorder).authorize(Application(appid, appkey, "s"))
    query = parse_qs(urlsplit(recorder.url).query, strict_parsing=True)
    assert {name: values[0] for name, values in query.items()} == _authorize_query(
        Application(appid, appkey, "s"), None
    )
    assert (query["client_id"], query["scope"]) == ([appkey], [f"appid:{appid}"])
