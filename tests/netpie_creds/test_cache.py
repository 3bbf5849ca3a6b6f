"""microgear-APPKEY.cache: the same bytes as microgear-python writes, and files that are not caches."""

import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpie_creds import AccessToken, CacheError, cache_path, delete_cache, read_cache, write_cache

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
        '{"_": {}}',
        '{"_": {"key": "KeYkEyKeY123456"}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": {"token": "spent", "secret": null}}}',
        '{"_": {"key": "KeYkEyKeY123456", "requesttoken": null, "accesstoken": null}}',
    ],
)
def test_cache_without_an_access_token_holds_no_thing(tmp_path, content):
    cache_path(tmp_path, KEY).write_text(content)
    assert read_cache(tmp_path, KEY) is None


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
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not text"),
        (b"[]", '"_"'),
        (b'{"_": null}', '"_"'),
        (MICROGEAR.replace(b"KeYkEyKeY123456", b"anotherkey"), "anotherkey"),
        (MICROGEAR.replace(b'"endpoint": "pie://gb.netpie.io:1883", ', b""), "lacks"),
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


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(token=text, secret=text, revokecode=text)
def test_whatever_is_written_is_read_back(tmp_path_factory, token, secret, revokecode):
    folder = tmp_path_factory.mktemp("cache")
    kept = AccessToken(token, secret, "pie://h:1", revokecode)
    write_cache(folder, KEY, kept)
    assert read_cache(folder, KEY) == kept
