"""Causes that rows share: once one row has failed by it, the others need not try."""

import threading
from collections.abc import Iterable

from netpie_creds import (
    AuthServerRefusedError,
    AuthServerUnreachableError,
    MalformedAnswerError,
    NetpieError,
    WrongKeyError,
    WrongSecretError,
)
from provision.classroom.roster import Person
from provision.errors import ProvisionError
from provision.platforms.platform import Cause
from zeppelin_sdk import LoginError, NotZeppelinError, ServerUnreachableError, ZeppelinError

ZEPPELIN: Cause = ("zeppelin",)


def login(person: Person) -> Cause:
    """The login of the row's Zeppelin user; one of the command line's where it names none."""
    return ("login", person.user, str(person.password_file or ""))


def cause_of(error: ProvisionError | NetpieError | ZeppelinError, needed: Iterable[Cause]) -> Cause | None:
    """Which of the things that a row needs has failed; None for what is the row's own."""
    match error:
        case ServerUnreachableError() | NotZeppelinError():
            part = "zeppelin"
        case LoginError():
            part = "login"
        case AuthServerUnreachableError() | MalformedAnswerError():
            part = "auth server"
        case WrongKeyError() | WrongSecretError() | AuthServerRefusedError():
            part = "application"
        case _:
            return None
    return next((cause for cause in needed if cause[0] == part), None)


class Failed:
    """The causes by which rows have failed so far; for many threads."""

    def __init__(self) -> None:
        self._errors: dict[Cause, ProvisionError | NetpieError | ZeppelinError] = {}
        self._lock = threading.Lock()

    def add(self, cause: Cause, error: ProvisionError | NetpieError | ZeppelinError) -> None:
        """Note that a row has failed by this cause."""
        with self._lock:
            self._errors.setdefault(cause, error)

    def first_of(
        self, needed: Iterable[Cause]
    ) -> tuple[Cause, ProvisionError | NetpieError | ZeppelinError] | None:  # fmt: skip
        """The first of these causes by which a row has failed, with its error."""
        with self._lock:
            return next(((cause, self._errors[cause]) for cause in needed if cause in self._errors), None)
