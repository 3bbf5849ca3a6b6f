"""The driver's page, faked on loopback with the answers of Spark's REST API."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from provision.streams.spark_page import SparkPage, StreamState

STREAMING = "/api/v1/applications/local-1/streaming"
STATISTICS = {
    "startTime": "2018-10-29T02:53:36.000GMT", "batchDuration": 10000, "numReceivers": 1, "numActiveReceivers": 1,
    "numInactiveReceivers": 0, "numTotalCompletedBatches": 7, "numRetainedCompletedBatches": 7, "numActiveBatches": 2,
    "numProcessedRecords": 90, "numReceivedRecords": 100, "avgInputRate": 1.4, "avgSchedulingDelay": 3,
    "avgProcessingTime": 250.5, "avgTotalDelay": 260,
}  # fmt: skip
RECEIVER = {"streamId": 0, "streamName": "Receiver-0", "isActive": True, "executorId": "driver", "eventRates": []}


class FakePage:
    """`answers` is what each path answers; any other path is 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"/api/v1/applications": [{"id": "local-1", "name": "Zeppelin"}]}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = fake.answers.get(self.path)
                self.send_response(404 if body is None else 200)
                self.end_headers()
                self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.002})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stream(self, statistics: Any, receivers: Any, batches: Any = ()) -> None:
        self.answers[f"{STREAMING}/batches"] = batches
        self.answers[f"{STREAMING}/statistics"] = statistics
        self.answers[f"{STREAMING}/receivers"] = receivers

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def page() -> Iterator[FakePage]:
    fake = FakePage()
    yield fake
    fake.close()


def test_a_running_stream_s_counts_times_and_receivers(page: FakePage) -> None:
    page.stream(STATISTICS, [RECEIVER, {**RECEIVER, "isActive": False}])
    state = SparkPage(page.url + "/").stream()
    assert state == StreamState(
        batches=7,
        events=100,
        processing_ms=250.5,
        delay_ms=260.0,
        waiting_batches=2,
        receivers=1,
        last_error="",
        events_per_second=1.4,
        processed=90,
        batch_ms=10_000,
        first_batch=1540781620000,
        since="2018-10-29T02:53:36.000GMT",
        application="local-1",
    )
    assert state.to_json() == {
        "batches": 7, "events": 100, "events_per_s": 1.4, "processing_ms": 250.5, "delay_ms": 260.0,
        "waiting_batches": 2, "receivers": 1, "failed_batches": 0, "failure": None, "messages": None, "error": None,
        "outputs": [],
    }  # fmt: skip


def test_what_the_connector_counts_is_summed_over_its_streams(page: FakePage) -> None:
    counts = {"0.mqtt.received": 100, "0.mqtt.stored": 90, "0.mqtt.reconnects": 0, "1.mqtt.received": 11, "0.x.y": 5}
    gauges = {f"local-1.driver.netpie.{name}": {"value": value} for name, value in counts.items()}
    page.answers["/metrics/json"] = {"version": "3.1.3", "gauges": {**gauges, "jvm.heap.used": {"value": 7}}}
    page.stream(STATISTICS, [RECEIVER])
    state = SparkPage(page.url).stream()
    assert state is not None
    assert state.to_json()["messages"] == {"received": 111, "stored": 90, "reconnects": 0}


def test_before_the_first_batch_times_are_zero(page: FakePage) -> None:
    none_yet = {"avgProcessingTime": None, "avgTotalDelay": None, "numTotalCompletedBatches": 0}
    page.stream({**STATISTICS, **none_yet}, [RECEIVER])
    state = SparkPage(page.url).stream()
    assert state is not None
    assert (state.batches, state.processing_ms, state.delay_ms) == (0, 0.0, 0.0)


def test_a_receiver_s_last_error_is_its_message_and_the_first_line_of_its_exception(page: FakePage) -> None:
    trace = "Not authorized to connect (5)\n\tat org.eclipse.paho…"
    page.stream(STATISTICS, [{**RECEIVER, "lastErrorMessage": "Error starting receiver 0", "lastError": trace}])
    state = SparkPage(page.url).stream()
    assert state is not None
    assert state.last_error == "Error starting receiver 0: Not authorized to connect (5)"


def test_without_a_stream_there_is_no_state_though_the_page_answers(page: FakePage) -> None:
    assert SparkPage(page.url).stream() is None
    assert SparkPage(page.url).answers()


@pytest.mark.parametrize("applications", [[], {}, ["local-1"], {"error": "no"}, b"<html>", 3, [{}]])
def test_a_page_that_is_not_spark_s_has_no_stream(page: FakePage, applications: Any) -> None:
    page.answers["/api/v1/applications"] = applications
    page.stream(STATISTICS, [RECEIVER])
    assert SparkPage(page.url).stream() is None


@pytest.mark.parametrize(("statistics", "receivers"), [([], [RECEIVER]), (STATISTICS, ["a"]), (STATISTICS, b"cut [")])
def test_answers_of_another_shape_are_no_stream(page: FakePage, statistics: Any, receivers: Any) -> None:
    page.stream(statistics, receivers)
    assert SparkPage(page.url).stream() is None


def test_a_page_out_of_reach_has_no_stream() -> None:
    fake = FakePage()
    url = fake.url
    fake.close()
    assert SparkPage(url, timeout=1).stream() is None
    assert not SparkPage(url, timeout=1).answers()


def test_a_proxy_from_the_environment_is_not_asked_for_this_machine(
    page: FakePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert SparkPage(page.url).answers()


ANALYSIS = (
    "org.apache.spark.sql.AnalysisException: cannot resolve '`ts`' given input columns: [measure.id]; line 2 pos 13\n"
    "\tat org.apache.spark.sql.catalyst.analysis.package.failAnalysis(package.scala:42)"
)


def batch(number: int, status: str = "COMPLETED", failure: str = "") -> dict[str, Any]:
    failed = {"numFailedOutputOps": 1, "firstFailureReason": failure} if failure else {"numFailedOutputOps": 0}
    return {"batchId": number, "batchTime": "2018-10-29T02:53:40.000GMT", "status": status, "inputSize": 5, **failed}


def test_a_stream_whose_newest_batch_failed_says_why(page: FakePage) -> None:
    page.stream(STATISTICS, [RECEIVER], [batch(3, "PROCESSING"), batch(2, failure=ANALYSIS), batch(1)])
    stream = SparkPage(page.url).stream()
    assert stream is not None
    assert stream.failed_batches == 1
    assert stream.failure == ANALYSIS.splitlines()[0]
    assert stream.to_json()["failure"] == ANALYSIS.splitlines()[0]


def test_the_deepest_cause_of_a_failed_job_is_told(page: FakePage) -> None:
    reason = "org.apache.spark.SparkException: Job aborted.\n\tat a\nCaused by: java.io.IOException: No space left\n"
    page.stream(STATISTICS, [RECEIVER], [batch(1, failure=reason)])
    stream = SparkPage(page.url).stream()
    assert stream is not None
    assert stream.failure == "java.io.IOException: No space left"


def test_a_stream_that_has_recovered_counts_its_failures_and_is_well(page: FakePage) -> None:
    page.stream(STATISTICS, [RECEIVER], [batch(2), batch(1, failure=ANALYSIS)])
    stream = SparkPage(page.url).stream()
    assert stream is not None
    assert (stream.failed_batches, stream.failure) == (1, "")


FIGURES = {
    "since": 1540781616_000, "active": 1, "batches": 7, "batch_ms": 10_000, "events": 100, "failed": 2,
    "newest_failed": 0, "processing_ms": 250, "first_batch": 1540781620_000, "newest_batch": 1540781680_000,
}  # fmt: skip


def tell(page: FakePage, **changed: int) -> None:
    gauges = {
        f"local-1.driver.AccumulatorSource.netpie.1.query.{name}": {"value": value}
        for name, value in (FIGURES | changed).items()
    }
    gauges |= {
        f"local-1.driver.AccumulatorSource.netpie.1.mqtt.{name}": {"value": value}
        for name, value in {"received": 90, "redelivered": 1}.items()
    }
    page.answers["/metrics/json"] = {"gauges": gauges}


def test_a_query_of_structured_streaming_tells_of_itself_by_spark_s_metrics(page: FakePage) -> None:
    tell(page)
    state = SparkPage(page.url).stream()
    assert state is not None
    assert (state.events, state.batches, state.receivers, state.batch_ms) == (100, 7, 1, 10_000)
    assert (state.failed_batches, state.failure) == (2, "")
    assert (state.first_batch, state.newest_batch) == (1540781620_000, 1540781680_000)
    assert (state.messages, state.to_json()["messages"]) == ({"received": 90, "redelivered": 1}, state.messages)


def test_a_query_whose_newest_batch_failed_says_why_in_a_job_s_description(page: FakePage) -> None:
    tell(page, newest_failed=1)
    jobs = [{"jobId": 3, "description": "the newest batch failed: new"}, {"jobId": 2}]
    page.answers["/api/v1/applications/local-1/jobs"] = [
        *jobs,
        {"jobId": 1, "description": "the newest batch failed: old"},
    ]
    failing = SparkPage(page.url).stream()
    assert failing is not None
    assert failing.failure == "new"
    page.answers["/api/v1/applications/local-1/jobs"] = []
    unnamed = SparkPage(page.url).stream()
    assert unnamed is not None
    assert unnamed.failure == "its latest windows say why"


def test_outputs_that_fail_are_told_by_the_newest_job_that_speaks_of_them(page: FakePage) -> None:
    tell(page)
    failing = {"name": "postgresql", "waiting": 14, "since": 1540781620_000, "reason": "connection refused"}
    page.answers["/api/v1/applications/local-1/jobs"] = [
        {"jobId": 4},
        {"jobId": 3, "description": f"outputs: {json.dumps([failing])}"},
        {"jobId": 2, "description": "outputs: []"},
    ]
    state = SparkPage(page.url).stream()
    assert state is not None
    assert state.to_json()["outputs"] == [failing]
    page.answers["/api/v1/applications/local-1/jobs"] = [{"jobId": 5, "description": "outputs: []"}]
    well = SparkPage(page.url).stream()
    assert well is not None
    assert well.outputs == ()


@pytest.mark.parametrize("changed", [{"active": 0}, {"since": 0}])
def test_a_query_that_has_ended_or_not_begun_is_no_stream(page: FakePage, changed: dict[str, int]) -> None:
    tell(page, **changed)
    assert SparkPage(page.url).stream() is None
