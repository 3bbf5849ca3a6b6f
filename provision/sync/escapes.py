"""A text as it may stand in a literal: as it is, or escaped, character by character, as Scala, Python, JSON, SQL,
properties, CSV, URLs and HTML do it. Pure.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from urllib.parse import unquote

_SHORT_ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
_LONG_ESCAPES = {letter: character for character, letter in _SHORT_ESCAPES.items()}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_DOUBLED = "'\"${}%"  # SQL's and CSV's quotes; Scala's and Python's interpolation
_BACKSLASHED = re.compile(
    r"\\(?:u+([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-3][0-7]{2}|[0-7]{1,2})|([btnfr])"
    r"|([^0-9A-Za-z\n])|u\{([0-9a-fA-F]{1,6})\})"
)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#\w+|\w+);")


@lru_cache(maxsize=256)
def decoded(text: str) -> tuple[str, ...]:
    """The text as it is, and as each of the languages would read it, where that differs."""
    every = [text]
    if "\\" in text:
        every.append(_without_surrogates(_BACKSLASHED.sub(_character, text)))
    if _PERCENT.search(text):
        every.append(unquote(text))
    if "+" in text:
        every.append(unquote(text.replace("+", " ")))
    if _ENTITY.search(text):
        every.append(unescape(text))
    every += (text.replace(each * 2, each) for each in _DOUBLED if each * 2 in text)
    return tuple(dict.fromkeys(every))


def _character(found: re.Match[str]) -> str:
    for index, base in ((1, 16), (2, 16), (3, 16), (4, 8), (7, 16)):
        if found[index]:
            code = int(found[index], base)
            return chr(code) if code < 0x110000 else found[0]
    return _LONG_ESCAPES[found[5]] if found[5] else found[6]


def _without_surrogates(text: str) -> str:
    """The text with a character for each pair of surrogates, as `\\uXXXX` escapes leave them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def pattern_of(text: str) -> str:
    """A pattern that the text matches in each of the languages, even where only some of its characters are escaped."""
    return "".join(f"(?:{'|'.join(dict.fromkeys(_forms(character)))})" for character in text)


@lru_cache(maxsize=1024)
def _forms(character: str) -> tuple[str, ...]:
    return tuple(_each_form(character))


def _each_form(character: str) -> Iterator[str]:
    code, plain = ord(character), re.escape(character)
    yield "".join(rf"\\u+{_hex(f'{unit:04x}')}" for unit in _utf16(character))
    yield rf"\\U{_hex(f'{code:08x}')}"
    yield rf"\\u\{{0*{_hex(f'{code:x}')}\}}"
    if code < 0x100:
        yield rf"\\x{_hex(f'{code:02x}')}"
        yield rf"\\0{{0,2}}{code:o}"
    if character in _SHORT_ESCAPES:
        yield rf"\\{_SHORT_ESCAPES[character]}"
    if not (character.isascii() and character.isalnum()) and character != "\n":
        yield rf"\\{plain}"
    yield "".join(f"%{_hex(f'{byte:02x}')}" for byte in character.encode("utf-8", "surrogatepass"))
    if character == " ":
        yield r"\+"
    yield rf"&#0*{code};"
    yield rf"&#[xX]0*{_hex(f'{code:x}')};"
    if character in _ENTITIES:
        yield rf"&{_ENTITIES[character]};"
    if character in _DOUBLED:
        yield plain * 2
    yield plain


def _utf16(character: str) -> list[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _hex(digits: str) -> str:
    return "".join(f"[{each}{each.upper()}]" if each.isalpha() else each for each in digits)
