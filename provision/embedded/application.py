"""The embedded NETPIE's one application."""

import secrets
import string
from pathlib import Path

from netpie_creds import Application, load_application
from provision.home import state_dir, write_private

APPID = "DEMO"
_ALPHABET = string.ascii_letters + string.digits


def application_file() -> Path:
    """The file with the application's key and secret, created once (mode 0600), for `load_application`."""
    path = state_dir() / "demo-application.toml"
    if not path.exists():
        write_private(path, f'appid = "{APPID}"\nappkey = "{_word(15)}"\nappsecret = "{_word(25)}"\n')
    return path


def demo_application() -> Application:
    """The embedded NETPIE's application."""
    return load_application(file=application_file())


def _word(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
