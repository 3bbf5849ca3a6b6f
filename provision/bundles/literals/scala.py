"""Literals of Scala."""

import json
import re
from typing import Any

from provision.bundles.literals.values import Secret
from provision.errors import UsageError

_REFERENCE = re.compile(r"[\w-]+\.(user|password)|(user|password)\.[\w-]+", re.ASCII)
_UNSAFE = re.compile(r"""["'`\\{}$]""")


class Scala:
    """Numbers, Booleans, strings, a Seq of these, and the place where Zeppelin puts a secret."""

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
            case Secret(inline=True):
                return f'"{self.escaped(value.value)}"'
            case Secret():
                _check_stored(value)
                return f'"{{{_reference(value)}}}"'
        raise TypeError(f"a {type(value).__name__} has no Scala literal")

    def escaped(self, text: str) -> str:
        # JSON's escapes are Scala's; braces are escaped for Zeppelin, which looks for patterns in all of a paragraph
        return json.dumps(text)[1:-1].replace("{", "\\u007b").replace("}", "\\u007d")


def _check_stored(secret: Secret) -> None:
    """Raise `UsageError` for a value that would be code: Zeppelin puts it into the paragraph's text as it is."""
    if _UNSAFE.search(secret.value) or not secret.value.isprintable():
        raise UsageError(
            f"the value of {secret.reference} in Zeppelin's credential store would have a character that ends a string "
            "or starts a form in a note",
            next_step="take a password of letters, digits and . _ - + / = only",
        )


def _reference(secret: Secret) -> str:
    if not _REFERENCE.fullmatch(secret.reference):
        raise UsageError(
            f"{secret.reference!r} can't name an entry of Zeppelin's credential store",
            next_step="check the APPKEY: it has letters and digits only",
        )
    return secret.reference
