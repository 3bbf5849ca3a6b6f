import csv
import json

# One event and nothing beside it, as far as it can be told without reading the JSON: most messages are of this form.
PLAIN = (
    r'\A\s*+\{(?:[^{}\[\]"]++|"[^"\\\n]*+"|\{(?:[^{}\[\]"]++|"[^"\\\n]*+")*+\}|\[(?:[^{}\[\]"]++|"[^"\\\n]*+")*+\])*+\}\s*+\z'
)
PLAIN_LENGTH = 4000
BLANKS = " \t\r\n\x1e"


def events_in(text):
    """The events of a message, a text each: JSON documents one after the other, of an array each element. What is no JSON is one
    up to the end of its line, and so is, as an empty text, what is missing. A broken one costs no other."""
    if text is None:
        return None
    found, at, arrays, last, broken = [], 0, 0, " ", False

    def string_end(here, limit):
        """Where the string ends that begins here; as a negative number where it breaks off."""
        here += 1
        while here < limit:
            if text[here] == '"':
                return here + 1
            if text[here] == "\n":
                return -here
            here += 2 if text[here] == "\\" else 1
        return -limit

    def next_document(limit):
        line = text.find("\n", at)
        while 0 <= line and line + 1 < limit and text[line + 1] not in "{[":
            line = text.find("\n", line + 1)
        return line + 1 if 0 <= line and line + 1 < limit else limit

    def object_end():
        """Where the object ends that begins here, and whether it is whole."""
        opened, here = [], at
        limit = next_document(len(text)) if broken else len(text)
        while here < limit:
            c = text[here]
            if c == '"':
                end = string_end(here, limit)
                if end < 0:
                    return next_document(-end), False
                here = end - 1
            elif c in "{[":
                opened.append(c)
            elif c == "}":
                del opened[last_of("{", opened):]
            elif c == "]":
                if "[" not in opened:
                    return next_document(here), False
                del opened[last_of("[", opened):]
            here += 1
            if not opened:
                return here, True
        return next_document(limit), False

    def last_of(bracket, opened):
        return max((n for n, each in enumerate(opened) if each == bracket), default=0)

    def scrap_end(in_array):
        """Where what is no document ends: at the end of its line, and in an array before what follows it."""
        here = at
        while here < len(text):
            c = text[here]
            if c == "\n" or in_array and c in ",]{":
                return here, True
            here = abs(string_end(here, len(text))) if in_array and c == '"' else here + 1
        return here, not in_array

    while at < len(text):
        c = text[at]
        if c in BLANKS or c == "," and not arrays:
            at += 1
        elif c in "[," or c == "]" and arrays:
            if c == "," and last != "e" or c == "]" and last == ",":
                found.append("")
            arrays += {"[": 1, "]": -1}.get(c, 0)
            last = "e" if c == "]" else c
            at += 1
        else:
            begin = at
            at, whole = object_end() if c == "{" else scrap_end(arrays > 0)
            broken = broken or not whole
            found.append(text[begin:at])
            last = "e"
    if not found or arrays and not broken:
        found.append("")
    return found


def lines_in(text, header):
    """The events of a message that is CSV, each as the text of an object with `_1`, `_2`, …, or with the names in the first line.
    The separator is the first of `;`, tab and comma that a line has."""
    if text is None:
        return None
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line.strip()]
    names = cells_of(lines[0]) if header and lines else []
    found = []
    for line in lines[1:] if header else lines:
        cells = cells_of(line)
        keys = names if header else [f"_{at}" for at in range(1, len(cells) + 1)]
        found.append(json.dumps({name: cell or None for name, cell in zip(keys, cells)}))
    return found if len(lines) > header else [""]


def cells_of(line):
    separator = next((each for each in ";\t" if each in line), ",")
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
