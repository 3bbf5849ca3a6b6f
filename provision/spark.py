"""A stream as Spark itself sees it: the REST API of the driver's page (Spark's "Monitoring and Instrumentation")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests


@dataclass(frozen=True)
class StreamState:
    """A running StreamingContext: counts since its start, times in ms and events/s of the batches
    that Spark remembers, the receivers."""

    batches: int
    events: int
    processing_ms: float
    delay_ms: float
    waiting_batches: int
    receivers: int
    last_error: str
    events_per_second: float = 0.0

    def answer(self) -> dict[str, Any]:
        """The `stream` keys of `status NOTE --json`."""
        return {
            "batches": self.batches,
            "events": self.events,
            "events_per_s": self.events_per_second,
            "processing_ms": self.processing_ms,
            "delay_ms": self.delay_ms,
            "waiting_batches": self.waiting_batches,
            "receivers": self.receivers,
            "error": self.last_error or None,
        }


class SparkPage:
    """The driver's page at `url`, as `sc.uiWebUrl` names it."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout

    def stream(self) -> StreamState | None:
        """The stream that runs, or None when there is none or the page is out of reach from here."""
        try:
            application = self._get("applications")[0]["id"]
            statistics = self._get(f"applications/{application}/streaming/statistics")
            return _state(statistics, self._get(f"applications/{application}/streaming/receivers"))
        except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError):
            return None  # not Spark's answers: another server has that port now, or the stream has just ended

    def answers(self) -> bool:
        """Whether the page can be reached from here."""
        try:
            self._get("applications")
        except (requests.RequestException, ValueError):
            return False
        return True

    def _get(self, path: str) -> Any:
        with requests.Session() as session:
            # a proxy from the environment can't reach this machine's loopback
            session.trust_env = urlsplit(self.url).hostname not in ("127.0.0.1", "localhost", "::1")
            response = session.get(f"{self.url}/api/v1/{path}", timeout=self._timeout)
        response.raise_for_status()
        return response.json()


def _state(statistics: Mapping[str, Any], receivers: Sequence[Mapping[str, Any]]) -> StreamState:
    errors = [error for error in map(_error, receivers) if error]
    return StreamState(
        batches=int(statistics.get("numTotalCompletedBatches", 0)),
        events=int(statistics.get("numReceivedRecords", 0)),
        processing_ms=float(statistics.get("avgProcessingTime") or 0),
        delay_ms=float(statistics.get("avgTotalDelay") or 0),
        waiting_batches=int(statistics.get("numActiveBatches", 0)),
        receivers=sum(bool(receiver.get("isActive")) for receiver in receivers),
        last_error=errors[-1] if errors else "",
        events_per_second=float(statistics.get("avgInputRate") or 0),
    )


def _error(receiver: Mapping[str, Any]) -> str:
    """What the receiver reported last, and the first line of the exception behind it, which Bahir's needs."""
    parts = (str(receiver.get(name) or "").strip() for name in ("lastErrorMessage", "lastError"))
    return ": ".join(part.splitlines()[0] for part in parts if part)
