"""Retries with growing pauses, only for errors that may go away by themselves, and not for ever."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from netpie_creds.errors import AuthServerUnreachableError, AuthServerUntrustedError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Backoff:
    """How often to try, and how long to wait between (seconds)."""

    attempts: int = 4
    first: float = 1.0
    factor: float = 2.0
    longest: float = 30.0

    def delays(self) -> Iterator[float]:
        """Yield the seconds to wait after each attempt but the last."""
        delay = self.first
        for _ in range(self.attempts - 1):
            yield min(delay, self.longest)
            delay *= self.factor


ONCE = Backoff(attempts=1)


def retry(call: Callable[[], Answer], backoff: Backoff, sleep: Callable[[float], None] = time.sleep) -> Answer:
    """Return what `call` returns, trying again while the server is out of reach.

    Raises: what `call` raises; AuthServerUnreachableError, with the number of attempts, once they are used up. A wrong
    key or secret, a refusal, a certificate that is not trusted and a malformed answer are never tried again.
    """
    for delay in backoff.delays():
        try:
            return call()
        except AuthServerUntrustedError:
            raise
        except AuthServerUnreachableError:
            sleep(delay)
    try:
        return call()
    except AuthServerUnreachableError as error:
        if backoff.attempts == 1 or isinstance(error, AuthServerUntrustedError):
            raise
        raise AuthServerUnreachableError(
            f"{error.message} ({backoff.attempts} attempts)", next_step=error.next_step
        ) from error
