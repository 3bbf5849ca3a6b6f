"""Expressions of schemas and triggers."""

import pytest

from netpie_emulator.netpie2020.expressions import MAX_DEPTH, ExpressionError, evaluate

SCOPES = {
    "$": {"temp": 20, "room": {"temp": 5}},
    "$NEW": {"t": 3, "list": [1, 2], "text": "warm"},
    "$PREV": {"t": 2},
    "$DEVICEID": "d1",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("($.temp * 1.8) + 32", 68.0),
        ("$.temp * 1.8 + 32", 68.0),
        ("$.temp*2-1", 39),
        ("-$.room.temp + 1", -4),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("2 ^ 3", 8),
        ("1 + 2 * 3", 7),
        ("8 - 4 - 2", 2),
        ("8 / 4 / 2", 1),
        ("'a' + 1", "a1"),
        ("$NEW.t > $PREV.t", True),
        ("$NEW.t > 3 || $PREV.t == 2", True),
        ("$NEW.t >= 3 && $PREV.t != 2", False),
        ("2 in $NEW.list", True),
        ("3 in $NEW.list", False),
        ('"arm" in $NEW.text', True),
        ("$DEVICEID == 'd1'", True),
        ("$NEW.nothing == null", True),
        ("$NEW.t.deeper", None),
        (".5 + 1e2", 100.5),
        ("true", True),
    ],
)
def test_expression_has_its_value(text, value):
    assert evaluate(text, SCOPES) == value


@pytest.mark.parametrize(
    "text",
    ["", "(", "1 +", "1 2", "$NEW.t +", "1 / 0", "$NEW.text * 2", "$NEW.nothing + 1", "'%9999999999d' % 1",
     "$NEW.text < 1", "__import__('os')", "1; 2", "-'a'", "10 ^ 9999", ")", "1e308 * 10", "$NEW.list + 1"],
)  # fmt: skip
def test_expression_without_a_value_is_told(text):
    with pytest.raises(ExpressionError):
        evaluate(text, SCOPES)


def test_brackets_and_signs_in_one_another_are_bounded():
    deep = MAX_DEPTH - 1
    assert evaluate("(" * deep + "1" + ")" * deep, {}) == 1
    assert evaluate(" + ".join(["(1)"] * 200), {}) == 200
    for sign in "(-":
        with pytest.raises(ExpressionError):
            evaluate(sign * 100_000 + "1", {})
