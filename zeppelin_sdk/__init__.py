"""A synchronous, typed Python client of Apache Zeppelin's REST and websocket API."""

from zeppelin_sdk.errors import (
    InterpreterError,
    LoginError,
    LoginRequiredError,
    NoteExistsError,
    NoteNotFoundError,
    NotFoundError,
    NotZeppelinError,
    ParagraphError,
    ParagraphNotFoundError,
    PermissionDeniedError,
    ServerError,
    UnreachableError,
    WaitTimeoutError,
    ZeppelinError,
)

__all__ = [
    "InterpreterError",
    "LoginError",
    "LoginRequiredError",
    "NotFoundError",
    "NotZeppelinError",
    "NoteExistsError",
    "NoteNotFoundError",
    "ParagraphError",
    "ParagraphNotFoundError",
    "PermissionDeniedError",
    "ServerError",
    "UnreachableError",
    "WaitTimeoutError",
    "ZeppelinError",
]
