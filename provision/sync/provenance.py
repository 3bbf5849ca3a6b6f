"""What an apply notes in the note itself: where each paragraph came from, and the base of its text.

It is in the config of paragraphs, which the server keeps and exports with the note. Its format has a version: an older
one is read as it is, and upgraded by the next apply; a newer one is refused.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

from provision.bundles.render import RenderedNote, RenderedParagraph
from provision.bundles.roles import Role
from provision.errors import ProvisionError
from provision.sync.line_ends import with_unix_lines
from provision.sync.merge import departs
from zeppelin_sdk import Note, Paragraph

VERSION = 1
"""The format of marks, origins and undo records that this version writes; 0 is the oldest, which has no number."""

MARK = "provision"
"""The key of a paragraph's config that holds its `Mark`."""
ORIGIN = "provision-note"
"""The key of one paragraph's config that holds the note's `Origin`. Before that paragraph is deleted, another gets an
origin with a higher sequence number."""
BEFORE = "provision-before"
"""The key of one paragraph's config that holds the server's `revision` before the last apply, if it keeps revisions."""
PAGE = "provision-page"
"""The key of a paragraph's config that holds the address of the driver's page."""
STARTED = "provision-started"
"""The key beside it that holds when the tool ran the paragraph: `at`, seconds since the epoch, and `finished`, the
server's date of its end; empty for one that runs as long as its stream."""
NOTED = (MARK, ORIGIN, BEFORE)
"""The keys that an apply sets, and an undo sets back."""
NOTED_BY_A_RUN = (PAGE, STARTED)
NEW_CONFIG = {"enabled": True, "colWidth": 12, "fontSize": 9}
"""The settings of a paragraph that Zeppelin's page has just made."""

_ROLES_BY_OLD_KEY = {**{str(role): str(role) for role in Role}, "output": str(Role.OUTPUTS)}
"""What paragraphs of the two shipped bundles are, by their keys: marks of version 0 don't tell."""


_EMPTY = re.compile(r"\s*(?:%[A-Za-z]*(?:\.[A-Za-z]+)*(?:\([^()\n]*\))?)?\s*")


@dataclass(frozen=True)
class Mark:
    """Where a paragraph came from, and what the last apply wrote. `key` is empty for one that a person added.

    `sha256`: the text's hash. `base`: the text; None if it holds a secret. `title`, `config`: None if not noted.
    `keys`: the keys of all paragraphs that applies brought into the note. `blocks`: it runs as long as the stream.
    `adopted`: a person's own paragraph that the bundle has now. `merging`: the hashes of a merged text that is about
    to be written, and of the render.
    """

    bundle: str = ""
    key: str = ""
    role: str = ""
    sha256: str = ""
    title: str | None = None
    config: Mapping[str, Any] | None = None
    keys: frozenset[str] = frozenset()
    blocks: bool = False
    secret: bool = False
    base: str | None = field(default=None, repr=False)
    adopted: bool = False
    merging: tuple[str, ...] = ()
    version: int = VERSION

    @classmethod
    def from_config(cls, value: Any) -> Self:
        """The mark in a config's value, of any version; an empty one if the value is no mark."""
        if not isinstance(value, Mapping) or not isinstance(key := value.get("key"), str):
            return cls()
        version = _version(value)
        title, config = value.get("title"), value.get("config")
        return cls(
            bundle=str(value.get("bundle", "")),
            key=key,
            role=str(value.get("role", "")) if version else _ROLES_BY_OLD_KEY.get(key, ""),
            sha256=str(value.get("sha256", "")),
            title=title if isinstance(title, str) else None,
            config=config if isinstance(config, Mapping) else None,
            keys=frozenset(_strings(value.get("keys"))),
            blocks=bool(value.get("blocks")),
            secret=value.get("secret") is True,
            base=_unpack(packed) if isinstance(packed := value.get("base"), str) else None,
            adopted=value.get("adopted") is True,
            merging=_strings(value.get("merging")),
            version=version,
        )

    def to_config(self) -> dict[str, Any]:
        """The value for a paragraph's config, in this version's format."""
        known = {
            "title": self.title,
            "config": None if self.config is None else dict(self.config),
            "base": None if self.base is None else _pack(self.base),
        }
        flags = {"secret": self.secret, "adopted": self.adopted, "merging": list(self.merging)}
        return {
            "version": VERSION,
            "bundle": self.bundle,
            "key": self.key,
            "role": self.role,
            "sha256": self.sha256,
            "keys": sorted(self.keys),
            "blocks": self.blocks,
            **{name: value for name, value in known.items() if value is not None},
            **{name: value for name, value in flags.items() if value},
        }


@dataclass(frozen=True)
class Origin:
    """What the last apply made the whole note from.

    `values`: the parameters as text. `site`: what else the texts were made from. `rows`: where the stream writes all
    its rows ("/tmp/avg-*"); empty for nowhere. `order`: the keys in the bundle's order. `moving`: the ids in the order
    that an apply has begun to bring them into. `sequence`: sequence number of a note's origins; the highest wins.
    `given`: those of the values that the apply was given, None where an older version did not note it. `folder`: that
    of a bundle that did not come with the tool.
    """

    bundle: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    order: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    sequence: int = 0
    given: Mapping[str, str] | None = None
    folder: str = ""
    version: int = VERSION

    @classmethod
    def from_config(cls, value: Any) -> Self:
        """The origin in a config's value, of any version; an empty one if the value is none."""
        noted = _mapping(value)
        if not noted:
            return cls()
        return cls(
            bundle=str(noted.get("bundle", "")),
            values=_mapping(noted.get("values")),
            site=_mapping(noted.get("site")),
            rows=str(noted.get("rows", "")),
            order=_strings(noted.get("order")),
            moving=_strings(noted.get("moving")),
            sequence=int(noted.get("turn", 0)),
            given=_mapping(noted["given"]) if "given" in noted else None,
            folder=str(noted.get("folder", "")),
            version=_version(noted),
        )

    def to_config(self) -> dict[str, Any]:
        """The value for a paragraph's config, in this version's format; `turn` is the sequence number."""
        return {
            "version": VERSION,
            "bundle": self.bundle,
            "values": dict(self.values),
            "site": dict(self.site),
            "rows": self.rows,
            "order": list(self.order),
            **({"moving": list(self.moving)} if self.moving else {}),
            **({"turn": self.sequence} if self.sequence else {}),
            **({} if self.given is None else {"given": dict(self.given)}),
            **({"folder": self.folder} if self.folder else {}),
        }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def _version(value: Mapping[str, Any]) -> int:
    return int(value.get("version", 0))  # the server's JSON gives each number back as a float


def _pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


@lru_cache(maxsize=256)
def _unpack(packed: str) -> str | None:
    try:
        return zlib.decompress(base64.b64decode(packed)).decode()
    except (ValueError, zlib.error):
        return None


@lru_cache(maxsize=256)
def digest(text: str) -> str:
    """The hash that stands for a text in a mark; the form of line ends and white space at its end do not count."""
    return hashlib.sha256(with_unix_lines(text).rstrip().encode()).hexdigest()


def read_mark(paragraph: Paragraph) -> Mark:
    """The paragraph's mark as far as this version understands it: for reading notes that are not written."""
    return Mark.from_config(paragraph.config.get(MARK))


def provenance(paragraph: Paragraph) -> Mark:
    """The paragraph's mark; an empty one if a person added it.

    Raises `ProvisionError` when the mark, or an origin beside it, has a newer format than this version reads.
    """
    mark = read_mark(paragraph)
    for version in (mark.version, Origin.from_config(paragraph.config.get(ORIGIN)).version):
        check_version(version, f"paragraph {paragraph.title or paragraph.id!r}")
    return mark


def origins(note: Note) -> dict[str, Origin]:
    """The note's origins, by the key of the paragraph that holds each."""
    held = {key: paragraph.config.get(ORIGIN) for key, paragraph in by_key(note).items()}
    return {key: Origin.from_config(value) for key, value in held.items() if value}


def origin(note: Note) -> Origin:
    """The note's latest origin; an empty one if none is left."""
    return max(origins(note).values(), key=lambda each: each.sequence, default=Origin())


def check_version(version: int, what: str) -> None:
    """Raise `ProvisionError` when `what` has a newer format than this version reads."""
    if version > VERSION:
        raise ProvisionError(
            f"{what}: written by a newer provision, in format {version}; this one reads up to {VERSION}",
            next_step="upgrade provision on this machine",
        )


def base_text(live: Paragraph) -> str | None:
    """The text that the last apply wrote; None if it was not kept."""
    mark = read_mark(live)
    if digest(live.text) == mark.sha256:
        return live.text
    return mark.base if mark.base is not None and digest(mark.base) == mark.sha256 else None


def base_is_secret(live: Paragraph) -> bool:
    """Whether the last apply wrote a text with a secret in it."""
    return provenance(live).secret


def by_key(note: Note) -> dict[str, Paragraph]:
    """The note's paragraphs that came from a bundle, by key; a copy that a person made of one is not among them."""
    found: dict[str, Paragraph] = {}
    for paragraph in note.paragraphs:
        if key := provenance(paragraph).key:
            found.setdefault(key, paragraph)
    return found


def by_role(note: Note) -> dict[str, Paragraph]:
    """The note's paragraphs that came from a bundle and have a role, by role; the first if several have it."""
    found: dict[str, Paragraph] = {}
    for paragraph in by_key(note).values():
        if role := provenance(paragraph).role:
            found.setdefault(role, paragraph)
    return found


def bundle_config(render: RenderedParagraph) -> dict[str, Any]:
    """The settings that the bundle gives a paragraph; a title is shown if there is one."""
    return {"title": bool(render.title), **render.config}


def mark_for(note: RenderedNote, paragraph: RenderedParagraph, keys: Collection[str] | None = None) -> Mark:
    """The mark of a rendered paragraph; `keys` are all keys brought so far, by default the note's."""
    return Mark(
        bundle=note.bundle,
        key=paragraph.key,
        role=paragraph.role,
        sha256=digest(paragraph.text),
        title=paragraph.title,
        config=bundle_config(paragraph),
        keys=frozenset({each.key for each in note.paragraphs} if keys is None else keys),
        blocks=paragraph.blocks,
        secret=paragraph.secret,
        base=None if paragraph.secret else paragraph.text,
    )


def origin_for(note: RenderedNote) -> Origin:
    """The origin of a note as rendered."""
    order = tuple(each.key for each in note.paragraphs)
    given = None if note.given is None else dict(note.given)
    return Origin(note.bundle, dict(note.values), dict(note.site), note.rows, order, given=given, folder=note.folder)


def stamps(note: Note) -> frozenset[str]:
    """What tells the note's last apply from others: a stamp of each mark, and one of the origin."""
    noted = origin(note)
    marks = {mark_stamp(key, provenance(each).sha256) for key, each in by_key(note).items()}
    return frozenset({*marks, origin_stamp(noted)} if noted != Origin() else marks)


def mark_stamp(key: str, sha256: str) -> str:
    """The stamp of a mark."""
    return f"{key} {sha256[:16]}"


def origin_stamp(noted: Origin) -> str:
    """The stamp of an origin; what older versions don't note has no part in it."""
    made = json.dumps([noted.bundle, dict(noted.values), dict(noted.site), list(noted.order)], sort_keys=True)
    return f"origin {digest(made)[:16]}"


def stamps_for(note: RenderedNote) -> frozenset[str]:
    """All stamps that an apply of the note may write."""
    marks = {mark_stamp(each.key, digest(each.text)) for each in note.paragraphs}
    return frozenset({*marks, origin_stamp(origin_for(note))})


def upgraded(live: Note, note: RenderedNote) -> Note:
    """The note with all that is noted in it in this version's format; what an older one lacks is taken from `note`.

    So is which of its values it was given: that changes no paragraph.
    """
    roles = {paragraph.key: paragraph.role for paragraph in note.paragraphs}
    paragraphs = []
    for paragraph in live.paragraphs:
        config, mark = dict(paragraph.config), provenance(paragraph)
        noted = Origin.from_config(config.get(ORIGIN))
        if mark.version < VERSION:
            config[MARK] = replace(mark, role=roles.get(mark.key, mark.role)).to_config()
        if noted.version < VERSION:
            noted = replace(noted, rows=note.rows, version=VERSION)
        if config.get(ORIGIN):
            config[ORIGIN] = replace(noted, given=note.given, folder=note.folder).to_config()
        paragraphs.append(replace(paragraph, config=config))
    return replace(live, paragraphs=tuple(paragraphs))


def is_empty(live: Paragraph) -> bool:
    """Whether nothing but the interpreter is in a paragraph, as in those that Zeppelin itself appends."""
    return _EMPTY.fullmatch(live.text) is not None


def is_edited(live: Paragraph) -> bool:
    """Whether a person has changed the text since the last apply."""
    return digest(live.text) != provenance(live).sha256


def is_touched(live: Paragraph) -> bool:
    """Whether a person has edited the paragraph since the last apply, or made it: then it is never deleted."""
    return is_edited(live) or is_set_by_hand(live, None) or provenance(live).adopted


def is_set_by_hand(live: Paragraph, render: RenderedParagraph | None) -> bool:
    """Whether a person has changed the title or one of the bundle's settings since the last apply."""
    if render is not None and live.title == render.title and not departs(bundle_config(render), live.config):
        return False
    mark = provenance(live)
    return mark.title not in (None, live.title) or departs(mark.config or {}, live.config)
