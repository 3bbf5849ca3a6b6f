"""The types of a bundle's parameters: text from a person in, a checked value out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from provision.bundles.checks import check_entries
from provision.bundles.values.brokers import check_broker
from provision.bundles.values.durations import seconds_of
from provision.bundles.values.mapping import parse_mapping
from provision.bundles.values.schema import parse_schema
from provision.bundles.values.spark import check_master, check_properties
from provision.bundles.values.topics import check_filter, check_topic, split_topics
from provision.errors import UsageError, hide_passwords, nearest


@dataclass(frozen=True)
class Parameter:
    """One parameter, as `note.toml` declares it; without a `default` it has to be given. Bounds are inclusive."""

    name: str
    type: str
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    multiple_of: str = ""
    language: str = ""
    """Of an output's parameter: the only language whose paragraphs take it; empty where all do."""
    output: str = ""
    """The output whose parameter it is: it counts where that is chosen."""

    def value(self, text: str | None) -> Any:
        """`text` as a value of the parameter's type, or the default for None; raises `UsageError`."""
        if text is None:
            if self.default is None:
                raise UsageError(f"no {self.name} given", next_step=f"give --param {self.name}=… ({self.help})")
            return self.default
        value = TYPES[self.type](self, text)
        if isinstance(value, int):
            self._check_range(value)
        return value

    def _check_range(self, value: int) -> None:
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
            raise UsageError(f"{self.name}={value} is out of range", next_step=f"give {' and '.join(bounds)}")

    def check_multiple(self, values: Mapping[str, Any]) -> None:
        """Raise `UsageError` unless the value is a multiple of the parameter that it has to be a multiple of."""
        other = values[self.multiple_of] if self.multiple_of else 0
        if other and values[self.name] % other:
            raise UsageError(
                f"{self.name}={values[self.name]} is no multiple of {self.multiple_of}={other}",
                next_step=f"Spark wants {self.name} in whole batches of {other} s",
            )

    def refuse(self, text: str, expected: str) -> UsageError:
        """The error for a text that is no value of this parameter."""
        return UsageError(f"{self.name}={text!r} is not {expected}", next_step=self.help)


PARAMETER_ENTRIES = tuple(each.name for each in fields(Parameter) if each.name not in ("name", "output"))
"""What the table of a parameter may have."""


def parameter(name: str, entry: Mapping[str, Any]) -> Parameter:
    """The parameter that a table of `note.toml` declares; raises UsageError, ValueError, KeyError or TypeError."""
    check_entries(f"parameter {name}: ", entry, PARAMETER_ENTRIES)
    kind = entry["type"]
    if kind not in TYPES:
        raise UsageError(
            f"parameter {name}: unknown type {kind!r}",
            next_step=nearest(str(kind), TYPES, f"there are {', '.join(TYPES)}"),
        )
    declared = Parameter(name, **{**entry, "choices": tuple(entry.get("choices", ()))})
    if declared.default is not None:
        check_default(declared, declared.default)
    return declared


def check_default(declared: Parameter, default: Any) -> None:
    """Raise TypeError or ValueError for a default in `note.toml` that the parameter can't have."""
    needed = {"seconds": int, "whole": int, "files": list, "outputs": list, "properties": list}.get(declared.type, str)
    if type(default) is not needed:
        raise TypeError(f"parameter {declared.name}: default {default!r} is no {needed.__name__}")
    try:
        declared.value(as_text(default))
    except UsageError as error:
        raise ValueError(f"default {error.message}") from error


def as_text(value: Any) -> str:
    """A parameter's value as a person would give it; `Parameter.value` reads it back."""
    return ",".join(value) if isinstance(value, list) else str(value)


def _whole(parameter: Parameter, text: str) -> int:
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise parameter.refuse(text, "a whole number")
    return int(text)


def _seconds(parameter: Parameter, text: str) -> int:
    seconds = seconds_of(text)
    if seconds is None or not seconds.is_integer():
        raise parameter.refuse(text, "a number of whole seconds such as 300, or 5m or 1h")
    return int(seconds)


def _broker(parameter: Parameter, text: str) -> str:
    return check_broker(text)


def _choice(parameter: Parameter, text: str) -> str:
    if text not in parameter.choices:
        choices = "one of " + ", ".join(parameter.choices)
        raise UsageError(
            f"{parameter.name}={text!r} is not {choices}", next_step=nearest(text, parameter.choices, parameter.help)
        )
    return text


def _word(parameter: Parameter, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise parameter.refuse(text, "a word of letters, digits, - and _")
    return text


def _topic(parameter: Parameter, text: str) -> str:
    return check_filter(text)


def _destination(parameter: Parameter, text: str) -> str:
    return check_topic(text)


def _topics(parameter: Parameter, text: str) -> str:
    return ",".join(check_filter(topic) for topic in split_topics(text))


def _folder(parameter: Parameter, text: str) -> str:
    if not text.strip() or not text.isprintable() or not re.match(r"/|[a-z][a-z0-9+.-]*://", text):
        raise parameter.refuse(text, "an absolute path or a URL of a folder")
    _check_no_login(parameter, text)
    return text.rstrip("/")


def _coordinate(parameter: Parameter, text: str) -> str:
    if text and not re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+", text):
        raise parameter.refuse(text, "a Maven coordinate GROUP:ARTIFACT:VERSION")
    return text


def _expression(parameter: Parameter, text: str) -> str:
    if not text.isprintable() or len(text) > 1000:
        raise parameter.refuse(text, "an expression in SQL, in one line")
    return text.strip()


def _schema(parameter: Parameter, text: str) -> str:
    parse_schema(text)
    return text.strip()


def _mapping(parameter: Parameter, text: str) -> str:
    parse_mapping(text)
    return text.strip()


def _columns(parameter: Parameter, text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 1000:
        raise parameter.refuse(text, "a column's name, or names separated by commas")
    return text.strip()


def _file(parameter: Parameter, text: str) -> str:
    if text and not (text.startswith("/") and text.isprintable()):
        raise parameter.refuse(text, "an absolute path of a file")
    return text


def _files(parameter: Parameter, text: str) -> list[str]:
    paths = [path.strip() for path in text.split(",") if path.strip()]
    for path in paths:
        if not path.isprintable() or not re.match(r"/|[a-z][a-z0-9+.-]*:/", path) or re.search(r"\s", path):
            raise parameter.refuse(text, "absolute paths without spaces, separated by commas")
        _check_no_login(parameter, path)
    return paths


def _check_no_login(parameter: Parameter, url: str) -> None:
    """Raise `UsageError` for a URL with a user and a password in it: a note can be read."""
    if hide_passwords(url) != url:
        raise UsageError(
            f"{parameter.name}: its URL has a password in it, and a note can be read",
            next_step="leave the login out, and give it in the server's or Spark's own configuration",
        )


def _url(parameter: Parameter, text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[!-~]+", text):
        raise parameter.refuse(text, "a URL")
    _check_no_login(parameter, text)
    return text


def _master(parameter: Parameter, text: str) -> str:
    return check_master(text)


def _outputs(parameter: Parameter, text: str) -> list[str]:
    """Names of outputs, each once, in the order in which they stand in a note."""
    asked = {name.strip() for name in text.split(",") if name.strip()}
    for name in sorted(asked - set(parameter.choices) if parameter.choices else ()):
        raise UsageError(
            f"{parameter.name}={text!r}: there is no output {name!r}",
            next_step=nearest(name, parameter.choices, f"there are {', '.join(parameter.choices)}"),
        )
    return sorted(asked)


def _properties(parameter: Parameter, text: str) -> list[str]:
    return check_properties(text)


TYPES: dict[str, Callable[[Parameter, str], Any]] = {
    "broker": _broker,
    "choice": _choice,
    "columns": _columns,
    "coordinate": _coordinate,
    "destination": _destination,
    "expression": _expression,
    "file": _file,
    "files": _files,
    "folder": _folder,
    "mapping": _mapping,
    "master": _master,
    "outputs": _outputs,
    "properties": _properties,
    "schema": _schema,
    "seconds": _seconds,
    "topic": _topic,
    "topics": _topics,
    "url": _url,
    "whole": _whole,
    "word": _word,
}
