"""The README and the pages it links are true: commands, options, parameters, scripts and files that they name exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from provision.bundles.bundle import bundle_names
from provision.cli import COMMANDS
from provision.cli import provision as command_line

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "Dockerfile"]
BUNDLES = ("streaming", "classic")
NOT_THERE_YET = "- Not there yet:"


def code(page: Path) -> Iterator[str]:
    """The page's lines of shell code and its code spans, but for those of commands that are said to be missing."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".md":
        yield from text.splitlines()
        return
    text = "\n".join(line for line in text.splitlines() if not line.startswith(NOT_THERE_YET))
    for block in re.findall(r"```shell\n(.*?)```", text, re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for span in re.findall(r"`([^`]+)`", prose):
        yield " ".join(span.split())


def calls(page: Path) -> list[str]:
    """What follows `provision` or `scripts/demo` wherever the page has a command line of theirs."""
    found = []
    for line in code(page):
        if match := re.search(r"(?:^|RUN |&& )(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?provision ([a-z-].*)", line):
            found.append(match[1].removesuffix("\\").strip())
        elif match := re.match(r"scripts/demo (.+)", line):
            found.append(f"demo {match[1]}")
    return found


CALLS = sorted({(page.name, call) for page in PAGES for call in calls(page)})


def find(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words name, and the words behind its name."""
    command: click.Command = command_line
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"no command {words[0]!r}"
        command, words = found, words[1:]
    return command, words


def options(command: click.Command) -> dict[str, click.Option]:
    return {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts} | {
        "--help": click.Option(["--help"], is_flag=True)
    }


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_commands_and_options_exist(page: str, call: str) -> None:
    command, words = find(shlex.split(call.split("  ")[0]))

    known = options(command)
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            assert arguments, f"provision {call}: {word!r} is one argument too many"
            arguments.pop()
            continue
        assert word in known, f"provision {call}: no option {word}"
        if not known[word].is_flag and words:
            words.pop(0)


def test_every_command_is_told_of() -> None:
    told = {shlex.split(call)[0] for page, call in CALLS if page == "README.md"}

    assert told == set(COMMANDS)


def test_options_in_the_prose_exist() -> None:
    every: set[str] = set()
    for name in COMMANDS:
        command, _ = find([name])
        every |= set(options(command))
        if isinstance(command, click.Group):
            every |= {option for each in command.commands.values() for option in options(each)}

    named = {word for span in code(ROOT / "README.md") for word in re.findall(r"^--[a-z0-9-]+", span)}

    assert named <= every | {"--check"}


def test_what_is_said_to_be_missing_is_missing() -> None:
    missing = "".join(line for line in README.splitlines() if line.startswith(NOT_THERE_YET))

    assert set(re.findall(r"`provision ([a-z]+)`", missing)) & set(COMMANDS) == set()


# --- parameters and bundles ---


def parameters(bundle: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((ROOT / "zeppelin_notes" / bundle / "note.toml").read_text(encoding="utf-8"))["parameters"]


def cell(entry: dict[str, Any] | None) -> str:
    """A parameter's default and range as the table has them."""
    if entry is None:
        return "–"
    default = entry.get("default")
    text = "none" if default in ("", []) else "to be given" if default is None else f"`{default}`"
    if "choices" in entry:
        text += " of " + ", ".join(f"`{choice}`" for choice in entry["choices"])
    if "minimum" in entry:
        text += f", {entry['minimum']:,} to {entry['maximum']:,}"
    if "multiple_of" in entry:
        text += f", a multiple of `{entry['multiple_of']}`"
    return text


def test_the_table_of_parameters_is_that_of_the_bundles() -> None:
    streaming, classic = (parameters(bundle) for bundle in BUNDLES)
    expected = [
        (f"`{name}`", cell(streaming.get(name)), cell(classic.get(name)))
        for name in {**streaming, **classic}
        if name != "appid"
    ]
    table = README.partition("| parameter |")[2].partition("\n\n")[0]

    rows = [tuple(column.strip() for column in line.split("|")[1:4]) for line in table.splitlines()[2:]]

    assert rows == expected


def test_the_bundles_are_those_that_there_are() -> None:
    table = README.partition("| bundle |")[2].partition("\n\n")[0]

    assert sorted(re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE)) == bundle_names()


def test_the_paragraphs_to_edit_are_in_the_note() -> None:
    note = tomllib.loads((ROOT / "zeppelin_notes" / "streaming" / "note.toml").read_text(encoding="utf-8"))
    titles = [paragraph.get("title", "") for paragraph in note["paragraphs"]]
    table = README.partition("| paragraph | edit it to |")[2].partition("\n\n")[0]

    named = [line.split("|")[1].partition("(")[0].strip() for line in table.splitlines()[2:]]

    assert [name for name in named if not any(title.startswith(name) for title in titles)] == []


# --- files ---


@pytest.mark.parametrize("page", [page for page in PAGES if page.suffix == ".md"], ids=lambda page: page.name)
def test_linked_files_exist(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_and_folders_exist(page: Path) -> None:
    paths = {path for line in code(page) for path in re.findall(r"^(scripts/\w+|[a-z_]+/)(?= |$)", line)}
    inside = ("commands/", "embedded/", "integration/", "interop/")

    assert [path for path in paths if not (ROOT / path).exists() and path not in inside] == []


def test_the_pages_speak_of_no_machine() -> None:
    assert [page.name for page in PAGES if re.search(r"/tmp/\w|/work/|/root/", page.read_text(encoding="utf-8"))] == []
