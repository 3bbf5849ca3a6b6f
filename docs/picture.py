"""The README's picture of the note: `docs/note.svg`, drawn from what a real run of the note has left in `docs/note.json`.

`python -m docs.picture` draws it. `python -m docs.picture capture NOTE` first fills `note.json` from a note on the server
that ZEPPELIN_URL names, after it has run the paragraphs "Latest windows" and "Chart" there.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from provision.sync.find_note import find_note
from zeppelin_sdk import ZeppelinClient

DATA = Path(__file__).with_name("note.json")
SHOWN = ("query", "latest", "chart")


def capture(name: str) -> dict[str, Any]:
    """The note's path and paragraphs; of those that the picture shows whole, text and output too."""
    with ZeppelinClient(os.environ["ZEPPELIN_URL"]) as client:
        note = find_note(client, name)
        for paragraph in note.paragraphs:
            if paragraph.config.get("provision", {}).get("key") in SHOWN[1:]:
                client.execute_paragraph(note.id, paragraph.id)
        note = client.get_note(note.id)
    return {"path": note.path, "paragraphs": [_paragraph(each) for each in note.paragraphs]}


def _paragraph(paragraph: Any) -> dict[str, Any]:
    key = paragraph.config.get("provision", {}).get("key", "")
    found = {"key": key, "title": paragraph.title, "status": str(paragraph.status)}
    if key in SHOWN:
        found |= {"text": paragraph.text, "output": paragraph.output}
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["capture"]:
        DATA.write_text(json.dumps(capture(sys.argv[2]), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
