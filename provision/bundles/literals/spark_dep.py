"""What Zeppelin's `%spark.dep` interpreter loads."""

from typing import Any

from provision.bundles.literals.scala import Scala
from provision.bundles.literals.values import as_dependencies
from provision.errors import UsageError


class SparkDep:
    """A line for each dependency (Zeppelin up to 0.8); the interpreter takes no property."""

    def literal(self, value: Any) -> str:
        dependencies = as_dependencies(value)
        if dependencies.properties:
            raise UsageError(
                "Zeppelin before 0.9 takes neither spark_master nor spark_properties from a note",
                next_step="set them in its interpreter settings",
            )
        names = (*dependencies.packages, *dependencies.jars)
        return "\n".join(f"z.load({Scala().literal(name)})" for name in names)

    def escaped(self, text: str) -> str:
        return Scala().escaped(text)
