"""Reads a Scala string literal as scalac does; up to 2.12 it translates \\uXXXX before all else."""

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


def read_literal(source: str, *, early_unicode: bool) -> str:
    """The string that a literal stands for; AssertionError when it is no single, closed, one-line literal."""
    # an early translated character is never a delimiter here: JSON's escapes for those are not \\uXXXX
    units = _translated(source) if early_unicode else [(character, False) for character in source]
    assert units[0] == units[-1] == ('"', False)
    body, read, at = units[1:-1], [], 0
    while at < len(body):
        character, was_escape = body[at]
        assert character != '"', "the literal ends early"
        assert was_escape or character not in "\n\r\x1a", "the literal is not closed on its line"
        if character != "\\":
            read.append(character)
            at += 1
        elif body[at + 1][0] == "u":
            read.append(chr(int("".join(unit for unit, _ in body[at + 2 : at + 6]), 16)))
            at += 6
        else:
            read.append(_ESCAPES[body[at + 1][0]])
            at += 2
    return "".join(read).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _translated(source: str) -> list[tuple[str, bool]]:
    """Each character, and whether it was written as \\uXXXX behind an even number of backslashes."""
    units, at, slashes = [], 0, 0
    while at < len(source):
        if source[at] == "\\" and slashes % 2 == 0 and source[at + 1 : at + 2] == "u":
            units.append((chr(int(source[at + 2 : at + 6], 16)), True))
            at, slashes = at + 6, 0
            continue
        slashes = slashes + 1 if source[at] == "\\" else 0
        units.append((source[at], False))
        at += 1
    return units
