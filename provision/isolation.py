"""Whether notes share one Spark: the interpreter setting's option `perNote` (Zeppelin's `InterpreterOption`)."""

from dataclasses import replace

from provision.each_options import ISOLATED
from provision.running import spark_setting
from zeppelin_sdk import InterpreterSetting, ZeppelinClient

DEFAULT_DRIVER_MEMORY = "1g"  # Spark's own, where the setting names none


def spark(client: ZeppelinClient) -> InterpreterSetting:
    """The server's Spark setting, READY."""
    return client.interpreter_setting(spark_setting(client))


def is_isolated(setting: InterpreterSetting) -> bool:
    """Whether each note has a Spark process of its own."""
    return (setting.raw.get("option") or {}).get("perNote") == ISOLATED


def set_per_note(client: ZeppelinClient, setting: InterpreterSetting, mode: str) -> InterpreterSetting:
    """Give each note a Spark of its own ("isolated"), or all of them one ("shared"); what runs in Spark is ended."""
    option = {**(setting.raw.get("option") or {}), "perNote": mode}
    updated = client.update_interpreter_setting(replace(setting, raw={**setting.raw, "option": option}))
    return client.wait_interpreter_ready(updated.id)


def driver_memory(setting: InterpreterSetting) -> str:
    """How much memory one Spark driver asks for, as Spark writes it ("1g")."""
    return str(setting.properties.get("spark.driver.memory") or DEFAULT_DRIVER_MEMORY)
