"""Follow a note over Zeppelin's websocket: what its paragraphs print while they run, and how they change.

Message names and fields are those of Zeppelin's `Message` and `NotebookServer`.
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import requests.utils
import websocket

from zeppelin_sdk.errors import (
    LoginRequiredError,
    NoteNotFoundError,
    NotZeppelinError,
    PermissionDeniedError,
    ServerError,
    UnreachableError,
    ZeppelinError,
)
from zeppelin_sdk.models import Note, Paragraph, Ticket, whole_number
from zeppelin_sdk.transport import Transport

HEARTBEAT_SECONDS = 10.0  # as the web page does; the server drops a connection that stays silent
_SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True)
class ParagraphChanged:
    """A paragraph is now this (text, config, status, results); at the start, one for each paragraph."""

    paragraph: Paragraph


@dataclass(frozen=True)
class OutputAppended:
    """`text` was added to output number `index` of a running paragraph."""

    paragraph_id: str
    index: int
    text: str


@dataclass(frozen=True)
class OutputUpdated:
    """Output number `index` of a running paragraph is now `text`, of type TEXT, TABLE, HTML, …"""

    paragraph_id: str
    index: int
    type: str
    text: str


@dataclass(frozen=True)
class Progress:
    """A running paragraph's progress, in percent."""

    paragraph_id: str
    percent: int


Event = ParagraphChanged | OutputAppended | OutputUpdated | Progress


class NoteFollower:
    """A connection that hears of one note. Use it as a context manager, or call `close`.

    Heartbeats are sent while it is read, so read it steadily (at least every minute).
    """

    def __init__(self, http: Transport, ticket: Ticket, note_id: str) -> None:
        self.note_id = note_id
        self._base = http.address.base
        self._url = http.address.websocket
        self._ticket = ticket
        self._seen: dict[str, Paragraph] = {}
        self._waiting: list[Event] = []
        self._closed = False
        self._socket = _connect(http)
        self._next_beat = time.monotonic() + HEARTBEAT_SECONDS
        try:
            self._send("GET_NOTE", {"id": note_id})
        except ZeppelinError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Events as they come, until `close`. Raises what `read` raises."""
        while not self._closed:
            event = self.read(HEARTBEAT_SECONDS)
            if event is not None:
                yield event

    def close(self) -> None:
        """Say goodbye and close the connection; may be called twice, and from another thread."""
        if not self._closed:
            self._closed = True
            self._socket.close(timeout=1)
            self._socket.shutdown()  # `close` leaves the socket open where the server has said goodbye first

    def read(self, timeout: float) -> Event | None:
        """The next event, or None when none came within `timeout` seconds or the follower was closed.

        Raises UnreachableError when the server has gone, NoteNotFoundError, PermissionDeniedError when the
        user may not read the note, LoginRequiredError when the session has expired, ServerError for the rest.
        """
        deadline = time.monotonic() + timeout
        while not self._waiting:
            message = self._receive(deadline)
            if message is None:
                return None
            self._waiting += self._events(message)
        return self._waiting.pop(0)

    def _receive(self, deadline: float) -> Mapping[str, Any] | None:
        """The next message, or None at the deadline; heartbeats go out meanwhile."""
        while not self._closed:
            now = time.monotonic()
            if now >= self._next_beat:
                self._send("PING", {})
                self._next_beat = now + HEARTBEAT_SECONDS
            try:
                # a timeout of zero would make the socket non-blocking
                self._socket.settimeout(max(0.001, min(deadline, self._next_beat) - now))
                return _parsed(self._socket.recv())
            except websocket.WebSocketTimeoutException:
                if time.monotonic() >= deadline:
                    return None
            except (websocket.WebSocketException, OSError) as error:
                if not self._closed:
                    raise self._lost() from error
        return None

    def _send(self, operation: str, data: Mapping[str, Any]) -> None:
        ticket = self._ticket
        message = {
            "op": operation,
            "data": data,
            "principal": ticket.principal,
            "ticket": ticket.ticket,
            "roles": ticket.roles,
        }
        try:
            self._socket.settimeout(HEARTBEAT_SECONDS)
            self._socket.send(json.dumps(message))
        except (websocket.WebSocketException, OSError) as error:
            raise self._lost() from error

    def _lost(self) -> UnreachableError:
        return UnreachableError(
            f"{self._base}: the websocket was closed",
            next_step="see the server's log: it may have stopped, or not allow this origin",
            request=f"GET {self._url}",
        )

    def _events(self, message: Mapping[str, Any]) -> list[Event]:
        """What a message tells about the note; nothing for messages that are not about it."""
        operation, data = message.get("op"), message.get("data")
        data = data if isinstance(data, dict) else {}
        match operation:
            case "NOTE":
                note = Note.from_json(data.get("note") or {})
                return self._changed(*note.paragraphs) if note.id == self.note_id else []
            case "PARAGRAPH":
                return self._changed(Paragraph.from_json(data.get("paragraph") or {}))
            case "PARAGRAPH_APPEND_OUTPUT":
                return [OutputAppended(_id(data), whole_number(data.get("index")), str(data.get("data") or ""))]
            case "PARAGRAPH_UPDATE_OUTPUT":
                type_ = str(data.get("type") or "TEXT")
                return [OutputUpdated(_id(data), whole_number(data.get("index")), type_, str(data.get("data") or ""))]
            case "PROGRESS":
                return [Progress(str(data.get("id", "")), whole_number(data.get("progress")))]
            case "AUTH_INFO" | "ERROR_INFO" | "SESSION_LOGOUT":
                raise self._refused(str(operation), str(data.get("info") or ""))
        return []

    def _changed(self, *paragraphs: Paragraph) -> list[Event]:
        """An event for each paragraph that differs from what was last seen of it."""
        fresh = [p for p in paragraphs if self._seen.get(p.id) != p]
        self._seen.update({p.id: p for p in fresh})
        return [ParagraphChanged(p) for p in fresh]

    def _refused(self, operation: str, info: str) -> ZeppelinError:
        said = info.strip().partition("\n")[0] or "no reason given"
        request = f"GET {self._url}"
        match operation:
            case "AUTH_INFO":
                return PermissionDeniedError(
                    f"note {self.note_id}: {said}", next_step="log in as a user who may", request=request
                )
            case "SESSION_LOGOUT":
                return LoginRequiredError(f"{self._base}: {said}", next_step="log in again", request=request)
        if "404" in info or "no such note" in info.lower():
            return NoteNotFoundError(f"no such note: {self.note_id}", request=request)
        return ServerError(f"note {self.note_id}: {said}", status=500, detail=info, request=request)


def _connect(http: Transport) -> Any:
    """An open websocket. Its Origin is the server's own address: 0.12 closes a websocket without one."""
    url, base = http.address.websocket, http.address.base
    cookie = http.session.prepare_request(requests.Request("GET", f"{base}/ws")).headers.get("Cookie")
    connection = websocket.WebSocket(sslopt=_tls(http.ca_bundle), enable_multithread=True)
    try:
        # a redirect is not followed: the cookie and the ticket are for this server only
        connection.connect(url, timeout=http.timeout, origin=http.address.origin, cookie=cookie, redirect_limit=0)
    except websocket.WebSocketBadStatusException as error:
        raise _handshake_error(http, error.status_code) from error
    except (websocket.WebSocketException, OSError) as error:
        answer = connection.handshake_response
        if answer is not None and answer.status != _SWITCHING_PROTOCOLS:
            raise _handshake_error(http, answer.status) from error
        raise UnreachableError(
            f"{base}: no websocket connection: {str(error).partition(chr(10))[0]}",
            next_step="check that the server runs, and that a proxy before it passes websockets on",
            request=f"GET {url}",
        ) from error
    # up to 1.8 the library takes a redirect that it may not follow for a connection
    if connection.handshake_response.status != _SWITCHING_PROTOCOLS:
        connection.shutdown()
        raise _handshake_error(http, connection.handshake_response.status)
    return connection


def _handshake_error(http: Transport, status: int) -> ZeppelinError:
    request = f"GET {http.address.websocket}"
    if status in (401, 403) or 300 <= status < 400:
        return LoginRequiredError(
            f"{http.address.base} refused the websocket ({status})", next_step="log in", request=request
        )
    return NotZeppelinError(
        f"{http.address.base} has no websocket at /ws ({status})",
        next_step="check the address; a proxy before the server has to pass websockets on",
        request=request,
    )


def _tls(ca_bundle: bool | str) -> dict[str, Any]:
    if ca_bundle is False:
        return {"cert_reqs": ssl.CERT_NONE, "check_hostname": False}
    if isinstance(ca_bundle, str):
        return {"ca_cert_path" if Path(ca_bundle).is_dir() else "ca_certs": ca_bundle}
    return {"ca_certs": requests.utils.DEFAULT_CA_BUNDLE_PATH}


def _parsed(text: str | bytes) -> Mapping[str, Any]:
    if not text:
        raise websocket.WebSocketConnectionClosedException("closed by the server")
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _id(data: Mapping[str, Any]) -> str:
    return str(data.get("paragraphId", ""))
