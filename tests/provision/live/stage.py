"""Notes that stream, without Spark: a double of Zeppelin, a driver's page for each note, and windows on demand."""

import json
import math
import re
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from provision.sync.provenance import MARK, PAGE, STARTED, Mark, digest
from zeppelin_sdk.testing import FakeZeppelin

SLIDE_MS = 10_000
FITTING_ROWS = 600
"""About as many rows as the engine's `Results` shows."""
KEYS = ("ant", "bee", "cat", "dog")
MEASURES = ("avg(loadavg)", "avg(cpu)", "avg(mem)")
QUERY = '''%spark
val query = """
  select max(ts) as ts, id, avg(loadavg), avg(cpu), avg(mem)
  from measure
  group by id
"""'''
PARAGRAPHS = (
    ("introduction", "", "", "%md\n# Averages of your devices"),
    ("query", "query", "Query: edit it, run it, and the next window uses it", QUERY),
    ("stop", "stop", "Stop the stream", "%spark\nssc.stop()"),
    ("start", "start", "Start", "%spark\nssc.start"),
    ("latest", "latest", "Latest windows: run it at any time", "%spark\nResults.show(3) // of note {note}"),
    ("chart", "chart", "Chart of the averages: run it at any time", "%spark.sql\nselect * from averages order by 1"),
)
_STREAMING = "/api/v1/applications/local-1/streaming/"


class StagedZeppelin(FakeZeppelin):
    """Ends a run with an output for each `%table` that it prints, as the real one does."""

    def advance(self, paragraph: dict[str, Any]) -> str | None:
        piece = super().advance(paragraph)
        results = paragraph.get("results") or {}
        if len(results.get("msg", ())) == 1 and "\n%table " in results["msg"][0]["data"]:
            results["msg"] = outputs(results["msg"][0]["data"])
        return piece


def outputs(printed: str) -> list[dict[str, str]]:
    """What is printed, an output for each of its types."""
    text, _, table = printed.partition("\n%table ")
    return [{"type": "TEXT", "data": text}, {"type": "TABLE", "data": table}]


class StagedNote:
    """One note, its windows, and its driver's page."""

    def __init__(self, zeppelin: FakeZeppelin, path: str, keys: Sequence[str], windows: int) -> None:
        self.zeppelin, self.keys, self.path = zeppelin, list(keys), path
        self.windows: list[tuple[int, list[tuple[str, ...]]]] = []
        self.failure = ""
        self.zero = int(time.time() * 1000) // SLIDE_MS * SLIDE_MS - windows * SLIDE_MS
        for _ in range(windows):
            self.next_window()
        self._spark = _spark_page(self)
        threading.Thread(target=self._spark.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.id = self._added(path)

    def close(self) -> None:
        self._spark.shutdown()
        self._spark.server_close()

    @property
    def json(self) -> dict[str, Any]:
        note: dict[str, Any] = self.zeppelin.notes[self.id]
        return note

    def paragraph(self, key: str) -> dict[str, Any]:
        """A paragraph's JSON, as the server has it now."""
        found: dict[str, Any] = next(p for p in self.json["paragraphs"] if p["config"].get(MARK, {}).get("key") == key)
        return found

    def next_window(self) -> int:
        """A window ends; returns when, in ms since the epoch."""
        count = len(self.windows) + 1
        end = self.zero + count * SLIDE_MS
        stamp = datetime.fromtimestamp(end / 1000 - 7, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        rows = [
            (stamp, key, *(f"{value:.4f}" for value in _values(number, count))) for number, key in enumerate(self.keys)
        ]
        self.windows.append((end, rows))
        return end

    def shown(self) -> str:
        """What its paragraph of latest windows prints."""
        end, rows = self.windows[-1]
        count = len(self.windows)
        counts = f"counts: events={len(self.keys) * 10 * count} late=0 malformed=0 windows={count}"
        lines = [
            f"window until {_instant(end)}",
            "+---+",
            "| id|",
            "+---+",
            *(f"|{r[1]:>3}|" for r in rows[:2]),
            "+---+",
        ]
        table = ["\t".join(("window_end", "ts", "id", *MEASURES))]
        for when, some in self.windows[-max(1, FITTING_ROWS // len(self.keys)) :]:
            table += ["\t".join((_instant(when), *row)) for row in some]
        return "\n".join([*lines, "", counts]) + "\n%table " + "\n".join(table) + "\n"

    def streaming(self) -> dict[str, Any]:
        """What the driver's page answers below `streaming/`."""
        count, newest = len(self.windows), self.windows[-1][0]
        batch = {"batchId": count, "status": "COMPLETED", "batchTime": _gmt(newest), "numFailedOutputOps": 0}
        if self.failure:
            batch |= {"numFailedOutputOps": 1, "firstFailureReason": self.failure}
        return {
            "statistics": {
                "startTime": _gmt(self.zero), "batchDuration": SLIDE_MS, "numTotalCompletedBatches": count,
                "numActiveBatches": 1, "numProcessedRecords": 40 * count, "numReceivedRecords": 40 * count,
                "avgInputRate": 4.0, "avgProcessingTime": 310, "avgTotalDelay": 320,
            },
            "receivers": [{"streamId": 0, "isActive": True}],
            "batches": [batch],
        }  # fmt: skip

    def _added(self, path: str) -> str:
        note = self.zeppelin.add_note(path)
        started = {"note": note["id"], "application": "local-1", "turn": 1}
        for key, role, title, template in PARAGRAPHS:
            text = template.format(note=note["id"]) if key == "latest" else template
            config: dict[str, Any] = {MARK: Mark("streaming", key, role, digest(text), title).to_config()}
            if key in ("stop", "start", "introduction"):
                config["editorHide"] = True
            if key == "start":
                config |= {PAGE: f"http://127.0.0.1:{self._spark.server_port}", STARTED: started}
            added = self.zeppelin.add_paragraph(note, {"title": title, "text": text})
            added["config"] = config
            if key == "introduction":
                html = '<div class="markdown-body"><h1>Averages of your devices</h1></div>'
                added |= {"status": "FINISHED", "results": {"code": "SUCCESS", "msg": [{"type": "HTML", "data": html}]}}
            if key == "latest":
                results = {"code": "SUCCESS", "msg": outputs(self.shown())}
                added |= {"status": "FINISHED", "results": results}
        return str(note["id"])


class Stage:
    """A server with such notes. Use it as a context manager; `url` is the server's."""

    def __init__(self, generation: str = "0.10") -> None:
        self.zeppelin = StagedZeppelin(generation, pace=0.02)
        self.zeppelin.interpreters = {"spark": self._run}
        self.notes: list[StagedNote] = []

    def __enter__(self) -> Self:
        self.zeppelin.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.zeppelin.__exit__(None, None, None)
        for note in self.notes:
            note.close()

    @property
    def url(self) -> str:
        return self.zeppelin.url

    def add(self, path: str, keys: Sequence[str] = KEYS, windows: int = 12) -> StagedNote:
        """One more note."""
        self.notes.append(StagedNote(self.zeppelin, path, keys, windows))
        return self.notes[-1]

    def _run(self, text: str) -> Sequence[str]:
        if shows := re.search(r"Results.show.*of note (\w+)", text):
            return [next(note for note in self.notes if note.id == shows[1]).shown()]
        return [f"ran {text.splitlines()[0][:40]}\n"]


def _values(number: int, at: int) -> tuple[float, float, float]:
    wave = math.sin(at / 6 + number)
    return 1.2 + number % 5 / 5 + wave / 4, 50 + 30 * wave + number % 7, 60 + number % 9 + 4 * math.sin(at / 9 + number)


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _gmt(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000GMT")


def _spark_page(note: StagedNote) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body: Any = {"/api/v1/applications": [{"id": "local-1"}], "/metrics/json": {"gauges": {}}}.get(self.path)
            if self.path.startswith(_STREAMING):
                body = note.streaming().get(self.path.rpartition("/")[2])
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
