"""Interpreter settings and repositories: read, change, restart, wait until the server has made them ready."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from zeppelin_sdk._errors import InterpreterError, NotFoundError, WaitTimeoutError
from zeppelin_sdk._models import InterpreterSetting, Repository
from zeppelin_sdk._transport import Transport

POLL_SECONDS = 0.3


class InterpretersApi:
    """The calls of Zeppelin's `InterpreterRestApi`; a server with users keeps them for its administrators."""

    _http: Transport

    def list_interpreter_settings(self) -> list[InterpreterSetting]:
        """All settings."""
        return [InterpreterSetting.from_json(s) for s in self._http.mappings("GET", "interpreter", "setting")]

    def get_interpreter_setting(self, name_or_id: str) -> InterpreterSetting:
        """The setting with this id, or else this name. Raises InterpreterError with those there are."""
        settings = self.list_interpreter_settings()
        for setting in settings:
            if setting.id == name_or_id:
                return setting
        for setting in settings:
            if setting.name == name_or_id:
                return setting
        names = ", ".join(sorted(setting.name for setting in settings)) or "none"
        raise InterpreterError(
            f"{self._http.address.base} has no interpreter setting {name_or_id!r}; it has: {names}",
            next_step="install that interpreter on the server, or name another",
        )

    def update_interpreter_setting(self, setting: InterpreterSetting) -> InterpreterSetting:
        """Send a setting back, and return it as the server then has it.

        Its interpreters restart, for every note. New dependencies are loaded after this returns: see
        `wait_interpreter_ready`.
        """
        body = {
            "option": setting.raw.get("option", {}),
            "properties": setting.raw.get("properties", {}),
            "dependencies": setting.raw.get("dependencies", []),
        }
        return InterpreterSetting.from_json(self._http.mapping("PUT", "interpreter", "setting", setting.id, body=body))

    def create_interpreter_setting(
        self,
        name: str,
        group: str,
        *,
        properties: Mapping[str, str] | None = None,
        dependencies: Sequence[str] = (),
        option: Mapping[str, Any] | None = None,
    ) -> InterpreterSetting:
        """Make another setting of an interpreter that the server has ("spark", "md", …), and return it.

        `dependencies` are Maven coordinates. Raises InterpreterError when there is one of this name.
        """
        body = {
            "name": name,
            "group": group,
            "properties": {
                key: {"name": key, "value": value, "type": "string"} for key, value in (properties or {}).items()
            },
            "dependencies": [{"groupArtifactVersion": entry, "local": False} for entry in dependencies],
            "option": {"remote": True, **(option or {})},
        }
        try:
            return InterpreterSetting.from_json(self._http.mapping("POST", "interpreter", "setting", body=body))
        except NotFoundError as error:
            # so Zeppelin answers to a name that is taken, or is none
            raise InterpreterError(error.message, next_step="choose another name", request=error.request) from error

    def delete_interpreter_setting(self, setting_id: str) -> None:
        """Delete a setting and stop its processes; one that is not there is no error to the server."""
        self._http.call("DELETE", "interpreter", "setting", setting_id)

    def list_repositories(self) -> list[Repository]:
        """The Maven repositories that dependencies come from."""
        return [Repository.from_json(entry) for entry in self._http.mappings("GET", "interpreter", "repository")]

    def add_repository(
        self, repository: Repository, *, snapshot: bool = False, user: str = "", password: str = ""
    ) -> None:
        """Add a Maven repository, in place of one with the same id; `user` and `password` are those it asks for."""
        body: dict[str, Any] = {"id": repository.id, "url": repository.url, "snapshot": snapshot}
        if user:
            body |= {"username": user, "password": password}
        self._http.call("POST", "interpreter", "repository", body=body)

    def delete_repository(self, repository_id: str) -> None:
        """Remove a Maven repository; one that is not there is no error to the server."""
        self._http.call("DELETE", "interpreter", "repository", repository_id)

    def stop_interpreter(self, setting_id: str, note_id: str | None = None) -> None:
        """Stop a setting's processes; the next run starts them anew.

        With `note_id` only the one of that note, where the setting is isolated or scoped per note. Raises
        NoteNotFoundError where the note is gone.
        """
        body = {} if note_id is None else {"noteId": note_id}
        self._http.call("PUT", "interpreter", "setting", "restart", setting_id, body=body)

    def wait_interpreter_ready(self, setting_id: str, *, timeout: float = 120.0) -> InterpreterSetting:
        """Wait until a setting's dependencies are loaded (status READY); `timeout` in seconds.

        Raises InterpreterError with the server's reason when they cannot be, WaitTimeoutError.
        """
        deadline = time.monotonic() + timeout
        while True:
            setting = self.get_interpreter_setting(setting_id)
            if setting.status == "READY":
                return setting
            if setting.status == "ERROR":
                reason = setting.error_reason.strip().partition("\n")[0] or "the server gives no reason"
                raise InterpreterError(
                    f"the server could not make interpreter {setting.name} ready: {reason}",
                    next_step="check its dependencies, and the server's way to their repository",
                )
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"interpreter {setting.name} is still {setting.status} after {timeout:g} s",
                    next_step="wait longer, or look into the server's log",
                )
            time.sleep(min(POLL_SECONDS, left))
