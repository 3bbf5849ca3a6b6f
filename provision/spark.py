"""A stream as Spark itself sees it: the REST API of the driver's page (Spark's "Monitoring and Instrumentation")."""

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class StreamState:
    """A running StreamingContext: counts since its start, times in ms of completed batches, the receivers."""

    batches: int
    events: int
    processing_ms: float
    delay_ms: float
    waiting_batches: int
    receivers: int
    last_error: str

    def answer(self) -> dict[str, Any]:
        """The `stream` keys of `status NOTE --json`."""
        return {
            "batches": self.batches,
            "events": self.events,
            "processing_ms": self.processing_ms,
            "delay_ms": self.delay_ms,
        }


class SparkPage:
    """The driver's page at `url`, as `sc.uiWebUrl` names it."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout

    def stream(self) -> StreamState | None:
        """The stream that runs, or None when there is none or the page is out of reach from here."""
        try:
            applications = self._get("applications")
            if not applications:
                return None
            root = f"applications/{applications[0]['id']}/streaming"
            statistics, receivers = self._get(f"{root}/statistics"), self._get(f"{root}/receivers")
        except (requests.RequestException, ValueError, LookupError):
            return None
        active = [receiver for receiver in receivers if receiver.get("isActive")]
        errors = [receiver.get("lastErrorMessage") for receiver in receivers if receiver.get("lastErrorMessage")]
        return StreamState(
            batches=int(statistics.get("numTotalCompletedBatches", 0)),
            events=int(statistics.get("numReceivedRecords", 0)),
            processing_ms=float(statistics.get("avgProcessingTime") or 0),
            delay_ms=float(statistics.get("avgTotalDelay") or 0),
            waiting_batches=int(statistics.get("numActiveBatches", 0)),
            receivers=len(active),
            last_error=str(errors[-1]) if errors else "",
        )

    def _get(self, path: str) -> Any:
        response = requests.get(f"{self.url}/api/v1/{path}", timeout=self._timeout)
        response.raise_for_status()
        return response.json()
