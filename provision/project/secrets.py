"""A project file is committed and shared: no secret has a place in it."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from provision.bundles.values.spark import holds_secret
from provision.errors import UsageError, hide_passwords
from provision.sync.seen_secrets import recognised

# names of options that tell where a secret is, or name a key that is none
_NO_SECRETS = re.compile(r".*(file|dir|home|key|cert|ca)|secrets", re.IGNORECASE)
_INSTEAD = "name a file with it (credentials-file, secret-file, password-file), or set it in the environment"


def check_no_secrets(settings: Iterable[tuple[str, Any, str]]) -> None:
    """Raise UsageError, which does not show the value, for a setting that is a secret or has one in it.

    Each is a name, a value of TOML, and where it stands.
    """
    texts = [(key, text, where) for name, value, where in settings for key, text in _texts(name, value)]
    seen = recognised(text for _, text, _ in texts)
    for key, text, where in texts:
        name = "" if _NO_SECRETS.fullmatch(key) else key
        if holds_secret(name, text) or hide_passwords(text) != text or any(secret in text for secret in seen):
            raise UsageError(f"{where}: {key}: a secret has no place in a project file", next_step=_INSTEAD)


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(str(key), each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(name, each)
    else:
        yield name, str(value)
