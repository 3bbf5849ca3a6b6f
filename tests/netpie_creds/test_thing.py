"""A thing's life: made once, kept, renewed, revoked; and when trying again is given up."""

import json
from urllib.parse import quote

import pytest

from netpie_creds import (
    AuthServer,
    AuthServerUnreachableError,
    Backoff,
    CacheError,
    Revoked,
    WrongKeyError,
    WrongSecretError,
    cache_path,
    get_credentials,
    read_cache,
    refresh,
    revoke,
    write_cache,
)
from netpie_creds import backoff as backoff_module
from netpie_creds.backoff import retry
from netpie_creds.model import revoke_code

QUICK = Backoff(attempts=3, first=0)


def test_new_thing_is_kept(netpie, application, token, tmp_path):
    assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token == token
    assert read_cache(tmp_path, application.appkey) == token


def test_existing_thing_is_used_without_asking_the_server(netpie, application, token, tmp_path):
    write_cache(tmp_path, application.appkey, token)
    assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token == token
    assert netpie.asked == []


def test_session_token_is_used_and_not_kept(netpie, application, token, tmp_path, reply, issued):
    netpie.replies["/oauth2/token"] = reply(200, issued(flag="S"))
    assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token == token
    assert list(tmp_path.iterdir()) == []


def test_spent_request_token_in_the_cache_is_not_used_again(netpie, application, token, tmp_path):
    stale = '{"_": {"key": "KeYkEyKeY123456", "requesttoken": {"token": "spent"}}}'
    cache_path(tmp_path, application.appkey).write_text(stale)
    assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token == token
    assert not any("spent" in path for path in netpie.asked)


def test_cache_that_is_none_is_not_overwritten(netpie, application, tmp_path):
    cache_path(tmp_path, application.appkey).write_text("precious")
    with pytest.raises(CacheError):
        get_credentials(application, tmp_path, AuthServer(netpie.url))
    assert cache_path(tmp_path, application.appkey).read_text() == "precious"


def test_each_attempt_asks_for_a_code_of_its_own(netpie, application, tmp_path, reply, issued):
    netpie.replies["/oauth2/token"] = [reply(503), reply(200, issued())]
    get_credentials(application, tmp_path, AuthServer(netpie.url), backoff=QUICK)
    assert netpie.paths().count("/oauth2/authorize") == 2


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [("/oauth2/authorize", 401, WrongKeyError), ("/oauth2/token", 401, WrongSecretError)],
)
def test_wrong_key_and_secret_are_not_tried_again(netpie, application, tmp_path, reply, path, status, error):
    netpie.replies[path] = reply(status)
    with pytest.raises(error):
        get_credentials(application, tmp_path, AuthServer(netpie.url), backoff=QUICK)
    assert netpie.paths().count("/oauth2/authorize") == 1
    assert list(tmp_path.iterdir()) == []


def test_server_out_of_reach_is_given_up_with_the_reason(netpie, application, tmp_path, reply):
    netpie.replies["/oauth2/authorize"] = reply(503)
    with pytest.raises(AuthServerUnreachableError, match=r"503 \(3 attempts\)"):
        get_credentials(application, tmp_path, AuthServer(netpie.url), backoff=QUICK)
    assert netpie.paths() == ["/oauth2/authorize"] * 3


def test_waits_grow_up_to_the_longest():
    assert list(Backoff(attempts=6, first=1, factor=3, longest=10).delays()) == [1, 3, 9, 10, 10]


def test_no_wait_after_the_last_attempt():
    slept = []

    def out_of_reach() -> None:
        raise AuthServerUnreachableError("no answer")

    with pytest.raises(AuthServerUnreachableError):
        retry(out_of_reach, Backoff(attempts=3, first=2), slept.append)
    assert slept == [2, 4]


def test_default_backoff_ends_within_seconds():
    assert sum(Backoff().delays()) <= 10
    assert backoff_module.Backoff().attempts > 1


def test_refresh_makes_a_thing_and_revokes_the_old_one(netpie, application, token, tmp_path, reply):
    old = type(token)("OldToken", "OldSecret", "pie://h:1", "OldCode")
    write_cache(tmp_path, application.appkey, old)
    netpie.replies["/api/revoke/OldToken/OldCode"] = reply(200, "SUCCESS")
    renewed = refresh(application, tmp_path, AuthServer(netpie.url))
    assert (renewed.credentials.token, renewed.revoked) == (token, Revoked.REVOKED)
    assert read_cache(tmp_path, application.appkey) == token
    assert netpie.paths()[-1] == "/api/revoke/OldToken/OldCode"


def test_refresh_that_gets_no_new_thing_keeps_the_old_one(netpie, application, token, tmp_path, reply):
    write_cache(tmp_path, application.appkey, token)
    netpie.replies["/oauth2/token"] = reply(401)
    with pytest.raises(WrongSecretError):
        refresh(application, tmp_path, AuthServer(netpie.url))
    assert read_cache(tmp_path, application.appkey) == token
    assert not any(path.startswith("/api/revoke") for path in netpie.paths())


def test_refresh_says_when_the_old_token_could_not_be_revoked(netpie, application, token, tmp_path):
    write_cache(tmp_path, application.appkey, type(token)("OldToken", "s", "pie://h:1", "r"))
    renewed = refresh(application, tmp_path, AuthServer(netpie.url))
    assert renewed.credentials.token == token
    assert renewed.not_revoked is not None


def test_refresh_replaces_a_cache_that_is_none(netpie, application, token, tmp_path):
    cache_path(tmp_path, application.appkey).write_text("{")
    assert refresh(application, tmp_path, AuthServer(netpie.url)).credentials.token == token
    assert read_cache(tmp_path, application.appkey) == token


def test_revoke_deletes_the_cache(netpie, application, token, tmp_path, reply):
    write_cache(tmp_path, application.appkey, token)
    netpie.replies["/api/revoke/AbCdEfGhIjKlMnOp/Kdn9wyCu756gYzVMY5UcT4srwbI%3D"] = reply(200, "SUCCESS")
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is Revoked.REVOKED
    assert list(tmp_path.iterdir()) == []


def test_revoke_that_failed_keeps_the_cache(netpie, application, token, tmp_path, reply):
    write_cache(tmp_path, application.appkey, token)
    netpie.replies["/api/revoke/AbCdEfGhIjKlMnOp/Kdn9wyCu756gYzVMY5UcT4srwbI%3D"] = reply(503)
    with pytest.raises(AuthServerUnreachableError):
        revoke(application, tmp_path, AuthServer(netpie.url))
    assert read_cache(tmp_path, application.appkey) == token


def test_nothing_is_revoked_when_nothing_is_kept(netpie, application, tmp_path):
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is None
    assert netpie.asked == []


def kept_as(application, **changed: object) -> str:
    """A cache with a token whose parts are `changed`; None leaves one out."""
    values = {"token": "OldToken", "secret": "OldSecret", "endpoint": "pie://h:1", "revokecode": "OldCode", **changed}
    token = {name: value for name, value in values.items() if value is not None}
    return json.dumps({"_": {"key": application.appkey, "requesttoken": "null", "accesstoken": token}})


@pytest.mark.parametrize("endpoint", ["", None])
def test_broker_that_the_cache_does_not_name_is_asked_for_and_kept(netpie, application, tmp_path, reply, endpoint):
    cache_path(tmp_path, application.appkey).write_text(kept_as(application, endpoint=endpoint))
    netpie.replies[f"/api/endpoint/{application.appkey}"] = reply(200, "pie://moved:1883\n")
    for _ in range(2):
        assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token.endpoint == "pie://moved:1883"
    assert netpie.paths() == [f"/api/endpoint/{application.appkey}"]


def test_revoke_code_that_the_cache_lacks_is_made(netpie, application, tmp_path, reply):
    cache_path(tmp_path, application.appkey).write_text(kept_as(application, revokecode=None))
    code = revoke_code("OldToken", "OldSecret", application.appsecret)
    netpie.replies[f"/api/revoke/OldToken/{quote(code, safe='')}"] = reply(200, "SUCCESS")
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is Revoked.REVOKED


def test_revoke_code_kept_with_a_slash_is_sent_as_netpie_wants_it(netpie, application, tmp_path, reply):
    cache_path(tmp_path, application.appkey).write_text(kept_as(application, revokecode="a/b/c="))
    netpie.replies["/api/revoke/OldToken/a_b_c%3D"] = reply(200, "SUCCESS")
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is Revoked.REVOKED


def test_revoke_code_that_is_refused_gives_way_to_the_signature(netpie, application, tmp_path, reply):
    cache_path(tmp_path, application.appkey).write_text(kept_as(application, revokecode="damaged"))
    code = revoke_code("OldToken", "OldSecret", application.appsecret)
    netpie.replies["/api/revoke/OldToken/damaged"] = reply(200, "FAILED")
    netpie.replies[f"/api/revoke/OldToken/{quote(code, safe='')}"] = reply(200, "SUCCESS")
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is Revoked.REVOKED


def test_thing_of_the_old_cache_name_is_used_and_revoked_with_its_file(netpie, application, tmp_path, reply):
    (tmp_path / "microgear.cache").write_text(kept_as(application))
    assert get_credentials(application, tmp_path, AuthServer(netpie.url)).token.token == "OldToken"
    netpie.replies["/api/revoke/OldToken/OldCode"] = reply(200, "SUCCESS")
    assert revoke(application, tmp_path, AuthServer(netpie.url)) is Revoked.REVOKED
    assert list(tmp_path.iterdir()) == []


def test_refresh_says_that_an_unreadable_cache_may_have_held_a_valid_token(netpie, application, token, tmp_path):
    cache_path(tmp_path, application.appkey).write_text('{"_": {"accesstoken": {"token": "Ol')
    renewed = refresh(application, tmp_path, AuthServer(netpie.url))
    assert isinstance(renewed.not_revoked, CacheError)
    assert read_cache(tmp_path, application.appkey) == token
