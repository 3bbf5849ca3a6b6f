"""`provision plan --each`: what an apply of a class would do."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from netpie_creds import AuthServer, get_credentials
from provision.bundles.bundle import load_bundle
from provision.classroom.causes import Cause
from provision.classroom.clients import Clients, connect_as
from provision.classroom.outcome import Outcome, Result
from provision.classroom.roster import read_people
from provision.classroom.rows import Row, class_rows
from provision.classroom.show import do_and_show, finish
from provision.classroom.write_rows import check_auth_server, needs_of
from provision.console import Console
from provision.embedded.stack import Stack
from provision.errors import ConflictError
from provision.home import private_dir
from provision.options.each import EachOptions
from provision.options.note import NoteOptions
from provision.prepare import ask_scala, render_for
from provision.sync.apply import plan_json, read_note
from provision.sync.plan import Decision, Plan, make_plan
from zeppelin_sdk import ZeppelinClient


def plan_each(console: Console, each: EachOptions, options: NoteOptions, embedded: Stack | None) -> None:
    """Show what an apply would do to each row's note; ends with 3 where there are only conflicts."""
    bundle = load_bundle(options.bundle)
    rows, refused = class_rows(read_people(each.file, bundle), bundle, options, embedded, console)
    failed = check_auth_server(rows)
    with options.server.connect_running() as client:
        client.get_ticket()  # a server or a login that fails does so for all
    with closing(Clients(lambda person: connect_as(options.server, person))) as clients:
        outcomes = do_and_show(console, _Plan(clients, options.decision), rows, refused, each.jobs, failed)
    finish(console, outcomes)


class _Plan:
    def __init__(self, clients: Clients, decision: Decision) -> None:
        self._clients, self._decision = clients, decision
        self._one_question = threading.Lock()
        self._scala = ""

    def needs(self, row: Row) -> Sequence[Cause]:
        return needs_of(row)

    def more(self, _row: Row) -> Mapping[str, Any]:
        return {"changes": []}

    def do(self, row: Row) -> Outcome:
        with self._clients.client(row.person) as client:
            credentials = get_credentials(row.application, private_dir(row.folder), AuthServer(row.auth))
            rendered = render_for(client, row.spec, credentials, read_only=True, ask=self._ask_scala)
            live = read_note(client, rendered.path)
            plan = make_plan(live, rendered, self._decision)
            url = client.note_url(live.id) if live else ""
        more = {"changes": plan_json(plan, None, 0)["changes"]}
        if plan.conflicts:
            return Outcome(row.line, Result.FAILED, row.path, url, error=_undecided(plan), more=more)
        word = "new" if live is None else "change" if plan.writes else ""
        result = Result.DONE if word else Result.SAME
        told = _told(plan) if live else ""
        return Outcome(row.line, result, row.path, url, word=word, told=told, more=more)

    def _ask_scala(self, client: ZeppelinClient) -> str:
        with self._one_question:
            self._scala = self._scala or ask_scala(client)
            return self._scala


def _told(plan: Plan) -> str:
    counts = Counter(str(change.verdict) for change in plan.changes)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()) if verdict != "same")


def _undecided(plan: Plan) -> ConflictError:
    titles = ", ".join(f"{change.title!r} ({change.key})" for change in plan.conflicts)
    return ConflictError(
        f"edited by hand and changed in the bundle: {titles}",
        next_step="see it with `provision plan --note`; decide with --ours or --theirs",
    )
