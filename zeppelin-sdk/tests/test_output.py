import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeppelin_sdk import first_error_line

SCALA = """warning: there was one deprecation warning
<console>:26: error: not found: value sscc
       sscc.start
       ^
"""
JVM = """
java.lang.IllegalStateException: Adding new inputs after start is not supported
  at org.apache.spark.streaming.dstream.DStream.<init>
Caused by: java.net.ConnectException: refused
"""
PYTHON = """Traceback (most recent call last):
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
NameError: name 'x' is not defined
"""


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (SCALA, "<console>:26: error: not found: value sscc"),
        (JVM, "java.lang.IllegalStateException: Adding new inputs after start is not supported"),
        (PYTHON, "NameError: name 'x' is not defined"),
        (
            "printed\norg.apache.spark.SparkException: Job aborted\n",
            "org.apache.spark.SparkException: Job aborted",
        ),
        ("\x1b[31mjava.lang.NullPointerException\x1b[39m\n", "java.lang.NullPointerException"),
        ("\n  Table or view not found: measure; line 1\n", "Table or view not found: measure; line 1"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_the_line_that_says_what_went_wrong(output: str, line: str) -> None:
    assert first_error_line(output) == line


@given(st.text())
def test_it_is_one_line_and_empty_only_when_all_is(output: str) -> None:
    line = first_error_line(output)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
