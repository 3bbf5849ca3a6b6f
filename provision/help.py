"""`--help` for a terminal of any width: wrapped between words, options above their text where columns are scarce."""

import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator

import click

NARROWEST, WIDEST = 20, 80
LEAST_TEXT = 30  # columns beside an option's name before its text goes below
CONTINUED = " \\"  # a shell's


class HelpFormatter(click.HelpFormatter):
    """click's, except that it breaks no word and keeps to the terminal's width however narrow that is."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        columns = max(shutil.get_terminal_size().columns - 2, NARROWEST)
        super().__init__(indent_increment, width or min(columns, (max_width or WIDEST) - 2))
        self.columns = columns

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the first line, its arguments below the program's name where it is long."""
        usage = f"{prefix or 'Usage: '}{prog} {args}".rstrip()
        self.write("\n".join(wrapped(usage, self.width, more=" " * 7)) + "\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs; one that begins with a line of `\\b` keeps its lines."""
        indent = " " * self.current_indent
        widths = (self.width - self.current_indent, self.columns - self.current_indent)
        parts = [_paragraph(part, *widths) for part in re.split(r"\n\s*\n", text.strip("\n"))]
        self.write("\n\n".join("\n".join(f"{indent}{line}".rstrip() for line in lines) for lines in parts) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write names and their texts: side by side, or each text below its name."""
        rows = list(rows)
        column = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
        is_narrow = self.width - self.current_indent - column < LEAST_TEXT
        if is_narrow:
            column = 2 * self.indent_increment
        indent = " " * self.current_indent
        for name, text in rows:
            lines = wrapped(text, self.width - self.current_indent - column)
            if lines and not is_narrow and len(name) <= column - col_spacing:
                self.write(f"{indent}{name:<{column}}{lines.pop(0)}\n")
            else:
                self.write("".join(f"{indent}{line}\n" for line in wrapped(name, self.width - self.current_indent)))
            self.write("".join(f"{indent}{'':{column}}{line}\n" for line in lines))


class Context(click.Context):
    """A context whose `--help` is written by `HelpFormatter`."""

    formatter_class = HelpFormatter


def with_help(command: click.Command) -> click.Command:
    """The command and those below it, `--help` written by `HelpFormatter`, with their whole first sentence in lists."""
    command.context_class = Context
    command.short_help = re.split(r"(?<=\.)\s", " ".join((command.help or "").partition("\n\n")[0].split()))[0]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            with_help(below)
    return command


def wrapped(text: str, width: int, *, more: str = "") -> list[str]:
    """The lines of a paragraph, those after the first behind `more`; a word longer than `width` stays whole."""
    return textwrap.wrap(text, width, subsequent_indent=more, break_long_words=False, break_on_hyphens=False)


def _paragraph(text: str, width: int, columns: int) -> list[str]:
    lines = text.splitlines()
    if lines and lines[0].strip() == "\b":
        return [piece for line in lines[1:] for piece in _kept(line, columns)]
    return wrapped(" ".join(line.strip() for line in lines), width)


def _kept(line: str, width: int) -> Iterator[str]:
    """A line to be kept, or what it becomes where it is too long: a command continued, and its remark below."""
    if len(line) <= width:
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())]
    command, *remark = re.split(r" {2,}", line.strip(), maxsplit=1)
    continued = CONTINUED if "provision " in command else ""
    *first, last = wrapped(command, width - len(indent) - len(continued), more=" " * 4)
    yield from (f"{indent}{each}{continued}" for each in first)
    yield f"{indent}{last}"
    for each in remark:
        yield from (f"{indent}    # {piece}" for piece in wrapped(each, width - len(indent) - 6))
