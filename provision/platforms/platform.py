"""What every platform gives: the interface between `prepare` and the modules of this folder."""

from collections.abc import Mapping
from typing import Any, Protocol

from provision.bundles.connection import Connection


class Platform(Protocol):
    """Where events come from, with the credentials of one client of it."""

    def connection(self, values: Mapping[str, Any], path: str) -> Connection:
        """What the note at `path` with these parameters needs to connect.

        Raises: UsageError when the parameters do not fit the platform.
        """
