"""Checks a server before a class is written to it: users where rows name them, Spark's setting."""

from collections.abc import Sequence

from provision.classroom.roster import Person
from provision.classroom.rows import Row
from provision.console import Console
from provision.errors import UsageError
from provision.options.each import EachOptions
from provision.streams.idle_end import warn_of_idle_end
from provision.streams.interpreter import ISOLATED, SHARED, change_per_note, is_isolated, memory_of_one, setting_of
from provision.sync.undo_records import Records
from zeppelin_sdk import InterpreterSetting, ZeppelinClient


def check_users(client: ZeppelinClient, people: Sequence[Person], rows: Sequence[Row], console: Console) -> None:
    """Refuse users on a server that has none; warn where a note's user can't read its credentials."""
    if any(person.user or person.permissions for person in people) and client.get_ticket().principal == "anonymous":
        raise UsageError(
            f"{client.url} has no users: nobody can be given a note",
            next_step="leave out the columns of permissions and of Zeppelin users",
        )
    others = [row for row in rows if row.person.permissions is not None and not row.person.user]
    if any(row.spec.values["secrets"] == "store" for row in others):
        console.say(
            "Zeppelin keeps credentials by user: a note runs only for the user who wrote it; name each row's with "
            "zeppelin_user and zeppelin_password_file, or take --param secrets=inline"
        )


def prepare_spark(
    client: ZeppelinClient, group: str, each: EachOptions, count: int, records: Records, console: Console
) -> None:
    """Change the setting of this group, whose Spark they run in, as asked; say what it means for this many notes."""
    setting = setting_of(client, group)
    memory = _memory(setting, count)
    if each.run and each.per_note != ISOLATED and (each.per_note == SHARED or not is_isolated(setting)):
        raise refuse_shared(setting, count, "add --isolate, or leave --run out")
    if each.per_note is not None and is_isolated(setting) != (each.per_note == ISOLATED):
        with console.step(f"restarting {group.title()}'s interpreter, for all notes"):
            setting = change_per_note(client, setting, each.per_note, records)
        back = " (--shared takes it back, `provision undo` with the notes)" if each.per_note == ISOLATED else ""
        now = "a process a note" if is_isolated(setting) else "one process for all notes"
        console.say(f"{group.title()} is now {now}{back}")
    if each.run:
        warn_of_idle_end(client, setting, console)
    if is_isolated(setting):
        console.say(f"each note has a Spark of its own: {memory}")
    elif count > 1:
        console.say(
            "all notes share one Spark, which has one stream at a time: the notes are written and not run, and "
            "starting one stops the other; --isolate gives each a Spark of its own"
        )


def refuse_shared(setting: InterpreterSetting, count: int, next_step: str) -> UsageError:
    """The error of notes that are to run at once in the Spark that they share."""
    return UsageError(
        "all notes share one Spark, which has one stream at a time: starting one would stop the other",
        next_step=f"{next_step} (a Spark a note: {_memory(setting, count)})",
    )


def _memory(setting: InterpreterSetting, count: int) -> str:
    return f"{count} that run at once want some {count} × {memory_of_one(setting)} of memory on the server"
