"""What platforms have in common."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from netpie_creds.load import read_pairs
from netpie_creds.text_file import NotTextError, decode_text
from provision.bundles.values.topics import split_topics
from provision.errors import UsageError
from provision.finding import Finding, ok, warn
from provision.home import is_open
from provision.mqtt.login import Login, is_encrypted
from provision.platforms.platform import ASKS_NOBODY, AccountField, Given, Limits, Seeking
from zeppelin_sdk import note_path


def said_of(
    fields: Iterable[AccountField], given: Given, secret: str, seeking: Seeking = ASKS_NOBODY
) -> dict[str, str]:
    """Every field's value, empty where nothing has one: the command line's, else a file's, a hint, the environment's,
    the default one. What the project file names comes after the environment. `secret` is the field that is in the
    secret's file.

    Raises: UsageError for a secret's file that can't be read; netpie_creds.ApplicationError for a credentials file.
    """
    known = list(fields)
    in_files: dict[bool, dict[str, str]] = {True: {}, False: {}}  # by whether the project file names them
    if given.credentials_file:
        in_files["credentials_file" in given.of_project] |= _in_credentials_file(known, given.credentials_file)
    if given.secret_file:
        in_files["secret_file" in given.of_project][secret] = text_of(given.secret_file).rstrip("\n")
    in_env = {each.name: given.env.get(each.variable, "").strip() for each in known if each.variable}
    hints = {} if in_files[True] else given.hints
    sources = (given.values, in_files[False], hints, in_env, in_files[True], given.hints, seeking.default)
    return {each.name: next((one[each.name] for one in sources if one.get(each.name)), "") for each in known}


def _in_credentials_file(fields: Iterable[AccountField], file: Path) -> dict[str, str]:
    known = list(fields)
    found = read_pairs(file, {alias: each.name for each in known for alias in (each.name, each.variable) if alias})
    for each in known:
        if each.is_file and found.get(each.name):
            found[each.name] = str(file.parent / Path(found[each.name]).expanduser())
    return found


def text_of(file: Path) -> str:
    """The text of a file that a person has written, in any form that editors save. Raises: UsageError."""
    try:
        return decode_text(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="name a file that can be read") from error
    except NotTextError as error:
        raise UsageError(f"{file}: {error}", next_step="save it as text") from error


def client_id_of(path: str) -> str:
    """A client id that is the note's own: a broker drops a connection when another comes with its client id."""
    return f"zeppelin-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def entity_of(account: str, path: str) -> str:
    """What the names of a note's entries of the credential store begin with."""
    return f"netpie-{account}-{hashlib.sha256(note_path(path).encode()).hexdigest()[:8]}"


_LIMITED = {"bahir": ("Bahir's package", "take --param connector=jar, or --bundle streaming")}
"""MQTT clients that speak no websockets, by the parameter `connector`."""


def check_client(values: Mapping[str, Any], url: str, *, own_tls: bool = False) -> None:
    """Raise `UsageError` for a broker whose protocol the bundle's MQTT client does not speak."""
    client, next_step = _LIMITED.get(values.get("connector", ""), ("", ""))
    if client and Login(url).over_websocket:
        raise UsageError(f"{url}: {client} speaks MQTT over TCP and TLS, not over websockets", next_step=next_step)
    if own_tls and values.get("connector") == "bahir":
        raise UsageError(f"{client} takes no authority and no certificate of one's own", next_step=next_step)


def check_ca(values: Mapping[str, Any], url: str) -> None:
    """Raise `UsageError` for an authority's file on Spark's machines that the broker has no use for."""
    if values.get("broker_ca") and not is_encrypted(url):
        raise UsageError(
            f"broker_ca is for TLS, and {url} is without",
            next_step="take the broker's port with TLS: mqtts://HOST:PORT",
        )


def check_version(values: Mapping[str, Any], who: str) -> None:
    """Raise `UsageError` for MQTT 5, which `who` does not speak."""
    if values.get("mqtt_version") == "5":
        raise UsageError(
            f"mqtt_version=5: {who} speaks MQTT 3.1.1", next_step="leave it out; it is for a broker of your own"
        )


def check_receivers(values: Mapping[str, Any], limits: Limits, who: str) -> None:
    """Raise `UsageError` for more receivers than the platform or the topics allow; `who` connects."""
    receivers = values.get("receivers", 1)
    if receivers == 1:
        return
    if limits.connections == 1:
        raise UsageError(
            f"receivers={receivers}: {who} connects once, and a note is one",
            next_step="leave receivers at 1, or take a broker of your own: --platform mqtt",
        )
    topics = len(split_topics(values["topic"]))
    if values["sharing"] == "topics" and receivers > topics:
        raise UsageError(
            f"receivers={receivers}: sharing=topics gives each receiver a topic, and there are {topics}",
            next_step="name more topics, or take --param sharing=shared where the broker has shared subscriptions",
        )


def mode_of(file: Path) -> Finding:
    """Whether a file with secrets is its owner's only."""
    if is_open(file):
        return warn("secrets", f"{file} can be read by others", f"chmod 600 {file}")
    return ok("secrets", f"{file} is its owner's only")
