"""What a paragraph is to the tool: the `role` that `note.toml` gives it. Code asks for roles, never for keys."""

from enum import StrEnum


class Role(StrEnum):
    """Roles that a paragraph can have; docs/bundles.md says what each asks of its paragraph."""

    DEPENDENCIES = "dependencies"
    WINDOW = "window"
    QUERY = "query"
    OUTPUTS = "outputs"
    START = "start"
    STOP = "stop"
    LATEST = "latest"
    CHART = "chart"


BESIDE_THE_STREAM = frozenset({Role.STOP, Role.LATEST})
"""Roles of paragraphs that are run while the stream runs: beside a start that blocks they never get a turn."""


MANY = frozenset({Role.DEPENDENCIES, Role.OUTPUTS})
"""Roles that several paragraphs of a note may have."""
