"""The objects of a JSON document."""

import json
import re
from collections.abc import Generator, Iterator

from netpie_creds.text_file import NotTextError, decode_text
from provision.errors import UsageError

_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


def document(data: bytes, name: str) -> Iterator[bytes]:
    """The objects of a JSON document: of an array, or one after the other; each on one line, its numbers as written."""
    try:
        found = list(values(decode_text(data)))
    except NotTextError as error:
        raise UsageError(f"{name}: {error}", next_step="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{name}: line {error.lineno} is no JSON: {error.msg}",
            next_step="fix it, or send the lines as they stand with --format lines",
        ) from error
    except RecursionError as error:
        raise UsageError(f"{name}: nested too deeply", next_step="write an object on each line") from error
    return (_STRING_OR_SPACE.sub(lambda part: part[1] or "", value).encode("utf-8", "replace") for value in found)


def values(text: str) -> Iterator[str]:
    """The texts of the values in `text`, those of an array one by one; raises JSONDecodeError."""
    decoder = json.JSONDecoder()
    at = _after_space(text, 0)
    while at < len(text):
        if text[at] == "[":
            at = yield from _elements(text, at, decoder)
        else:
            _, end = decoder.raw_decode(text, at)
            yield text[at:end]
            at = end
        at = _after_space(text, at)


def _elements(text: str, at: int, decoder: json.JSONDecoder) -> Generator[str, None, int]:
    at = _after_space(text, at + 1)
    if text[at : at + 1] == "]":
        return at + 1
    while True:
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = _after_space(text, end)
        if text[at : at + 1] == "]":
            return at + 1
        if text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
