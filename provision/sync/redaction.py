"""Finds secrets in texts, in any literal that a template or a person may have written, and blots them out. Pure."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from provision.bundles.literals import FILTERS
from provision.errors import UsageError

_BLOT = "***"


@lru_cache(maxsize=64)
def literal_forms(secret: str) -> frozenset[str]:
    """A secret as it stands in a text: bare, in JSON, and in every language that paragraphs are written in."""
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for language in FILTERS.values():
        with suppress(UsageError):  # one that can't stand there
            forms.add(language.escaped(secret))
    return frozenset(forms)


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether one of `secrets` stands in the text; an empty one stands nowhere."""
    return any(form in text for form in _forms(secrets))


def blotted(text: str, secrets: Iterable[str]) -> str:
    """The text with `***` wherever one of `secrets` stands."""
    for form in sorted(_forms(secrets), key=len, reverse=True):
        text = text.replace(form, _BLOT)
    return text


def _forms(secrets: Iterable[str]) -> set[str]:
    return {form for secret in secrets if secret for form in literal_forms(secret)}
