"""`provision logs` and `status` on the real server: what is printed, what the stream keeps, what Zeppelin cuts off."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from zeppelin_sdk import ZeppelinClient

from .command import done
from .conftest import Embedded, Streams
from .streams import Stream, wait_for

EVENT = '{"ts": "2018-10-29T09:53:36+0700", "id": "host-0000", "loadavg": 1.5, "cpu": 75.0, "mem": 69.0}'
LONG = '%spark\nfor (n <- 1 to 1300) println("x" * 99)\nThread.sleep(6000)'  # 130,000 bytes, then silence


@contextmanager
def following(*arguments: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of `logs -f --json`, from a process that Ctrl-C has to end well."""
    command = [sys.executable, "-m", "provision", "logs", "-f", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdout is not None
        try:
            yield map(json.loads, process.stdout)
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            status = process.wait(20)
    assert status == 0


@pytest.fixture
def note(embedded: Embedded, quiet_spark: None) -> Iterator[str]:
    """A note of its own, deleted afterwards without a restart of Spark's interpreter."""
    note_id = embedded.client.create_note("/logs/note")
    yield note_id
    for paragraph in embedded.client.get_note(note_id).paragraphs:
        embedded.client.delete_paragraph(note_id, paragraph.id)
    embedded.client.delete_note(note_id)


def add(client: ZeppelinClient, note: str, title: str, text: str) -> str:
    return client.add_paragraph(note, title=title, text=text)


def test_tables_are_told_as_tables_and_markdown_as_text(embedded: Embedded, note: str) -> None:
    client = embedded.client
    table = add(client, note, "Table", '%spark\nprintln("%table id\\tcpu\\nhost-1\\t3.5")')
    text = add(client, note, "Words", "%md\n# Heading\nsome *words*")
    for paragraph in (table, text):
        client.execute_paragraph(note, paragraph)
    out = done("logs", note).out
    assert "── Table ──\nid      cpu\nhost-1  3.5\n" in out
    assert "── Words ──\nHeading\nsome words\n" in out


def test_what_zeppelin_cuts_off_is_told_while_the_paragraph_still_runs(embedded: Embedded, note: str) -> None:
    paragraph = add(embedded.client, note, "Long", LONG)
    embedded.client.execute_paragraph(note, add(embedded.client, note, "Here", "%md\nhere"))
    with following("/logs/note") as events:
        assert "here" in next(events)["text"]
        embedded.client.submit_paragraph(note, paragraph)
        told = []
        for event in events:
            told.append(event)
            if event["event"] == "status" and event["text"] == "FINISHED":
                break
    assert [each["text"] for each in told if each["event"] == "cut"] == ["102400 bytes"]
    assert told[-1]["text"] == "FINISHED"
    heard = sum(len(each["text"]) for each in told if each["event"] == "output")
    assert 102_400 <= heard < 103_000
    answer = done("logs", note, "--json").json
    assert answer["paragraphs"][-2]["cut"] == "102400 bytes"


def test_windows_of_a_running_stream_are_followed_as_they_end(streams: Streams) -> None:
    stream = streams.running("streaming")
    with following(stream.note.path) as events:
        stream.publish([EVENT])
        window = next(event for event in events if event["event"] == "window" and event["rows"])
    assert window["rows"][0][1] == "host-0000"
    status = wait_for(
        "what the note counts, once the paragraph that counts has run", lambda: status_with_counts(stream)
    )
    assert status["state"] == "streaming"
    assert status["counts"]["windows"] > 0
    assert status["stream"]["receivers"] == 1


def status_with_counts(stream: Stream) -> dict[str, Any] | None:
    status = done("status", stream.note.path, "--json").json
    return status if status["counts"] else None
