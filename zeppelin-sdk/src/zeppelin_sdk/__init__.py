"""A synchronous, typed Python client of Apache Zeppelin's REST and websocket API, 0.8 to 0.12."""

import importlib
from typing import TYPE_CHECKING

from zeppelin_sdk._client import ZeppelinClient
from zeppelin_sdk._errors import (
    AnswerTooLargeError,
    InterpreterError,
    InvalidAddressError,
    InvalidNoteError,
    LoginError,
    LoginRequiredError,
    NoteExistsError,
    NoteNotFoundError,
    NoteRunningError,
    NotFoundError,
    NotZeppelinError,
    ParagraphError,
    ParagraphNotFoundError,
    PermissionDeniedError,
    ServerError,
    ServerUnreachableError,
    UnsupportedError,
    WaitTimeoutError,
    ZeppelinError,
)
from zeppelin_sdk._models import (
    Capabilities,
    Credential,
    Cron,
    InterpreterSetting,
    Note,
    NoteInfo,
    NoteResult,
    Paragraph,
    ParagraphResult,
    ParagraphStatus,
    Permissions,
    Repository,
    ResultMessage,
    Revision,
    SearchHit,
    ServerVersion,
    Table,
    Ticket,
    note_path,
)
from zeppelin_sdk._output import first_error_line

if TYPE_CHECKING:
    from zeppelin_sdk._editing import NoteSession
    from zeppelin_sdk._events import (
        ConnectionLost,
        ConnectionRestored,
        Event,
        NoteChanged,
        OthersPresent,
        OutputAppended,
        OutputUpdated,
        ParagraphAdded,
        ParagraphChanged,
        ParagraphMoved,
        ParagraphRemoved,
        Progress,
    )
    from zeppelin_sdk._following import NoteFollower
    from zeppelin_sdk._patches import apply_patch, make_patch
else:
    _ON_DEMAND = {
        "editing": ("NoteSession",),
        "following": ("NoteFollower",),
        "patches": ("apply_patch", "make_patch"),
        "events": (
            "ConnectionLost",
            "ConnectionRestored",
            "Event",
            "NoteChanged",
            "OthersPresent",
            "OutputAppended",
            "OutputUpdated",
            "ParagraphAdded",
            "ParagraphChanged",
            "ParagraphMoved",
            "ParagraphRemoved",
            "Progress",
        ),
    }

    def __getattr__(name: str) -> object:
        """What only a websocket needs is imported when it is asked for: most callers open none."""
        for module, names in _ON_DEMAND.items():
            if name in names:
                return getattr(importlib.import_module(f"zeppelin_sdk._{module}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AnswerTooLargeError",
    "Capabilities",
    "ConnectionLost",
    "ConnectionRestored",
    "Credential",
    "Cron",
    "Event",
    "InterpreterError",
    "InterpreterSetting",
    "InvalidAddressError",
    "InvalidNoteError",
    "LoginError",
    "LoginRequiredError",
    "NotFoundError",
    "NotZeppelinError",
    "Note",
    "NoteChanged",
    "NoteExistsError",
    "NoteFollower",
    "NoteInfo",
    "NoteResult",
    "NoteNotFoundError",
    "NoteRunningError",
    "NoteSession",
    "OthersPresent",
    "OutputAppended",
    "OutputUpdated",
    "Paragraph",
    "ParagraphAdded",
    "ParagraphChanged",
    "ParagraphError",
    "ParagraphResult",
    "ParagraphMoved",
    "ParagraphNotFoundError",
    "ParagraphRemoved",
    "ParagraphStatus",
    "PermissionDeniedError",
    "Permissions",
    "Progress",
    "Repository",
    "ResultMessage",
    "Revision",
    "SearchHit",
    "ServerError",
    "ServerVersion",
    "Table",
    "Ticket",
    "ServerUnreachableError",
    "UnsupportedError",
    "WaitTimeoutError",
    "ZeppelinClient",
    "ZeppelinError",
    "apply_patch",
    "first_error_line",
    "make_patch",
    "note_path",
]
