"""The latest window's values on a page that Prometheus scrapes, in its text format 0.0.4."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .._labels import ROW, distinct, label
from .._window import Window, unique

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
PATH = "/metrics"
ENDED = "end_timestamp_seconds"
"""The gauge with the window's end: how old the others are."""
_NUMBERS = ("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "timestamp")


class Prometheus:
    """A page at http://`host`:`port`/metrics with a gauge for each column of numbers, labelled with those of `labels`.

    Their names are made of `prefix` and the column's. It listens from the first window on.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 9464, labels: list[str] | None = None, prefix: str = "window"
    ) -> None:
        self._place, self._labels, self._prefix = (host, port), labels or [], prefix
        self._server: _Server | None = None
        self._end = 0

    def write(self, window: Window) -> None:
        if self._server is None:  # not before: of an output that this one replaces the port is not free until then
            self._server = _Server(self._place)
        if window.end >= self._end:
            self._end, self._server.page = window.end, page(window, self._labels, self._prefix).encode()

    def remark(self) -> str:
        return f"http://{_shown(*self._place)}{PATH}" if self._server else ""

    def close(self) -> None:
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()


def page(window: Window, labels: list[str], prefix: str) -> str:
    """The window's rows as samples, after the window's end; a column without a number is none."""
    named = [number for number, name in enumerate(window.columns) if name in labels]
    values = [
        number for number in range(len(window.columns)) if number not in named and _is_number(window.kinds[number])
    ]
    names = unique(*(_plain(window.columns[number]) for number in named), ROW)
    rows = [
        (row, _labelled(names, [label(window.kinds[n], row[n]) for n in named], again))
        for row, again in distinct(window.rows, named)
    ]
    gauges = unique(*(_plain(f"{prefix}_{each}") for each in (ENDED, *(window.columns[number] for number in values))))
    lines = [*_described(gauges[0], "when the window ended"), f"{gauges[0]} {window.end / 1000!r}"]
    for gauge, number in zip(gauges[1:], values):
        found = [
            f"{gauge}{own} {_number(window.kinds[number], row[number])}" for row, own in rows if row[number] is not None
        ]
        lines += [*_described(gauge, window.columns[number]), *found]
    return "\n".join(lines) + "\n"


def _described(gauge: str, text: str) -> list[str]:
    return [f"# HELP {gauge} {_escaped(text)}", f"# TYPE {gauge} gauge"]


def _labelled(names: tuple[str, ...], texts: list[str], again: int) -> str:
    """The labels of a row; one that is empty is as if it were not there."""
    own = [*zip(names, texts), (names[-1], str(again) if again > 1 else "")]
    pairs = [f"{name}={_quoted(text)}" for name, text in own if text]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    """A name as Prometheus has them: letters, digits and single _."""
    found = re.sub("[^A-Za-z0-9]+", "_", text).rstrip("_") or "_"
    return f"_{found}" if found[0].isdigit() else found


def _is_number(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith("decimal")


def _number(kind: str, value: Any) -> str:
    """A time is seconds since 1970."""
    found = value / 1_000_000 if kind == "timestamp" else float(value)
    if found != found:
        return "NaN"
    return repr(found) if abs(found) != float("inf") else "+Inf" if found > 0 else "-Inf"


class _Server(ThreadingHTTPServer):
    """Serves `page` to whoever asks. Raises OSError, in a line, for a port that is taken."""

    daemon_threads = True

    def __init__(self, place: tuple[str, int]) -> None:
        self.page = b""
        try:
            super().__init__(place, _Handler)
        except OSError as error:
            raise OSError(f"{_shown(*place)}: {error.strerror}: give another port") from None
        threading.Thread(target=self.serve_forever, name="output prometheus's page", daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        found = self.path.partition("?")[0] == PATH
        body = self.server.page if found else f"The page is {PATH}.\n".encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", FORMAT if found else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Zeppelin shows what is printed in whichever paragraph runs."""


def _shown(host: str, port: int) -> str:
    return f"{host}:{port}"
