"""The errors of this package, one tree.

    ZeppelinError                    whatever is not named below
    ├── InvalidAddressError          the server's URL cannot be used as it stands
    ├── InvalidNoteError             what is to be imported is no note
    ├── ServerUnreachableError       no answer: refused, name unknown, TLS, timeout, connection lost (a ConnectionError)
    ├── NotZeppelinError             something answered, and it is not Zeppelin
    ├── AnswerTooLargeError          the answer is larger than the client takes
    ├── LoginError                   the server refused the user or the password
    │   └── LoginRequiredError       the server wants a login and none was made (or it has expired)
    ├── PermissionDeniedError        logged in, and not allowed to do this
    ├── NotFoundError                no such thing on the server
    │   ├── NoteNotFoundError
    │   └── ParagraphNotFoundError
    ├── NoteExistsError              a note has that path already
    ├── ServerError                  any other refusal or failure; carries `status` and the server's words
    │   ├── NoteRunningError         refused while "run all" goes through the note
    │   └── UnsupportedError         this server's version has no such thing; `needs` names one that has
    ├── ParagraphError               a paragraph ended in ERROR or ABORT; carries its output
    ├── InterpreterError             an interpreter setting is missing or in ERROR
    └── WaitTimeoutError             what was waited for did not happen in time (a TimeoutError)

Every error has `message` (the thing and the cause, one line), `next_step` (what to do about it, may be empty),
`kind` (a word for programs) and `request` ("GET http://host/api/…" without credentials, or "").
"""

from typing import ClassVar


class ZeppelinError(Exception):
    """A call to Zeppelin failed; `message` names the thing and the cause, `next_step` what to do about it."""

    kind: ClassVar[str] = "zeppelin"

    def __init__(self, message: str, *, next_step: str = "", request: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.request = request


class InvalidAddressError(ZeppelinError):
    """The server's URL cannot be used as it stands; nothing was sent."""

    kind = "usage"


class InvalidNoteError(ZeppelinError):
    """What is to be imported is no note; nothing was sent."""

    kind = "not-a-note"


class ServerUnreachableError(ZeppelinError, ConnectionError):
    """The server gave no answer: refused, name unknown, TLS, timeout, connection lost."""

    kind = "unreachable"


class NotZeppelinError(ZeppelinError):
    """Something answered at this address, and it is not Zeppelin's API."""

    kind = "not-zeppelin"


class AnswerTooLargeError(ZeppelinError):
    """The answer, or a websocket's message, is larger than the client's `max_answer_bytes`; the rest was not read."""

    kind = "too-large"


class LoginError(ZeppelinError):
    """The server refused the user or the password."""

    kind = "login"


class LoginRequiredError(LoginError):
    """The server wants a login, and none was made or it has expired."""

    kind = "login-required"


class PermissionDeniedError(ZeppelinError):
    """The user is known to the server and not allowed to do this."""

    kind = "permission"


class NotFoundError(ZeppelinError):
    """The server has no such thing."""

    kind = "not-found"


class NoteNotFoundError(NotFoundError):
    """The server has no note with this id."""


class ParagraphNotFoundError(NotFoundError):
    """The note has no paragraph with this id."""


class NoteExistsError(ZeppelinError):
    """Another note has this path already."""

    kind = "note-exists"


class ServerError(ZeppelinError):
    """The server refused or failed; `status` is the HTTP status, `detail` the whole of what it said."""

    kind = "server"

    def __init__(self, message: str, *, status: int, detail: str = "", next_step: str = "", request: str = "") -> None:
        super().__init__(message, next_step=next_step, request=request)
        self.status = status
        self.detail = detail


class NoteRunningError(ServerError):
    """The note is being run as a whole, and takes no changes from a websocket meanwhile."""

    kind = "note-running"


class UnsupportedError(ServerError):
    """This server has no such thing; `needs` is the version that it came with ("" where that is not known)."""

    kind = "unsupported"

    def __init__(
        self, message: str, *, needs: str = "", status: int = 501, next_step: str = "", request: str = ""
    ) -> None:
        super().__init__(message, status=status, next_step=next_step, request=request)
        self.needs = needs


class ParagraphError(ZeppelinError):
    """A paragraph ended in ERROR or ABORT; `output` is all that it printed."""

    kind = "paragraph"

    def __init__(
        self, message: str, *, paragraph_id: str, title: str, status: str, output: str, next_step: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.paragraph_id = paragraph_id
        self.title = title
        self.status = status
        self.output = output


class InterpreterError(ZeppelinError):
    """An interpreter setting is missing, or the server could not make it ready."""

    kind = "interpreter"


class WaitTimeoutError(ZeppelinError, TimeoutError):
    """What was waited for did not happen in time; it may still happen."""

    kind = "timeout"
