"""The options that say where events come from, shared by all commands: the platform, and an account of it."""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import click
from click.core import ParameterSource

from provision.embedded.application import application_file
from provision.platforms import DEFAULT_PLATFORM, all_fields, chosen_platform, platforms
from provision.platforms.platform import AccountField, Given, Platform, PlatformAccount, Seeking

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class ApplicationOptions:
    """What the options of `application_options` say."""

    given: Given = field(default_factory=Given)
    platform_name: str | None = None

    @property
    def names_account(self) -> bool:
        """Whether the command line names an account, or the platform of one."""
        servers = {each.name for each in all_fields().values() if each.is_server}
        said = any(value for name, value in self.given.values.items() if name not in servers)
        return bool(said or self.given.credentials_file or self.platform_name)

    def of_embedded(self, auth: str) -> Self:
        """The embedded NETPIE's application, with its auth server and the same folder."""
        given = Given({"auth": auth}, application_file(), folder=self.given.folder, env={})
        return type(self)(given, DEFAULT_PLATFORM)

    def platform(self, noted: str | None = None) -> Platform:
        """The platform that is meant, for a note that was applied with the `noted` one. Raises `UsageError`."""
        return chosen_platform(self.given, self.platform_name, noted)

    def account(self, default: Mapping[str, str] | None = None, noted: str | None = None) -> PlatformAccount:
        """The account; asks for a secret on a terminal when it is given nowhere else.

        `default` are fields to take where nothing else has them.

        Raises: an error of exit status 2 for what is missing or wrong.
        """
        ask = _ask_secret if sys.stdin.isatty() else None
        return self.platform(noted).account(self.given, Seeking(default or {}, ask))

    def named(self, default: Mapping[str, str] | None = None, noted: str | None = None) -> PlatformAccount:
        """The account, with a stand-in for a secret that is nowhere; asks nobody."""
        return self.platform(noted).account(self.given, Seeking(default or {}, planning=True))


def application_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name an account; the command gets them as one `application: ApplicationOptions`."""
    return _with(command, [each for each in all_fields().values() if each.option], _FILES)


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that tell the paths of a class's notes; the command gets them as `application_options` has it."""
    fields = [each for each in all_fields().values() if each.option and each.is_place]
    return _with(command, fields, _FILES[:1], "With --each: ")


def _with(
    command: Callable[..., Any], fields: list[AccountField], files: Sequence[Callable[..., Any]], before: str = ""
) -> Callable[..., Any]:
    @functools.wraps(command)
    def with_application(
        *args: Any,
        platform_name: str | None,
        credentials_file: Path | None = None,
        secret_file: Path | None = None,
        cache_dir: Path | None = None,
        **others: Any,
    ) -> Any:
        values = {each.name: others.pop(_argument(each)) for each in fields}
        said = {name: str(value) for name, value in values.items() if value}
        given = Given(said, credentials_file, secret_file, cache_dir, of_project=_files_of_project())
        options = ApplicationOptions(given, platform_name)
        return command(*args, application=options, **others)

    decorated: Callable[..., Any] = with_application
    for option in reversed([_platform(before), *(_option(each, before) for each in fields), *files]):
        decorated = option(decorated)
    return decorated


def _files_of_project() -> frozenset[str]:
    """Those of the options for files that the project file has given to the command that runs."""
    context = click.get_current_context()
    files = ("credentials_file", "secret_file")
    return frozenset(each for each in files if context.get_parameter_source(each) is ParameterSource.DEFAULT_MAP)


def _platform(before: str) -> Callable[..., Any]:
    kinds = "; ".join(f"{each.name}: {each.help}" for each in platforms().values())
    return click.option(
        "--platform",
        "platform_name",
        type=click.Choice(list(platforms())),
        help=f"{before}Where events come from. {kinds}.  "
        f"[default: that of the account that is named, else of the note, else {DEFAULT_PLATFORM}]",
    )


_FILES: Sequence[Callable[..., Any]] = (
    click.option(
        "--credentials-file",
        type=_FILE,
        help="File with what names the account, and its secrets: lines of NAME=VALUE, or TOML if it ends in .toml.",
    ),
    click.option(
        "--secret-file",
        type=_FILE,
        help="File with the account's secret and nothing else.  [env: NETPIE_APPSECRET holds the secret itself]",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of what is kept of the account, such as microgear-APPKEY.cache.  "
        "[default: this folder if it has one, else the state folder]",
    ),
)


def _option(each: AccountField, before: str) -> Callable[..., Any]:
    kind = _FILE if each.is_file else None
    env = f"  [env: {each.variable}]" if each.variable else ""
    return click.option(each.option, _argument(each), type=kind, metavar=each.metavar, help=f"{before}{each.help}{env}")


def _argument(each: AccountField) -> str:
    return f"of_account_{each.name}"


def _ask_secret(name: str) -> str:
    secret: str = click.prompt(name, hide_input=True, err=True)
    return secret
