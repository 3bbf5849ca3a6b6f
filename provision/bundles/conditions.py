"""When a paragraph belongs to a note: conditions on parameters and on Zeppelin's version, the `when` of `note.toml`."""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any

from provision.bundles.parameters import Parameter
from provision.errors import UsageError, nearest
from zeppelin_sdk import ServerVersion

Condition = Mapping[str, Any]
"""Parameter name -> its value or a list of values; `zeppelin` -> a version bound such as "<0.9"."""
Case = Mapping[str, Any]
"""Parameter name -> its value; `zeppelin` -> the server's version."""

ZEPPELIN = "zeppelin"
_BOUND = re.compile(r"(?P<sign><|>=)(?P<major>\d+)\.(?P<minor>\d+)")
_OTHER = "…"  # any value of a parameter that no condition names


def holds(when: Condition, case: Case) -> bool:
    """Whether a checked condition holds."""
    return all(
        _version_holds(asked, case[name]) if name == ZEPPELIN else _is_one_of(case[name], _listed(asked))
        for name, asked in when.items()
    )


def _is_one_of(value: Any, asked: list[Any]) -> bool:
    """Whether a value is asked for; of a list, whether one of its values is."""
    return any(each in asked for each in value) if isinstance(value, list) else value in asked


def check_condition(when: Condition, parameters: Mapping[str, Parameter]) -> None:
    """Raise `UsageError` for an unknown parameter, a value that the parameter can't have, and a malformed version."""
    for name, asked in when.items():
        if name == ZEPPELIN:
            _bound(asked)
        elif name not in parameters:
            raise UsageError(f"no parameter {name!r}", next_step=nearest(name, parameters, "fix that condition"))
        else:
            for value in _listed(asked):
                _check_value(parameters[name], value)


def cases(conditions: Collection[Condition], parameters: Mapping[str, Parameter]) -> Iterator[Case]:
    """A case of each kind that the checked conditions tell apart; it has only the names in them."""
    names = sorted({name for when in conditions for name in when})
    for values in product(*(_possible(name, conditions, parameters) for name in names)):
        yield dict(zip(names, values, strict=True))


def in_words(case: Case) -> str:
    """The case as a person would give it: " with variant=csv, zeppelin=0.9.0"; empty for one without names."""
    return f" with {', '.join(f'{name}={value}' for name, value in case.items())}" if case else ""


def _possible(name: str, conditions: Collection[Condition], parameters: Mapping[str, Parameter]) -> list[Any]:
    named = [value for when in conditions if name in when for value in _listed(when[name])]
    if name == ZEPPELIN:
        return [ServerVersion(0, 0), *sorted({_bound(value)[1] for value in named})]
    return list(parameters[name].choices) or [*dict.fromkeys(named), _OTHER]


def _listed(asked: Any) -> list[Any]:
    return asked if isinstance(asked, list) else [asked]


def _check_value(parameter: Parameter, value: Any) -> None:
    try:
        fits = parameter.value(str(value)) in (value, [value])
    except UsageError:
        fits = False
    if not fits:
        listed = f"it is one of {', '.join(parameter.choices)}" if parameter.choices else "fix that condition"
        raise UsageError(
            f"parameter {parameter.name} can't be {value!r}", next_step=nearest(str(value), parameter.choices, listed)
        )


def _bound(text: Any) -> tuple[str, ServerVersion]:
    match = _BOUND.fullmatch(str(text))
    if not match:
        raise UsageError(f"version condition {text!r} is not <M.N or >=M.N")
    return match["sign"], ServerVersion(int(match["major"]), int(match["minor"]))


def _version_holds(condition: Any, version: ServerVersion) -> bool:
    sign, bound = _bound(condition)
    return version < bound if sign == "<" else version >= bound
