"""A note's JSON as people have it: an object, text or bytes, as Zeppelin's page or an editor has written it."""

import codecs
import json
from collections.abc import Mapping
from typing import Any

from zeppelin_sdk._bodies import TooDeep, parse_json
from zeppelin_sdk._errors import InvalidNoteError

_STEP = "give a note as Zeppelin exports it (*.zpln, or *.json of Zeppelin 0.8)"
_BYTE_ORDER_MARK = "\ufeff"
_OTHERS = {
    "cells": ("it is a Jupyter notebook", "import it in Zeppelin's page, which converts it, and export it from there"),
    "body": ("it is an answer of Zeppelin's API", "give what its body has"),
}


def read_note(note: Mapping[str, Any] | str | bytes | bytearray) -> dict[str, Any]:
    """The note's JSON object. Raises InvalidNoteError for what is no note.

    Bytes are UTF-8, UTF-16 or UTF-32, with a byte order mark or without: Zeppelin's page writes one (ZEPPELIN-6634).
    """
    data = _parsed(_decoded(note)) if isinstance(note, str | bytes | bytearray) else note
    if not isinstance(data, Mapping):
        raise _invalid(f"it is {_kind(data)}, no object")
    paragraphs = data.get("paragraphs")
    if paragraphs is None:
        cause, step = next((said for key, said in _OTHERS.items() if key in data), ("it has no paragraphs", _STEP))
        raise _invalid(cause, step)
    if not isinstance(paragraphs, list | tuple) or not all(isinstance(entry, Mapping) for entry in paragraphs):
        raise _invalid("its paragraphs are no list of objects")
    return dict(data)


def path_of(note: Mapping[str, Any]) -> str:
    """The path that a note's JSON names: its name, as Zeppelin itself takes it. Raises InvalidNoteError for none."""
    for key in ("name", "path"):
        named = note.get(key)
        if isinstance(named, str) and named.strip("/ "):
            return named
    raise _invalid("it has no name", "give the path that it is to have")


def as_json(note: Mapping[str, Any]) -> bytes:
    """The note as it is sent. Raises InvalidNoteError for values that JSON does not have."""
    try:
        return json.dumps(note, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _invalid(f"it has a value that JSON has not: {error}") from error


def _decoded(note: str | bytes | bytearray) -> str:
    if isinstance(note, str):
        return note.removeprefix(_BYTE_ORDER_MARK)
    data = bytes(note)
    # json.loads lets what is no UTF-8 pass as surrogates
    encoding = "utf-8" if data.startswith(codecs.BOM_UTF8) else json.detect_encoding(data)
    try:
        return data.decode(encoding).removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise _invalid("it is no text in UTF-8 or UTF-16") from error


def _parsed(text: str) -> Any:
    try:
        return parse_json(text)
    except TooDeep as error:
        raise _invalid("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        where = f" (line {error.lineno}, column {error.colno})" if text.strip() else ""
        raise _invalid(f"it is no JSON{where}" if text.strip() else "it is empty") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise _invalid("it is no JSON") from error


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else kinds.get(type(value), type(value).__name__)


def _invalid(cause: str, next_step: str = _STEP) -> InvalidNoteError:
    return InvalidNoteError(f"this is no note: {cause}", next_step=next_step)
