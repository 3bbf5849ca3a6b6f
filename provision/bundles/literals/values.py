"""Values that are more than a text or a number."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Secret:
    """A value that a note should not hold: `part`, "user" or "password", of an entry of Zeppelin's credential store."""

    entity: str
    part: str
    value: str = field(repr=False)
    inline: bool = False


@dataclass(frozen=True)
class SecretLines(Secret):
    """A list of texts that a note should not hold: the lines of a secret."""


@dataclass(frozen=True)
class Dependencies:
    """What Spark is started with: Maven coordinates, jar files that the server can read, and further properties, each
    as `NAME=VALUE`."""

    packages: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()


def as_dependencies(value: object) -> Dependencies:
    """`value` if it is that; raises TypeError."""
    if not isinstance(value, Dependencies):
        raise TypeError(f"a {type(value).__name__} is no list of dependencies")
    return value
