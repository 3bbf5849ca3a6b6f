"""The server's interpreters of Spark and Python: their settings, whether notes share one process
(`InterpreterOption`), their restart.
"""

import re
from contextlib import suppress
from dataclasses import replace

from provision.bundles.roles import Role
from provision.console import Console
from provision.sync.provenance import by_role
from provision.sync.undo_records import Records, SparkRecord
from zeppelin_sdk import InterpreterSetting, Note, Paragraph, PermissionDeniedError, ZeppelinClient

SPARK, PYTHON = "spark", "python"
ISOLATED, SHARED = "isolated", "shared"
# the group's name and, as Zeppelin finds them without it in its default group, the interpreters in it
_IN_SPARK = frozenset({SPARK, "sql", "pyspark", "ipyspark", "r", "ir", "shiny", "kotlin", "dep", "conf"})
DEFAULT_DRIVER_MEMORY = "1g"  # Spark's own, where the setting names none
PYTHON_MEMORY = "1.6 GB"  # docs/class.md


def group_of(paragraph: Paragraph) -> str:
    """The interpreter group in which a stream can be that the paragraph runs in: `SPARK`, named or as the server's
    default, or `PYTHON`; empty for any other.
    """
    return group_of_text(paragraph.text)


def group_of_text(text: str) -> str:
    """The group, as `group_of`, of a paragraph with this text."""
    named = re.match(r"\s*%(\w+)", text)
    return group_named(named[1]) if named else SPARK


def group_named(interpreter: str) -> str:
    """The group, as `group_of`, of a paragraph with this interpreter ("spark.pyspark", or none)."""
    first = interpreter.partition(".")[0]
    if not first or first in _IN_SPARK:
        return SPARK
    return PYTHON if first == PYTHON else ""


def stream_group(note: Note) -> str:
    """The group of the paragraph that starts the note's stream."""
    start = by_role(note).get(Role.START)
    return (group_of(start) if start else "") or SPARK


def setting_of(client: ZeppelinClient, group: str) -> InterpreterSetting:
    """The server's setting of that group, once it is READY; raises `InterpreterError`, `WaitTimeoutError`."""
    return client.wait_interpreter_ready(group)


def spark_setting(client: ZeppelinClient) -> InterpreterSetting:
    """The server's Spark setting, as `setting_of`."""
    return setting_of(client, SPARK)


def is_isolated(setting: InterpreterSetting) -> bool:
    """Whether each note has a Spark process of its own."""
    return _option(setting, "perNote") == ISOLATED


def is_shared(setting: InterpreterSetting) -> bool:
    """Whether all notes, of all users, have one Spark process."""
    return not is_isolated(setting) and _option(setting, "perUser") != ISOLATED


def per_note(setting: InterpreterSetting) -> str:
    """Which process a note's Spark is: "shared", "scoped" or "isolated", as `InterpreterOption` has it."""
    return _option(setting, "perNote") or SHARED


def _option(setting: InterpreterSetting, name: str) -> str:
    return str((setting.raw.get("option") or {}).get(name, ""))


def change_per_note(
    client: ZeppelinClient, setting: InterpreterSetting, mode: str, records: Records
) -> InterpreterSetting:  # fmt: skip
    """Give each note a Spark of its own ("isolated"), or all notes one ("shared"); can be undone.

    Ends whatever runs in Spark.
    """
    records.save_spark(SparkRecord(setting.id, per_note(setting), mode, records.run))
    return _set_per_note(client, setting, mode)


def take_per_note_back(client: ZeppelinClient, records: Records, run: str, console: Console) -> None:
    """Undo what `run` did to the setting of Spark or Python, once all of its notes are undone."""
    for record in records.sparks():
        if record.run != run or any(each.run == run for each in records.all()):
            continue
        setting = client.wait_interpreter_ready(record.setting_id)
        whose = f"{setting.name.title()}'s setting"
        if per_note(setting) == record.after:
            with console.step(f"{whose}, {record.before} as it was: restarting its interpreter, for all notes"):
                _set_per_note(client, setting, record.before)
        elif per_note(setting) != record.before:
            console.say(f"{whose} was changed since; it stays: {per_note(setting)}")
        records.forget_spark(record.setting_id)


def _set_per_note(client: ZeppelinClient, setting: InterpreterSetting, mode: str) -> InterpreterSetting:
    option = {**(setting.raw.get("option") or {}), "perNote": mode}
    updated = client.update_interpreter_setting(replace(setting, raw={**setting.raw, "option": option}))
    return client.wait_interpreter_ready(updated.id)


def restart_spark(client: ZeppelinClient, note_id: str, reason: str, console: Console) -> None:
    """Restart the process that the note's stream runs in; ends all that runs in it, other notes' streams too if
    shared.
    """
    group = stream_group(client.get_note(note_id))
    setting = setting_of(client, group)
    what = f"{group.title()}'s interpreter" if is_shared(setting) else f"this note's {group.title()}"
    with console.step(f"{reason}: restarting {what}"):
        restart_for(client, setting, note_id)


def restart_for(client: ZeppelinClient, setting: InterpreterSetting, note_id: str) -> None:
    """Restart the process of `setting` that the note runs in."""
    client.stop_interpreter(setting.id, None if is_shared(setting) else note_id)


def end_own_processes(client: ZeppelinClient, note: Note) -> None:
    """End what Spark and Python the note has of its own: with the note gone nothing else would. Shared ones go on.

    A user who may not see the settings leaves them.
    """
    with suppress(PermissionDeniedError):
        groups = {group_of(paragraph) for paragraph in note.paragraphs}
        for setting in client.list_interpreter_settings() if any(groups) else ():
            if setting.name in groups and is_isolated(setting):
                restart_for(client, setting, note.id)


def memory_of_one(setting: InterpreterSetting) -> str:
    """How much memory one process of the setting wants: what its Spark driver asks for, as Spark writes it ("1g"), or
    what a Python was measured to take with its Spark.
    """
    if setting.name == PYTHON:
        return PYTHON_MEMORY
    return str(setting.properties.get("spark.driver.memory") or DEFAULT_DRIVER_MEMORY)
