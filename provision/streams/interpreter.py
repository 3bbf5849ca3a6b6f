"""The server's Spark interpreter: its setting, whether notes share one process (`InterpreterOption`), its restart."""

from dataclasses import replace

from provision.console import Console
from provision.sync.undo_records import Records, SparkRecord
from zeppelin_sdk import InterpreterSetting, ZeppelinClient

ISOLATED, SHARED = "isolated", "shared"
DEFAULT_DRIVER_MEMORY = "1g"  # Spark's own, where the setting names none


def spark_setting(client: ZeppelinClient) -> InterpreterSetting:
    """The server's Spark setting, once it is READY; raises `InterpreterError`, `WaitTimeoutError`."""
    return client.wait_interpreter_ready("spark")


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
    """Undo what `run` did to Spark's setting, once all of its notes are undone."""
    record = records.spark()
    if record is None or record.run != run or any(each.run == run for each in records.all()):
        return
    setting = client.wait_interpreter_ready(record.setting_id)
    if per_note(setting) == record.after:
        with console.step(f"Spark's setting, {record.before} as it was: restarting its interpreter, for all notes"):
            _set_per_note(client, setting, record.before)
    elif per_note(setting) != record.before:
        console.say(f"Spark's setting was changed since; it stays: {per_note(setting)}")
    records.forget_spark()


def _set_per_note(client: ZeppelinClient, setting: InterpreterSetting, mode: str) -> InterpreterSetting:
    option = {**(setting.raw.get("option") or {}), "perNote": mode}
    updated = client.update_interpreter_setting(replace(setting, raw={**setting.raw, "option": option}))
    return client.wait_interpreter_ready(updated.id)


def restart_spark(client: ZeppelinClient, note_id: str, reason: str, console: Console) -> None:
    """Restart the Spark process that the note runs in; ends all that runs in it, other notes' streams too if shared."""
    setting = spark_setting(client)
    what = "Spark's interpreter" if is_shared(setting) else "this note's Spark"
    with console.step(f"{reason}: restarting {what}"):
        restart_for(client, setting, note_id)


def restart_for(client: ZeppelinClient, setting: InterpreterSetting, note_id: str) -> None:
    """Restart the process of `setting` that the note runs in."""
    client.stop_interpreter(setting.id, None if is_shared(setting) else note_id)


def driver_memory(setting: InterpreterSetting) -> str:
    """How much memory one Spark driver asks for, as Spark writes it ("1g")."""
    return str(setting.properties.get("spark.driver.memory") or DEFAULT_DRIVER_MEMORY)
