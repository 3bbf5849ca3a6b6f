import io
import json
import re

import pytest
from rich.console import Console as RichConsole
from rich.table import Table

from provision.console import Console, one_line
from provision.errors import ConflictError, ProvisionError


def terminal() -> RichConsole:
    return RichConsole(file=io.StringIO(), force_terminal=True, highlight=False)


def test_an_error_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Console().error(ProvisionError("a thing:\n  broke\t[red]really[/red]", next_step="fix\nit"))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: a thing: broke [red]really[/red]; fix it\n"


def test_a_long_error_is_still_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Console().error(ProvisionError("word " * 200))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_with_json_an_error_is_one_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=True).error(ConflictError("two edits", next_step="decide"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"kind": "conflict", "message": "two edits", "next": "decide"}}
    assert err == "error: two edits; decide\n"


def test_progress_goes_to_standard_error_and_answers_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.say("[one]")
    with console.step("two"), console.progress(unit="bytes") as progress:
        progress.advance(progress.add_task("three", total=1), 1)
    console.result({"a": 1}, "[answer]")
    out, err = capsys.readouterr()
    assert out == "[answer]\n"
    assert err == "[one]\ntwo …\n"


def test_with_json_the_answer_is_one_object_in_place_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=True).result({"a": 1, "b": "ไทย"}, "text")
    assert json.loads(capsys.readouterr().out) == {"a": 1, "b": "ไทย"}


def test_what_is_hidden_is_in_no_line_answer_or_error(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (False, True):
        console = Console(as_json=as_json)
        console.hide(lambda text: text.replace("hunter2", "***"))
        console.say("about hunter2")
        console.result({"a": "hunter2"}, "hunter2")
        console.error(ProvisionError("hunter2", next_step="say hunter2"))
        out, err = capsys.readouterr()
        assert "hunter2" not in out + err
        assert "***" in out
        assert "about ***" in err


def test_a_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("name")
    table.add_row("cpu")
    Console().result({}, table)
    assert "cpu" in capsys.readouterr().out


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    Console().error(ProvisionError("broke"))
    assert "\x1b" not in capsys.readouterr().err
    err = terminal()
    Console(err=err).error(ProvisionError("broke"))
    assert "\x1b[31m" in err.file.getvalue()  # type: ignore[attr-defined]


def test_no_color_turns_them_off_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    err = terminal()
    Console(err=err).error(ProvisionError("broke"))
    assert "\x1b[31m" not in err.file.getvalue()  # type: ignore[attr-defined]


def test_on_a_terminal_a_step_says_how_long_it_took_and_one_that_fails_does_not() -> None:
    err = terminal()
    with Console(err=err).step("one"):
        pass
    with pytest.raises(ValueError), Console(err=err).step("two"):  # noqa: PT011
        raise ValueError
    text = err.file.getvalue()  # type: ignore[attr-defined]
    assert "one: 0.0 s" in text
    assert "two: " not in text


def test_one_line_has_no_line_breaks() -> None:
    assert one_line("  a\r\n b\t c\n") == "a b c"


EVIL = "\x1b]0;title\x07\x1b[2J\x9b31mred\x08"


def test_nothing_that_is_printed_drives_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    def print_all(console: Console) -> None:
        table = Table(EVIL)
        table.add_row(EVIL)
        console.say(EVIL)
        console.result({}, EVIL)
        console.result({}, table)
        console.out.print(EVIL, markup=False, style="green")
        console.error(ProvisionError(EVIL, next_step=EVIL))

    print_all(Console())
    plain = capsys.readouterr()
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_all(Console())
    coloured = capsys.readouterr()

    shown = re.sub(r"\x1b\[[0-9;]*m", "", coloured.out + coloured.err)  # of rich itself
    for text in (plain.out, plain.err, shown):
        assert "red" in text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|2J", text)
    assert "\x1b[32m" in coloured.out


def test_json_has_no_control_character_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=True).result({"text": EVIL})
    said = capsys.readouterr().out
    assert json.loads(said) == {"text": EVIL}
    assert said[:-1].isprintable()
