"""Finds secrets in texts, in any literal that a template or a person may have written, and blots them out. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping

from provision.sync.escapes import decoded, pattern_of

_BLOT = "***"
_PLACE = "\N{MATHEMATICAL LEFT DOUBLE ANGLE BRACKET}secret: %s\N{MATHEMATICAL RIGHT DOUBLE ANGLE BRACKET}"
_PLACES = re.compile(re.escape(_PLACE).replace("%s", "([^\n]*?)"))
_SHORT = 5  # characters of a secret's part that may be a word of any text
_LOGIN = re.compile(
    r"""(?P<before>\bsigned\s*\(\s*"(?:[^"\\\n]|\\.)*"\s*,\s*|\b(?P<name>clientId|username|password|privateKey)\s*=\s*(?:Some\s*\(\s*)?)"""
    r"""(?P<quote>"{3}|")(?P<value>(?:[^"\\\n]|\\.)*)(?P=quote)"""
)
"""Where the shipped bundles have secrets in a text: `NetpieMqtt.signed("KEY", "…")`, `password=Some("…")`."""
_KEYS = ("hmac_key", "password", "private_key")
_REFERENCE = re.compile(r"\{[\w.-]+\}")


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether one of `secrets` stands in the text, in any literal; an empty one stands nowhere."""
    return bool(_held(text, _with_parts(secrets)))


def blotted(text: str, secrets: Iterable[str]) -> str:
    """The text with `***` wherever one of `secrets` stands, or what looks like a login's."""
    every = _with_parts(secrets)
    text = _replaced(text, every, lambda _: _BLOT)
    return _BLOT if _held(text, every) else _LOGIN.sub(_with_blot, text)


def _with_blot(match: re.Match[str]) -> str:
    if not _is_secret(match) or _name(match) not in _KEYS:
        return match[0]
    return f"{match['before']}{match['quote']}{_BLOT}{match['quote']}"


def looks_like_login(text: str) -> bool:
    """Whether a text has what looks like a signing key or a password, known or not, in the place that one has."""
    return any(_is_secret(match) and _name(match) in _KEYS for match in _LOGIN.finditer(text))


def _is_secret(match: re.Match[str]) -> bool:
    value = match["value"]
    return bool(value) and not _REFERENCE.fullmatch(value) and not _PLACES.fullmatch(value) and "{{" not in value


def holds_signing_key(text: str) -> bool:
    """Whether a signing key, known or not, stands in the text as the shipped bundles have it."""
    return "hmac_key" in login_in(text)


def login_in(text: str) -> dict[str, str]:
    """The secrets of the login in a text, by name, in so far as they look like one."""
    return {_name(match): match["value"] for match in _LOGIN.finditer(text) if _is_secret(match)}


def _name(match: re.Match[str]) -> str:
    return {None: "hmac_key", "clientId": "client_id", "privateKey": "private_key"}.get(match["name"]) or match["name"]


def sealed(text: str, secrets: Mapping[str, str], *, has_login: bool = False) -> str:
    """The text with a place for each of `secrets`, which are by name; `unsealed` fills them.

    `has_login`: there is a secret in it; one that is not among them gets a place where it looks like one.
    """
    names = {secret: name for name, secret in secrets.items() if secret}
    text = _replaced(text, names, lambda secret: _PLACE % names[secret])
    return _LOGIN.sub(_with_place, text) if has_login or holds_signing_key(text) else text


def _with_place(match: re.Match[str]) -> str:
    if not _is_secret(match) or _PLACES.search(match["value"]):
        return match[0]
    return f"{match['before']}{match['quote']}{_PLACE % _name(match)}{match['quote']}"


def unsealed(text: str, secrets: Mapping[str, str]) -> str:
    """The text with its places filled from `secrets`; those of others stay."""
    known = {"hmac_key": "&".join(filter(None, (secrets.get("token_secret"), secrets.get("appsecret")))), **secrets}
    if not secrets.get("token_secret") or not secrets.get("appsecret"):
        known = dict(secrets)
    return _PLACES.sub(lambda match: known.get(match[1]) or match[0], text)


def without_places(text: str) -> str:
    """The text without its places for secrets."""
    return _PLACES.sub("", text)


def is_sealed(text: str) -> bool:
    """Whether the text has a place for a secret."""
    return _PLACES.search(text) is not None


def _held(text: str, secrets: Iterable[str]) -> list[str]:
    """Those of `secrets` that stand in the text, the longest first."""
    readings = decoded(text)
    return sorted((each for each in secrets if any(each in reading for reading in readings)), key=len, reverse=True)


def _replaced(text: str, secrets: Collection[str], with_what: Callable[[str], str]) -> str:
    held = _held(text, secrets)
    if not held:
        return text
    patterns = "|".join(f"({pattern_of(secret)})" for secret in held)
    return re.sub(patterns, lambda found: with_what(held[(found.lastindex or 1) - 1]), text)


def _with_parts(secrets: Iterable[str]) -> set[str]:
    """The secrets, and the parts of a signing key, "TOKENSECRET&APPSECRET", which are secrets each."""
    return {part for secret in secrets for part in (secret, *(p for p in secret.split("&") if len(p) > _SHORT)) if part}
