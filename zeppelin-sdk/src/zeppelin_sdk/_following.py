"""Follow a note over Zeppelin's websocket: what its paragraphs print while they run, and how they change."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from zeppelin_sdk._errors import (
    LoginRequiredError,
    NoteNotFoundError,
    NoteRunningError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
    UnsupportedError,
    ZeppelinError,
)
from zeppelin_sdk._events import ConnectionLost, ConnectionRestored, Event, OthersPresent, told
from zeppelin_sdk._models import Note, Ticket
from zeppelin_sdk._transport import Transport
from zeppelin_sdk._websocket import HEARTBEAT_SECONDS, WebsocketConnection

RECONNECT_FIRST, RECONNECT_MOST = 0.2, 5.0
CLOSED_AT_ONCE_MOST = 4
"""Connections in a row that may close before their first message: all do where the origin is not allowed."""


class NoteFollower:
    """A connection that hears of one note. Use it as a context manager, or call `close`.

    Heartbeats are sent while it is read, so read it steadily (at least every minute).
    """

    def __init__(self, http: Transport, ticket: Callable[[], Ticket], note_id: str, *, reconnect: bool = False) -> None:
        self.note_id = note_id
        self._http = http
        self._ticket = ticket
        self._reconnect = reconnect
        self._note = Note(id=note_id, path="")
        self._others = OthersPresent(False, frozenset())
        self._waiting: deque[Event] = deque()
        self._closing = threading.Event()
        self._pause, self._retry_at = RECONNECT_FIRST, 0.0
        self._read_since_open = False
        self._closed_at_once = 0
        self._connection: WebsocketConnection | None = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Events as they come, until `close`. Raises what `read` raises."""
        while not self._closing.is_set():
            event = self.read(HEARTBEAT_SECONDS)
            if event is not None:
                yield event

    @property
    def note(self) -> Note | None:
        """The note as it is after the events that have come in; None until the server has sent it."""
        return self._note if self._note.path else None

    def close(self) -> None:
        """Say goodbye and close the connection; may be called twice, and from another thread."""
        self._closing.set()
        if self._connection:
            self._connection.close()

    def read(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds or the follower was closed.

        Raises ServerUnreachableError when the server has gone, NoteNotFoundError, PermissionDeniedError when the
        user may not read the note, LoginRequiredError when the session has expired, ServerError for the rest.
        With `reconnect` a connection that is lost, or whose session has expired, is made again while `read`
        is called, however long that takes; an attempt may outlast `timeout` by the client's own.
        """
        deadline = time.monotonic() + timeout
        while not self._waiting:
            message = self._heard(deadline)
            if message is None:
                return None
            self._take(message)
        return self._waiting.popleft()

    def _open(self) -> WebsocketConnection:
        """A new connection that has asked for the note."""
        connection = WebsocketConnection(self._http, self._ticket())
        self._read_since_open = False
        try:
            connection.send("GET_NOTE", {"id": self.note_id})
        except ZeppelinError:
            connection.close()
            raise
        return connection

    def _heard(self, deadline: float) -> Mapping[str, Any] | None:
        """The next message, an empty one for a connection that was lost or restored; None at the deadline."""
        if self._connection is None:
            return {} if self._restored(deadline) else None
        connection = self._connection
        try:
            return connection.receive(deadline)
        except ServerUnreachableError as error:
            self._closed_at_once = 0 if connection.has_received else self._closed_at_once + 1
            if not self._reconnect or self._closed_at_once > CLOSED_AT_ONCE_MOST:
                raise
            self._drop(error.message)
            return {}

    def _connected(self) -> WebsocketConnection:
        if self._connection is None:
            raise ServerUnreachableError(
                f"{self._http.address.base}: the websocket was closed",
                next_step="read on: it is being opened again",
                request=f"GET {self._http.address.websocket}",
            )
        return self._connection

    def _drop(self, cause: str) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None
        self._waiting.append(ConnectionLost(cause))

    def _restored(self, deadline: float) -> bool:
        """Open a new connection, trying until the deadline."""
        while not self._closing.wait(max(0.0, min(self._retry_at, deadline) - time.monotonic())):
            if self._retry_at > deadline:
                return False
            self._retry_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, RECONNECT_MOST)
            try:
                self._connection = self._open()
            except (ServerUnreachableError, NotZeppelinError, UnsupportedError):
                continue  # a server that starts answers nothing, then pages of errors, then as Zeppelin
            if self._closing.is_set():
                self._connection.close()
                return False
            self._waiting.append(ConnectionRestored())
            return True
        return False

    def _take(self, message: Mapping[str, Any]) -> None:
        """Bring the note up to date, and queue what happened. Raises for a message that refuses something."""
        operation, data = message.get("op"), message.get("data")
        data = data if isinstance(data, dict) else {}
        if operation in ("AUTH_INFO", "ERROR_INFO", "SESSION_LOGOUT"):
            if operation == "SESSION_LOGOUT" and self._reconnect and self._read_since_open:
                self._drop(str(data.get("info") or "the session has expired"))
                return
            raise self._refused(str(operation), str(data.get("info") or ""))
        if operation == "NOTE":
            if not data.get("note"):
                # 0.8 answers so where there is no such note
                raise NoteNotFoundError(f"no such note: {self.note_id}", request=f"GET {self._http.address.websocket}")
            self._read_since_open, self._pause = True, RECONNECT_FIRST
        news = told(self._note, message)
        if news is None:
            self._connected().send("GET_NOTE", {"id": self.note_id})
            return
        self._note, events = news
        for event in events:
            if isinstance(event, OthersPresent):
                if event == self._others:
                    continue
                self._others = event
            self._waiting.append(event)

    def _refused(self, operation: str, info: str) -> ZeppelinError:
        said = info.strip().partition("\n")[0] or "no reason given"
        base, request = self._http.address.base, f"GET {self._http.address.websocket}"
        match operation:
            case "AUTH_INFO":
                return PermissionDeniedError(
                    f"note {self.note_id}: {said}", next_step="log in as a user who may", request=request
                )
            case "SESSION_LOGOUT":
                return LoginRequiredError(f"{base}: {said}", next_step="log in again", request=request)
        if "404" in info or "no such note" in info.lower():
            return NoteNotFoundError(f"no such note: {self.note_id}", request=request)
        kind = NoteRunningError if "is now running" in info else ServerError
        return kind(f"note {self.note_id}: {said}", status=500, detail=info, request=request)
