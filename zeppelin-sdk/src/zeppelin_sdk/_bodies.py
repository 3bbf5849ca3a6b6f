"""What came in over HTTP or a websocket, read and parsed within limits of size, time and depth."""

import json
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import requests
import urllib3.exceptions

MAX_DEPTH = 100
"""Levels of nesting that are taken from a server; a note has about ten."""
_PIECE = 64 * 1024


class LimitExceeded(Exception):
    """There is more than the limit."""


class TooDeep(ValueError):
    """JSON with more levels than MAX_DEPTH."""


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError where it is none, and TooDeep, a ValueError too."""
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise TooDeep from error
    opened = data.count("[") + data.count("{") if isinstance(data, str) else data.count(b"[") + data.count(b"{")
    if opened > MAX_DEPTH and _is_deep(value):
        raise TooDeep
    return value


def read_body(response: requests.Response, limit: int, deadline: float) -> None:
    """Read the body of a streamed response, for its `content` to return, unless it is there already.

    `limit` is in bytes, uncompressed; `deadline` is of the monotonic clock. Raises LimitExceeded, and the
    `requests` exceptions of a body that is late, cut short or not what its Content-Encoding says.
    """
    if response._content is not False:  # type: ignore[comparison-overlap]
        return
    pieces = _pieces(response, deadline)
    if response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
        pieces = _inflated(pieces)
    body = bytearray()
    try:
        for piece in pieces:
            body += piece
            if len(body) > limit:
                raise LimitExceeded
    except zlib.error as error:
        raise requests.exceptions.ContentDecodingError(error, request=response.request) from error
    finally:
        response.close()  # the connection stays open when all was read
    response._content = bytes(body)


def _pieces(response: requests.Response, deadline: float) -> Iterator[bytes]:
    # read1 returns what is there; read waits for the whole of the piece
    read = getattr(response.raw, "read1", response.raw.read)
    try:
        while piece := read(_PIECE, decode_content=False):
            yield piece
            if time.monotonic() >= deadline:
                raise requests.ReadTimeout(request=response.request)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(error, request=response.request) from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error, request=response.request) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error, request=response.request) from error


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces uncompressed; each that is yielded is small, whatever it was made of."""
    inflater = _inflater()
    for piece in pieces:
        left = piece
        while True:
            plain = inflater.decompress(left, _PIECE)
            yield plain
            left = inflater.unconsumed_tail
            if inflater.eof:
                left, inflater = inflater.unused_data, _inflater()
            if not left and not plain:
                break


def _inflater() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, as its header says


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: Any) -> Iterable[Any]:
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [child for child in inside if isinstance(child, dict | list)]
