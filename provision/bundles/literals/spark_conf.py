"""What Zeppelin's `%spark.conf` interpreter starts Spark with."""

from typing import Any

from provision.bundles.literals.values import Dependencies, as_dependencies
from provision.errors import UsageError


class SparkConf:
    """A line each for packages, jar files and further properties, or for these alone (Zeppelin from 0.9).

    Zeppelin tells when a property differs from what its Spark was started with, but not when one has gone: the last
    line names them all, and so differs then.
    """

    def literal(self, value: Any) -> str:
        dependencies = Dependencies(properties=tuple(value)) if isinstance(value, list) else as_dependencies(value)
        lines = {"spark.jars.packages": dependencies.packages, "spark.jars": dependencies.jars}
        listed = [(name, ",".join(map(_file, values))) for name, values in lines.items() if values]
        given = [(name, text.strip()) for name, _, text in (each.partition("=") for each in dependencies.properties)]
        every = [*listed, *given, ("provision.properties", ",".join(name for name, _ in listed + given))]
        return "\n".join(f"{name} {self.escaped(text)}" for name, text in every)

    def escaped(self, text: str) -> str:
        if not text.isprintable():
            raise UsageError(f"{text!r} can't stand in Spark's configuration", next_step="leave out control characters")
        # ConfInterpreter reads java.util.Properties: a backslash escapes there, a first = or : belongs to the name, and
        # \uXXXX keeps Zeppelin's patterns out
        special = text[:1] if text[:1] in ("=", ":") else ""
        return "".join(f"\\u{ord(c):04x}" if c in f"\\{{}}${special}" else c for c in text)


def _file(text: str) -> str:
    if any(character in text for character in " ,"):
        raise UsageError(f"{text!r} can't stand in Spark's configuration", next_step="name a file without spaces")
    return text
