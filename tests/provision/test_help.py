"""`--help` of every command, at any width of the terminal."""

from collections.abc import Iterator

import click
import pytest

from provision.cli import provision, run
from provision.console import Console
from provision.help import wrapped

Capture = pytest.CaptureFixture[str]
ALONE = {"\\", "#"}  # what a line of a shell gets where it is continued


def names(group: click.Group, above: str = "") -> Iterator[str]:
    """All commands, as typed."""
    context = click.Context(group, obj=Console())
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{above}{name}"
        if isinstance(command, click.Group):
            yield from names(command, f"{above}{name} ")


COMMANDS = ["", *names(provision)]


def shown(command: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([*command.split(), "--help"]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_keeps_to_the_terminal_and_breaks_no_word(
    command: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    lines = shown(command, columns, monkeypatch, capsys)
    assert [line for line in lines if len(line) > columns] == []
    told = [word for line in lines for word in line.split() if word not in ALONE]
    as_declared = [word for line in shown(command, 500, monkeypatch, capsys) for word in line.split()]
    assert told == [word for word in as_declared if word not in ALONE]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_range_has_ends(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert "<=None" not in "".join(shown(command, 500, monkeypatch, capsys))


def test_each_word_of_the_declaration_is_in_the_help(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    context = click.Context(provision, obj=Console())
    publish = provision.get_command(context, "publish")  # type: ignore[attr-defined]
    assert publish is not None
    told = {word for line in shown("publish", 40, monkeypatch, capsys) for word in line.split()}
    helps = [publish.help or "", *(each.help or "" for each in publish.params if isinstance(each, click.Option))]
    assert {word for text in helps for word in text.replace("\b", "").split()} - told == set()


def test_options_stand_beside_their_text_where_there_is_room(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    beside, below = (shown("down", columns, monkeypatch, capsys) for columns in (80, 40))
    assert "  --debug     Show a traceback with an error." in beside
    assert below[below.index("  --debug") + 1] == "      Show a traceback with an error."


def test_a_command_that_is_too_long_can_still_be_typed(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    lines = shown("publish", 40, monkeypatch, capsys)
    start = lines.index("  sensor | provision publish \\")
    assert lines[start : start + 5] == [
        "  sensor | provision publish \\",
        "      --credentials-file netpie.env \\",
        "      --file -",
        "      # another program's lines as",
        "      # they come",
    ]


def test_a_word_longer_than_the_line_stays_whole() -> None:
    assert wrapped("see https://ga.netpie.io:8081/a-b now", 10) == ["see", "https://ga.netpie.io:8081/a-b", "now"]
