"""A server in a few words: its version, its user, its Spark and Python."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from provision.streams.interpreter import PYTHON, SPARK, is_isolated
from zeppelin_sdk import InterpreterSetting, PermissionDeniedError, ZeppelinClient


@dataclass(frozen=True)
class ServerStatus:
    """`spark` and `python` are the interpreter settings; None where there is none, or it can't be read."""

    url: str
    version: str
    user: str
    spark: InterpreterSetting | None
    python: InterpreterSetting | None

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of `status --zeppelin URL`, without the notes."""
        return {
            "zeppelin": self.url,
            "version": self.version,
            "user": self.user,
            "spark": self.spark and self.spark.status,
            "isolated": self.spark and is_isolated(self.spark),
            "python": self.python and self.python.status,
            "python_isolated": self.python and is_isolated(self.python),
        }

    def text(self) -> str:
        """The same for a person, a line each."""
        lines = [
            f"Zeppelin  {self.url}, version {self.version}, as {self.user}",
            f"Spark     {_in_words(self.spark) if self.spark else 'no setting that you may see'}",
        ]
        if self.python:
            lines.append(f"Python    {_in_words(self.python)}")
        return "\n".join(lines)


def _in_words(setting: InterpreterSetting) -> str:
    kind = "a process for each note" if is_isolated(setting) else "one process for all notes"
    return f"{setting.status}, {kind}"


def look_at(client: ZeppelinClient) -> ServerStatus:
    """Ask the server. Raises `ZeppelinError`."""
    version, user = str(client.get_version()), client.get_ticket().principal
    settings = _settings(client)
    return ServerStatus(client.url, version, user, settings.get(SPARK), settings.get(PYTHON))


def _settings(client: ZeppelinClient) -> dict[str, InterpreterSetting]:
    with suppress(PermissionDeniedError):
        return {setting.name: setting for setting in client.list_interpreter_settings()}
    return {}
