"""Literals of Python."""

from typing import Any

from provision.bundles.literals.stored import reading_in_python
from provision.bundles.literals.values import Secret, SecretLines

_ESCAPED = frozenset('"\\{}')  # braces for Zeppelin, which looks for patterns in all of a paragraph


class Python:
    """Numbers, Booleans, strings, a list of these, and the expression that reads a stored secret."""

    def literal(self, value: Any) -> str:
        match value:
            case bool() | int():
                return str(value)
            case str():
                return f'"{self.escaped(value)}"'
            case list():
                return f"[{', '.join(map(self.literal, value))}]"
            case SecretLines(inline=True):
                return self.literal(value.value.split("\n"))
            case SecretLines():
                return f'{reading_in_python(value)}.split("\\n")'
            case Secret(inline=True):
                return f'"{self.escaped(value.value)}"'
            case Secret():
                return reading_in_python(value)
        raise TypeError(f"a {type(value).__name__} has no Python literal")

    def escaped(self, text: str) -> str:
        return "".join(c if " " <= c <= "~" and c not in _ESCAPED else f"\\U{ord(c):08x}" for c in text)
