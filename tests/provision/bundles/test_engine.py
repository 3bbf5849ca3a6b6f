"""The typed form of the engine: what is made of Scala sources for a shell to take."""

import re

import pytest

from provision.bundles.engine import engine_sources, typed_form, typed_part, typed_parts
from provision.errors import UsageError

LOGIN = """package netpie.spark

import java.util.{Base64, UUID}
import scala.util.control.NonFatal

/** Who connects. */
final class Login
"""
STREAM = """package netpie.spark

import java.util.{ArrayList, UUID}
import org.apache.hadoop.fs.{FileSystem => Files, Path}


object Stream {
  import Login._


  val it = new Login
}
"""


def test_sources_become_one_paragraph_with_their_imports_first() -> None:
    assert typed_form([LOGIN, STREAM], about="Streams.\nTyped.\n") == (
        "// Streams.\n// Typed.\n"
        "import java.util.{ArrayList, Base64, UUID}\n"
        "import org.apache.hadoop.fs.{FileSystem => Files, Path}\n"
        "import scala.util.control.NonFatal\n"
        "\n"
        "/** Who connects. */\nfinal class Login\n"
        "\n"
        "object Stream {\n  import Login._\n\n  val it = new Login\n}"
    )


def test_a_source_without_imports_is_its_body() -> None:
    assert typed_form(["package netpie.spark\n\nobject A\n"]) == "object A"


def test_imports_of_one_package_take_as_many_lines_as_they_need() -> None:
    names = [f"SomeLongName{number:02}" for number in range(20)]
    lines = typed_form([f"import a.b.{name}\n\n" for name in names]).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 120 for line in lines)
    assert re.findall(r"SomeLongName\d\d", "".join(lines)) == names


def test_one_name_for_two_things_is_refused() -> None:
    with pytest.raises(ValueError, match="Path is imported from java.nio.file and from org.apache.hadoop.fs"):
        typed_form(["import java.nio.file.Path\n", "import org.apache.hadoop.fs.Path\n"])


def test_an_import_that_can_t_be_merged_is_named() -> None:
    with pytest.raises(ValueError, match="import a.b, c.d"):
        typed_form(["import a.b, c.d\n"])


def test_every_source_of_the_package_is_in_one_part() -> None:
    definition = re.compile(r"^(?:final )?(?:class|object) (\w+)", re.MULTILINE)
    ours = [text for path, text in engine_sources().items() if path.startswith("netpie/spark/")]
    typed = [name for part in typed_parts() for name in definition.findall(typed_part(part))]
    assert sorted(typed) == sorted(name for text in ours for name in definition.findall(text))


def test_a_class_that_spark_takes_to_executors_makes_no_other_of_the_engine_nor_one_of_its_own() -> None:
    """In a shell it would take the shell's wrapper object along, with all that the note has defined."""
    texts = engine_sources().values()
    classes = [each for text in texts for each in re.findall(r"^(?:final )?class (\w+)", text, re.MULTILINE)]
    taken = [
        found
        for text in texts
        for found in re.findall(r"^final class (\w+)([^{]*Serializable[^{]*\{.*?)^\}", text, re.MULTILINE | re.DOTALL)
    ]
    assert {"NetpieTls", "NetpieSettings", "PlainEvents"} <= {name for name, _ in taken}
    assert [(name, made) for name, body in taken for made in re.findall(r"\bnew (\w+)", body) if made in classes] == []


def test_a_part_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no part 'slice'") as caught:
        typed_part("slice")
    assert caught.value.next_step == "take one of connector, results, slices, outputs"


@pytest.mark.parametrize("part", typed_parts())
def test_zeppelin_takes_nothing_in_a_typed_part_for_a_form(part: str) -> None:
    assert "${" not in typed_part(part)
