"""Text in Markdown."""

from typing import Any

_SPECIAL = frozenset("\\`*_{}[]<>()#+!|$&~\n\r")


class Markdown:
    """Text and numbers that show as they are: every character with a meaning in Markdown is escaped."""

    def literal(self, value: Any) -> str:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return self.escaped(str(value))
        raise TypeError(f"a {type(value).__name__} has no Markdown text")

    def escaped(self, text: str) -> str:
        return "".join(f"&#{ord(c)};" if c in _SPECIAL else c for c in text)
