"""What a note's stream does: as the last apply recorded it, and as its text says where a person has edited that.

The text is read as Scala or Python. Where an edited paragraph can't be read, the recorded value stands, with a remark.
"""

import ast
import json
import re
from contextlib import suppress
from dataclasses import dataclass

from provision.bundles.context import FOLDER_PREFIX
from provision.bundles.roles import Role
from provision.sync.guarded_write import called
from provision.sync.provenance import by_key, by_role, is_edited, origin, provenance
from zeppelin_sdk import Note

DEFAULT_SLIDE = 10.0  # seconds, as in the document
_SLIDE = re.compile(r"(?:\.window|Slices\.of)\([^\n]*Seconds\((\d+)\)\s*\)|\bWindows\([^()]*?\bslide=(\d+)")
_FILES = re.compile(rf'\.csv\(("(?:[^"\\\n]|\\.)*{FOLDER_PREFIX}")')
_TABLE = re.compile(r'\b(?:Csv|Parquet)\(\s*(?:folder=)?("(?:[^"\\\n]|\\.)*")(?: \+ ("(?:[^"\\\n]|\\.)*"))?')


@dataclass(frozen=True)
class Slide:
    """How often a window ends, in seconds."""

    seconds: float
    remark: str = ""


@dataclass(frozen=True)
class FullRows:
    """Where the stream writes all rows: "/tmp/avg-*", a folder a window, or a table's folder; empty for nowhere."""

    place: str
    remark: str = ""


def slide_of(note: Note) -> Slide:
    """How often a window of the note ends."""
    recorded = origin(note).values.get("slide", "")
    seconds = float(recorded) if recorded.isdecimal() else DEFAULT_SLIDE
    window = by_role(note).get(Role.WINDOW)
    if window is None or (recorded and not is_edited(window)):
        return Slide(seconds)
    if found := _SLIDE.search(window.text):
        return Slide(float(found[1] or found[2]))
    if not is_edited(window):
        return Slide(seconds)
    remark = f"{called(window)} was edited and does not say how often a window ends: {seconds:g} s is taken"
    return Slide(seconds, remark)


def full_rows(note: Note) -> FullRows:
    """Where all rows of the note's stream are: in the files of its outputs, or of a paragraph that a person added."""
    recorded = origin(note).rows
    outputs = [each for each in by_key(note).values() if provenance(each).role == Role.OUTPUTS]
    edited = [each for each in outputs if is_edited(each)]
    if recorded and outputs and not edited:
        return FullRows(recorded)
    for form, more in ((_FILES, "*"), (_TABLE, "")):
        found = next(filter(None, (form.search(paragraph.text) for paragraph in note.paragraphs)), None)
        if found:
            return FullRows("".join(_unquoted(each) for each in found.groups() if each) + more)
    if recorded and edited:
        return FullRows(recorded, f"{called(edited[0])} was edited and does not say where its rows go: as applied")
    return FullRows("")


def _unquoted(literal: str) -> str:
    """The string of a literal: Scala's escapes are JSON's (see `bundles.literals`) but for one that is rare."""
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError):
            return str(read(literal))
    return literal[1:-1]
