"""The page's feed on the real server: the stream's windows, and an edit that goes by the websocket and stays."""

from collections.abc import Iterator

import pytest

from provision.live.feed import NoteFeed
from zeppelin_sdk import ZeppelinClient

from .conftest import Embedded, Streams
from .streams import PATIENCE, Stream, event, wait_for


@pytest.fixture
def stream(streams: Streams) -> Stream:
    return streams.running("streaming")


@pytest.fixture
def feed(embedded: Embedded, stream: Stream) -> Iterator[NoteFeed]:
    running = NoteFeed(lambda: ZeppelinClient(embedded.stack.url), stream.note_id)
    running.start()
    wait_for("the stream", lambda: running.state.status and running.state.status.state == "streaming")
    yield running
    running.close()


def test_windows_come_whole_as_they_end(stream: Stream, feed: NoteFeed) -> None:
    keys = [f"a-name-of-more-than-twenty-letters-{number:02}" for number in range(25)]
    stream.publish(event("2018-10-29T09:53:36+0700", key, cpu=75.25) for key in keys)
    wait_for("their window", lambda: set(keys) <= set(feed.history.keys()))
    assert {"avg(loadavg)", "avg(cpu)", "avg(mem)"} <= set(feed.history.measures())
    values = feed.history.lines("avg(cpu)", keys).lines
    assert all(75.25 in line.values for line in values)


def test_an_edit_is_in_the_note_and_apply_keeps_it(streams: Streams, stream: Stream, feed: NoteFeed) -> None:
    query = stream.paragraph("query")
    edited = f"{query.text}\n// edited in the page"
    feed.write(query.id, query.text, edited).result(PATIENCE)
    feed.save(query.id).result(PATIENCE)
    try:
        assert stream.paragraph("query").text == edited
        changes = streams.apply("streaming", stream.out, "--no-run").json["changes"]
        assert next(change["verdict"] for change in changes if change["key"] == "query") == "keep"
        assert stream.paragraph("query").text == edited
    finally:
        feed.write(query.id, edited, query.text).result(PATIENCE)
        feed.save(query.id).result(PATIENCE)
