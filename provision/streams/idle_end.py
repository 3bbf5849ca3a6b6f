"""Whether the server ends a Spark in which no paragraph runs, and with it the stream of a note that blocks none.

Zeppelin's `TimeoutLifecycleManager` counts as use that a paragraph is run, and that the progress or status of one that
runs is asked for. From 0.8 to 0.12 one threshold holds for the server; from 0.13 on a setting may have its own
(`IdleInterpreterReclaimer`). Up to 0.11 an interpreter's own environment comes before the server's configuration
(`ZeppelinConfiguration.getString`), and upper-case properties of its setting become its environment.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from provision.console import Console
from zeppelin_sdk import (
    InterpreterSetting,
    NotFoundError,
    PermissionDeniedError,
    ServerVersion,
    UnsupportedError,
    ZeppelinClient,
)

PREFIX = "zeppelin.interpreter.lifecyclemanager"
CLASS, THRESHOLD = f"{PREFIX}.class", f"{PREFIX}.timeout.threshold"
OWN_CLASS = "ZEPPELIN_INTERPRETER_LIFECYCLE_MANAGER_CLASS"
OWN_THRESHOLD = "ZEPPELIN_INTERPRETER_LIFECYCLE_MANAGER_TIMEOUT_THRESHOLD"
NEVER = "org.apache.zeppelin.interpreter.lifecycle.NullLifecycleManager"
DEFAULT_THRESHOLD = 3_600_000  # ms, in every version (ZeppelinConfiguration)
_OWN_ENVIRONMENT, _OWN_PROPERTY = ((0, 9), (0, 12)), (0, 13)
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smh])")


@dataclass(frozen=True)
class IdleEnd:
    """Spark's interpreter is ended once it is idle for `seconds`; `next_step` says how to keep it on this server."""

    seconds: float
    next_step: str

    @property
    def told(self) -> str:
        """What happens, in words."""
        return (
            f"the server ends a Spark that has run no paragraph for {_spoken(self.seconds)} (TimeoutLifecycleManager), "
            "and the stream with it"
        )


def idle_end(client: ZeppelinClient, setting: InterpreterSetting) -> IdleEnd | None:
    """When the server ends Spark's interpreter for being idle; None for never. Raises `ZeppelinError`.

    A user who may not read the server's configuration gets `PermissionDeniedError`.
    """
    configuration, version = client.get_configurations(PREFIX), client.get_version()
    manager = str(configuration.get(CLASS, NEVER))
    threshold: Any = configuration.get(THRESHOLD)
    if _has_own_environment(version):
        manager = str(setting.properties.get(OWN_CLASS) or manager)
        threshold = setting.properties.get(OWN_THRESHOLD) or threshold
    if not manager.endswith(".TimeoutLifecycleManager"):
        return None
    milliseconds = _milliseconds(threshold, DEFAULT_THRESHOLD)
    if tuple(version) >= _OWN_PROPERTY:
        milliseconds = _milliseconds(setting.properties.get(THRESHOLD), milliseconds)
        if milliseconds <= 0:
            return None
    return IdleEnd(milliseconds / 1000, _next_step(version))


def warn_of_idle_end(client: ZeppelinClient, setting: InterpreterSetting, console: Console) -> None:
    """Say when the server ends Spark's interpreter for being idle, where this user may know."""
    with suppress(PermissionDeniedError, NotFoundError, UnsupportedError):
        end = idle_end(client, setting)
        if end is not None:
            console.say(f"{end.told}; {end.next_step}", style="yellow")


def _has_own_environment(version: ServerVersion) -> bool:
    first, end = _OWN_ENVIRONMENT
    return first <= tuple(version) < end


def _milliseconds(text: Any, default: float) -> float:
    """A time as Zeppelin reads it: milliseconds, or with units (500ms, 10m, 1h30m); the default for what is none."""
    written = "" if text is None else str(text).strip().lower()
    if re.fullmatch(r"-?\d+(?:\.0*)?", written):
        return float(written)
    if re.fullmatch(f"(?:{_PART.pattern})+", written):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(written))
    return default


def _next_step(version: ServerVersion) -> str:
    if tuple(version) >= _OWN_PROPERTY:
        return f"give Spark's interpreter setting the property {THRESHOLD} = 0, and restart the interpreter"
    if _has_own_environment(version):
        return f"give Spark's interpreter setting the property {OWN_CLASS} = {NEVER}, and restart the interpreter"
    return (
        f"set {CLASS} to {NEVER}, or {THRESHOLD} to a longer time, in the server's zeppelin-site.xml, and restart the "
        "server"
    )


def _spoken(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
