"""The double itself: what it holds, how it is told to fail, and how its paragraphs run."""

import contextlib
import copy
import html as markup
import itertools
import json
import math
import re
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import requests

from zeppelin_sdk._client import ZeppelinClient
from zeppelin_sdk.testing._answers import Answer, Drop, Request, as_gson, html, refused
from zeppelin_sdk.testing._handler import Handler
from zeppelin_sdk.testing._in_process import InProcessSession
from zeppelin_sdk.testing._loopback import LoopbackServer
from zeppelin_sdk.testing._routes import ROUTES
from zeppelin_sdk.testing._websocket import ServerSocket

Interpreter = Callable[[str], Sequence[str]]
"""A paragraph's text -> what it prints, piece by piece. An exception is what it fails with."""


class FakeZeppelin(LoopbackServer):
    """A small Zeppelin with notes in memory, of one generation: "0.8", "0.10", "0.11" or "0.12" (0.12.1).

    It does what the real ones do where they differ or fail: keys of a path, duplicate paths, Content-Type, Origin,
    logins, errors without words, job calls that break, what a websocket takes. While it is entered
    (`with FakeZeppelin("0.12") as fake:`) it listens on a free port of 127.0.0.1, at `url`; `client()` needs none.

    `prefix` is a path before all others, `users` maps users to passwords, `tls` makes it speak HTTPS. A paragraph
    that was started goes one step further at each look at it; with `pace`, every so many seconds (`math.inf`: never).
    `interpreters` say what a paragraph prints, by the first part of its "%name"; one that none is named for ends in
    ERROR where its text has "fail" in it.

    Tests may read and change what it holds: `notes` (id -> a note's JSON), `credentials`, `permissions`, `settings`,
    `repositories`, `revisions`, `others` (users who have every note open), `stuck` (paragraphs that never end),
    `takes_patches`, `cron_enabled`, `configurations`, `allowed_origins` (of 0.12, beside localhost), `deaf_to`
    (websocket messages without an answer), `websocket_fault` (the answer to an upgrade). `requests`,
    `socket_messages` and `restarts` are what it was asked.
    """

    def __init__(
        self,
        generation: str = "0.10",
        *,
        prefix: str = "",
        users: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        pace: float | None = None,
    ) -> None:
        super().__init__(Handler, tls)
        self.generation = generation
        self.prefix = prefix
        self.users = users or {}
        self.pace = pace
        self.interpreters: dict[str, Interpreter] = {"md": _markdown}
        self.requests: list[Request] = []
        self.faults: list[tuple[str, Exception]] = []
        self.websocket_fault: Answer | Drop | None = None
        self.sessions: dict[str, str] = {}
        self.notes: dict[str, dict[str, Any]] = {}
        self.stuck: set[str] = set()
        self.just_ended: set[str] = set()  # what is next asked for of these has the results of before, as can be
        self.credentials: dict[str, dict[str, str]] = {}
        self.permissions: dict[str, dict[str, list[str]]] = {}
        self.settings = {"spark": _setting("spark"), "md": _setting("md")}
        self.restarts: list[tuple[str, Any]] = []
        self.sockets: list[ServerSocket] = []
        self.socket_messages: list[dict[str, Any]] = []
        self.open_notes: dict[ServerSocket, str] = {}
        self.others: frozenset[str] = frozenset()
        self.takes_patches = True
        self.deaf_to: set[str] = set()
        self.cron_enabled = True
        self.configurations = {"zeppelin.server.port": "8080", "zeppelin.notebook.dir": "notebook"}
        self.allowed_origins: set[str] = set()
        self.repositories = {"central": "https://repo.example/maven2/"}
        self.revisions: dict[str, list[dict[str, Any]]] = {}
        self.heard = threading.Condition()
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        self._scheme = "https" if tls else "http"
        self._queues: dict[str, list[str]] = {}
        self._printed: dict[str, int] = {}
        self._ended = threading.Event()
        self._clock: threading.Thread | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        if self.pace is not None and self.pace < math.inf:
            self._clock = threading.Thread(target=self._run, args=(self.pace,))
            self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        super().__exit__(kind, error, trace)
        if self._clock:
            self._clock.join()

    def client(self, **options: Any) -> ZeppelinClient:
        """A client of this server, with ZeppelinClient's own options, that reaches it without a network."""
        return ZeppelinClient(self.url, session=self.session(), **options)

    def session(self) -> requests.Session:
        """A session for a client that reaches this server without a network."""
        return InProcessSession(self)

    def allows(self, origin: str) -> bool:
        """Whether a 0.12 lets a page of this origin write and open websockets (`CorsUtils.isValidOrigin`)."""
        return urllib.parse.urlsplit(origin).hostname == "localhost" or origin in self.allowed_origins

    @property
    def url(self) -> str:
        """The address for a client."""
        return f"{self._scheme}://{self.address}{self.prefix}"

    def asked(self, method: str = "", contains: str = "") -> list[Request]:
        """The requests with this method and this text in their path."""
        return [r for r in self.requests if r.method.startswith(method) and contains in r.path]

    def fail_next(self, method: str, *faults: Exception) -> None:
        """Answer the next requests with this method so."""
        self.faults += [(method, fault) for fault in faults]

    def expire_sessions(self) -> None:
        """Forget who is logged in."""
        self.sessions.clear()

    def tell(self, operation: str, **data: Any) -> None:
        """Send a message to every websocket."""
        for open_socket in self.sockets:
            with contextlib.suppress(OSError):
                open_socket.send(json.dumps({"op": operation, "data": data}))

    def wait_for_message(self, operation: str, count: int = 1) -> list[dict[str, Any]]:
        """The websocket messages of this kind, once there are so many."""

        def there() -> list[dict[str, Any]]:
            return [m for m in self.socket_messages if m["op"] == operation]

        with self.heard:
            if not self.heard.wait_for(lambda: len(there()) >= count, timeout=5):
                raise AssertionError(f"fewer than {count} messages {operation} within 5 s")
            return there()

    def drop_connections(self) -> None:
        """Cut every open connection; whose websockets they were has no note open from now on."""
        self.open_notes.clear()  # not when their threads notice: a client may be back before that
        super().drop_connections()

    # what follows answers a request

    def respond(self, request: Request) -> Answer:
        """The answer to a request. Raises Drop where there is none."""
        with self.lock:
            self.requests.append(request)
            try:
                return self._answer(request)
            except Answer as answer:
                return answer

    def _answer(self, request: Request) -> Answer:
        for index, (method, fault) in enumerate(self.faults):
            if method == request.method:
                del self.faults[index]
                raise fault
        if self.prefix and not request.path.startswith(f"{self.prefix}/"):
            raise html(404, "no such application")
        path = request.path.removeprefix(self.prefix)
        self._filter(request)
        if self.users and path not in ("/api/version", "/api/login") and self.user(request) is None:
            raise html(302, "", {"Location": f"{self.url}/api/login;JSESSIONID=1234"})
        for method, pattern, call in ROUTES:
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                return call(self, request, *(urllib.parse.unquote(part) for part in match.groups()))
        raise html(404, "HTTP ERROR 404 Not Found")

    def _filter(self, request: Request) -> None:
        if self.generation != "0.12" or request.method not in ("POST", "PUT", "DELETE"):
            return
        if "origin" in request.headers and not self.allows(request.headers["origin"]):
            raise html(403, "Origin not allowed")
        kind = request.headers.get("content-type", "").partition(";")[0]
        allowed = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
        if request.body and kind not in allowed:
            raise Answer(415, "Unsupported Content-Type", {"Content-Type": "text/plain"})

    def user(self, request: Request) -> str | None:
        """Who is logged in with this request's cookie."""
        cookie = re.search(r"JSESSIONID=(\w+)", request.headers.get("cookie", ""))
        return self.sessions.get(cookie[1]) if cookie else None

    def failed(self, exception: str, message: str) -> Answer:
        """A 500, in the generation's words."""
        if self.generation == "0.8":
            return html(500, f"HTTP ERROR 500 {exception}")
        if self.generation in ("0.10", "0.11"):
            body = {"exception": exception, "message": message, "stacktrace": f"{message}\n\tat org.apache…"}
            return Answer(500, json.dumps(body))
        return Answer(500, json.dumps({"status": "error", "message": "Internal server error"}))

    def note(self, note_id: str) -> dict[str, Any]:
        """The JSON of a note. Raises the Answer where there is none."""
        if note_id not in self.notes:
            said = "note not found" if self.generation == "0.8" else f"No such note: {note_id}"
            raise refused(404, "NOT_FOUND", said)
        return self.notes[note_id]

    def paragraph(self, note_id: str, paragraph_id: str) -> dict[str, Any]:
        """The JSON of a paragraph. Raises the Answer where there is none."""
        paragraph: dict[str, Any]
        for paragraph in self.note(note_id)["paragraphs"]:
            if paragraph["id"] == paragraph_id:
                return paragraph
        said = "paragraph not found" if self.generation == "0.8" else f"No such paragraph: {paragraph_id}"
        raise refused(404, "NOT_FOUND", said)

    def path_in(self, body: dict[str, Any] | None) -> str:
        """The path that a request names, by its generation's key."""
        key = "notePath" if self.generation == "0.12" else "name"
        return (body or {}).get(key) or "/Untitled Note"

    def add_note(self, path: str, *, on_duplicate: Answer | None = None) -> dict[str, Any]:
        """Add a note and return its JSON. Raises the Answer where the path is taken."""
        path = path if self.generation == "0.8" or path.startswith("/") else f"/{path}"
        self.refuse_duplicate(path, on_duplicate)
        note: dict[str, Any] = {"id": f"2NOTE{next(self._ids)}", "paragraphs": [], "config": {}, "info": {}}
        note |= {"name": path} if self.generation == "0.8" else {"path": path, "name": path.rpartition("/")[2]}
        self.notes[note["id"]] = note
        return note

    def refuse_duplicate(self, path: str, on_duplicate: Answer | None = None) -> None:
        """Raise the Answer where the path is taken."""
        if self.generation == "0.8" or all(note["path"] != path for note in self.notes.values()):
            return
        said = f"Note '{path}' existed"
        if self.generation == "0.12":
            raise on_duplicate or refused(409, "CONFLICT", said)
        raise self.failed("IOException", f"org.apache.zeppelin….NotePathAlreadyExistsException: {said}")

    def new_id(self) -> str:
        """An id that no paragraph has."""
        return f"paragraph_{next(self._ids)}"

    def add_paragraph(self, note: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        """Add a paragraph with this text, title, config and index to a note's JSON, and return it.

        Raises the Answer to an index that is too high.
        """
        paragraph: dict[str, Any] = {
            "id": self.new_id(),
            "title": body.get("title"),
            "text": body.get("text"),
            "config": as_gson(body.get("config") or {}),
            "settings": {"params": {}, "forms": {}},
            "status": "READY",
            "jobName": "paragraph_job",
            "dateCreated": "Nov 22, 2026 8:00:00 PM",
            "progress": 0,
        }
        index, length = int(body.get("index", len(note["paragraphs"]))), len(note["paragraphs"])
        if index > length:
            raise self.failed("IndexOutOfBoundsException", f"Index: {index}, Size: {length}")
        note["paragraphs"].insert(index, paragraph)
        return paragraph

    def checkpoint(self, note: dict[str, Any], message: str) -> str | None:
        """Save a revision unless nothing has changed, and return its id."""
        saved = self.revisions.setdefault(note["id"], [])
        if saved and saved[0]["note"] == note:
            return None
        number = next(self._ids)
        saved.insert(0, {"id": f"rev{number}", "message": message, "time": number, "note": copy.deepcopy(note)})
        return str(saved[0]["id"])

    def revision_list(self, note: dict[str, Any]) -> list[dict[str, Any]]:
        """A note's revisions, the latest first."""
        return [{k: r[k] for k in ("id", "message", "time")} for r in self.revisions.get(note["id"], [])]

    def revision(self, note: dict[str, Any], revision_id: str) -> dict[str, Any] | None:
        """The note as it was then."""
        there = [r["note"] for r in self.revisions.get(note["id"], []) if r["id"] == revision_id]
        return copy.deepcopy(there[0]) if there else None

    # what follows runs paragraphs

    def look(self, paragraph: dict[str, Any]) -> None:
        """Take a paragraph that was looked at one step further, unless the time does that."""
        if self.pace is None:
            self.advance(paragraph)

    def advance(self, paragraph: dict[str, Any]) -> str | None:
        """One step of a run: to RUNNING, to the next piece of its output, which is returned, or to the end."""
        paragraph_id = paragraph["id"]
        if paragraph["status"] == "PENDING":
            paragraph["status"] = "RUNNING"
            paragraph.pop("results", None)
            self._printed[paragraph_id] = 0
        elif paragraph["status"] == "RUNNING" and paragraph_id not in self.stuck:
            code, kind, pieces = self._outcome(paragraph["text"] or "")
            printed = self._printed.get(paragraph_id, 0)
            if self.pace is not None and printed < len(pieces):
                self._printed[paragraph_id] = printed + 1
                return pieces[printed]
            paragraph["status"] = "FINISHED" if code == "SUCCESS" else "ERROR"
            self.just_ended.add(paragraph_id)
            paragraph["results"] = {"code": code, "msg": [{"type": kind, "data": "".join(pieces)}]}
        return None

    def submit_note(self, note: dict[str, Any]) -> None:
        """Start all paragraphs; as time goes, each when the one before it has finished."""
        note["info"]["isRunning"] = True
        if self.pace is not None:
            self._queues[note["id"]] = [paragraph["id"] for paragraph in note["paragraphs"]]

    def _outcome(self, text: str) -> tuple[str, str, Sequence[str]]:
        """A run's code, the type of its result, and its pieces."""
        found = re.match(r"\s*%(\w+)[\w.]*\s*", text)
        name = found[1] if found else ""
        run = self.interpreters.get(name)
        if run:
            try:
                return "SUCCESS", "HTML" if name == "md" else "TEXT", run(text[found.end() if found else 0 :])
            except Exception as error:  # noqa: BLE001 - as a server does with an interpreter's
                return "ERROR", "TEXT", [f"{type(error).__name__}: {error}\n"]
        if self.pace is not None and name and name not in self.settings:
            return "ERROR", "TEXT", [f"Interpreter {name} not found\n"]
        if "fail" in text:
            return "ERROR", "TEXT", ["<console>:3: error: not found: value fail\n  fail\n  ^\n"]
        return "SUCCESS", "TEXT", [f"ran {text}\n"]

    def _run(self, pace: float) -> None:
        while not self._ended.wait(pace):
            with self.lock:
                for note in list(self.notes.values()):
                    self._tick(note)

    def _tick(self, note: dict[str, Any]) -> None:
        active = [p for p in note["paragraphs"] if p.get("status") in ("PENDING", "RUNNING")]
        for paragraph in active:
            before, piece = paragraph["status"], self.advance(paragraph)
            if piece:
                self.tell_note(note["id"], "PARAGRAPH_APPEND_OUTPUT", noteId=note["id"], paragraphId=paragraph["id"],
                               index=0, data=piece)  # fmt: skip
            if paragraph["status"] != before:
                self.tell_note(note["id"], "PARAGRAPH", paragraph=paragraph)
        queue = self._queues.get(note["id"])
        if queue is None or active:
            return
        last_failed = any(p["status"] in ("ERROR", "ABORT") for p in note["paragraphs"] if p["id"] not in queue)
        if queue and not last_failed:
            following = next(p for p in note["paragraphs"] if p["id"] == queue[0])
            del queue[0]
            following["status"] = "PENDING"
            self.tell_note(note["id"], "PARAGRAPH", paragraph=following)
            return
        del self._queues[note["id"]]
        note["info"]["isRunning"] = False
        if self.generation != "0.8":
            self.tell_note(note["id"], "NOTE_RUNNING_STATUS", status=False)

    def tell_note(self, note_id: str, operation: str, **data: Any) -> None:
        """Send a message to every websocket that has a note open."""
        for connection, opened in list(self.open_notes.items()):
            if opened == note_id:
                with contextlib.suppress(OSError):
                    connection.send(json.dumps({"op": operation, "data": data}))


def _markdown(text: str) -> list[str]:
    """A heading, or a line with emphasis; no more of Markdown."""
    line = re.sub(r"\*(.+?)\*", r"<em>\1</em>", markup.escape(text.strip()))
    heading = line.removeprefix("# ")
    return [f'<div class="markdown-body">\n{f"<h1>{heading}</h1>" if heading != line else f"<p>{line}</p>"}\n</div>']


def _setting(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "group": name,
        "status": "READY",
        "properties": {"SPARK_HOME": {"name": "SPARK_HOME", "value": "/opt/spark", "type": "string"}},
        "dependencies": [{"groupArtifactVersion": "a:b:1", "local": False, "exclusions": ["c:d"]}],
        "option": {"remote": True, "perNote": "shared", "owners": ["ann"]},
        "interpreterGroup": [{"name": "spark", "class": "org.apache.zeppelin.spark.SparkInterpreter"}],
    }
