"""`provision plan --each`: what an apply of a class would do."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from provision.classroom import causes
from provision.classroom.clients import Clients, connect_as
from provision.classroom.of_usual import read_class
from provision.classroom.outcome import Outcome, Result, exit_code
from provision.classroom.rows import Row
from provision.classroom.show import do_and_show, finish, show_refused, told_anyway
from provision.console import Console
from provision.embedded.stack import Stack
from provision.errors import ConflictError
from provision.options.each import EachOptions
from provision.options.note import NoteOptions, known_broker
from provision.platforms.platform import Cause
from provision.prepare import render_for
from provision.sync.apply import plan_json, read_note
from provision.sync.known_secrets import old_secrets
from provision.sync.plan import Plan, make_plan
from provision.sync.remembered import told


def plan_each(
    console: Console, each: EachOptions, options: NoteOptions, embedded: Stack | None, *, to_do: int = 0
) -> None:
    """Show what an apply would do to each row's note; ends with 3 where there are only conflicts.

    Where nothing failed and an apply would change a note, it ends with `to_do`.
    """
    of_class = read_class(console, each.file, options, embedded, planning=True)
    options, rows, refused = of_class.options, of_class.rows, of_class.refused
    if not rows:
        finish(console, show_refused(console, refused))
        return
    with told_anyway(console, refused), options.server.connect_running() as client:
        client.get_ticket()  # a server or a login that fails does so for all
    with closing(Clients(lambda person: connect_as(options.server, person))) as clients:
        outcomes = do_and_show(console, _Plan(clients, options, embedded, console), rows, refused, each.jobs)
    is_due = any(outcome.result is Result.DONE for outcome in outcomes)
    finish(console, outcomes, code=lambda all_: exit_code(all_) or (to_do if is_due else 0))


class _Plan:
    def __init__(self, clients: Clients, options: NoteOptions, embedded: Stack | None, console: Console) -> None:
        self._clients, self._options, self._embedded, self._console = clients, options, embedded, console

    def needs(self, row: Row) -> Sequence[Cause]:
        return (causes.ZEPPELIN, causes.login(row.person))

    def more(self, _row: Row) -> Mapping[str, Any]:
        return {"changes": [], "told": []}

    def do(self, row: Row) -> Outcome:
        with self._clients.client(row.person) as client:
            asked = self._options.asked(client, row.path)
            spec = self._options.spec(asked, row.account.place, self._embedded, self._console, row.pairs)
            planned = row.account.planned(known_broker(asked.noted, self._embedded))
            rendered = render_for(client, spec, planned, read_only=True)
            live = read_note(client, rendered.path)
            plan = make_plan(live, rendered, self._options.decision)
            url = client.note_url(live.id) if live else ""
        lines = list(told(asked.noted, rendered))
        secrets = [*rendered.secrets, *(old_secrets(live, rendered.secrets).values() if live else ())]
        more = {"changes": plan_json(plan, None, 0, secrets)["changes"], "told": lines}
        if plan.conflicts:
            return Outcome(row.line, Result.FAILED, row.path, url, error=_undecided(plan), more=more)
        word = "new" if live is None else "change" if plan.writes or plan.order or lines else ""
        result = Result.DONE if word else Result.SAME
        return Outcome(
            row.line,
            result,
            row.path,
            url,
            word=word,
            told=", ".join([*lines, *_counted(plan)] if live else []),
            more=more,
        )


def _counted(plan: Plan) -> list[str]:
    counts = Counter(str(change.verdict) for change in plan.changes)
    return [f"{count} {verdict}" for verdict, count in sorted(counts.items()) if verdict != "same"]


def _undecided(plan: Plan) -> ConflictError:
    titles = ", ".join(f"{change.title!r} ({change.key})" for change in plan.conflicts)
    return ConflictError(
        f"edited by hand and changed in the bundle: {titles}",
        next_step="see it with `provision plan --note`; decide with --ours or --theirs",
    )
