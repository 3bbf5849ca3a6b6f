"""What a project file says: settings, each with its line, for all commands or one, for all targets or one."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netpie_creds.text_file import NotTextError, decode_text
from provision.errors import UsageError, nearest
from provision.project.secrets import check_no_secrets
from provision.toml_lines import TomlLines

TARGETS = "targets"


@dataclass(frozen=True)
class Setting:
    """A value for the option `--NAME`; `command` and `target` are empty where it is for all of them."""

    name: str
    value: Any = field(repr=False)
    file: Path
    line: int
    command: str = ""
    target: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    """The lines of a table's entries."""

    @property
    def where(self) -> str:
        """File and line, for errors."""
        return f"{self.file}:{self.line}"

    def wrong(self, cause: str, next_step: str) -> UsageError:
        """The error for this setting; `cause` must not have its value if that may be a secret."""
        return UsageError(f"{self.where}: {self.name}: {cause}", next_step=next_step)


@dataclass(frozen=True)
class Project:
    """A project file; `settings` stand in the file's order."""

    file: Path
    settings: tuple[Setting, ...]
    targets: tuple[str, ...]

    def check_target(self, target: str, where: str = "") -> None:
        """Raise UsageError unless the file has the target, or it is empty; `where` is the place that names it."""
        if target and target not in self.targets:
            known = f"it has {', '.join(self.targets)}" if self.targets else f"write a table [{TARGETS}.{target}]"
            raise UsageError(
                f"{where or self.file}: there is no target {target!r}", next_step=nearest(target, self.targets, known)
            )

    def layers(self, command: str, target: str) -> Iterator[list[Setting]]:
        """The settings for a command and a target, from what counts most: the target's before the file's own, and
        of each a command's own before those of all commands.
        """
        for where in (target, "") if target else ("",):
            for which in (command, ""):
                yield [each for each in self.settings if (each.target, each.command) == (where, which)]


def read_project(file: Path, commands: Collection[str]) -> Project:
    """The project that the file describes; tables named as one of `commands` are that command's.

    Raises: UsageError for what is no TOML, for tables of another form, and for a secret.
    """
    table, lines = _read(file)
    targets = table.pop(TARGETS, {})
    if not isinstance(targets, dict) or not all(isinstance(each, dict) for each in targets.values()):
        raise UsageError(
            f"{file}:{lines.of(TARGETS)}: {TARGETS} holds a table for each target",
            next_step=f'write [{TARGETS}.prod] and below it zeppelin = "https://HOST"',
        )
    settings = [*_settings(file, table, lines, commands)]
    for target, own in targets.items():
        settings += _settings(file, own, lines, commands, target)
    check_no_secrets((each.name, each.value, each.where) for each in settings)
    return Project(file, tuple(settings), tuple(targets))


def _read(file: Path) -> tuple[dict[str, Any], TomlLines]:
    try:
        text = decode_text(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="name a file that you can read") from error
    except NotTextError as error:
        raise UsageError(f"{file}: {error}", next_step="save it as UTF-8") from error
    try:
        return tomllib.loads(text), TomlLines(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}", next_step="write it as TOML: text stands between quotes") from None


def _settings(
    file: Path, table: Mapping[str, Any], lines: TomlLines, commands: Collection[str], target: str = ""
) -> Iterator[Setting]:
    above = (TARGETS, target) if target else ()
    for name, value in table.items():
        if name in commands and isinstance(value, dict):
            for inner, each in value.items():
                yield _setting(file, lines, (*above, name, inner), each, name, target)
        else:
            yield _setting(file, lines, (*above, name), value, "", target)


def _setting(
    file: Path, lines: TomlLines, path: tuple[str, ...], value: Any, command: str, target: str
) -> Setting:  # fmt: skip
    inner = {name: lines.of(*path, name) for name in value} if isinstance(value, dict) else {}
    return Setting(path[-1], value, file, lines.of(*path), command, target, inner)
