"""The MQTT login. The expected passwords were made with `openssl dgst -sha1 -hmac`."""

import base64
import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpie_creds import AccessToken, Application, ApplicationError, Credentials, host_and_port, mqtt_login
from netpie_creds.model import revoke_code, sign


def test_login_is_the_one_that_netpie_expects(credentials):
    login = mqtt_login(credentials, at=1540780416)
    assert (login.host, login.port) == ("gb.netpie.io", 1883)
    assert login.client_id == "AbCdEfGhIjKlMnOp"
    assert login.username == "KeYkEyKeY123456%1540780416"
    assert login.password == "1DzUni98Rgpy+f/s/+V3YE6AoJ4="


def test_password_is_made_afresh_for_another_time(credentials):
    assert mqtt_login(credentials, at=1).password != mqtt_login(credentials, at=2).password


def test_login_does_not_look_at_the_clock(credentials, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1 / 0)
    assert mqtt_login(credentials, at=7).username.endswith("%7")


def test_hmac_key_is_token_secret_and_application_secret(credentials):
    assert credentials.hmac_key() == "0123456789abcdefghijklmnopqrstuv&sEcReT-1234567890abcdefgh"


def test_signature_is_hmac_sha1_of_rfc_2202():
    digest = base64.b64decode(sign("Jefe", "what do ya want for nothing?"))
    assert digest.hex() == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


def test_revoke_code_has_no_slash():
    code = revoke_code("AbCdEfGhIjKlMnOp1", "0123456789abcdefghijklmnopqrstuv", "sEcReT-1234567890abcdefgh")
    assert code == "B3u1MtGfMdUPC_P78SBmHTuqG1o="


names = st.text(st.characters(categories=["L", "N"], include_characters="-_."), min_size=1)
secrets = st.from_regex(r"[A-Za-z0-9._~+/=-]{1,64}", fullmatch=True)


@given(key=names, token=secrets, secret=secrets, appsecret=secrets, at=st.integers(0, 2**40))
def test_password_signs_token_and_username_whatever_they_hold(key, token, secret, appsecret, at):
    access = AccessToken(token, secret, "pie://h:1", "r")
    login = mqtt_login(Credentials(Application("A", key, appsecret), access), at)
    expected = hmac.new(f"{secret}&{appsecret}".encode(), f"{token}%{key}%{at}".encode(), hashlib.sha1).digest()
    assert base64.b64decode(login.password, validate=True) == expected


@pytest.mark.parametrize(
    ("endpoint", "broker"),
    [
        ("pie://gb.netpie.io:1883", ("gb.netpie.io", 1883)),
        ("pie://127.0.0.1:40001", ("127.0.0.1", 40001)),
        ("pie://gb.netpie.io", ("gb.netpie.io", 1883)),
        ("pie://[::1]:1884", ("::1", 1884)),
    ],
)
def test_broker_is_read_from_the_endpoint(endpoint, broker):
    assert AccessToken("t", "s", endpoint, "r").broker() == broker


@pytest.mark.parametrize("endpoint", ["", "gb.netpie.io", "pie://", "pie://h:port", "pie://h:99999"])
def test_endpoint_that_names_no_broker_is_refused(endpoint):
    with pytest.raises(ValueError, match=r"endpoint|[Pp]ort"):
        AccessToken("t", "s", endpoint, "r").broker()


def test_secrets_are_not_shown(credentials):
    shown = repr(credentials) + repr(mqtt_login(credentials, at=1540780416))
    for secret in (credentials.token.secret, credentials.token.revokecode, credentials.application.appsecret):
        assert secret not in shown
    assert "1DzUni98" not in shown


@pytest.mark.parametrize(
    ("appid", "appkey", "appsecret"),
    [
        ("", "K", "S"),
        ("A/B", "K", "S"),
        ("A+", "K", "S"),
        ("#", "K", "S"),
        ("A B", "K", "S"),
        ("A", "", "S"),
        ("A", "../K", "S"),
        ("A", "K%1", "S"),
        ("A", "K\n", "S"),
        ("A", "K", ""),
        ("A", "K", "se\ncret"),
        ("A", "K\u200b", "S"),
        ("A", 'K"', "S"),
        ("A", "K{x}", "S"),
        ("A", "K$", "S"),
    ],
)
def test_values_that_could_break_out_of_a_topic_or_file_name_are_refused(appid, appkey, appsecret):
    with pytest.raises(ApplicationError) as refused:
        Application(appid, appkey, appsecret)
    assert refused.value.exit_code == 2
    assert "se\ncret" not in refused.value.message


ODD = [
    'ab"+sys.props("user.name")+"cd',
    "a\\b",
    "a\\u0022b",
    "a\nb",
    "${x}",
    "{netpie.user}",
    "a'b",
    "a`b",
    "a b",
    "é",
    "\x7f",
]


@pytest.mark.parametrize("secret", ODD)
def test_secret_that_could_be_code_in_a_note_is_refused_and_not_shown(secret):
    with pytest.raises(ApplicationError, match="characters that no secret has") as refused:
        Application("A", "K", secret)
    assert secret not in refused.value.message + refused.value.next_step


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("part", ["token", "secret", "revokecode"])
def test_token_that_could_be_code_in_a_note_is_refused_and_not_shown(part, odd):
    values = {"token": "t", "secret": "s", "endpoint": "pie://h:1", "revokecode": "r", part: odd}
    with pytest.raises(ValueError, match=f"characters that no {part} has") as refused:
        AccessToken(**values)
    assert odd not in str(refused.value)


def test_host_and_port_are_written_as_in_a_url():
    assert host_and_port("broker.example", 1883) == "broker.example:1883"
    assert host_and_port("2001:db8::1", 1883) == "[2001:db8::1]:1883"
