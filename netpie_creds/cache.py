"""`microgear-APPKEY.cache`: where a thing's token is kept, byte for byte as microgear-python 1.2.7 does.

It is read in every state that NETPIE's clients leave it in (microgear-python, -nodejs, -java, -csharp); the browser's
and the boards' clients keep no file.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from netpie_creds.errors import CacheError
from netpie_creds.model import AccessToken
from netpie_creds.text_file import NotTextError, decode_text

FIELDS = ("token", "secret", "endpoint", "revokecode")
OLD_NAME = "microgear.cache"  # the clients' until 2016, for all keys


def cache_path(folder: Path, appkey: str) -> Path:
    """Return the path of the cache of `appkey` in `folder` (microgear-python, `get_token`)."""
    return folder / f"microgear-{appkey}.cache"


def kept_cache(folder: Path, appkey: str) -> Path | None:
    """Return the path of the cache of `appkey` that `folder` has, under the name of today or the old one, if any."""
    path = cache_path(folder, appkey)
    if path.exists():
        return path
    return folder / OLD_NAME if _old_cache(folder, appkey) is not None else None


def read_cache(folder: Path, appkey: str) -> AccessToken | None:
    """Return the token that `folder` keeps for `appkey`, or None when it keeps none.

    A cache with only a request token counts as none: its code works once and may be spent. So does an empty file, and
    what a reset leaves. An endpoint or revoke code that the cache lacks is empty.

    Raises: CacheError when the file can't be read, is not a microgear cache, or belongs to another key.
    """
    path = cache_path(folder, appkey)
    text = _read(path)
    if text is not None:
        return _token(path, appkey, _content(path, text))
    old = _old_cache(folder, appkey)
    return None if old is None else _token(folder / OLD_NAME, appkey, old)


def write_cache(folder: Path, appkey: str, token: AccessToken) -> Path:
    """Write the cache of `appkey` (mode 0600, whole or not at all) and return its path.

    Raises: CacheError when the folder can't be written.
    """
    accesstoken = {name: getattr(token, name) for name in FIELDS}
    content = {"_": {"key": appkey, "requesttoken": None, "accesstoken": accesstoken}}
    path = cache_path(folder, appkey)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(path, json.dumps(content).encode("utf-8"))
    except OSError as error:
        raise CacheError(f"{path}: {error.strerror}", next_step="name another folder") from error
    return path


def delete_cache(folder: Path, appkey: str) -> None:
    """Delete the cache of `appkey`, if there is one, under the name of today and the old one.

    Raises: CacheError when it can't be deleted.
    """
    old = [folder / OLD_NAME] if _old_cache(folder, appkey) is not None else []
    for path in (cache_path(folder, appkey), *old):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CacheError(f"{path}: {error.strerror}", next_step="delete it by hand") from error


def _read(path: Path) -> str | None:
    try:
        return decode_text(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CacheError(f"{path}: {error.strerror}", next_step="make it readable, or delete it") from error
    except NotTextError as error:
        raise _malformed(path, str(error)) from error


def _old_cache(folder: Path, appkey: str) -> dict[str, Any] | None:
    """The content of a cache under the old name, if it belongs to `appkey`."""
    path = folder / OLD_NAME
    try:
        content = _content(path, _read(path) or "")
    except CacheError:
        return None  # it may be another key's, and then it is none of ours
    return content if content.get("key") == appkey else None


def _content(path: Path, text: str) -> dict[str, Any]:
    if not text.strip():
        return {}  # microgear-csharp makes the file before it has a token
    try:
        outer = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed(path, "it is not JSON, or cut off") from None
    if not isinstance(outer, dict) or not ({"_", "key", *_TOKENS} & outer.keys() or outer == {}):
        raise _malformed(path, 'it has no "_" object')
    content = _unpacked(outer.get("_")) if "_" in outer else outer  # microgear-python's first version had no "_"
    if content is None:
        return {}  # microgear-nodejs, after a reset
    if not isinstance(content, dict):
        raise _malformed(path, 'its "_" is no object')
    return content


_TOKENS = ("requesttoken", "accesstoken")


def _unpacked(value: Any) -> Any:
    """`value`, or the JSON that it is as a string; None for what clients write in its place."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError:
            return None if value in ("None", "undefined") else value
    return value


def _token(path: Path, appkey: str, content: dict[str, Any]) -> AccessToken | None:
    key = content.get("key")
    if key and key != appkey:
        raise _malformed(path, f"it belongs to the key {ascii(key)}")
    kept = _unpacked(content.get("accesstoken"))
    if not kept:
        return None
    if not isinstance(kept, dict):
        raise _malformed(path, "its access token is no object")
    values = {name: kept.get(name) or "" for name in FIELDS}
    odd = [name for name, value in values.items() if not isinstance(value, str)]
    odd += [name for name in ("token", "secret") if not values[name]]
    if odd:
        raise _malformed(path, f"its access token lacks its {odd[0]}")
    try:
        token = AccessToken(
            values["token"],
            values["secret"],
            _endpoint(values["endpoint"]),
            values["revokecode"].strip().replace("/", "_"),  # microgear-java keeps it with /
        )
        if token.endpoint:
            token.broker()
    except ValueError as error:
        raise _malformed(path, str(error)) from error
    return token


def _endpoint(text: str) -> str:
    """An endpoint as the clients keep it: maybe percent-encoded, and with what followed it in NETPIE's answer."""
    return unquote(text).partition('"')[0].strip()


def _malformed(path: Path, cause: str) -> CacheError:
    return CacheError(f"{path}: not a microgear cache: {cause}", next_step="delete it, or name another folder")


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
