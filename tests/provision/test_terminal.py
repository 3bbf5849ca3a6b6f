"""What others wrote drives no terminal, and stays readable."""

import re

import pytest

from provision.terminal import harmless

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ไทย\ttab\nline", "plain ไทย\ttab\nline"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;196mbold\x1b[m", "bold"),
        ("\x9b31mred", "red"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b[?1049hother screen", "other screen"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("\x9d0;a title\x9ctext", "text"),
        ("\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("\x1bP$q\x1b\\text", "text"),
        ("\x1b(0text\x1b(B", "text"),
        ("\x1bctext", "text"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("a\x08\x08\x07\x00b\x7f", "ab"),
        ("\x1b]0;never ended\nthe next line", "0;never ended\nthe next line"),
        ("\x1b[31", ""),
        ("\x1b", ""),
    ],
)
def test_escape_sequences_and_control_characters_go_and_the_text_stays(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_text_that_grows_by_a_character_only_ever_gets_longer() -> None:
    text = "a\x1b[31mred\x1b[0m\x1b]0;title\x07b\r\nc\x1b]no end\nd\x1bP1\x1b\\e\x9b1mf"
    shown = [harmless(text[:end]) for end in range(len(text) + 1)]
    assert all(after.startswith(before) for before, after in zip(shown, shown[1:], strict=False))
    assert not CONTROL.search("".join(shown))


def test_many_sequences_without_an_end_take_no_time() -> None:
    assert CONTROL.search(harmless("\x1b]\x9d" * 200_000)) is None
