"""Records of what a note was before an apply or a removal: a file for each that can be undone, without secrets.

One more file per server and interpreter setting, of Spark or Python, records what it was before an apply changed it.
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from provision.errors import ProvisionError
from provision.home import private_dir, state_dir, write_private
from provision.sync.provenance import BEFORE, ORIGIN, VERSION, Origin, base_is_secret, check_version, provenance, stamps
from provision.sync.redaction import blotted, holds_secret, holds_signing_key, sealed, unsealed, without_places
from zeppelin_sdk import Note, Paragraph, note_path

APPLY, REMOVE = "apply", "remove"
EARLIER_MOST = 10
"""How many commands of one note can be undone one after the other, besides the last."""

_Record = TypeVar("_Record", "Record", "SparkRecord")


@dataclass(frozen=True)
class Saved:
    """A paragraph as it was; `id` is empty if the server had not given it one yet.

    `text` is None if it held a secret; `sealed` then may be the text with places for the secrets.
    """

    id: str
    key: str
    title: str
    text: str | None = field(repr=False)
    config: Mapping[str, Any]
    sealed: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, paragraph: Paragraph, secrets: Collection[str] = (), names: Mapping[str, str] | None = None) -> Self:
        """What is kept of a paragraph: its text only if none of `secrets` is in it.

        With `names`, secrets by name, a text that holds one is kept too, with places for them.
        """
        is_secret = base_is_secret(paragraph) or holds_secret(paragraph.text, secrets)
        is_secret |= names is not None and holds_signing_key(paragraph.text)
        return cls(
            id=paragraph.id,
            key=provenance(paragraph).key,
            title=_sealed_title(paragraph.title, secrets, names),
            text=None if is_secret else paragraph.text,
            config={name: value for name, value in paragraph.config.items() if name != BEFORE},
            sealed=_sealed(paragraph, secrets, names) if is_secret and names is not None else None,
        )


def _sealed_title(title: str, secrets: Collection[str], names: Mapping[str, str] | None) -> str:
    if not holds_secret(title, secrets):
        return title
    told = sealed(title, names or {})
    return blotted(title, secrets) if holds_secret(without_places(told), secrets) else told


def _sealed(paragraph: Paragraph, secrets: Collection[str], names: Mapping[str, str]) -> str | None:
    text = sealed(paragraph.text, names, has_login=base_is_secret(paragraph))
    return None if holds_secret(without_places(text), secrets) else text


@dataclass(frozen=True)
class Record:
    """What was done to a note (`what`), and the paragraphs concerned, `before` and `after`, in the note's order.

    `order`: the ids of all its paragraphs before, a person's own too. `created`: there was no note before. `done`: it
    was done to the end. `undoing`: an undo of it has begun. `at`: seconds since the epoch. `run`: the same for all that
    one command did. `revision`: the server's revision of what was before, empty without one. `stamps`: all that the
    note's marks may be stamped with between before and after; empty in older records.
    """

    what: str
    path: str
    note_id: str
    bundle: str
    before: tuple[Saved, ...]
    after: tuple[Saved, ...]
    order: tuple[str, ...] = ()
    at: float = field(default_factory=time.time)
    created: bool = False
    done: bool = False
    undoing: bool = False
    run: str = ""
    revision: str = ""
    stamps: tuple[str, ...] = ()
    version: int = VERSION

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The record in a file's JSON. The oldest ones have no `order`."""
        before, after = (tuple(Saved(**saved) for saved in data[name]) for name in ("before", "after"))
        return cls(
            **{
                **data,
                "before": before,
                "after": after,
                "order": tuple(data.get("order", ())),
                "stamps": tuple(data.get("stamps", ())),
            }
        )

    def site(self) -> Mapping[str, str]:
        """What else than its parameters the note was made from before; empty if there was none."""
        every = (Origin.from_config(saved.config.get(ORIGIN)) for saved in self.before)
        return max(every, key=lambda each: each.sequence, default=Origin()).site

    def filled(self, secrets: Mapping[str, str]) -> Self:
        """The record with the texts that were kept with places for secrets, filled: never to be saved."""
        return replace(self, before=tuple(_filled(saved, secrets) for saved in self.before))

    def is_of_last_apply(self, live: Note) -> bool:
        """Whether no other apply, as of another machine, has written to the note since; older records don't tell."""
        return not self.stamps or stamps(live) <= frozenset(self.stamps)


def _filled(saved: Saved, secrets: Mapping[str, str]) -> Saved:
    text = saved.text if saved.sealed is None else unsealed(saved.sealed, secrets)
    return replace(saved, title=unsealed(saved.title, secrets), text=text)


@dataclass(frozen=True)
class SparkRecord:
    """What an apply did to a setting, of Spark or Python: how notes share its process (`perNote`), `before` and
    `after`.
    """

    setting_id: str
    before: str
    after: str
    run: str
    at: float = field(default_factory=time.time)
    version: int = VERSION


class Records:
    """The records of one server's notes, by path: `state_dir()/records/HOST_PORT/NAME.json`, 0600.

    Those of earlier commands are in `earlier/NAME.NUMBER.json` beside it: an undo makes the newest the last one again.

    `run` marks what one command does; a new one unless it is given.
    """

    def __init__(self, url: str, run: str = "") -> None:
        self.run = run or uuid.uuid4().hex
        server = re.sub(r"[^\w.-]+", "_", url.partition("://")[2])
        self._folder = state_dir() / "records" / server

    def save(self, record: Record) -> None:
        """Keep a record, on top of those of earlier commands that wrote to the same note."""
        old = self.find(record.path)
        if old is not None and old.run != record.run and old.done:
            if old.note_id == record.note_id and not old.undoing:
                self._keep_earlier(old)
            else:
                self._drop_earlier(record.path)
        self._write(self._file(record.path), record)

    def save_spark(self, record: SparkRecord) -> None:
        """Keep a record of a setting, instead of an older one of the same setting."""
        self.forget_spark(record.setting_id)
        name = re.sub(r"[^\w.-]+", "_", record.setting_id)
        self._write(self._settings / f"{name}.json", record)

    def sparks(self) -> list[SparkRecord]:
        """The records of settings that were not undone."""
        return list(self._spark_files().values())

    def forget_spark(self, setting_id: str) -> None:
        """Delete the record of this setting, if there is one."""
        for file, record in self._spark_files().items():
            if record.setting_id == setting_id:
                file.unlink(missing_ok=True)

    def finish(self, path: str, note_id: str) -> None:
        """Mark the record of this path as done to the end, to the note of this id."""
        record = self.find(path)
        if record is not None and not record.done:
            self.save(replace(record, done=True, note_id=note_id))

    def forget(self, path: str) -> None:
        """Delete the record of a path, if there is one; that of the command before it is the last one again."""
        last = self.find(path)
        self._file(path).unlink(missing_ok=True)
        for file in self._earlier(path)[-1:]:
            earlier = _read(file, Record.from_json)
            if earlier is not None and last is not None:
                self._write(self._file(path), replace(earlier, note_id=last.note_id))
            file.unlink()

    def find(self, path: str) -> Record | None:
        """The record of the note at this path. Raises `ProvisionError` for one that can't be read, as `all` does."""
        return _read(self._file(path), Record.from_json)

    def all(self) -> list[Record]:
        """All records of notes, the latest first."""
        return sorted(self._each(), key=lambda record: record.at, reverse=True)

    def _file(self, path: str) -> Path:
        return self._folder / self._name(path)

    def _earlier(self, path: str) -> list[Path]:
        """The files of the commands before the last one, oldest first."""
        files = (self._folder / "earlier").glob(f"{self._file(path).stem}.*.json")
        return sorted(files, key=lambda file: int(file.name.split(".")[-2]))

    def _keep_earlier(self, record: Record) -> None:
        files = self._earlier(record.path)
        number = int(files[-1].name.split(".")[-2]) + 1 if files else 1
        self._write(self._folder / "earlier" / f"{self._file(record.path).stem}.{number}.json", record)
        for file in files[: len(files) + 1 - EARLIER_MOST]:
            file.unlink()

    def _drop_earlier(self, path: str) -> None:
        for file in self._earlier(path):
            file.unlink()

    @property
    def _settings(self) -> Path:
        return self._folder / "settings"

    def _spark_files(self) -> dict[Path, SparkRecord]:
        read = {file: _read(file, lambda data: SparkRecord(**data)) for file in sorted(self._settings.glob("*.json"))}
        return {file: record for file, record in read.items() if record is not None}

    def _write(self, file: Path, record: Record | SparkRecord) -> None:
        for folder in (self._folder.parent, self._folder, file.parent):
            private_dir(folder)
        write_private(file, json.dumps({**asdict(record), "version": VERSION}))

    def _each(self) -> Iterator[Record]:
        for file in self._folder.glob("*.json") if self._folder.is_dir() else ():
            record = _read(file, Record.from_json)
            if record is not None:
                yield record

    @staticmethod
    def _name(path: str) -> str:
        slug = re.sub(r"\W+", "-", path, flags=re.ASCII).strip("-")[-60:]
        return f"{slug}-{hashlib.sha256(note_path(path).encode()).hexdigest()[:8]}.json"


def _read(file: Path, parse: Callable[[dict[str, Any]], _Record]) -> _Record | None:
    """The record in a file, None where there is no file; raises `ProvisionError` for one that can't be read."""
    try:
        data = {"version": 0, **json.loads(file.read_text(encoding="utf-8"))}
        check_version(int(data["version"]), str(file))
        return parse(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ProvisionError(
            f"{file}: can't read this undo record ({error!r})",
            next_step="move the file away and run it again; what it records can't be undone then",
        ) from error
