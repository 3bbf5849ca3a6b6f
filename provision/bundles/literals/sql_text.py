"""SQL between three quotation marks, in Scala and in Python."""

from typing import Any

from provision.errors import UsageError

_REFUSED = frozenset('"\\{}$')


class SqlText:
    """Lines that stand as they are. Nothing can be escaped there: Scala's escapes differ between its versions."""

    def literal(self, value: Any) -> str:
        if isinstance(value, str):
            return self.escaped(value)
        raise TypeError(f"a {type(value).__name__} is no SQL")

    def escaped(self, text: str) -> str:
        wrong = next((c for c in text if c in _REFUSED or (c != "\n" and not c.isprintable())), None)
        if wrong is not None:
            raise UsageError(
                f"a query with {ascii(wrong)} in it can't stand in the note",
                next_step="take other names for the columns: letters, digits and _",
            )
        return text
