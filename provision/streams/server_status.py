"""A server in a few words: its version, its user, its Spark."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from provision.streams.interpreter import is_isolated
from zeppelin_sdk import InterpreterSetting, PermissionDeniedError, ZeppelinClient


@dataclass(frozen=True)
class ServerStatus:
    """`spark` is the state of Spark's interpreter setting; empty where there is none, or it can't be read."""

    url: str
    version: str
    user: str
    spark: str
    isolated: bool

    def to_json(self) -> dict[str, Any]:
        """The `--json` keys of `status --zeppelin URL`, without the notes."""
        return {
            "zeppelin": self.url,
            "version": self.version,
            "user": self.user,
            "spark": self.spark or None,
            "isolated": self.isolated if self.spark else None,
        }

    def text(self) -> str:
        """The same for a person, a line each."""
        kind = "a process for each note" if self.isolated else "one process for all notes"
        return "\n".join(
            [
                f"Zeppelin  {self.url}, version {self.version}, as {self.user}",
                f"Spark     {f'{self.spark}, {kind}' if self.spark else 'no setting that you may see'}",
            ]
        )


def look_at(client: ZeppelinClient) -> ServerStatus:
    """Ask the server. Raises `ZeppelinError`."""
    version, user = str(client.get_version()), client.get_ticket().principal
    setting = _spark(client)
    return ServerStatus(
        client.url, version, user, setting.status if setting else "", bool(setting and is_isolated(setting))
    )


def _spark(client: ZeppelinClient) -> InterpreterSetting | None:
    with suppress(PermissionDeniedError):
        return next((each for each in client.list_interpreter_settings() if each.name == "spark"), None)
    return None
