"""Find the line of a failed paragraph's output that says what went wrong."""

import re

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COMPILER = re.compile(r"\berror: ")
_EXCEPTION = re.compile(r"^\s*(?:Caused by: )?[\w.$]*(?:Exception|Error)\b(?::|$)")
_PYTHON = "Traceback (most recent call last)"


def first_error_line(output: str) -> str:
    """The first meaningful line, or "" when there is none.

    A compiler's `error: …` line comes first, then the exception (the last one of a Python traceback, the
    first one of a JVM's), then whatever line is not empty.
    """
    lines = [line.strip() for line in _ANSI.sub("", output).splitlines() if line.strip()]
    compiler = [line for line in lines if _COMPILER.search(line)]
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    if _PYTHON in output:
        exceptions.reverse()
    return next(iter(compiler + exceptions + lines), "")
