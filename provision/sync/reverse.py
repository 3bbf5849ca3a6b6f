"""Turns one paragraph back into a bundle's: its text into a template, and the settings that a person changed. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.bundles.placeholders import Piece, filled_pieces, filled_settings
from provision.bundles.render import first_line
from provision.bundles.template import Template
from provision.bundles.untemplate import to_template
from provision.sync.line_ends import with_unix_lines
from provision.sync.merge import departs
from provision.sync.provenance import NEW_CONFIG

_HEAD = re.compile(r"%([\w.-]+)")
_SUFFIXES = {
    "md": ".md",
    "sql": ".sql",
    "conf": ".conf",
    "spark": ".scala",
    "sh": ".sh",
    "pyspark": ".py",
    "python": ".py",
}
_SET_BY_PEOPLE = ("editorHide", "tableHide", "lineNumbers", *NEW_CONFIG)


@dataclass(frozen=True)
class ReversedText:
    """A template's text, and its interpreter; empty if the text itself names it, or none.

    `lost` are the names of places that are plain text now, for their values were edited.
    """

    text: str
    interpreter: str
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Reverser:
    """Reverses texts that were filled from `context`."""

    context: Mapping[str, Any]

    def filled(self, template: Template) -> str:
        """The text that an apply makes from the template."""
        head, pieces = self._filled(template)
        return head + "".join(piece.text for piece in pieces)

    def reverse(self, text: str, template: Template | None = None) -> ReversedText:
        """The template of an edited text; without `template`, of a new one."""
        head, pieces = self._filled(template) if template else ("", [])
        text = with_unix_lines(text)
        first, newline, body = text.partition("\n")
        named = _HEAD.fullmatch(first)
        if named and newline:
            back = to_template(pieces, body)
            return ReversedText(back.text, named[1], back.lost)
        back = to_template([Piece(head), *pieces], text)
        return ReversedText(back.text, "", back.lost)

    def _filled(self, template: Template) -> tuple[str, Sequence[Piece]]:
        """The line that names the interpreter, and the rest."""
        pieces = filled_pieces(template.text, template.file, self.context)
        return first_line(template.interpreter_in(self.context)), pieces


def file_suffix(text: str) -> str:
    """The suffix for a file with this text, by the interpreter that the text names."""
    named = _HEAD.match(text)
    words = reversed(named[1].split(".")) if named else ()
    return next((_SUFFIXES[word] for word in words if word in _SUFFIXES), ".txt")


def reversed_config(
    bundle_config: Mapping[str, Any], title: str, live: Mapping[str, Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings for note.toml, now `bundle_config`, that make the paragraph's config as it is on the server.

    One that takes a value of `context` still does where it was not changed.
    """
    config = dict(bundle_config)
    for key, value in filled_settings(bundle_config, context).items():
        if departs(value, live.get(key)):
            config[key] = live.get(key, type(value)())
    return config | {key: value for key, value in _set_by_hand(title, live).items() if key not in bundle_config}


def _set_by_hand(title: str, live: Mapping[str, Any]) -> dict[str, Any]:
    """What a person has changed of the settings that a new paragraph has."""
    own = {key: live[key] for key in _SET_BY_PEOPLE if live.get(key) not in (None, False, NEW_CONFIG.get(key))}
    if live.get("enabled") is False:
        own["enabled"] = False
    if live.get("title", bool(title)) != bool(title):
        own["title"] = live["title"]
    if _has_chart(live.get("results")):
        own["results"] = live["results"]
    return own


def _has_chart(results: Any) -> bool:
    each = results.values() if isinstance(results, Mapping) else ()
    graphs = (one.get("graph") for one in each if isinstance(one, Mapping))
    return any(isinstance(graph, Mapping) and graph.get("mode", "table") != "table" for graph in graphs)
