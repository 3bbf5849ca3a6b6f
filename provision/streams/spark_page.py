"""A stream as Spark itself sees it: the REST API of the driver's page (Spark's "Monitoring and Instrumentation")."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import requests

from netpie_creds.web import open_session, proxies_for

# The gauges of the connector's NetpieCounts among Spark's metrics: APPLICATION.driver.netpie.STREAM.mqtt.NAME
_COUNT = re.compile(r"\.netpie\.\d+\.mqtt\.(received|stored|acknowledged|reconnects|redelivered)")
# those of a note's query of Structured Streaming, of which Spark's API has nothing
_FIGURE = re.compile(r"\.netpie\.\d+\.query\.(\w+)$")
# what it says of a failure, as the description of a job: its metrics are numbers
_FAILED = "the newest batch failed: "
# and of outputs that fail
_OUTPUTS = "outputs: "


@dataclass(frozen=True)
class StreamState:
    """A running StreamingContext: counts since its start, times in ms and events/s of the batches
    that Spark remembers, the receivers.

    `failed_batches` of the batches that Spark remembers had an output that failed; `failure` says why the newest batch
    did, and is empty if it did not. `processed`: the events in batches that have ended. `first_batch`, `newest_batch`:
    the times, in ms since the epoch, of the first batch and of the newest that ended and did not fail; 0 for none.
    `batch_ms` is the batch interval. `messages` are what this project's connector counts, up to a heartbeat of Spark's
    executors ago: received, stored, acknowledged, reconnects, redelivered (these may be there twice). Other receivers
    have none. `since`: when it was started, as the driver writes it. `application`: the id of its Spark application,
    another for each Spark that is started. `outputs` are those that fail: name, waiting (windows), since (ms since the
    epoch), reason.
    """

    batches: int
    events: int
    processing_ms: float
    delay_ms: float
    waiting_batches: int
    receivers: int
    last_error: str
    events_per_second: float = 0.0
    failed_batches: int = 0
    failure: str = ""
    processed: int = 0
    batch_ms: int = 0
    first_batch: int = 0
    newest_batch: int = 0
    messages: Mapping[str, int] = field(default_factory=dict)
    since: str = ""
    application: str = ""
    outputs: tuple[Mapping[str, Any], ...] = ()

    @property
    def lag_s(self) -> float:
        """Seconds from the end of a batch to its result, with the batches that wait before it."""
        return (self.delay_ms + max(0, self.waiting_batches - 1) * self.batch_ms) / 1000

    def to_json(self) -> dict[str, Any]:
        """The `stream` keys of `status NOTE --json`."""
        return {
            "batches": self.batches,
            "events": self.events,
            "events_per_s": self.events_per_second,
            "processing_ms": self.processing_ms,
            "delay_ms": self.delay_ms,
            "waiting_batches": self.waiting_batches,
            "receivers": self.receivers,
            "failed_batches": self.failed_batches,
            "failure": self.failure or None,
            "messages": dict(self.messages) or None,
            "error": self.last_error or None,
            "outputs": [dict(each) for each in self.outputs],
        }


class SparkPage:
    """The driver's page at `url`, as `sc.uiWebUrl` names it.

    With `application` it is the page of the Spark application of this id only: after a restart another server's Spark
    may have the port.
    """

    def __init__(self, url: str, application: str = "", timeout: float = 5.0) -> None:
        self.url = url.rstrip("/")
        self.application = application
        self._timeout = timeout

    def stream(self) -> StreamState | None:
        """The stream that runs, or None when there is none, it is another Spark's, or the page is out of reach."""
        try:
            application = str(self._get("api/v1/applications")[0]["id"])
            if self.application not in ("", application):
                return None
            query = self._query(application)
            if query is not None:
                return replace(query, application=application)
            streaming = f"api/v1/applications/{application}/streaming"
            statistics, receivers = self._get(f"{streaming}/statistics"), self._get(f"{streaming}/receivers")
            state = _state(statistics, receivers, self._get(f"{streaming}/batches"), self._messages())
            return replace(state, application=application, outputs=self._outputs(application))
        except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError):
            return None  # not Spark's answers: another server has that port now, or the stream has just ended

    def answers(self) -> bool:
        """Whether the page can be reached from here."""
        try:
            self._get("api/v1/applications")
        except (requests.RequestException, ValueError):
            return False
        return True

    def _query(self, application: str) -> StreamState | None:
        """What a note's query tells of itself by Spark's metrics; None where none does."""
        gauges = self._gauges()
        figures = {found[1]: int(gauges[name]["value"]) for name in gauges if (found := _FIGURE.search(name))}
        if not figures.get("since") or not figures.get("active"):
            return None
        batches, batch_ms = figures["batches"], figures["batch_ms"]
        seconds = max(time.time() - figures["since"] / 1000, 1)
        return StreamState(
            batches=batches,
            events=figures["events"],
            processing_ms=figures["processing_ms"],
            delay_ms=figures["processing_ms"],
            waiting_batches=0,
            receivers=1,
            last_error="",
            events_per_second=figures["events"] / seconds,
            failed_batches=figures["failed"],
            failure=self._why(application) if figures["newest_failed"] else "",
            processed=figures["events"],
            batch_ms=batch_ms,
            first_batch=figures["first_batch"],
            newest_batch=figures["newest_batch"],
            since=str(figures["since"]),
            messages=self._messages(),
            outputs=self._outputs(application),
        )

    def _outputs(self, application: str) -> tuple[Mapping[str, Any], ...]:
        """The outputs that fail, as the note's query told last; none where its jobs can't be seen."""
        try:
            found = next((text for text in self._told(application) if text.startswith(_OUTPUTS)), "")
            listed = json.loads(found.removeprefix(_OUTPUTS)) if found else []
        except (requests.RequestException, ValueError):
            return ()
        return tuple(each for each in listed if isinstance(each, dict))

    def _told(self, application: str) -> list[str]:
        """What jobs are described with, the newest first."""
        return [str(job.get("description", "")) for job in self._get(f"api/v1/applications/{application}/jobs")]

    def _why(self, application: str) -> str:
        """What a note's query said last of a batch that failed."""
        told = (text.removeprefix(_FAILED) for text in self._told(application) if text.startswith(_FAILED))
        return next(told, "its latest windows say why")

    def _messages(self) -> dict[str, int]:
        """The connector's counts, summed over streams; none where Spark's metrics are not on its page."""
        counts: Counter[str] = Counter()
        for name, gauge in self._gauges().items():
            if found := _COUNT.search(name):
                counts[found[1]] += int(gauge["value"])
        return dict(counts)

    def _gauges(self) -> Mapping[str, Any]:
        """Spark's metrics; empty where they are not on its page."""
        try:
            gauges: Mapping[str, Any] = self._get("metrics/json")["gauges"]
        except requests.RequestException:
            return {}
        return gauges

    def _get(self, path: str) -> Any:
        with open_session() as session:
            response = session.get(f"{self.url}/{path}", timeout=self._timeout, proxies=proxies_for(self.url))
        response.raise_for_status()
        return response.json()


def _state(
    statistics: Mapping[str, Any],
    receivers: Sequence[Mapping[str, Any]],
    batches: Sequence[Mapping[str, Any]],
    messages: Mapping[str, int],
) -> StreamState:
    errors = [error for error in map(_error, receivers) if error]
    ended = [batch for batch in batches if batch.get("status") == "COMPLETED"]
    newest = max(ended, key=lambda batch: int(batch.get("batchId", 0)), default={})
    interval = int(statistics.get("batchDuration") or 0)
    return StreamState(
        batches=int(statistics.get("numTotalCompletedBatches", 0)),
        events=int(statistics.get("numReceivedRecords", 0)),
        processing_ms=float(statistics.get("avgProcessingTime") or 0),
        delay_ms=float(statistics.get("avgTotalDelay") or 0),
        waiting_batches=int(statistics.get("numActiveBatches", 0)),
        receivers=sum(bool(receiver.get("isActive")) for receiver in receivers),
        last_error=errors[-1] if errors else "",
        events_per_second=float(statistics.get("avgInputRate") or 0),
        failed_batches=sum(bool(batch.get("numFailedOutputOps")) for batch in ended),
        failure=_failure(newest),
        processed=int(statistics.get("numProcessedRecords") or 0),
        batch_ms=interval,
        first_batch=_millis(statistics.get("startTime")) // interval * interval + interval if interval else 0,
        newest_batch=max((_millis(b.get("batchTime")) for b in ended if not b.get("numFailedOutputOps")), default=0),
        messages=messages,
        since=str(statistics.get("startTime") or ""),
    )


def _millis(time: Any) -> int:
    """A time as Spark's API has it, such as "2018-10-29T02:53:40.000GMT", in ms since the epoch; 0 for what is none."""
    try:
        parsed = datetime.strptime(str(time), "%Y-%m-%dT%H:%M:%S.%fGMT")
    except ValueError:
        return 0
    return round(parsed.replace(tzinfo=UTC).timestamp() * 1000)


def _failure(batch: Mapping[str, Any]) -> str:
    """Why an output of the batch failed: the first line of its exception, the deepest cause's where it has one."""
    if not batch.get("numFailedOutputOps"):
        return ""
    lines = str(batch.get("firstFailureReason") or "Spark gives no reason").strip().splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return (causes or lines)[-1 if causes else 0].strip()


def _error(receiver: Mapping[str, Any]) -> str:
    """What the receiver reported last, and the first line of the exception behind it, which Bahir's needs."""
    parts = (str(receiver.get(name) or "").strip() for name in ("lastErrorMessage", "lastError"))
    return ": ".join(part.splitlines()[0] for part in parts if part)
