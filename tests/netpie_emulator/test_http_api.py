"""The auth server: the OAuth2 and OAuth1 flows, revoke, endpoint and time."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, quote, urlencode

import pytest
import requests

from netpie_creds import Application as App
from netpie_creds import AuthServer, AuthServerRefusedError, Revoked, WrongKeyError, WrongSecretError, get_credentials
from netpie_emulator import Status


def hmac_sha1(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha1).digest()).decode()


def signed_post(url: str, key: str, secret: str, token_secret: str = "", **parameters: str) -> requests.Response:
    """POST as microgear-nodejs does: OAuth 1.0a with the parameters in the Authorization header."""
    oauth = {
        "oauth_consumer_key": key,
        "oauth_nonce": "abc",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(time.time())),
        "oauth_version": "1.0",
        **parameters,
    }
    pairs = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted(oauth.items()))
    base = f"POST&{quote(url, safe='~')}&{quote(pairs, safe='~')}"
    oauth["oauth_signature"] = hmac_sha1(f"{quote(secret, safe='~')}&{token_secret}", base)
    header = "OAuth " + ",".join(f'{name}="{quote(value, safe="~")}"' for name, value in oauth.items())
    return requests.post(url, headers={"Authorization": header}, timeout=30)


def request_token(emulator, app, secret=None, appid=None, verifier="NJS1a"):
    callback = f"scope=&appid={appid or app.appid}&mgrev=NJS1a&verifier={verifier}"
    return signed_post(f"{emulator.auth_url}/api/rtoken", app.appkey, secret or app.appsecret, oauth_callback=callback)


def form(answer: requests.Response) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(answer.text, strict_parsing=True).items()}


def access_token(emulator, app, granted, verifier="NJS1a", token_secret=None):
    return signed_post(
        f"{emulator.auth_url}/api/atoken",
        app.appkey,
        app.appsecret,
        granted["oauth_token_secret"] if token_secret is None else token_secret,
        oauth_token=granted["oauth_token"],
        oauth_verifier=verifier,
    )


def authorize(emulator, app) -> str:
    return AuthServer(emulator.auth_url).authorize(app)


def test_authorize_redirects_to_an_address_that_ends_in_the_code(emulator, application):
    answer = requests.get(
        f"{emulator.auth_url}/oauth2/authorize",
        {
            "response_type": "code",
            "client_id": application.appkey,
            "scope": "appid:MyApp",
            "state": "mgrev:PY11k",
        },
        timeout=30,
    )
    assert answer.history
    assert len(answer.url.split("code=")) == 2
    assert answer.url.split("code=")[1].isalnum()


def test_token_has_netpie_lengths_and_the_brokers_endpoint(emulator, new_thing):
    thing = new_thing()
    assert (len(thing.token.token), len(thing.token.secret), len(thing.token.revokecode)) == (16, 32, 28)
    assert thing.token.broker() == ("127.0.0.1", emulator.mqtt_port)
    assert len(emulator.application.appkey) == 15


def test_code_is_good_once(emulator, application):
    code = authorize(emulator, application)
    query = urlencode(
        {"grant_type": "authorization_code", "code": code, "client_id": application.appkey}
        | {"client_secret": application.appsecret}
    )
    url = f"{emulator.auth_url}/oauth2/token?{query}"
    assert [requests.post(url, timeout=30).status_code for _ in range(2)] == [200, 400]


def test_code_is_good_for_its_own_key_only(emulator, application, other_application):
    code = authorize(emulator, application)
    with pytest.raises(WrongSecretError):
        AuthServer(emulator.auth_url).access_token(other_application, code)
    assert AuthServer(emulator.auth_url).access_token(application, code)


def test_codes_survive_a_wrong_secret(emulator, application):
    code = authorize(emulator, application)
    with pytest.raises(WrongSecretError):
        AuthServer(emulator.auth_url).access_token(App("MyApp", application.appkey, "wrong"), code)
    assert AuthServer(emulator.auth_url).access_token(application, code)


@pytest.mark.parametrize(("appid", "appkey"), [("MyApp", "unknown"), ("NotMyApp", None)])
def test_wrong_key_or_application_gets_no_code(emulator, application, tmp_path, appid, appkey):
    wrong = App(appid, appkey or application.appkey, application.appsecret)
    with pytest.raises(WrongKeyError):
        get_credentials(wrong, tmp_path, AuthServer(emulator.auth_url))


def test_wrong_secret_gets_no_token(emulator, application, tmp_path):
    with pytest.raises(WrongSecretError):
        get_credentials(App("MyApp", application.appkey, "wrong"), tmp_path / "t", AuthServer(emulator.auth_url))


@pytest.mark.parametrize("status", [Status.DISABLED, Status.AWAITING])
def test_application_that_is_not_enabled_is_refused(emulator, application, tmp_path, status):
    emulator.store.set_status(application.appkey, status)
    with pytest.raises(AuthServerRefusedError):
        get_credentials(application, tmp_path / "t", AuthServer(emulator.auth_url))


def test_oauth1_flow_gives_a_token_that_the_broker_takes(emulator, application, connect):
    granted = form(request_token(emulator, application))
    answer = access_token(emulator, application, granted)
    assert answer.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert f"endpoint=pie%3A%2F%2F127.0.0.1%3A{emulator.mqtt_port}" in answer.text
    token = form(answer)
    assert token["flag"] == "P"
    username = f"{application.appkey}%1540780416"
    password = hmac_sha1(f"{token['oauth_token_secret']}&{application.appsecret}", f"{token['oauth_token']}%{username}")
    from netpie_creds import MqttLogin

    connect(MqttLogin("127.0.0.1", emulator.mqtt_port, token["oauth_token"], username, password))


def test_oauth1_verifier_that_is_not_the_revision_is_the_alias(emulator, application):
    granted = form(request_token(emulator, application, verifier="lamp"))
    token = form(access_token(emulator, application, granted, verifier="lamp"))
    assert emulator.store.thing(token["oauth_token"]).alias == "lamp"


def test_oauth1_wrong_signature_or_application_is_rejected(emulator, application):
    assert request_token(emulator, application, secret="wrong").status_code == 403
    assert request_token(emulator, application, appid="NotMyApp").status_code == 403
    granted = form(request_token(emulator, application))
    assert access_token(emulator, application, granted, token_secret="wrong").status_code == 403
    assert access_token(emulator, application, granted, verifier="other").status_code == 500


def test_oauth1_request_token_is_good_once(emulator, application):
    granted = form(request_token(emulator, application))
    assert access_token(emulator, application, granted).status_code == 200
    assert access_token(emulator, application, granted, token_secret="").status_code == 500


def test_oauth1_answers_401_while_approval_is_awaited(emulator, application):
    granted = form(request_token(emulator, application))
    emulator.store.set_status(application.appkey, Status.AWAITING)
    assert access_token(emulator, application, granted).status_code == 401
    emulator.store.set_status(application.appkey, Status.ENABLED)
    assert access_token(emulator, application, granted).status_code == 200


def test_revoked_token_is_unknown_afterwards(emulator, new_thing):
    thing = new_thing()
    auth = AuthServer(emulator.auth_url)
    assert [auth.revoke(thing.token) for _ in range(2)] == [Revoked.REVOKED, Revoked.UNKNOWN]


def test_wrong_revoke_code_revokes_nothing(emulator, new_thing):
    thing = new_thing()
    answer = requests.get(f"{emulator.auth_url}/api/revoke/{thing.token.token}/wrong", timeout=30)
    assert (answer.status_code, answer.text) == (200, "FAILED")
    assert emulator.store.thing(thing.token.token) is not None


def test_revoke_code_may_come_as_microgear_sends_it(emulator, new_thing):
    thing = new_thing()
    answer = requests.get(f"{emulator.auth_url}/api/revoke/{thing.token.token}/{thing.token.revokecode}", timeout=30)
    assert answer.text == "SUCCESS"


def test_endpoint_and_clock_are_told(emulator, application):
    auth = AuthServer(emulator.auth_url)
    assert auth.endpoint(application.appkey) == f"pie://127.0.0.1:{emulator.mqtt_port}"
    assert abs(auth.time() - time.time()) < 5


@pytest.mark.parametrize("path", ["/", "/api/endpoint/unknown", "/api/revoke/x", "/oauth2/token"])
def test_other_addresses_are_not_found(emulator, path):
    assert requests.get(emulator.auth_url + path, timeout=30).status_code == 404


def test_published_messages_are_counted_over_http(emulator, thing):
    thing.publish("/MyApp/t", "1", qos=1)
    answer = requests.get(f"{emulator.auth_url}/emulator/published", timeout=30)
    assert json.loads(answer.text) == {"MyApp": 1}
