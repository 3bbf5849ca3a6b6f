"""Text in Markdown."""

import re
from typing import Any

_WORD = re.compile(r"\w+")
_SPECIAL = frozenset("\\`*_{}[]<>()#+!|$&~\n\r")


class Markdown:
    """Text and numbers that show as they are, every character with a meaning in Markdown escaped; a list as code."""

    def literal(self, value: Any) -> str:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return self.escaped(str(value))
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return ", ".join(f"`{each}`" if _WORD.fullmatch(each) else self.escaped(each) for each in value)
        raise TypeError(f"a {type(value).__name__} has no Markdown text")

    def escaped(self, text: str) -> str:
        return "".join(f"&#{ord(c)};" if c in _SPECIAL else c for c in text)
