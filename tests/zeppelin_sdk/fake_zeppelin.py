"""A small Zeppelin on loopback with notes in memory, in one of four generations: "0.8", "0.10", "0.11", "0.12".

"0.12" is 0.12.1. It does what the real ones do where they differ or fail: keys of a path, duplicate paths,
Content-Type, Origin, logins, errors without words, job calls that break, what a websocket takes. A run advances
by one status at each look.
"""

import contextlib
import copy
import itertools
import json
import re
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .fake_socket_calls import SocketCall
from .fake_websocket import ServerSocket, accept_key
from .loopback import LoopbackHandler, LoopbackServer

VERSIONS = {"0.8": "0.8.2", "0.10": "0.10.1", "0.11": "0.11.2", "0.12": "0.12.1"}
TICKET = "ticket-of-ann"


@dataclass
class Request:
    """What the fake was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class Answer(Exception):
    """An answer, raised from wherever it is decided."""

    def __init__(self, status: int, body: str | bytes, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = {"Content-Type": "application/json", **(headers or {})}


class Drop(Exception):
    """Close the connection without an answer."""


def ok(body: Any = None, message: str = "") -> Answer:
    envelope = {"status": "OK", "message": message}
    return Answer(200, json.dumps(envelope if body is None else {**envelope, "body": body}))


def refused(status: int, word: str, message: str | None = None) -> Answer:
    return Answer(status, json.dumps({"status": word} | ({"message": message} if message else {})))


def html(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, f"<html><body>{text}</body></html>", {"Content-Type": "text/html", **(headers or {})})


class FakeZeppelin(LoopbackServer):
    """The server: `requests` is what it was asked, `fail_next` sets what it answers next."""

    def __init__(
        self,
        generation: str = "0.10",
        *,
        prefix: str = "",
        users: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.generation = generation
        self.prefix = prefix
        self.users = users or {}
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
        self.takes_patches = True
        self.deaf_to: set[str] = set()
        self.cron_enabled = True
        self.repositories = {"central": "https://repo.example/maven2/"}
        self.revisions: dict[str, list[dict[str, Any]]] = {}
        self.heard = threading.Condition()
        self._ids = itertools.count(1)
        self._scheme = "https" if tls else "http"
        super().__init__(_Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.address}{self.prefix}"

    def asked(self, method: str = "", contains: str = "") -> list[Request]:
        """The requests with this method and this text in their path."""
        return [r for r in self.requests if r.method.startswith(method) and contains in r.path]

    def fail_next(self, method: str, *faults: Exception) -> None:
        """Answer the next requests with this method so."""
        self.faults += [(method, fault) for fault in faults]

    def expire_sessions(self) -> None:
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
            assert self.heard.wait_for(lambda: len(there()) >= count, timeout=5), f"no {operation}"
            return there()

    # what follows answers a request

    def to_json(self, request: Request) -> Answer:
        for index, (method, fault) in enumerate(self.faults):
            if method == request.method:
                del self.faults[index]
                raise fault
        if self.prefix and not request.path.startswith(f"{self.prefix}/"):
            raise html(404, "no such application")
        path = request.path.removeprefix(self.prefix)
        self._filter(request)
        if self.users and path not in ("/api/version", "/api/login") and self._user(request) is None:
            raise html(302, "", {"Location": f"{self.url}/api/login;JSESSIONID=1234"})
        for method, pattern, call in sorted(ROUTES, key=lambda route: route[1].count("(")):
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                return call(self, request, *(urllib.parse.unquote(part) for part in match.groups()))
        raise html(404, "HTTP ERROR 404 Not Found")

    def _filter(self, request: Request) -> None:
        if self.generation != "0.12" or request.method not in ("POST", "PUT", "DELETE"):
            return
        if request.headers.get("origin", self.url) != self.url:
            raise html(403, "Origin not allowed")
        kind = request.headers.get("content-type", "").partition(";")[0]
        allowed = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
        if request.body and kind not in allowed:
            raise Answer(415, "Unsupported Content-Type", {"Content-Type": "text/plain"})

    def _user(self, request: Request) -> str | None:
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
        if note_id not in self.notes:
            said = "note not found" if self.generation == "0.8" else f"No such note: {note_id}"
            raise refused(404, "NOT_FOUND", said)
        return self.notes[note_id]

    def paragraph(self, note_id: str, paragraph_id: str) -> dict[str, Any]:
        for paragraph in self.note(note_id)["paragraphs"]:
            if paragraph["id"] == paragraph_id:
                return paragraph
        said = "paragraph not found" if self.generation == "0.8" else f"No such paragraph: {paragraph_id}"
        raise refused(404, "NOT_FOUND", said)

    def path_in(self, body: dict[str, Any] | None) -> str:
        key = "notePath" if self.generation == "0.12" else "name"
        return (body or {}).get(key) or "/Untitled Note"

    def add_note(self, path: str, *, on_duplicate: Answer | None = None) -> dict[str, Any]:
        path = path if self.generation == "0.8" or path.startswith("/") else f"/{path}"
        self.refuse_duplicate(path, on_duplicate)
        note: dict[str, Any] = {"id": f"2NOTE{next(self._ids)}", "paragraphs": [], "config": {}, "info": {}}
        note |= {"name": path} if self.generation == "0.8" else {"path": path, "name": path.rpartition("/")[2]}
        self.notes[note["id"]] = note
        return note

    def refuse_duplicate(self, path: str, on_duplicate: Answer | None = None) -> None:
        if self.generation == "0.8" or all(note["path"] != path for note in self.notes.values()):
            return
        said = f"Note '{path}' existed"
        if self.generation == "0.12":
            raise on_duplicate or refused(409, "CONFLICT", said)
        raise self.failed("IOException", f"org.apache.zeppelin….NotePathAlreadyExistsException: {said}")

    def add_paragraph(self, note: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        paragraph = {
            "id": f"paragraph_{next(self._ids)}",
            "title": body.get("title"),
            "text": body.get("text"),
            "config": body.get("config") or {},
            "settings": {"params": {}, "forms": {}},
            "status": "READY",
            "jobName": "paragraph_job",
            "dateCreated": "Nov 22, 2026 8:00:00 PM",
            "progress": 0,
        }
        note["paragraphs"].insert(int(body.get("index", len(note["paragraphs"]))), paragraph)
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
        return [{k: r[k] for k in ("id", "message", "time")} for r in self.revisions.get(note["id"], [])]

    def revision(self, note: dict[str, Any], revision_id: str) -> dict[str, Any] | None:
        """The note as it was then."""
        there = [r["note"] for r in self.revisions.get(note["id"], []) if r["id"] == revision_id]
        return copy.deepcopy(there[0]) if there else None

    def advance(self, paragraph: dict[str, Any]) -> None:
        """One step of a run: a text with "fail" in it ends in ERROR, a stuck paragraph goes on for ever."""
        if paragraph["status"] == "PENDING":
            paragraph["status"] = "RUNNING"
        elif paragraph["status"] == "RUNNING" and paragraph["id"] not in self.stuck:
            bad = "fail" in paragraph["text"]
            said = "<console>:3: error: not found: value fail\n  fail\n  ^\n" if bad else f"ran {paragraph['text']}\n"
            paragraph["status"] = "ERROR" if bad else "FINISHED"
            self.just_ended.add(paragraph["id"])
            paragraph["results"] = {
                "code": "ERROR" if bad else "SUCCESS",
                "msg": [{"type": "TEXT", "data": said}],
            }


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


Call = Callable[..., Answer]
ROUTES: list[tuple[str, str, Call]] = []


def route(method: str, pattern: str) -> Callable[[Call], Call]:
    """Register a call; `{}` in the pattern is a segment."""

    def register(call: Call) -> Call:
        ROUTES.append((method, "/api/" + pattern.replace("{}", "([^/]+)"), call))
        return call

    return register


@route("GET", "version")
def version(fake: FakeZeppelin, _request: Request) -> Answer:
    return ok({"version": VERSIONS[fake.generation], "git-commit-id": "abc"}, "Zeppelin version")


@route("POST", "login")
def login(fake: FakeZeppelin, request: Request) -> Answer:
    if not fake.users:
        raise fake.failed("UnavailableSecurityManagerException", "No SecurityManager accessible")
    form = dict(urllib.parse.parse_qsl(request.body.decode()))
    if fake.users.get(form["userName"]) != form["password"]:
        raise refused(403, "FORBIDDEN")
    session = f"session{len(fake.requests)}"
    fake.sessions[session] = form["userName"]
    answer = ok({"principal": form["userName"], "roles": "[]", "ticket": TICKET})
    answer.headers["Set-Cookie"] = f"JSESSIONID={session}; Path=/; HttpOnly"
    return answer


@route("GET", "security/ticket")
def ticket(fake: FakeZeppelin, request: Request) -> Answer:
    user = fake._user(request)
    return ok({"principal": user or "anonymous", "ticket": TICKET if user else "anonymous", "roles": "[]"})


@route("GET", "notebook")
def list_notes(fake: FakeZeppelin, _request: Request) -> Answer:
    keys = ("id", "name") if fake.generation == "0.8" else ("id", "path")
    return ok([{key: note[key] for key in keys} for note in fake.notes.values()])


@route("POST", "notebook")
def create_note(fake: FakeZeppelin, request: Request) -> Answer:
    note = fake.add_note(fake.path_in(request.json))
    if fake.generation == "0.8":
        fake.add_paragraph(note, {})
    return ok(note["id"])


@route("POST", "notebook/import")
def import_note(fake: FakeZeppelin, request: Request) -> Answer:
    old = request.json
    path = old["name"] if fake.generation == "0.8" else request.query.get("notePath", old["name"])
    note = fake.add_note(path)
    note["paragraphs"] = old["paragraphs"]
    return ok(note["id"])


@route("GET", "notebook/export/{}")
def export_note(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    if note_id not in fake.notes:
        raise fake.failed("IOException", f"{note_id} not found")
    return ok(json.dumps(fake.notes[note_id]))


@route("GET", "notebook/{}")
def get_note(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    return ok(fake.note(note_id))


@route("DELETE", "notebook/{}")
def delete_note(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    if fake.generation != "0.8":
        fake.note(note_id)
    fake.notes.pop(note_id, None)
    return ok()


@route("POST", "notebook/{}")
def clone_note(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    if note_id not in fake.notes:
        raise fake.failed("IOException", "Fail to clone note")
    note = fake.add_note(fake.path_in(request.json), on_duplicate=fake.failed("IOException", ""))
    note["paragraphs"] = [dict(paragraph) for paragraph in fake.notes[note_id]["paragraphs"]]
    return ok(note["id"])


@route("PUT", "notebook/{}/rename")
def rename_note(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    if fake.generation == "0.8":
        raise html(404, "HTTP ERROR 404 Not Found")
    note = fake.note(note_id)
    fake.refuse_duplicate(request.json["name"])
    note |= {"path": request.json["name"], "name": request.json["name"].rpartition("/")[2]}
    return ok()


@route("GET", "notebook/{}/permissions")
def get_permissions(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    fake.note(note_id)
    empty: dict[str, list[str]] = {name: [] for name in ("owners", "readers", "runners", "writers")}
    return ok(fake.permissions.get(note_id, empty))


@route("PUT", "notebook/{}/permissions")
def put_permissions(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    if set(request.json) != {"owners", "readers", "runners", "writers"}:
        raise fake.failed("NullPointerException", "")
    fake.permissions[note_id] = request.json
    return ok()


@route("POST", "notebook/{}/paragraph")
def add_paragraph(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    return ok(fake.add_paragraph(fake.note(note_id), request.json)["id"])


@route("GET", "notebook/{}/paragraph/{}")
def get_paragraph(fake: FakeZeppelin, _request: Request, note_id: str, paragraph_id: str) -> Answer:
    paragraph = fake.paragraph(note_id, paragraph_id)
    results = paragraph.pop("results", None) if paragraph_id in fake.just_ended else paragraph.get("results")
    fake.just_ended.discard(paragraph_id)
    answer = ok(paragraph)
    if results is not None:
        paragraph["results"] = results
    fake.advance(paragraph)
    return answer


@route("PUT", "notebook/{}/paragraph/{}")
def put_paragraph(fake: FakeZeppelin, request: Request, note_id: str, paragraph_id: str) -> Answer:
    paragraph = fake.paragraph(note_id, paragraph_id)
    paragraph["text"] = request.json.get("text")
    paragraph["title"] = request.json.get("title", paragraph.get("title"))
    return ok()


@route("PUT", "notebook/{}/paragraph/{}/config")
def put_config(fake: FakeZeppelin, request: Request, note_id: str, paragraph_id: str) -> Answer:
    paragraph = fake.paragraph(note_id, paragraph_id)
    if not request.json:
        raise refused(400, "BAD_REQUEST", "paragraph config cannot be empty")
    paragraph["config"] |= request.json
    return ok(paragraph)


@route("POST", "notebook/{}/paragraph/{}/move/{}")
def move_paragraph(fake: FakeZeppelin, _request: Request, note_id: str, paragraph_id: str, index: str) -> Answer:
    paragraphs = fake.note(note_id)["paragraphs"]
    paragraph = fake.paragraph(note_id, paragraph_id)
    if int(index) >= len(paragraphs):
        raise refused(400, "BAD_REQUEST", f"newIndex {index} is out of bounds")
    paragraphs.remove(paragraph)
    paragraphs.insert(int(index), paragraph)
    return ok()


@route("DELETE", "notebook/{}/paragraph/{}")
def delete_paragraph(fake: FakeZeppelin, _request: Request, note_id: str, paragraph_id: str) -> Answer:
    fake.note(note_id)["paragraphs"].remove(fake.paragraph(note_id, paragraph_id))
    return ok()


@route("POST", "notebook/job/{}/{}")
def run_paragraph(fake: FakeZeppelin, request: Request, note_id: str, paragraph_id: str) -> Answer:
    paragraph = fake.paragraph(note_id, paragraph_id)
    paragraph["settings"]["params"] |= _params(fake, request)
    paragraph["status"] = "PENDING"
    paragraph.pop("results", None)
    return ok()


@route("DELETE", "notebook/job/{}/{}")
def stop_paragraph(fake: FakeZeppelin, _request: Request, note_id: str, paragraph_id: str) -> Answer:
    fake.paragraph(note_id, paragraph_id)["status"] = "ABORT"
    return ok()


@route("POST", "notebook/job/{}")
def run_note(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    note = fake.note(note_id)
    _params(fake, request)
    if note["info"].get("isRunning"):
        raise refused(500, "INTERNAL_SERVER_ERROR", "Fail to run note")
    note["info"]["isRunning"] = True
    return ok()


@route("DELETE", "notebook/job/{}")
def stop_note(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    note = fake.note(note_id)
    note["info"]["isRunning"] = False
    for paragraph in note["paragraphs"]:
        if paragraph["status"] in ("PENDING", "RUNNING"):
            paragraph["status"] = "ABORT"
    return ok()


@route("GET", "notebook/job/{}")
def note_job(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    return ok(_jobs(fake, note_id))


@route("GET", "notebook/job/{}/{}")
def paragraph_job(fake: FakeZeppelin, _request: Request, note_id: str, paragraph_id: str) -> Answer:
    fake.paragraph(note_id, paragraph_id)
    return ok(next(job for job in _jobs(fake, note_id) if job["id"] == paragraph_id))


def _jobs(fake: FakeZeppelin, note_id: str) -> list[dict[str, str]]:
    paragraphs = fake.note(note_id)["paragraphs"]
    if fake.generation == "0.12" and any(p["status"] == "ERROR" for p in paragraphs):
        raise fake.failed("NoClassDefFoundError", "org/apache/commons/lang/StringUtils")
    return [{"id": p["id"], "status": p["status"], "progress": "0"} for p in paragraphs]


def _params(fake: FakeZeppelin, request: Request) -> dict[str, Any]:
    if request.json is not None and "params" not in request.json:
        raise fake.failed("NullPointerException", "")
    return (request.json or {}).get("params") or {}


@route("GET", "notebook/capabilities")
def capabilities(fake: FakeZeppelin, _request: Request) -> Answer:
    if fake.generation != "0.12":
        fake.note("capabilities")
    return ok({"isRevisionSupported": True})


@route("GET", "notebook/search")
def search(fake: FakeZeppelin, request: Request) -> Answer:
    hits = [
        {"id": f"{note['id']}/paragraph/{p['id']}", "name": "n", "snippet": "", "text": p["text"], "header": ""}
        for note in fake.notes.values()
        for p in note["paragraphs"]
        if request.query["q"] in (p["text"] or "")
    ]
    return ok(hits)


@route("PUT", "notebook/{}/clear")
def clear_output(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    for paragraph in fake.note(note_id)["paragraphs"]:
        paragraph.pop("results", None)
    return ok()


def _revisions(fake: FakeZeppelin, note_id: str) -> dict[str, Any]:
    if fake.generation in ("0.8", "0.10"):
        raise html(404, "HTTP ERROR 404 Not Found")
    return fake.note(note_id)


@route("GET", "notebook/{}/revision")
def list_revisions(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    return ok(fake.revision_list(_revisions(fake, note_id)))


@route("POST", "notebook/{}/revision")
def checkpoint(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    return ok(fake.checkpoint(_revisions(fake, note_id), request.json["commitMessage"]))


@route("GET", "notebook/{}/revision/{}")
def get_revision(fake: FakeZeppelin, _request: Request, note_id: str, revision_id: str) -> Answer:
    return ok(fake.revision(_revisions(fake, note_id), revision_id))


@route("PUT", "notebook/{}/revision/{}")
def restore_revision(fake: FakeZeppelin, _request: Request, note_id: str, revision_id: str) -> Answer:
    note = fake.revision(_revisions(fake, note_id), revision_id)
    if note is None:
        raise fake.failed("IOException", "Fail to set given note revision")
    fake.notes[note_id] = note
    return ok()


def _cron(fake: FakeZeppelin, note_id: str) -> dict[str, Any]:
    config: dict[str, Any] = fake.note(note_id)["config"]
    if not fake.cron_enabled:
        raise refused(403, "FORBIDDEN", "Cron is not enabled from Zeppelin server")
    return config


@route("GET", "notebook/cron/{}")
def get_cron(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    config = _cron(fake, note_id)
    there = {"cron": config.get("cron"), "releaseResource": config.get("releaseresource")}
    return ok({key: value for key, value in there.items() if value is not None})


@route("POST", "notebook/cron/{}")
def set_cron(fake: FakeZeppelin, request: Request, note_id: str) -> Answer:
    if len(request.json["cron"].split()) < 6:
        raise refused(400, "BAD_REQUEST", "wrong cron expressions.")
    _cron(fake, note_id).update(cron=request.json["cron"], releaseresource=request.json["releaseResource"])
    return ok()


@route("DELETE", "notebook/cron/{}")
def remove_cron(fake: FakeZeppelin, _request: Request, note_id: str) -> Answer:
    _cron(fake, note_id).clear()
    return ok()


@route("GET", "configurations/all")
def all_configurations(fake: FakeZeppelin, _request: Request) -> Answer:
    return configurations(fake, _request, "")


@route("GET", "configurations/prefix/{}")
def configurations(_fake: FakeZeppelin, _request: Request, prefix: str) -> Answer:
    there = {"zeppelin.server.port": "8080", "zeppelin.notebook.dir": "notebook"}
    return ok({name: value for name, value in there.items() if name.startswith(prefix)})


@route("POST", "interpreter/setting")
def create_setting(fake: FakeZeppelin, request: Request) -> Answer:
    body = request.json
    if body["name"] in fake.settings:
        raise refused(404, "NOT_FOUND", f"Interpreter {body['name']} already existed")
    fake.settings[body["name"]] = body | {"id": body["name"], "status": "READY"}
    return ok(fake.settings[body["name"]])


@route("DELETE", "interpreter/setting/{}")
def delete_setting(fake: FakeZeppelin, _request: Request, setting_id: str) -> Answer:
    fake.settings.pop(setting_id, None)
    return ok()


@route("GET", "interpreter/repository")
def list_repositories(fake: FakeZeppelin, _request: Request) -> Answer:
    return ok([{"id": name, "type": "default", "url": url} for name, url in fake.repositories.items()])


@route("POST", "interpreter/repository")
def add_repository(fake: FakeZeppelin, request: Request) -> Answer:
    fake.repositories[request.json["id"]] = request.json["url"]
    return ok()


@route("DELETE", "interpreter/repository/{}")
def remove_repository(fake: FakeZeppelin, _request: Request, repository_id: str) -> Answer:
    fake.repositories.pop(repository_id, None)
    return ok()


@route("GET", "interpreter/setting")
def list_settings(fake: FakeZeppelin, _request: Request) -> Answer:
    answer = ok(list(fake.settings.values()))
    for setting in fake.settings.values():
        if setting["status"] == "DOWNLOADING_DEPENDENCIES":
            missing = [d for d in setting["dependencies"] if "missing" in d["groupArtifactVersion"]]
            setting["status"] = "ERROR" if missing else "READY"
            if missing:
                setting["errorReason"] = "Cannot fetch dependencies for x:missing:1\n\tat org.apache…"
    return answer


@route("PUT", "interpreter/setting/restart/{}")
def restart(fake: FakeZeppelin, request: Request, setting_id: str) -> Answer:
    fake.restarts.append((setting_id, request.json))
    return ok(fake.settings[setting_id])


@route("PUT", "interpreter/setting/{}")
def put_setting(fake: FakeZeppelin, request: Request, setting_id: str) -> Answer:
    setting = fake.settings[setting_id]
    for key in ("option", "properties", "dependencies"):
        setting[key] = request.json.get(key)
    setting["status"] = "DOWNLOADING_DEPENDENCIES"
    return ok(setting)


@route("GET", "credential")
def list_credentials(fake: FakeZeppelin, _request: Request) -> Answer:
    return ok({"userCredentials": fake.credentials})


@route("PUT", "credential")
def put_credential(fake: FakeZeppelin, request: Request) -> Answer:
    body = request.json
    if not all(body.get(key) for key in ("entity", "username", "password")):
        raise refused(400, "BAD_REQUEST")
    fake.credentials[body["entity"]] = {"username": body["username"], "password": body["password"]}
    return ok()


@route("DELETE", "credential/{}")
def delete_credential(fake: FakeZeppelin, _request: Request, entity: str) -> Answer:
    if fake.credentials.pop(entity, None) is None:
        raise refused(404, "NOT_FOUND")
    return ok()


class _Handler(LoopbackHandler):
    """HTTP/1.1 in front of a FakeZeppelin."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet: its parts would wait for each other's acknowledgement
    owner: FakeZeppelin

    def do_GET(self) -> None:
        if self.path == f"{self.owner.prefix}/ws":
            self._websocket()
        else:
            self._rest()

    def do_POST(self) -> None:
        self._rest()

    def do_PUT(self) -> None:
        self._rest()

    def do_DELETE(self) -> None:
        self._rest()

    def _rest(self) -> None:
        request = self._request()
        try:
            answer = self.owner.to_json(request)
        except Answer as raised:
            answer = raised
        except Drop:
            self.close_connection = True
            return
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _request(self) -> Request:
        parts = urllib.parse.urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(urllib.parse.parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        self.owner.requests.append(request)
        return request

    def _websocket(self) -> None:
        fake = self.owner
        request = self._request()
        self.close_connection = True
        if fake.users and fake._user(request) is None:
            self._write(html(302, "", {"Location": f"{fake.url}/api/login"}))
            return
        if isinstance(fake.websocket_fault, Answer):
            self._write(fake.websocket_fault)
        if fake.websocket_fault:
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.wfile.flush()
        connection = ServerSocket(self.connection, self.rfile)
        own_origin = fake.url.removesuffix(fake.prefix)
        if fake.generation == "0.12" and self.headers.get("Origin") != own_origin:
            connection.close()  # 0.12 opens the websocket, then closes it
            return
        fake.sockets.append(connection)
        with contextlib.suppress(OSError):
            while (text := connection.receive()) is not None:
                self._message(connection, json.loads(text))
        fake.open_notes.pop(connection, None)

    def _message(self, connection: ServerSocket, message: dict[str, Any]) -> None:
        fake = self.owner
        with fake.heard:
            fake.socket_messages.append(message)
            fake.heard.notify_all()
        if message["ticket"] != (TICKET if fake.users else "anonymous"):
            connection.send(json.dumps({"op": "SESSION_LOGOUT", "data": {"info": "Your ticket is invalid"}}))
        else:
            SocketCall(fake, connection, message).to_json()
