"""One paragraph's way back into a bundle: its text as a template, and the settings that a person has given it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provision.bundles.placeholders import Piece, filled_pieces
from provision.bundles.render import INJECT, first_line, injection
from provision.bundles.template import Template
from provision.bundles.untemplate import to_template
from provision.sync.merge import departs
from provision.sync.provenance import NEW_CONFIG

_HEAD = re.compile(rf"%([\w.-]+)({re.escape(INJECT)})?")
_SUFFIXES = {"md": ".md", "sql": ".sql", "conf": ".conf", "spark": ".scala", "sh": ".sh", "pyspark": ".py"}
_SET_BY_PEOPLE = ("editorHide", "tableHide", "lineNumbers", *NEW_CONFIG)


@dataclass(frozen=True)
class ReversedText:
    """A template's text, and the interpreter that note.toml names for it: none where the text does, or nothing.

    `lost` are the places that are plain text now, as their values were edited.
    """

    text: str
    interpreter: str
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Reverser:
    """Turns texts back that were filled from `context`."""

    context: Mapping[str, Any]

    def filled(self, template: Template) -> str:
        """The text that an apply makes of the template."""
        head, pieces = self._filled(template)
        return head + "".join(piece.text for piece in pieces)

    def reverse(self, text: str, template: Template | None = None) -> ReversedText:
        """The template of a text that a person has made of a filled `template`, or of nothing."""
        head, pieces = self._filled(template) if template else ("", [])
        text = with_unix_lines(text)
        first, newline, body = text.partition("\n")
        named = _HEAD.fullmatch(first)
        if named and newline:
            back = to_template(pieces, body)
            if injection(back.kept, self.context) == (named[2] or ""):
                return ReversedText(back.text, named[1], back.lost)
        back = to_template([Piece(head), *pieces], text)
        return ReversedText(back.text, "", back.lost)

    def _filled(self, template: Template) -> tuple[str, Sequence[Piece]]:
        """The line that names the interpreter, and what stands below it."""
        pieces = filled_pieces(template.text, template.file, self.context)
        return first_line(template.interpreter, pieces, self.context), pieces


def with_unix_lines(text: str) -> str:
    """The text with a bare newline at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def file_suffix(text: str) -> str:
    """The suffix of a file for the paragraph's text, by the interpreter that it names."""
    named = _HEAD.match(text)
    words = reversed(named[1].split(".")) if named else ()
    return next((_SUFFIXES[word] for word in words if word in _SUFFIXES), ".txt")


def reversed_config(bundle_config: Mapping[str, Any], title: str, live: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a bundle with `bundle_config` has to give a paragraph for it to be as on the server, `live`."""
    config = dict(bundle_config)
    for key, value in bundle_config.items():
        if departs(value, live.get(key)):
            config[key] = live.get(key, type(value)())
    return config | {key: value for key, value in _set_by_hand(title, live).items() if key not in bundle_config}


def _set_by_hand(title: str, live: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a new paragraph that a person has changed."""
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
