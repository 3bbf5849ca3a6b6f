"""Literals of Scala."""

import json
from typing import Any

from provision.bundles.literals.stored import reading
from provision.bundles.literals.values import Secret, SecretLines


class Scala:
    """Numbers, Booleans, strings, a Seq of these, and the expression that reads a stored secret."""

    def literal(self, value: Any) -> str:
        match value:
            case bool():
                return str(value).lower()
            case int():
                return str(value) if abs(value) < 2**31 else f"{value}L"
            case str():
                return f'"{self.escaped(value)}"'
            case list():
                return f"Seq({', '.join(map(self.literal, value))})"
            case SecretLines(inline=True):
                return self.literal(value.value.split("\n"))
            case SecretLines():
                return f'{reading(value)}.split("\\n").toSeq'
            case Secret(inline=True):
                return f'"{self.escaped(value.value)}"'
            case Secret():
                return reading(value)
        raise TypeError(f"a {type(value).__name__} has no Scala literal")

    def escaped(self, text: str) -> str:
        # JSON's escapes are Scala's; braces are escaped for Zeppelin, which looks for patterns in all of a paragraph
        return json.dumps(text)[1:-1].replace("{", "\\u007b").replace("}", "\\u007d")
