"""What outputs send to, in the test's own process."""

from collections.abc import Iterator

import pytest

from .receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server."""
    found = Receiver()
    yield found
    found.shutdown()
    found.server_close()
