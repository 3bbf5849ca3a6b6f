"""Hand edits brought back into a bundle: its files as they have to be for the note to come out of them as it is."""

import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.connection import Connection
from provision.bundles.literals import Secret
from provision.bundles.note_toml import join_paragraphs, new_table, rewritten, split_paragraphs
from provision.bundles.placeholders import Piece, filled_pieces
from provision.bundles.render import chosen_templates, context_of, render
from provision.bundles.template import Template
from provision.bundles.untemplate import Reversed, to_template
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.sync.guarded_write import called
from provision.sync.merge import departs
from provision.sync.plan import Verdict
from provision.sync.provenance import base_is_secret, by_key, digest, is_edited, origin, provenance
from provision.sync.redaction import holds_secret
from zeppelin_sdk import Note, Paragraph, ServerVersion

_HEAD = re.compile(r"%([\w.-]+)(\(injectCredentials=true\))?")
_DEFAULTS = {"enabled": True, "colWidth": 12, "fontSize": 9}
_PEOPLE_S = ("editorHide", "tableHide", "lineNumbers", *_DEFAULTS)  # settings that only a person changes
_SHORT = 5  # characters of a user's name or password that may be a word of any text
_SUFFIXES = {"md": ".md", "sql": ".sql", "conf": ".conf", "spark": ".scala", "sh": ".sh", "pyspark": ".py"}


@dataclass(frozen=True)
class Pull:
    """One paragraph's way back; the verdict is `update`, `add` or `drop`, `same` for one without an edit.

    `lost` are the places that are plain text now, as their values were edited.
    """

    key: str
    title: str
    verdict: Verdict
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pulled:
    """A bundle's files, by name, and what has changed in them."""

    files: Mapping[str, str]
    changes: tuple[Pull, ...]


@dataclass(frozen=True)
class Made:
    """What a note's last apply made it of, without its secrets."""

    values: dict[str, Any]
    connection: Connection
    zeppelin: ServerVersion
    scala: str
    path: str


def pull(note: Note, bundle: Bundle, folder: Path, made: Made, secrets: Sequence[str] = ()) -> Pulled:
    """The files of `bundle`, which is in `folder` and which the note was `made` of, with the note's edits in them.

    Raises `ConflictError` when the bundle is not the one that the last apply brought, and `ProvisionError` when one
    of `secrets` would come into a file.
    """
    pulled = _Pull(note, bundle, folder, made).files()
    for name, text in pulled.files.items():
        if holds_secret(text, (secret for secret in secrets if len(secret) > _SHORT)):
            raise ProvisionError(
                f"{note.path}: a credential stands in the text of {name}; nothing was written",
                next_step="take it out of the paragraph, then pull again",
            )
    return pulled


class _Pull:
    def __init__(self, note: Note, bundle: Bundle, folder: Path, made: Made) -> None:
        self._note, self._bundle = note, bundle
        self._head, self._tables = split_paragraphs((folder / "note.toml").read_text(encoding="utf-8"))
        self._entries = [tomllib.loads(table)["paragraphs"][0] for table in self._tables]
        self._made = made
        self._context = context_of(made.values, made.connection, zeppelin=made.zeppelin, scala=made.scala)
        self._chosen = {each.key: each for each in chosen_templates(bundle, made.values, made.zeppelin)}
        self._files = self._own_files(folder)
        self._changes: list[Pull] = []

    def _own_files(self, folder: Path) -> dict[str, str]:
        """The bundle's files; one from outside of its folder gets a place in it, and every table says so."""
        files: dict[str, str] = {}
        outside: dict[str, str] = {}
        for index, (template, entry) in enumerate(zip(self._bundle.templates, self._entries, strict=True)):
            name = entry["file"]
            if (folder / name).resolve().parent != folder.resolve():
                inside = outside.get(name) or _free(Path(name).name, files)
                outside[name] = inside
                self._entries[index] = {**entry, "file": inside}
                self._tables[index] = _with_file(self._tables[index], name, inside)
                name = inside
            files[name] = f"{template.text}\n"
        return files

    def files(self) -> Pulled:
        there = by_key(self._note)
        known = {key for p in there.values() for key in (*provenance(p).keys, provenance(p).key)}
        known |= {entry["key"] for entry in self._entries}
        tables: list[tuple[str, str]] = []
        for paragraph in self._note.paragraphs:
            key = next((key for key, each in there.items() if each.id == paragraph.id), None)
            if key is not None and key in self._chosen:
                tables.append((key, self._kept(key, paragraph)))
            elif paragraph.text.strip():
                new = _new_key(paragraph, known)
                known.add(new)
                tables.append((new, self._added(new, paragraph)))
        left = self._tables_left(there)
        every = left.get(None, []) + [each for key, table in tables for each in (table, *left.get(key, ()))]
        text = join_paragraphs(self._head, every)
        used = {entry["file"] for entry in tomllib.loads(text).get("paragraphs", ())}
        files = {name: body for name, body in self._files.items() if name in used}
        return Pulled({"note.toml": text, **files}, tuple(self._changes))

    def _tables_left(self, there: Mapping[str, Paragraph]) -> dict[str | None, list[str]]:
        """The tables of templates that are not in this note by their `when`, behind the key that they stood behind."""
        left: dict[str | None, list[str]] = {}
        chosen = {id(template) for template in self._chosen.values()}
        behind: str | None = None
        for template, table in zip(self._bundle.templates, self._tables, strict=True):
            if id(template) in chosen:
                if template.key in there:
                    behind = template.key
                else:
                    self._changes.append(Pull(template.key, template.title, Verdict.DROP))
            else:
                left.setdefault(behind, []).append(table)
        return left

    def _kept(self, key: str, live: Paragraph) -> str:
        """The table of a paragraph that came from the bundle, and its file, with what a person has changed."""
        template = self._chosen[key]
        self._check_base(template, live)
        index = next(i for i, each in enumerate(self._bundle.templates) if each is template)
        entry, before = self._entries[index], self._entries[index]
        reversed_ = self._reverse(template, live) if is_edited(live) else None
        if reversed_ is not None:
            interpreter, back = reversed_
            name = self._file_for(entry, key)
            self._files[name] = f"{back.text}\n"
            entry = {**entry, "file": name, "interpreter": interpreter}
        if live.title != template.title:
            entry = {**entry, "title": live.title}
        entry = {**entry, "config": _config(entry.get("config", {}), live)}
        changed = entry != {"config": {}, **before} or reversed_ is not None
        lost = reversed_[1].lost if reversed_ else ()
        self._changes.append(Pull(key, live.title, Verdict.UPDATE if changed else Verdict.SAME, lost))
        return rewritten(self._tables[index], entry) if entry != {"config": {}, **before} else self._tables[index]

    def _check_base(self, template: Template, live: Paragraph) -> None:
        """Raise `ConflictError` unless the template is the one that the last apply has filled."""
        if base_is_secret(live):
            return
        head, pieces = self._filled(template)
        if digest(head + "".join(piece.text for piece in pieces)) != provenance(live).sha256:
            raise ConflictError(
                f"{self._note.path}: bundle {self._bundle.name} has changed {called(live)} since the last apply",
                next_step="apply it first, so that both sides' changes meet; then pull",
            )

    def _filled(self, template: Template) -> tuple[str, list[Piece]]:
        pieces = filled_pieces(template.text, template.file, self._context)
        if not template.interpreter:
            return "", pieces
        return f"%{template.interpreter}{self._options(piece.name for piece in pieces)}\n", pieces

    def _options(self, names: Iterator[str] | Sequence[str]) -> str:
        secrets = any(isinstance(self._context.get(name), Secret) for name in names if name)
        return "(injectCredentials=true)" if secrets and self._made.values["secrets"] != "inline" else ""

    def _reverse(self, template: Template, live: Paragraph) -> tuple[str, Reversed]:
        """The interpreter and the template of an edited paragraph."""
        if base_is_secret(live):
            raise ProvisionError(
                f"{self._note.path}: {called(live)} was edited and holds a secret; nothing was written",
                next_step="apply it with --param secrets=store first, then pull",
            )
        head, pieces = self._filled(template)
        return self._template_of(live.text, head, pieces)

    def _template_of(self, text: str, head: str, pieces: Sequence[Piece]) -> tuple[str, Reversed]:
        text = _lines(text)
        first, newline, body = text.partition("\n")
        named = _HEAD.fullmatch(first)
        if named and newline:
            back = to_template(pieces, body)
            if self._options(back.kept) == (named[2] or ""):
                return named[1], back
        return "", to_template([Piece(head), *pieces], text)

    def _file_for(self, entry: Mapping[str, Any], key: str) -> str:
        """The entry's file, or another where it belongs to more than one."""
        name: str = entry["file"]
        shared = sum(each["file"] == name for each in self._entries) > 1
        return _free(f"{key}{Path(name).suffix}", self._files) if shared else name

    def _added(self, key: str, live: Paragraph) -> str:
        """The table of a paragraph that a person has added, and its file."""
        interpreter, back = self._template_of(live.text, "", [])
        name = _free(f"{key}{_suffix(live.text)}", self._files)
        self._files[name] = f"{back.text}\n"
        self._changes.append(Pull(key, live.title, Verdict.ADD))
        entry = {"key": key, "title": live.title, "file": name, "interpreter": interpreter, "config": _config({}, live)}
        return new_table(entry)


def _with_file(table: str, old: str, new: str) -> str:
    return re.sub(
        rf'^(file *= *)["\']{re.escape(old)}["\']', lambda found: f'{found[1]}"{new}"', table, count=1, flags=re.M
    )


def _config(bundle_s: Mapping[str, Any], live: Paragraph) -> dict[str, Any]:
    """The settings that the bundle has to give the paragraph for it to be as a person has set it."""
    config = dict(bundle_s)
    for key, value in bundle_s.items():
        if departs(value, live.config.get(key)):
            config[key] = live.config.get(key, type(value)())
    for key in _PEOPLE_S:
        if key not in bundle_s and live.config.get(key) not in (None, False, _DEFAULTS.get(key)):
            config[key] = live.config[key]
    if "enabled" not in bundle_s and live.config.get("enabled") is False:
        config["enabled"] = False
    if "title" not in bundle_s and live.config.get("title", bool(live.title)) != bool(live.title):
        config["title"] = live.config["title"]
    if "results" not in bundle_s and _has_chart(live.config.get("results")):
        config["results"] = live.config["results"]
    return config


def _has_chart(results: Any) -> bool:
    each = results.values() if isinstance(results, Mapping) else ()
    graphs = (one.get("graph") for one in each if isinstance(one, Mapping))
    return any(isinstance(graph, Mapping) and graph.get("mode", "table") != "table" for graph in graphs)


def _new_key(live: Paragraph, known: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", live.title.lower()).strip("-")[:40] or "own"
    return next(key for key in (slug, *(f"{slug}-{n}" for n in range(2, len(known) + 3))) if key not in known)


def _suffix(text: str) -> str:
    named = _HEAD.match(text)
    words = reversed(named[1].split(".")) if named else ()
    return next((_SUFFIXES[word] for word in words if word in _SUFFIXES), ".txt")


def _free(name: str, taken: Mapping[str, str]) -> str:
    path = Path(name)
    names = (name, *(f"{path.stem}-{n}{path.suffix}" for n in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken and each != "note.toml")


def pulled_bundle_name(note: Note) -> str:
    """The name of the bundle that a note came from; raises `UsageError` for a note that came from none."""
    for paragraph in by_key(note).values():
        return provenance(paragraph).bundle
    raise UsageError(f"{note.path}: no apply has made it", next_step="pull a note that `provision apply` has made")


def check_pulled(pulled: Pulled, note: Note, made: Made, name: str) -> None:
    """Raise `ProvisionError` unless the note comes out of the pulled files as it is on the server."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(pulled, Path(folder) / name)
        bundle = _loaded(Path(folder) / name, note)
    values = bundle.values(origin(note).values)
    rendered = render(bundle, values, made.connection, zeppelin=made.zeppelin, scala=made.scala, path=made.path)
    live = [paragraph for paragraph in note.paragraphs if paragraph.text.strip()]
    same = len(live) == len(rendered.paragraphs) and all(
        (base_is_secret(there) or digest(_lines(there.text)) == digest(each.text)) and there.title == each.title
        for there, each in zip(live, rendered.paragraphs, strict=True)
    )
    if not same:
        raise ProvisionError(
            f"{note.path}: its edits can't be told in bundle {name}'s files; nothing was written",
            next_step="change the bundle by hand, and apply it",
        )


def _loaded(folder: Path, note: Note) -> Bundle:
    try:
        return load_bundle(str(folder))
    except UsageError as error:
        cause = error.message.removeprefix(f"{folder / 'note.toml'}: ")
        raise ProvisionError(
            f"{note.path} makes no bundle: {cause}; nothing was written",
            next_step="bring the paragraph back, by hand or with `provision undo`, then pull again",
        ) from error


def write_files(pulled: Pulled, folder: Path) -> list[str]:
    """Write the files that are not so in `folder` yet, and return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name, text in pulled.files.items() if _read(folder / name) != text]
    for name in changed:
        (folder / name).write_text(pulled.files[name], encoding="utf-8", newline="\n")
    return changed


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
