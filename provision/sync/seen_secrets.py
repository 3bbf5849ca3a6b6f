"""Secrets that this machine has seen, old ones too, by salted digests: enough to know one again in a text, and no more.

Texts outlive secrets: after `creds refresh` an old token may still stand in a person's paragraph, and nothing else
keeps it.
"""

import hashlib
import json
import re
import secrets as random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from netpie_creds.model import is_secret
from provision.home import state_dir, write_private
from provision.locks import one_at_a_time
from provision.sync.escapes import decoded
from provision.sync.redaction import blotted

_SHORTEST = 8  # characters of what is no word of any text
_EDGE = re.compile(r"(?<![A-Za-z0-9])|(?![A-Za-z0-9])")


def remember(secrets: Iterable[str]) -> None:
    """Keep the digests of secrets, and of both parts of a signing key; what can't be one of NETPIE's is left out."""
    parts = {part for secret in secrets for part in secret.split("&")}
    worth = {part for part in parts if len(part) >= _SHORTEST and is_secret(part)}
    if not worth - _known(worth, _read()):
        return
    with one_at_a_time(_file().with_suffix(".lock")):
        seen = _read() or {"salt": random.token_hex(32), "digests": {}}
        for secret in worth - _known(worth, seen):
            seen["digests"].setdefault(str(len(secret)), []).append(_digest(secret, seen["salt"]))
        write_private(_file(), json.dumps(seen))


def recognised(texts: Iterable[str]) -> set[str]:
    """The secrets seen before that stand in one of the texts, as words, in any literal."""
    seen = _read()
    lengths = [int(length) for length in seen.get("digests", ())]
    words = {word for text in texts for reading in decoded(text) for word in _words(reading, lengths)}
    return _known(words, seen)


def without_seen(text: str) -> str:
    """The text with `***` wherever a secret seen before stands, or what looks like a login's."""
    return blotted(text, recognised([text]))


def _words(text: str, lengths: Sequence[int]) -> Iterator[str]:
    """The parts of these lengths that can be secrets, and begin and end where a letter or digit does not go on."""
    runs = re.finditer(rf"[A-Za-z0-9._~+/=-]{{{min(lengths)},}}", text) if lengths else ()
    for run in (found[0] for found in runs):
        edges = [found.start() for found in _EDGE.finditer(run)]
        there = set(edges)
        yield from (run[at : at + length] for length in lengths for at in edges if at + length in there)


def _known(words: Iterable[str], seen: dict[str, Any]) -> set[str]:
    digests = {digest for each in seen.get("digests", {}).values() for digest in each}
    return {word for word in words if _digest(word, seen["salt"]) in digests} if digests else set()


def _digest(secret: str, salt: str) -> str:
    return hashlib.blake2b(secret.encode(), key=bytes.fromhex(salt), digest_size=16).hexdigest()


def _read() -> dict[str, Any]:
    """The file's content; empty where there is none, or where it is damaged, as it can be made again."""
    try:
        seen = json.loads(_file().read_text(encoding="utf-8"))
        return seen if isinstance(seen, dict) and bytes.fromhex(seen["salt"]) and dict(seen["digests"]) else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _file() -> Path:
    return state_dir() / "seen-secrets.json"
