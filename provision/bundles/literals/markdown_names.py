"""Names of columns in Markdown."""

import re
from typing import Any

from provision.bundles.literals.markdown import Markdown

_WORD = re.compile(r"\w+")


class MarkdownNames:
    """A list of texts with commas between: plain words as code, others with each special character escaped."""

    def literal(self, value: Any) -> str:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return ", ".join(f"`{each}`" if _WORD.fullmatch(each) else self.escaped(each) for each in value)
        raise TypeError(f"a {type(value).__name__} is no list of names")

    def escaped(self, text: str) -> str:
        return Markdown().escaped(text)
