"""Typed literals: the only way by which a value enters a paragraph. A module a language.

A language takes the types that it can write safely and refuses others, so that no topic or password can end a string
early, open one of Zeppelin's forms (`${…}`) or name one of its credentials (`{…}`).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from provision.bundles.literals.markdown import Markdown
from provision.bundles.literals.markdown_names import MarkdownNames
from provision.bundles.literals.python import Python
from provision.bundles.literals.scala import Scala
from provision.bundles.literals.spark_conf import SparkConf
from provision.bundles.literals.spark_dep import SparkDep
from provision.bundles.literals.sql_text import SqlText
from provision.bundles.literals.values import Dependencies, Secret, SecretLines

__all__ = [
    "FILTERS",
    "Dependencies",
    "Language",
    "Markdown",
    "MarkdownNames",
    "Python",
    "Scala",
    "Secret",
    "SecretLines",
    "SparkConf",
    "SparkDep",
    "SqlText",
]


class Language(Protocol):
    """A language that paragraphs are written in."""

    def literal(self, value: Any) -> str:
        """The value as it stands in a paragraph; raises TypeError for a type that the language can't write."""

    def escaped(self, text: str) -> str:
        """A text as it stands inside a literal; raises `UsageError` for one that can't."""


FILTERS: Mapping[str, Language] = {
    "scala": Scala(),
    "python": Python(),
    "markdown": Markdown(),
    "markdown_names": MarkdownNames(),
    "z_load": SparkDep(),
    "spark_conf": SparkConf(),
    "sql_text": SqlText(),
}
"""The languages by the names that templates have for them: `{{ topic | scala }}`."""
