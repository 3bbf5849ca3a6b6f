"""Checks a pulled bundle's files, compares them with a folder's, and writes them there."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from netpie_creds.text_file import decode_text
from provision.bundles.bundle import Bundle, load_bundle
from provision.bundles.render import render
from provision.errors import ProvisionError, UsageError
from provision.sync.diff import DiffLine, file_diff
from provision.sync.provenance import base_is_secret, by_key, digest, is_empty, origin
from provision.sync.pull import Made, Pulled
from zeppelin_sdk import Note


def check_pulled(pulled: Pulled, note: Note, made: Made, name: str) -> None:
    """Raise `ProvisionError` unless rendering the pulled files gives the note as it is on the server."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(pulled, Path(folder) / name)
        bundle = _loaded(Path(folder) / name, note)
    values = bundle.values(origin(note).values)
    rendered = render(bundle, values, made.connection, zeppelin=made.zeppelin, scala=made.scala, path=made.path)
    ours = {paragraph.id for paragraph in by_key(note).values()}
    live = [p for p in note.paragraphs if p.text.strip() and (p.id in ours or not is_empty(p))]
    is_same = len(live) == len(rendered.paragraphs) and all(
        (base_is_secret(there) or digest(there.text) == digest(each.text)) and there.title == each.title
        for there, each in zip(live, rendered.paragraphs, strict=True)
    )
    if not is_same:
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


def folder_diff(pulled: Pulled, folder: Path) -> list[DiffLine]:
    """What `write_files` would change in `folder`."""
    return [line for name, text in pulled.files.items() for line in file_diff(name, _read(folder / name) or "", text)]


def write_files(pulled: Pulled, folder: Path) -> list[str]:
    """Write the files that differ from those in `folder`, and return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = [name for name, text in pulled.files.items() if _read(folder / name) != text]
    for name in changed:
        (folder / name).write_text(pulled.files[name], encoding="utf-8", newline="\n")
    return changed


def delete_unused(pulled: Pulled, folder: Path, before: Iterable[Path]) -> list[str]:
    """Delete the files in `folder` that the bundle used `before` and no longer does; returns their names."""
    unused = {file.name for file in before if file.parent.resolve() == folder.resolve()} - set(pulled.files)
    for name in unused:
        (folder / name).unlink(missing_ok=True)
    return sorted(unused)


def _read(file: Path) -> str | None:
    return decode_text(file.read_bytes()) if file.is_file() else None
