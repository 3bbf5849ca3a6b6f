"""microgear-APPKEY.cache: the same bytes as microgear-python writes, and files that are not caches."""

import json
import os
import stat
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpie_creds import AccessToken, CacheError, cache_path, delete_cache, kept_cache, read_cache, write_cache

KEY = "KeYkEyKeY123456"
# written by microgear-python 1.2.7: get_token, get_requesttoken and get_accesstoken, one after the other
MICROGEAR = (
    b'{"_": {"key": "KeYkEyKeY123456", "requesttoken": null, "accesstoken": {"token": "AbCdEfGhIjKlMnOp", '
    b'"secret": "0123456789abcdefghijklmnopqrstuv", "endpoint": "pie://gb.netpie.io:1883", '
    b'"revokecode": "Kdn9wyCu756gYzVMY5UcT4srwbI="}}}'
)


def test_cache_is_written_byte_for_byte_as_microgear_writes_it(tmp_path, token):
    assert write_cache(tmp_path, KEY, token).read_bytes() == MICROGEAR


def test_cache_of_microgear_is_read(tmp_path, token):
    cache_path(tmp_path, KEY).write_bytes(MICROGEAR)
    assert read_cache(tmp_path, KEY) == token


def test_cache_is_named_after_the_key(tmp_path):
    assert cache_path(tmp_path, KEY).name == "microgear-KeYkEyKeY123456.cache"


def test_cache_is_for_its_owner_only(tmp_path, token):
    old = os.umask(0)
    try:
        path = write_cache(tmp_path / "new", KEY, token)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_cache_that_others_could_read_is_closed_when_it_is_rewritten(tmp_path, token):
    cache_path(tmp_path, KEY).touch(mode=0o644)
    assert stat.S_IMODE(write_cache(tmp_path, KEY, token).stat().st_mode) == 0o600


def test_failed_write_leaves_the_old_cache_and_nothing_else(tmp_path, token, monkeypatch):
    write_cache(tmp_path, KEY, token)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(CacheError, match="No space left"):
        write_cache(tmp_path, KEY, AccessToken("t", "s", "pie://h:1", "r"))
    assert [path.name for path in tmp_path.iterdir()] == ["microgear-KeYkEyKeY123456.cache"]
    assert read_cache(tmp_path, KEY) == token


@pytest.mark.parametrize(
    "content",
    [
        "",
        " \n",
        "{}",
        '{"_": null}',
        '{"_": "null"}',
        '{"_": {}}',
        '{"_": {"key": "KeYkEyKeY123456"}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": {"token": "spent", "secret": null}}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": null, "accesstoken": null}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": "null", "accesstoken": "null"}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": null, "accesstoken": {}}}',
        '{"_": {"key": null, "requesttoken": {"token": "spent", "secret": "null"}, "accesstoken": null}}',
        '{"requesttoken": {"token": "spent", "secret": "s", "verifier": 1234567890}}',
    ],
)
def test_cache_without_an_access_token_holds_no_thing(tmp_path, content):
    cache_path(tmp_path, KEY).write_text(content)
    assert read_cache(tmp_path, KEY) is None


def with_token(**changed: object) -> bytes:
    """The cache as microgear-python writes it, with other values in its access token; None leaves one out."""
    content = json.loads(MICROGEAR)
    kept = {**content["_"]["accesstoken"], **changed}
    content["_"]["accesstoken"] = {name: value for name, value in kept.items() if value is not None}
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(with_token(appkey="KeYkEyKeY123456", flag="P"), {}, id="nodejs"),
        pytest.param(with_token(endpoint=""), {"endpoint": ""}, id="nodejs-endpoint-reset"),
        pytest.param(with_token(endpoint=None), {"endpoint": ""}, id="no-endpoint"),
        pytest.param(with_token(endpoint="pie%3A%2F%2Fgb.netpie.io%3A1883"), {}, id="endpoint-percent-encoded"),
        pytest.param(with_token(endpoint="pie://gb.netpie.io:1883\n"), {}, id="endpoint-with-line-end"),
        pytest.param(with_token(endpoint='pie://gb.netpie.io:1883","flag":"P'), {}, id="csharp-endpoint"),
        pytest.param(with_token(revokecode=None), {"revokecode": ""}, id="first-clients"),
        pytest.param(with_token(revokecode="ab/c/d="), {"revokecode": "ab_c_d="}, id="java-revoke-code"),
        pytest.param(MICROGEAR.replace(b"null", b'"null"'), {}, id="java-request-token"),
        pytest.param(json.dumps(json.loads(MICROGEAR)["_"]).encode(), {}, id="first-python"),
        pytest.param(json.dumps({"_": json.dumps(json.loads(MICROGEAR)["_"])}).encode(), {}, id="as-a-string"),
        pytest.param(json.dumps(json.loads(MICROGEAR), indent=2).replace("\n", "\r\n").encode(), {}, id="csharp"),
        pytest.param(b"\xef\xbb\xbf" + MICROGEAR, {}, id="byte-order-mark"),
        pytest.param(MICROGEAR.decode().encode("utf-16"), {}, id="utf-16"),
    ],
)
def test_a_thing_is_read_as_any_client_leaves_it(tmp_path, token, content, expected):
    cache_path(tmp_path, KEY).write_bytes(content)
    assert read_cache(tmp_path, KEY) == replace(token, **expected)


def test_the_old_name_is_read_for_its_own_key(tmp_path, token):
    (tmp_path / "microgear.cache").write_bytes(MICROGEAR)
    assert read_cache(tmp_path, KEY) == token
    assert kept_cache(tmp_path, KEY) == tmp_path / "microgear.cache"
    assert read_cache(tmp_path, "AnotherKey") is None
    assert kept_cache(tmp_path, "AnotherKey") is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"_": {"accesstoken": {"token": "t"}}}'])
def test_a_file_of_the_old_name_that_names_no_key_is_nobodys(tmp_path, content):
    (tmp_path / "microgear.cache").write_bytes(content)
    assert read_cache(tmp_path, KEY) is None


def test_the_name_of_today_wins_over_the_old_one_and_both_are_deleted(tmp_path, token):
    (tmp_path / "microgear.cache").write_bytes(with_token(token="TheOldOne"))
    write_cache(tmp_path, KEY, token)
    assert read_cache(tmp_path, KEY) == token
    delete_cache(tmp_path, KEY)
    assert list(tmp_path.iterdir()) == []


def test_deleting_leaves_another_keys_cache_of_the_old_name(tmp_path):
    (tmp_path / "microgear.cache").write_bytes(MICROGEAR)
    delete_cache(tmp_path, "AnotherKey")
    assert (tmp_path / "microgear.cache").read_bytes() == MICROGEAR


def test_missing_cache_holds_no_thing(tmp_path):
    assert read_cache(tmp_path, KEY) is None


def test_cache_that_microgear_left_without_a_key_is_read(tmp_path, token):
    content = json.loads(MICROGEAR)
    del content["_"]["key"]
    cache_path(tmp_path, KEY).write_text(json.dumps(content))
    assert read_cache(tmp_path, KEY) == token


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"{", "not JSON"),
        (MICROGEAR[:-40], "cut off"),
        (b"\xff\xfe", "not text"),
        (b"\xff\xff", "not text"),
        (MICROGEAR.decode().encode("utf-16-le"), "without a byte order mark"),
        (b"[]", '"_"'),
        (b'{"_": 1}', '"_"'),
        (b'{"_": {"accesstoken": 1}}', "no object"),
        (b'{"_": {"accesstoken": "some words"}}', "no object"),
        (MICROGEAR.replace(b"KeYkEyKeY123456", b"anotherkey"), "anotherkey"),
        (MICROGEAR.replace(b'"token": "AbCdEfGhIjKlMnOp", ', b""), "lacks its token"),
        (MICROGEAR.replace(b'"AbCdEfGhIjKlMnOp"', b"7"), "lacks its token"),
        (MICROGEAR.replace(b"AbCdEfGhIjKlMnOp", b'a\\"+code+\\"'), "characters that no token has"),
        (MICROGEAR.replace(b'"secret": "', b'"secret": "${x}'), "characters that no secret has"),
        (MICROGEAR.replace(b"gb.netpie.io", b"h\\u007bx\\u007d"), "endpoint"),
        (MICROGEAR.replace(b"pie://gb.netpie.io:1883", b"nowhere"), "endpoint"),
    ],
)
def test_a_file_that_is_not_a_cache_is_reported_as_such(tmp_path, content, cause):
    cache_path(tmp_path, KEY).write_bytes(content)
    with pytest.raises(CacheError, match=cause) as error:
        read_cache(tmp_path, KEY)
    assert error.value.exit_code == 1
    assert error.value.next_step
    assert "0123456789abcdefghijklmnopqrstuv" not in error.value.message


def test_cache_that_cannot_be_opened_is_another_error_than_a_missing_one(tmp_path):
    cache_path(tmp_path, KEY).mkdir()
    with pytest.raises(CacheError, match="directory"):
        read_cache(tmp_path, KEY)


def test_folder_that_cannot_be_written_is_named(tmp_path, token):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="file"):
        write_cache(tmp_path / "file", KEY, token)


def test_deleted_cache_is_gone_and_deleting_twice_does_no_harm(tmp_path, token):
    write_cache(tmp_path, KEY, token)
    delete_cache(tmp_path, KEY)
    delete_cache(tmp_path, KEY)
    assert read_cache(tmp_path, KEY) is None


text = st.from_regex(r"[A-Za-z0-9._~+=-]{1,64}", fullmatch=True)


@given(token=text, secret=text, revokecode=text)
def test_whatever_is_written_is_read_back(tmp_path_factory, token, secret, revokecode):
    folder = tmp_path_factory.mktemp("cache")
    kept = AccessToken(token, secret, "pie://h:1", revokecode)
    write_cache(folder, KEY, kept)
    assert read_cache(folder, KEY) == kept
