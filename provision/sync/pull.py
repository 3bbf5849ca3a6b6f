"""Brings hand edits back into a bundle: makes the files that the note, as it is, would be rendered from."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netpie_creds.text_file import decode_text
from provision.bundles.bundle import Bundle
from provision.bundles.connection import Connection
from provision.bundles.context import context_of
from provision.bundles.engine import is_generated
from provision.bundles.note_toml import join_paragraphs, new_table, rewritten, split_paragraphs
from provision.bundles.outputs import laid_out
from provision.bundles.render import chosen_templates
from provision.bundles.template import Template
from provision.errors import ConflictError, ProvisionError, UsageError
from provision.sync.guarded_write import called
from provision.sync.plan import Verdict
from provision.sync.provenance import base_is_secret, by_key, digest, is_edited, is_empty, provenance
from provision.sync.redaction import holds_secret, looks_like_login
from provision.sync.reverse import ReversedText, Reverser, file_suffix, reversed_config
from zeppelin_sdk import Note, Paragraph, ServerVersion

_SHORT = 5  # characters of a user's name or password that may be a word of any text


@dataclass(frozen=True)
class Pull:
    """What becomes of one paragraph: `update`, `add` or `drop`; `same` for one without an edit.

    `lost` are the names of places that are plain text now, for their values were edited.
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


def pulled_bundle_name(note: Note) -> str:
    """The name of the note's bundle; raises `UsageError` for a note that came from none."""
    for paragraph in by_key(note).values():
        return provenance(paragraph).bundle
    raise UsageError(f"{note.path}: no apply has made it", next_step="pull a note that `provision apply` has made")


def pull(note: Note, bundle: Bundle, folder: Path, made: Made, secrets: Sequence[str] = ()) -> Pulled:
    """The files of `bundle`, which is in `folder` and which the note was `made` of, with the note's edits.

    Raises `ConflictError` when the bundle has changed since the last apply, and `ProvisionError` when one of `secrets`
    would get into a file.
    """
    pulled = _Pull(note, bundle, folder, made).pulled()
    for name, text in pulled.files.items():
        known = (secret for secret in secrets if len(secret) > _SHORT)
        if holds_secret(text, known) or looks_like_login(text):
            raise ProvisionError(
                f"{note.path}: a credential stands in the text of {name}; nothing was written",
                next_step="take it out of the paragraph, then pull again",
            )
    return pulled


@dataclass(frozen=True)
class _Declared:
    """A paragraph that note.toml declares: its table as text, and parsed."""

    template: Template
    table: str
    entry: Mapping[str, Any]

    @property
    def file(self) -> str:
        return str(self.entry["file"])


@dataclass(frozen=True)
class _Told:
    """A paragraph of the note, and its table for note.toml."""

    change: Pull
    table: str


class _Pull:
    """One pull; `_files`, by name, get the texts of edited and new paragraphs."""

    def __init__(self, note: Note, bundle: Bundle, folder: Path, made: Made) -> None:
        self._note, self._bundle = note, bundle
        self._head, tables = split_paragraphs(decode_text((folder / "note.toml").read_bytes()))
        context = context_of(made.values, made.connection, scala=made.scala)
        self._reverser = Reverser(context)
        self._files: dict[str, str] = {}
        self._declared = list(_declared(bundle, tables))
        self._bring_files_inside(folder)
        chosen = {id(template) for template in chosen_templates(bundle, made.values, made.zeppelin)}
        self._chosen = {each.template.key: each for each in self._declared if id(each.template) in chosen}

    def _bring_files_inside(self, folder: Path) -> None:
        """Collect the bundle's files; one from outside its folder gets a name inside, in all tables that have it.

        A generated paragraph has no file, and stays generated.
        """
        inside: dict[str, str] = {}
        for index, each in enumerate(self._declared):
            name = each.file
            if is_generated(name):
                continue
            if (folder / name).resolve().parent != folder.resolve():
                name = inside[name] = inside.get(name) or self._free_name(Path(name).name)
                self._declared[index] = replace(
                    each, table=_with_file(each.table, each.file, name), entry={**each.entry, "file": name}
                )
            self._files[name] = f"{each.template.text}\n"

    def pulled(self) -> Pulled:
        keys = {paragraph.id: key for key, paragraph in by_key(self._note).items()}
        told: list[_Told] = []
        taken = self._known_keys()
        for paragraph in self._note.paragraphs:
            declared = self._chosen.get(keys.get(paragraph.id, ""))
            if not paragraph.text.strip() or (declared is None and is_empty(paragraph)):
                continue
            if declared is not None:
                told.append(self._kept(declared, paragraph))
            else:
                key = _new_key(paragraph, taken)
                taken.add(key)
                told.append(self._added(key, paragraph))
        there = {each.change.key for each in told}
        dropped = [each.template for each in self._chosen.values() if each.template.key not in there]
        changes = [each.change for each in told] + [Pull(t.key, t.title, Verdict.DROP) for t in dropped]
        text = join_paragraphs(self._head, _each_once(self._with_left_out(told)))
        used = {entry["file"] for entry in tomllib.loads(text).get("paragraphs", ())}
        files = {name: body for name, body in self._files.items() if name in used}
        return Pulled({"note.toml": text, **files}, tuple(changes))

    def _known_keys(self) -> set[str]:
        marks = [provenance(paragraph) for paragraph in by_key(self._note).values()]
        return {key for mark in marks for key in (mark.key, *mark.keys)} | {e.template.key for e in self._declared}

    def _with_left_out(self, told: Sequence[_Told]) -> list[str]:
        """All tables; one whose `when` does not fit this note stays behind the one that it was behind."""
        there = {each.change.key for each in told}
        left: dict[str, list[str]] = {}
        behind = ""
        for each in self._declared:
            if self._chosen.get(each.template.key) is not each:
                left.setdefault(behind, []).append(each.table)
            elif each.template.key in there:
                behind = each.template.key
        tables = [table for each in told for table in (each.table, *left.get(each.change.key, ()))]
        return [*left.get("", ()), *tables]

    def _kept(self, declared: _Declared, live: Paragraph) -> _Told:
        """A paragraph that came from the bundle, with what a person has changed."""
        self._check_base(declared.template, live)
        before = {**declared.entry, "config": declared.entry.get("config", {})}
        after = {**before, "config": reversed_config(before["config"], live.title, live.config, self._reverser.context)}
        if live.title != declared.template.title:
            after["title"] = live.title
        lost: tuple[str, ...] = ()
        if is_edited(live):
            self._check_no_secret(live)
            back = self._reverser.reverse(live.text, declared.template)
            after |= {"file": self._file_of_its_own(declared), "interpreter": self._declared_as(declared, back)}
            self._files[after["file"]] = f"{back.text}\n"
            lost = back.lost
        verdict = Verdict.UPDATE if after != before or is_edited(live) else Verdict.SAME
        table = rewritten(declared.table, after) if after != before else declared.table
        return _Told(Pull(declared.template.key, live.title, verdict, lost), table)

    def _declared_as(self, declared: _Declared, back: ReversedText) -> str:
        """The interpreter for note.toml: as it is there where the text has the one that this makes."""
        same = back.interpreter == declared.template.interpreter_in(self._reverser.context)
        return declared.template.interpreter if same else back.interpreter

    def _added(self, key: str, live: Paragraph) -> _Told:
        """A paragraph that a person has added."""
        back = self._reverser.reverse(live.text)
        name = self._free_name(f"{key}{file_suffix(live.text)}")
        self._files[name] = f"{back.text}\n"
        entry = {
            "key": key,
            "title": live.title,
            "file": name,
            "interpreter": back.interpreter,
            "config": reversed_config({}, live.title, live.config, {}),
        }
        return _Told(Pull(key, live.title, Verdict.ADD), new_table(entry))

    def _check_base(self, template: Template, live: Paragraph) -> None:
        """Raise `ConflictError` unless the last apply was made from this template."""
        if not base_is_secret(live) and digest(self._reverser.filled(template)) != provenance(live).sha256:
            raise ConflictError(
                f"{self._note.path}: bundle {self._bundle.name} has changed {called(live)} since the last apply",
                next_step="apply it first, so that both sides' changes meet; then pull",
            )

    def _check_no_secret(self, live: Paragraph) -> None:
        if base_is_secret(live):
            raise ProvisionError(
                f"{self._note.path}: {called(live)} was edited and holds a secret; nothing was written",
                next_step="apply it with --param secrets=store first, then pull",
            )

    def _file_of_its_own(self, declared: _Declared) -> str:
        """The paragraph's file, or a new one where others use that too."""
        if is_generated(declared.file):
            suffix = ".py" if declared.template.runs_python else ".scala"
            return self._free_name(f"{declared.template.key}{suffix}")
        is_shared = sum(each.file == declared.file for each in self._declared) > 1
        return self._free_name(f"{declared.template.key}{Path(declared.file).suffix}") if is_shared else declared.file

    def _free_name(self, name: str) -> str:
        path = Path(name)
        names = (name, *(f"{path.stem}-{n}{path.suffix}" for n in range(2, len(self._files) + 3)))
        return next(each for each in names if each not in self._files and each != "note.toml")


def _declared(bundle: Bundle, tables: Sequence[str]) -> Iterator[_Declared]:
    """The bundle's paragraphs with their tables; those of outputs share one, and have entries of their own."""
    entries = [tomllib.loads(table)["paragraphs"][0] for table in tables]
    for (number, output), template in zip(laid_out(entries), bundle.templates, strict=True):
        own = {"key": template.key, "title": template.title, "when": dict(template.when)} if output else {}
        yield _Declared(template, tables[number], {**entries[number], **own})


def _each_once(tables: Sequence[str]) -> list[str]:
    """The tables, but for one that several paragraphs share: it stands where the first of them is."""
    return [table for at, table in enumerate(tables) if "outputs:" not in table or table not in tables[:at]]


def _with_file(table: str, old: str, new: str) -> str:
    return re.sub(
        rf'^(file *= *)["\']{re.escape(old)}["\']', lambda found: f'{found[1]}"{new}"', table, count=1, flags=re.M
    )


def _new_key(live: Paragraph, taken: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", live.title.lower()).strip("-")[:40] or "own"
    return next(key for key in (slug, *(f"{slug}-{n}" for n in range(2, len(taken) + 3))) if key not in taken)
