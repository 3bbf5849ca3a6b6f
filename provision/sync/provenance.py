"""What an apply writes down in the note itself: where each paragraph came from, and the base of its text.

It is kept in the config of paragraphs, which the server keeps and exports with the note.
"""

import base64
import hashlib
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.sync.merge import departs
from zeppelin_sdk import Note, Paragraph

MARK = "provision"
"""The key of a paragraph's config that says where it came from: bundle, key, all keys, and the base of its text
(sha256; the text itself too, compressed, unless it holds a secret), title and config."""


ORIGIN = "provision-note"
"""The key, in one paragraph's config, for what the whole note was made of: bundle, parameters, order of the keys. Where
that paragraph is about to be deleted another one has it too, with a higher `turn`."""


BEFORE = "provision-before"
"""The key beside it for the server's revision before the last apply (`revision`), where the server keeps revisions."""
PAGE = "provision-page"
"""The key of a paragraph's config that holds the address of the driver's page."""
STARTED = "provision-started"
"""The key beside it: when the tool ran the paragraph (`at`, seconds since the epoch), and the server's date of its end
(`finished`; empty for one that runs as long as its stream)."""


def digest(text: str) -> str:
    """The hash that stands for a text in a paragraph's provenance (white space at its end does not count)."""
    return hashlib.sha256(text.rstrip().encode()).hexdigest()


def provenance(paragraph: Paragraph) -> Mapping[str, Any]:
    """What the last apply noted in the paragraph's config; empty for one that a person added."""
    return _mapping(paragraph.config.get(MARK))


def origin(note: Note) -> Mapping[str, Any]:
    """What the last apply noted of the whole note; empty when the paragraph that held it is gone."""
    found = (_mapping(paragraph.config.get(ORIGIN)) for paragraph in by_key(note).values())
    return max(filter(None, found), key=turn, default={})


def turn(noted: Mapping[str, Any]) -> int:
    """Which of two that are noted of a whole note is the later one: the greater is."""
    return int(noted.get("turn", 0))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def base_text(live: Paragraph) -> str | None:
    """The text that the last apply wrote, or None when it could not be kept."""
    if not is_edited(live):
        return live.text
    packed = provenance(live).get("base")
    if not isinstance(packed, str):
        return None
    try:
        text = zlib.decompress(base64.b64decode(packed)).decode()
    except (ValueError, zlib.error):
        return None
    return text if digest(text) == provenance(live).get("sha256") else None


def base_is_secret(live: Paragraph) -> bool:
    """Whether the last apply wrote a text with a secret in it."""
    return provenance(live).get("secret") is True


def by_key(note: Note) -> dict[str, Paragraph]:
    """The note's paragraphs that came from a bundle. A copy that a person made of one counts as theirs."""
    found: dict[str, Paragraph] = {}
    for paragraph in note.paragraphs:
        key = provenance(paragraph).get("key")
        if isinstance(key, str):
            found.setdefault(key, paragraph)
    return found


def bundle_config(render: RenderedParagraph) -> dict[str, Any]:
    """The settings that the bundle gives a paragraph; its title is shown if it has one."""
    return {"title": bool(render.title), **render.config}


def mark_for(note: RenderedNote, paragraph: RenderedParagraph, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The provenance to write into a paragraph's config; `keys` are all that were brought, if not the render's own."""
    packed = base64.b64encode(zlib.compress(paragraph.text.encode(), 9)).decode()
    return {
        "bundle": note.bundle,
        "key": paragraph.key,
        "sha256": digest(paragraph.text),
        "title": paragraph.title,
        "config": bundle_config(paragraph),
        "keys": sorted({each.key for each in note.paragraphs} if keys is None else keys),
        "blocks": paragraph.blocks,
        **({"secret": True} if paragraph.secret else {"base": packed}),
    }


def origin_for(note: RenderedNote) -> dict[str, Any]:
    """What is noted of the whole note, in one paragraph's config."""
    return {
        "bundle": note.bundle,
        "values": dict(note.values),
        "site": dict(note.site),
        "order": [each.key for each in note.paragraphs],
    }


def is_edited(live: Paragraph) -> bool:
    """Whether a person has changed the text since the last apply."""
    return digest(live.text) != provenance(live).get("sha256")


def is_touched(live: Paragraph) -> bool:
    """Whether a person has edited a paragraph since the last apply, or has made it: such a one is not deleted."""
    return is_edited(live) or is_set_by_hand(live, None) or provenance(live).get("adopted") is True


def is_set_by_hand(live: Paragraph, render: RenderedParagraph | None) -> bool:
    """Whether a person has changed the title, or a setting of the bundle's, since the last apply."""
    mark = provenance(live)
    if render is not None and live.title == render.title and not departs(bundle_config(render), live.config):
        return False
    return live.title != mark.get("title", live.title) or departs(_mapping(mark.get("config")), live.config)
