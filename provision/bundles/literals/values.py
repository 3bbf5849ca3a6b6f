"""Values that are more than a text or a number."""

from dataclasses import dataclass, field


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


def as_dependencies(value: object) -> Dependencies:
    """`value` if it is that; raises TypeError."""
    if not isinstance(value, Dependencies):
        raise TypeError(f"a {type(value).__name__} is no list of dependencies")
    return value
