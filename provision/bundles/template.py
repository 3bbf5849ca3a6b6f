"""A paragraph of a bundle before it is rendered, and what is checked of all of a bundle's when it is loaded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from provision.bundles.checks import Checks
from provision.bundles.conditions import Condition, cases, check_condition, holds, in_words
from provision.bundles.parameters import Parameter
from provision.bundles.placeholders import check_places, line_conditions, setting_names
from provision.bundles.roles import BESIDE_THE_STREAM, MANY, Role
from provision.errors import UsageError

BY_SERVER = "{{ python }}"
"""An interpreter that the parameter `python` names: the one that the server has for Python with Spark."""
ASK, PYTHON = "ask", "python"
"""The value of that parameter for which the server is asked, and the interpreter where nobody can ask it."""


@dataclass(frozen=True)
class Template:
    """A paragraph of a bundle. `role` is a `Role` or empty. `blocks`: it runs as long as the stream does."""

    key: str
    title: str
    interpreter: str
    text: str = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)
    when: Condition = field(default_factory=dict)
    role: str = ""
    blocks: bool = False
    file: Path = Path()

    @property
    def runs_python(self) -> bool:
        return self.interpreter == BY_SERVER or self.interpreter.partition(".")[0] == "python"

    def interpreter_in(self, values: Mapping[str, Any]) -> str:
        """The interpreter that its paragraph names in a note with these parameters."""
        if self.interpreter != BY_SERVER:
            return self.interpreter
        return PYTHON if values["python"] == ASK else str(values["python"])


def check_templates(
    templates: Sequence[Template],
    parameters: Mapping[str, Parameter],
    names: Collection[str],
    checks: Checks,
    places: Sequence[int],
) -> None:
    """Check for what would otherwise come out only when the bundle is rendered, or when its note runs.

    `names` are the values that a template may take; an error is one of a paragraph's entry in `note.toml`, whose
    number is in `places`.
    """
    placed = list(zip(places, templates, strict=True))
    for number, template in placed:
        with checks.at("paragraphs", number):
            _check_alone(template, parameters)
            check_places(template.text, template.file, names)
            _check_settings(template, names)
            for where, condition in line_conditions(template.text, template.file):
                _check_when(where, condition, parameters)
    if checks.found:  # conditions that can't be asked
        return
    for (_, one), (number, other) in combinations(placed, 2):
        with checks.at("paragraphs", number):
            _check_pair(one, other, parameters)
    with checks.at():
        _check_started(templates, parameters)


def _check_alone(template: Template, parameters: Mapping[str, Parameter]) -> None:
    paragraph = f"paragraph {template.key!r}"
    if template.role and template.role not in set(Role):
        raise UsageError(f"{paragraph}: unknown role {template.role!r}", next_step=f"roles: {', '.join(Role)}")
    if template.blocks and template.role != Role.START:
        raise UsageError(
            f"{paragraph}: only the paragraph that starts the stream can block",
            next_step='give it role = "start", or leave out blocks',
        )
    if template.interpreter == BY_SERVER and "python" not in parameters:
        raise UsageError(f"{paragraph}: no parameter 'python' says which interpreter it is", next_step="declare it")
    _check_when(f"{paragraph}: when", template.when, parameters)


def _check_settings(template: Template, names: Collection[str]) -> None:
    for name in sorted(setting_names(template.config) - set(names)):
        raise UsageError(
            f"paragraph {template.key!r}: config: no value {name!r}", next_step=f"it can be {', '.join(sorted(names))}"
        )


def _check_when(where: str, condition: Condition, parameters: Mapping[str, Parameter]) -> None:
    try:
        check_condition(condition, parameters)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", next_step=error.next_step or "fix that condition") from error


def _check_pair(one: Template, other: Template, parameters: Mapping[str, Parameter]) -> None:
    """Raise `UsageError` for two paragraphs that fit one note but not each other."""
    wrong = _clash(one, other)
    if not wrong:
        return
    whens = (one.when, other.when)
    case = next((case for case in cases(whens, parameters) if all(holds(when, case) for when in whens)), None)
    if case is not None:
        raise UsageError(f"{wrong}{in_words(case)}", next_step="fix their `when`, or leave one out")


def _clash(one: Template, other: Template) -> str:
    if one.key == other.key:
        return f"two paragraphs with key {one.key!r} fit one note"
    if one.role and one.role == other.role not in MANY:
        return f"two paragraphs with role {one.role!r} fit one note, {one.key!r} and {other.key!r}"
    for start, beside in ((one, other), (other, one)):
        if start.blocks and beside.role in BESIDE_THE_STREAM:
            return f"{beside.key!r} with role {beside.role!r} never runs beside {start.key!r}, which blocks"
    return ""


def _check_started(templates: Sequence[Template], parameters: Mapping[str, Parameter]) -> None:
    starts = [template.when for template in templates if template.role == Role.START]
    for case in cases(starts, parameters):
        if not any(holds(when, case) for when in starts):
            raise UsageError(
                f"no paragraph starts the stream{in_words(case)}", next_step='give one role = "start"'
            )  # fmt: skip
