"""The client: one connection to one server, with all calls on it."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

import requests

from zeppelin_sdk._credentials import CredentialsApi
from zeppelin_sdk._interpreters import InterpretersApi
from zeppelin_sdk._notes import NotesApi
from zeppelin_sdk._paragraphs import ParagraphsApi
from zeppelin_sdk._revisions import RevisionsApi
from zeppelin_sdk._transport import MAX_ANSWER_BYTES, TOTAL_TIMEOUT, Transport

if TYPE_CHECKING:
    from zeppelin_sdk._following import NoteFollower


class ZeppelinClient(NotesApi, ParagraphsApi, RevisionsApi, InterpretersApi, CredentialsApi):
    """A client of one Zeppelin server, 0.8 to 0.12; for one thread at a time.

    `url` may have a path prefix (`https://host/zeppelin`). With `user` the client logs in before its first
    call, and again when its session has expired. `timeout` is in seconds, for connecting and for each wait on
    the network; `total_timeout` for one call with its repeats, however slowly the answer comes. An answer or a
    websocket's message of more than `max_answer_bytes`, uncompressed, is an AnswerTooLargeError.

    `verify` is a CA file, or False for no check of the certificate. `proxy` is the URL of a proxy for calls and
    websockets, "" for none; without it the environment says (HTTP_PROXY, HTTPS_PROXY, NO_PROXY). A caller's own
    `session` keeps its adapters and is not closed; while one of those reads headers only `timeout` holds.
    Raises InvalidAddressError for a URL that is none; nothing is sent before the first call.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        total_timeout: float = TOTAL_TIMEOUT,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        session: requests.Session | None = None,
        verify: bool | str = True,
        proxy: str | None = None,
    ) -> None:
        self._http = Transport(
            url,
            user=user,
            password=password,
            timeout=timeout,
            total_timeout=total_timeout,
            max_answer_bytes=max_answer_bytes,
            session=session,
            verify=verify,
            proxy=proxy,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ZeppelinClient({self.url!r})"

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return self._http.address.base

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def login(self, user: str, password: str) -> None:
        """Log in now rather than before the first call. Raises LoginError."""
        self._http.login(user, password)

    def note_url(self, note_id: str) -> str:
        """The address of a note's page."""
        return f"{self.url}/#/notebook/{note_id}"

    def follow(self, note_id: str, *, reconnect: bool = False) -> "NoteFollower":
        """Follow a note over the websocket: `with client.follow(note_id) as follower: …`.

        With `reconnect` the follower opens a lost connection again, logs in anew where that is needed, and
        reads the note again.
        """
        from zeppelin_sdk._following import NoteFollower  # the websocket's library, for those who open one

        return NoteFollower(self._http, self.get_ticket, note_id, reconnect=reconnect)
