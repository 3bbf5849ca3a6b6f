"""Whether a secret stands in a text, in whatever literal a template or a person may have written it, and texts without.

Pure.
"""

import json
from collections.abc import Iterable
from functools import lru_cache

from provision.bundles.literals import markdown, scala, spark_property

_BLOT = "***"


@lru_cache(maxsize=64)
def literal_forms(secret: str) -> frozenset[str]:
    """A secret as it stands in a text: bare, and in the literals of Scala, JSON, Markdown and Spark's properties."""
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        scala(secret)[1:-1],
        markdown(secret),
    }
    if secret.isprintable():
        forms.add(spark_property(secret))
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
