"""`microgear-APPKEY.cache`: where a thing's token is kept, byte for byte as microgear-python 1.2.7 does."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from netpie_creds.errors import CacheError
from netpie_creds.model import AccessToken

FIELDS = ("token", "secret", "endpoint", "revokecode")


def cache_path(folder: Path, appkey: str) -> Path:
    """Return the path of the cache of `appkey` in `folder` (microgear-python, `get_token`)."""
    return folder / f"microgear-{appkey}.cache"


def read_cache(folder: Path, appkey: str) -> AccessToken | None:
    """Return the token that `folder` keeps for `appkey`, or None when it keeps none.

    A cache with only a request token counts as none: its code works once and may be spent.

    Raises: CacheError when the file can't be read, is not a microgear cache, or belongs to another key.
    """
    path = cache_path(folder, appkey)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CacheError(f"{path}: {error.strerror}", next_step="make it readable, or delete it") from error
    except UnicodeDecodeError:
        raise _malformed(path, "it is not text") from None  # the cause might quote a secret
    return _token(path, appkey, _content(path, text))


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
    """Delete the cache of `appkey`, if there is one.

    Raises: CacheError when it can't be deleted.
    """
    path = cache_path(folder, appkey)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CacheError(f"{path}: {error.strerror}", next_step="delete it by hand") from error


def _content(path: Path, text: str) -> dict[str, Any]:
    try:
        outer = json.loads(text)
    except ValueError:
        raise _malformed(path, "it is not JSON") from None
    content = outer.get("_") if isinstance(outer, dict) else None
    if not isinstance(content, dict):
        raise _malformed(path, 'it has no "_" object')
    return content


def _token(path: Path, appkey: str, content: dict[str, Any]) -> AccessToken | None:
    key = content.get("key")
    if key and key != appkey:
        raise _malformed(path, f"it belongs to the key {ascii(key)}")
    kept = content.get("accesstoken")
    if not kept:
        return None
    if not isinstance(kept, dict) or not all(isinstance(kept.get(name), str) and kept[name] for name in FIELDS):
        raise _malformed(path, f"its access token lacks one of {', '.join(FIELDS)}")
    token = AccessToken(**{name: kept[name] for name in FIELDS})
    try:
        token.broker()
    except ValueError as error:
        raise _malformed(path, str(error)) from error
    return token


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
