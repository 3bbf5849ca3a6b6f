"""The schema of events as people write it: `NAME TYPE, NAME TYPE`, with the types of Spark SQL's DDL.

The types are those that every Spark from 2.4 on reads out of JSON ("Data Types" of Spark's SQL reference).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from provision.errors import UsageError, nearest

_NAMES = {
    "boolean": ("boolean",),
    "tinyint": ("tinyint", "byte"),
    "smallint": ("smallint", "short"),
    "int": ("int", "integer"),
    "bigint": ("bigint", "long"),
    "float": ("float", "real"),
    "double": ("double",),
    "decimal": ("decimal", "dec", "numeric"),
    "string": ("string",),
    "binary": ("binary",),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamp_ltz"),
}
_TYPES = {alias: name for name, aliases in _NAMES.items() for alias in aliases}
_NESTED = ("array", "map", "struct")
_MEANT = {  # of other languages and databases, and of Spark where not all its versions read it from JSON
    "bool": "boolean",
    "char": "string",
    "datetime": "timestamp",
    "number": "double",
    "object": "struct<NAME: TYPE>",
    "str": "string",
    "text": "string",
    "time": "timestamp",
    "timestamp_ntz": "timestamp",
    "varchar": "string",
}
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
MAX_PRECISION = 38  # Spark's DecimalType.MAX_PRECISION
MAX_DEPTH = 20

_TOKEN = re.compile(r"""\s*(?:`((?:[^`]|``)+)`|([^\s<>(),:`"'.;={}\[\]]+)|([<>(),:])|(\S))""")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# reserved in Spark's ANSI mode, and those that Spark never takes as an alias of a table
_RESERVED = """
    all and anti any array as authorization both case cast check collate column constraint create cross cube
    current_date current_time current_timestamp current_user distinct else end escape except exists false fetch filter
    for foreign from full grant group grouping having in inner intersect into is join lateral leading left minus
    natural not null offset on only or order outer overlaps primary references right rollup select semi session_user
    setminus some sql table then time to trailing true union unique unknown user using when where with within
"""


@dataclass(frozen=True)
class Field:
    """A field of an event, which is a column: its name, and its type as Spark writes it, such as `decimal(10,2)`."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether it can be averaged."""
        return self.type.partition("(")[0] in _NUMBERS

    @property
    def is_time(self) -> bool:
        """Whether it is a point in time."""
        return self.type == "timestamp"

    @property
    def sql(self) -> str:
        """Its name as it stands in SQL."""
        return quoted(self.name)


def parse_schema(text: str) -> tuple[Field, ...]:
    """The fields of a schema such as `device string, temperature double`, at least one.

    Names stand alone or between backquotes; a colon may stand before a type, and types may be nested:
    `array<double>`, `map<string, int>`, `struct<lat: double, lon: double>`.

    Raises: UsageError for anything else, an unknown type, and a name twice: Spark tells no upper from lower case.
    """
    reader = _Reader(text)
    fields = reader.fields("")
    if reader.kind:
        raise reader.expected(f"a comma after {fields[-1].name!r}")
    return fields


def as_ddl(fields: Iterable[Field]) -> str:
    """The fields as Spark's `StructType.fromDDL` reads them, and `parse_schema`."""
    return ", ".join(f"{field.sql} {field.type}" for field in fields)


def quoted(name: str) -> str:
    """A column's name as it stands in SQL: between backquotes if it is no plain word there."""
    is_plain = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED.split()
    return name if is_plain else "`" + name.replace("`", "``") + "`"


class _Reader:
    """Reads a schema from left to right; `kind` is the next token's: name, word, sign, or empty at the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0
        self.kind = self.token = ""
        self.advance()

    def advance(self) -> str:
        """Step over the next token; returns it."""
        passed = self.token
        match = _TOKEN.match(self.text, self.place)
        if match is None:
            self.kind = self.token = ""
            return passed
        self.place = match.end()
        quoted_name, word, sign, other = match.groups()
        if other or not (word or sign or quoted_name).isprintable():
            raise _wrong(
                f"{(other or quoted_name or word)!r} in {_shown(self.text)} can't be read",
                "put a name with such a character between backquotes, and a field of a field into a struct<NAME: TYPE>",
            )
        self.kind = "name" if quoted_name else "word" if word else "sign"
        self.token = quoted_name.replace("``", "`") if quoted_name else word or sign
        return passed

    def fields(self, end: str) -> tuple[Field, ...]:
        """Fields up to the sign `end`, which stays the next token, or to the end."""
        found: list[Field] = []
        names: set[str] = set()
        while True:
            field = self.field()
            if field.name.lower() in names:
                raise _wrong(f"the name {field.name!r} stands twice", "give each field a name of its own")
            names.add(field.name.lower())
            found.append(field)
            if not self.take(",", end):
                return tuple(found)

    def field(self) -> Field:
        if self.kind not in ("name", "word"):
            raise self.expected("a name")
        name = self.advance()
        self.take(":", "")
        return Field(name, self.type(name))

    def type(self, of: str) -> str:
        if self.kind != "word":
            raise self.expected(f"a type after {of!r}")
        word = self.advance()
        known = word.lower()
        if known in _NESTED:
            return self.nested(known, of)
        if known not in _TYPES:
            raise _unknown(word, of)
        name = _TYPES[known]
        return self.decimal(of) if name == "decimal" else name

    def nested(self, kind: str, of: str) -> str:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _wrong(f"{of!r} is nested deeper than {MAX_DEPTH} levels", "make it flatter")
        self.need("<", f"{kind}<")
        if kind == "struct":
            inner = ",".join(f"{field.sql}:{field.type}" for field in self.fields(">"))
        else:
            inner = self.type(of)
            if kind == "map":
                self.need(",", f"map<{inner},")
                inner += f",{self.type(of)}"
        self.need(">", f"{kind}<{inner}>")
        self.depth -= 1
        return f"{kind}<{inner}>"

    def decimal(self, of: str) -> str:
        """Precision and scale, which are Spark's own when left out."""
        digits = [10, 0]
        if self.take("(", ""):
            digits[0] = self.number(of)
            if self.take(",", ""):
                digits[1] = self.number(of)
            self.need(")", "decimal(PRECISION,SCALE)")
        if not 0 < digits[0] <= MAX_PRECISION or digits[1] > digits[0]:
            raise _wrong(
                f"decimal({digits[0]},{digits[1]}) of {of!r} is out of range",
                f"give a precision of 1 to {MAX_PRECISION}, and a scale of at most that",
            )
        return f"decimal({digits[0]},{digits[1]})"

    def number(self, of: str) -> int:
        if not re.fullmatch(r"\d{1,3}", self.token, re.ASCII):
            raise self.expected(f"a number of digits for the decimal of {of!r}")
        return int(self.advance())

    def take(self, sign: str, end: str) -> bool:
        """Step over the sign if it is next; `end` is a sign that may stand in its place."""
        if self.kind == "sign" and self.token == sign:
            self.advance()
            return True
        if end and not (self.kind == "sign" and self.token == end):
            raise self.expected(f"a comma or {end}")
        return False

    def need(self, sign: str, form: str) -> None:
        if not self.take(sign, ""):
            raise self.expected(f"{sign} as in {form}")

    def expected(self, what: str) -> UsageError:
        there = f"{self.token!r} stands there" if self.kind else "it ends there"
        return _wrong(f"{_shown(self.text)} needs {what}, but {there}")


def _unknown(word: str, of: str) -> UsageError:
    listed = f"types are {', '.join([*_NAMES, 'array<…>', 'map<…>', 'struct<…>'])}"
    meant = _MEANT.get(word.lower())
    step = f"did you mean {meant}? {listed}" if meant else nearest(word, [*_TYPES, *_NESTED], listed)
    return _wrong(f"unknown type {word!r} of {of!r}", step)


def _wrong(cause: str, next_step: str = "write NAME TYPE, NAME TYPE: device string, temperature double") -> UsageError:
    return UsageError(f"schema: {cause}", next_step=next_step)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")
