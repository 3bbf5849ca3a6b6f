"""The secrets of a note's application that this machine or the server can tell, by name."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from netpie_creds import CacheError
from netpie_creds.cache import read_cache
from provision.home import state_dir
from provision.sync.provenance import origin, read_mark
from provision.sync.redaction import login_in
from provision.sync.seen_secrets import recognised
from provision.sync.undo_records import Record
from zeppelin_sdk import Credential, Note, ZeppelinClient


def secrets_of_note(client: ZeppelinClient, note: Note) -> dict[str, str]:
    """The secrets of the application that the note was made for, those in the texts that an apply has written, and
    older ones that still stand in the note.
    """
    known = known_secrets(client, origin(note).site.get("appkey", ""))
    for paragraph in note.paragraphs:
        written = plain_names(login_in(paragraph.text)) if read_mark(paragraph).secret else {}
        for name, value in written.items():
            if value not in known.values():
                known[f"{name} of {paragraph.id}" if name in known else name] = value
    return {**known, **old_secrets(note, known.values())}


def old_secrets(note: Note, known: Iterable[str]) -> dict[str, str]:
    """The secrets that stand in the note and that this machine has seen before, without those that are `known`."""
    texts = (text for paragraph in note.paragraphs for text in (paragraph.text, paragraph.title))
    old = recognised(texts) - {part for secret in known for part in (secret, *secret.split("&"))}
    return {f"old {number}": secret for number, secret in enumerate(sorted(old), start=1)}


def secrets_of_record(client: ZeppelinClient, record: Record) -> dict[str, str]:
    """The secrets of the application that the recorded note was made for."""
    return known_secrets(client, record.site().get("appkey", ""))


def known_secrets(client: ZeppelinClient, appkey: str) -> dict[str, str]:
    """The secrets of an application, or of all where `appkey` is empty, and all passwords of the server's store.

    From the caches of things' tokens, which are named first as they stay, the environment and the server's store.
    """
    found: dict[str, str] = {}
    values: set[str] = set()
    for name, value in (*_cached(appkey), *_stored(client, appkey), ("appsecret", os.environ.get("NETPIE_APPSECRET"))):
        if value and value not in values:
            values.add(value)
            found.setdefault(name, value)
    return found


def _cached(appkey: str) -> Iterator[tuple[str, str]]:
    home = state_dir()
    for file in sorted(home.rglob(f"microgear-{appkey or '*'}.cache"), key=lambda file: (len(file.parts), file)):
        with suppress(CacheError, OSError, ValueError):
            token = read_cache(file.parent, file.stem.removeprefix("microgear-"))
            if token is not None:
                of = _of(file.parent, home)
                yield from ((f"client_id{of}", token.token), (f"token_secret{of}", token.secret))


def _of(folder: Path, home: Path) -> str:
    relative = folder.relative_to(home)
    return "" if relative == Path("netpie") else f" of {relative}"


def _stored(client: ZeppelinClient, appkey: str) -> Iterator[tuple[str, str]]:
    for entry in client.list_credentials():
        if entry.entity.startswith(f"netpie-{appkey}"):
            yield from (
                (name if name == "appsecret" else f"{name} of {entry.entity}", value)
                for name, value in named(entry).items()
            )
        else:
            yield f"password of {entry.entity}", entry.password


def named(entry: Credential) -> dict[str, str]:
    """What an entry of this tool's holds, by name."""
    if entry.entity.endswith("-ca"):
        return {}
    if entry.entity.endswith("-tls"):
        return {"certificate": entry.user, "private_key": entry.password}
    if entry.entity.endswith("-mqtt"):
        return {"username": entry.user, "password": entry.password}
    token_secret, separator, appsecret = entry.password.partition("&")
    key = {"token_secret": token_secret, "appsecret": appsecret} if separator else {"hmac_key": entry.password}
    return {"client_id": entry.user, **key}


def plain_names(names: Mapping[str, str]) -> dict[str, str]:
    """Secrets as a connection names them, with the signing key in its two parts."""
    token_secret, _, appsecret = names.get("hmac_key", "").partition("&")
    parts = {"token_secret": token_secret, "appsecret": appsecret}
    return {name: value for name, value in {**names, **parts}.items() if value}
