"""One command of this machine at a time writes to a note."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provision.home import private_dir, state_dir
from provision.locks import one_at_a_time
from zeppelin_sdk import note_path

OTHER_WRITER = "  waiting for another command that writes to this note"


@contextmanager
def note_lock(url: str, path: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of the note at this path of a server; `waiting` is called while another command has it."""
    name = hashlib.sha256(f"{url}{note_path(path)}".encode()).hexdigest()[:16]
    with one_at_a_time(private_dir(state_dir() / "locks") / f"{name}.lock", waiting):
        yield
