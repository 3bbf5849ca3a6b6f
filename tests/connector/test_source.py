"""What the connector's source has to be, for a Scala shell and Zeppelin to take it line by line."""

import re

from provision.bundles.connector_jar import connector_source


def test_it_has_no_package_clause():
    assert not re.search(r"^package\b", connector_source(), re.MULTILINE)


def test_no_two_lines_in_a_row_are_blank():
    assert "\n\n\n" not in connector_source()


def test_nothing_in_it_is_a_form_to_zeppelin():
    assert "${" not in connector_source()


def test_every_top_level_definition_opens_on_its_last_line():
    """A shell takes `class X(...)` for complete, so `extends` and the brace have to be on the same line."""
    for line in connector_source().splitlines():
        if re.match(r"(final class|class|object|trait)\b", line):
            assert line.endswith(("{", "(")), line
        if line.startswith("}"):
            assert line == "}", line


def test_no_class_can_hold_the_shells_wrapper():
    """Only a final class leaves out the reference to what it is defined in, which may not be serializable."""
    assert not re.search(r"^(?:(?!final )\w+ )*class\b", connector_source(), re.MULTILINE)


def test_no_class_makes_one_of_its_own_kind_or_of_another():
    """One that does holds the shell's wrapper, which it needs to make it."""
    source = connector_source()
    names = re.findall(r"^final class (\w+)", source, re.MULTILINE)
    classes = source.partition("\nobject NetpieMqtt ")[0]
    assert [name for name in names if re.search(rf"\bnew {name}\b", classes)] == []


def test_it_logs_no_secret():
    for line in connector_source().splitlines():
        if "reportError(" in line or "log.info(" in line:
            assert not re.search(r"login|clientId|password|username|hmacKey", line), line
