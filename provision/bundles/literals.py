"""Typed literals: the only way by which a value enters a paragraph.

Each filter takes the types it can write safely and refuses others, so that no topic or password can end a string
early, open one of Zeppelin's forms (`${…}`) or name one of its credentials (`{…}`).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provision.errors import UsageError


@dataclass(frozen=True)
class Secret:
    """A value that a note should not hold: `reference` names it in Zeppelin's credential store.

    The store's patterns are `{ENTITY.user}` and `{ENTITY.password}` (Zeppelin's CredentialInjector; up to 0.8
    `{user.ENTITY}` and `{password.ENTITY}`).
    """

    reference: str
    value: str = field(repr=False)
    inline: bool = False


@dataclass(frozen=True)
class Dependencies:
    """What Spark is started with: Maven coordinates, jar files that the server can read, and further properties, each
    as `NAME=VALUE`."""

    packages: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()


def scala(value: Any) -> str:
    """A Scala literal: a number, a Boolean, a string, a Seq of these, or the place where Zeppelin puts a secret."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value) if abs(value) < 2**31 else f"{value}L"
        case str():
            return _scala_string(value)
        case list():
            return f"Seq({', '.join(map(scala, value))})"
        case Secret(inline=True):
            return _scala_string(value.value)
        case Secret():
            return f'"{{{_reference(value)}}}"'
    raise TypeError(f"a {type(value).__name__} has no Scala literal")


def _scala_string(text: str) -> str:
    # JSON's escapes are Scala's; braces are escaped for Zeppelin, which looks for its patterns in the whole paragraph.
    return json.dumps(text).replace("{", "\\u007b").replace("}", "\\u007d")


def _reference(secret: Secret) -> str:
    if not re.fullmatch(r"[\w-]+\.(user|password)|(user|password)\.[\w-]+", secret.reference, re.ASCII):
        raise UsageError(
            f"{secret.reference!r} can't name an entry of Zeppelin's credential store",
            next_step="check the APPKEY: it has letters and digits only",
        )
    return secret.reference


def markdown(value: Any) -> str:
    """Text in Markdown that shows as it is: every character with a meaning there is escaped."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        return "".join(f"&#{ord(c)};" if c in _MARKDOWN else c for c in str(value))
    raise TypeError(f"a {type(value).__name__} has no Markdown text")


_MARKDOWN = frozenset("\\`*_{}[]<>()#+!|$&~")


def z_load(value: Any) -> str:
    """Lines for Zeppelin's `%spark.dep` interpreter (up to 0.8), one a dependency; it takes no property."""
    dependencies = _dependencies(value)
    if dependencies.properties:
        raise UsageError(
            "Zeppelin before 0.9 takes neither spark_master nor spark_properties from a note",
            next_step="set them in its interpreter settings",
        )
    return "\n".join(f"z.load({scala(name)})" for name in (*dependencies.packages, *dependencies.jars))


def spark_conf(value: Any) -> str:
    """Lines for Zeppelin's `%spark.conf` interpreter (from 0.9): packages, jar files, further properties.

    Zeppelin tells when a property differs from what its Spark was started with, but not when one has gone: the last
    line names them all, and so differs then.
    """
    dependencies = _dependencies(value)
    lines = {"spark.jars.packages": dependencies.packages, "spark.jars": dependencies.jars}
    listed = [(name, ",".join(map(_file, values))) for name, values in lines.items() if values]
    given = [(name, text.strip()) for name, _, text in (each.partition("=") for each in dependencies.properties)]
    every = [*listed, *given, ("provision.properties", ",".join(name for name, _ in listed + given))]
    return "\n".join(f"{name} {spark_property(text)}" for name, text in every)


def _file(text: str) -> str:
    if any(character in text for character in " ,"):
        raise UsageError(f"{text!r} can't stand in Spark's configuration", next_step="name a file without spaces")
    return text


def spark_property(text: str) -> str:
    """The value of a property for `%spark.conf`; raises `UsageError` for control characters."""
    if not text.isprintable():
        raise UsageError(f"{text!r} can't stand in Spark's configuration", next_step="leave out control characters")
    # ConfInterpreter reads java.util.Properties: a backslash escapes there, a first = or : belongs to the name, and
    # \uXXXX keeps Zeppelin's patterns out
    special = text[:1] if text[:1] in ("=", ":") else ""
    return "".join(f"\\u{ord(c):04x}" if c in f"\\{{}}${special}" else c for c in text)


def _dependencies(value: Any) -> Dependencies:
    if not isinstance(value, Dependencies):
        raise TypeError(f"a {type(value).__name__} is no list of dependencies")
    return value


FILTERS: dict[str, Callable[[Any], str]] = {
    "scala": scala,
    "markdown": markdown,
    "z_load": z_load,
    "spark_conf": spark_conf,
}
