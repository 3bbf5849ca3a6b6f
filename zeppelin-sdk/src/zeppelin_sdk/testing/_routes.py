"""The double's REST calls, in each generation's way."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zeppelin_sdk.testing._answers import Answer, Request, as_gson, html, ok, refused

if TYPE_CHECKING:
    from zeppelin_sdk.testing._fake import FakeZeppelin

VERSIONS = {"0.8": "0.8.2", "0.10": "0.10.1", "0.11": "0.11.2", "0.12": "0.12.1"}
TICKET = "ticket-of-ann"

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
    user = fake.user(request)
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
    blank = {"status": "READY", "config": {}, "settings": {"params": {}, "forms": {}}}
    note["paragraphs"] = [
        {"id": fake.new_id(), **blank, **_not_run(paragraph), "config": as_gson(paragraph.get("config") or {})}
        for paragraph in old["paragraphs"]
    ]
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
    note["paragraphs"] = [_not_run(paragraph) for paragraph in fake.notes[note_id]["paragraphs"]]
    return ok(note["id"])


def _not_run(paragraph: dict[str, Any]) -> dict[str, Any]:
    """A paragraph of a clone or an import: with id, config and results, and no run (`Note.addCloneParagraph`)."""
    kept = {key: value for key, value in paragraph.items() if key not in ("dateStarted", "dateFinished")}
    return kept | {"status": "READY"}


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
    fake.look(paragraph)
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
    paragraph["config"] |= as_gson(request.json)
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
    fake.submit_note(note)
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
def configurations(fake: FakeZeppelin, _request: Request, prefix: str) -> Answer:
    return ok({name: value for name, value in fake.configurations.items() if name.startswith(prefix)})


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
    if "noteId" in request.json:
        fake.note(request.json["noteId"])
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


ROUTES.sort(key=lambda route: route[1].count("("))  # "notebook/search" before "notebook/{}"
