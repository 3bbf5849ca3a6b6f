"""A pool of clients: each is used by one thread at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue

from provision.classroom.roster import Person
from provision.options.server import ServerOptions
from zeppelin_sdk import ZeppelinClient


class Clients:
    """Opens clients by `connect`, which gets the row's person, or None for the command line's user.

    Clients of the command line's user are reused.
    """

    def __init__(self, connect: Callable[[Person | None], ZeppelinClient]) -> None:
        self._connect = connect
        self._idle: SimpleQueue[ZeppelinClient] = SimpleQueue()

    @contextmanager
    def client(self, person: Person) -> Iterator[ZeppelinClient]:
        """A client logged in as the row's user, else as the command line's."""
        if person.user:
            with self._connect(person) as client:
                yield client
            return
        try:
            client = self._idle.get_nowait()
        except Empty:
            client = self._connect(None)
        try:
            yield client
        finally:
            self._idle.put(client)

    def close(self) -> None:
        """Close the idle clients."""
        while not self._idle.empty():
            self._idle.get().close()


def connect_as(server: ServerOptions, person: Person | None) -> ZeppelinClient:
    """A client of the server, as the row's own Zeppelin user if it names one."""
    if person is not None:
        server = replace(server, user=person.user, password_file=person.password_file or server.password_file)
    return server.connect_running()
