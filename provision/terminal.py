"""Text that a server, a note or a person wrote, without what would drive a terminal (ECMA-48, xterm)."""

import re

_LINE_END = re.compile(r"\r\n?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|\Z)"  # colours, cursor, screen
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\n\x90-\x9f]*(?:\x07|\x1b\\|\x9c|\x1b?\Z)"  # titles, clipboard
    r"|\x1b[ -/]*(?:[0-~]|\Z)"
)


def harmless(text: str) -> str:
    """`text` without escape sequences and control characters; lines and tabs stay, a carriage return ends a line.

    Of a text that grows, a beginning stays a beginning: a sequence that is not complete yet is left out too.
    """
    if not _CONTROL.search(text):
        return text
    return _CONTROL.sub("", _SEQUENCE.sub("", _LINE_END.sub("\n", text)))
