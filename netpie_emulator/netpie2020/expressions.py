"""The expressions of schemas and triggers: `($.temp * 1.8) + 32`, `$NEW.room.temp > $PREV.room.temp && 1 in $CUR.a`.

Operators, from the loosest: `||`, `&&`, comparisons and `in`, `+ -`, `* / // %`, `^`. The documents name them and give
no order; this one is JavaScript's.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 50  # brackets and signs in one another
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<name>\$[A-Za-z]*(?:\.[A-Za-z0-9_]+)*|true\b|false\b|null\b)"
    r"|(?P<sign>\|\||&&|==|!=|>=|<=|//|in\b|[-+*/%^()<>]))"
)
_LITERALS = {"true": True, "false": False, "null": None}


class ExpressionError(Exception):
    """An expression that is none, or that has no value for this data."""


def evaluate(text: str, scopes: Mapping[str, object]) -> Any:
    """Return the value of an expression; `$NEW.a.b` is field `b` of `a` of `scopes["$NEW"]`, else None.

    Raises: ExpressionError.
    """
    parser = _Parser(_tokens(text), scopes)
    value = parser.value_of(0)
    if parser.rest:
        raise ExpressionError(f"{parser.rest[0][1]!r} is not expected")
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise ExpressionError("it has no finite value")
    return value


def looked_up(name: str, scopes: Mapping[str, object]) -> Any:
    """Return what `$SCOPE.path.of.data` names; None where it is not there."""
    scope, *path = name.split(".")
    found = scopes.get(scope)
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"{text[place:].strip()[:20]!r} is not understood")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return f"{left}{right}"
    return _numeric(operator.add)(left, right)


def _numeric(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def combined(left: Any, right: Any) -> Any:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError
        return combine(left, right)

    return combined


def _contained(item: Any, items: Any) -> bool:
    return isinstance(items, list | str) and (str(item) if isinstance(items, str) else item) in items


_LEVELS: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {"||": lambda left, right: bool(left) or bool(right)},
    {"&&": lambda left, right: bool(left) and bool(right)},
    {
        "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
        "<=": operator.le, "in": _contained,
    },
    {"+": _added, "-": _numeric(operator.sub)},
    {
        "*": _numeric(operator.mul), "/": _numeric(operator.truediv), "//": _numeric(operator.floordiv),
        "%": _numeric(operator.mod),
    },
    {"^": _numeric(math.pow)},  # Python's ** takes any time for large integers
)  # fmt: skip


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], scopes: Mapping[str, object]) -> None:
        self.rest = tokens
        self._scopes = scopes
        self._depth = 0

    def value_of(self, level: int) -> Any:
        """Return the value of what stands next and binds at least as tightly as `level`."""
        if level == len(_LEVELS):
            return self._operand()
        value = self.value_of(level + 1)
        while self.rest and self.rest[0][0] == "sign" and self.rest[0][1] in _LEVELS[level]:
            _, sign = self.rest.pop(0)
            other = self.value_of(level + 1)
            try:
                value = _LEVELS[level][sign](value, other)
            except (TypeError, ValueError, ArithmeticError) as error:
                raise ExpressionError(f"{sign} does not fit its operands") from error
        return value

    def _operand(self) -> Any:
        if not self.rest:
            raise ExpressionError("it ends too early")
        kind, text = self.rest.pop(0)
        match kind:
            case "number":
                return float(text) if re.search(r"[.eE]", text) else int(text)
            case "text":
                return text[1:-1]
            case "name":
                return _LITERALS[text] if text in _LITERALS else looked_up(text, self._scopes)
        return self._signed(text)

    def _signed(self, sign: str) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH or sign not in ("(", "-"):
            raise ExpressionError(f"{sign!r} is not expected")
        value = self._operand() if sign == "-" else self.value_of(0)
        if sign == "(" and (not self.rest or self.rest.pop(0)[1] != ")"):
            raise ExpressionError("a bracket is not closed")
        if sign == "-" and not isinstance(value, int | float):
            raise ExpressionError("- does not fit its operand")
        self._depth -= 1
        return -value if sign == "-" else value
