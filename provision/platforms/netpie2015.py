"""NETPIE 2015: an application's thing (a "microgear") connects, to topics below /APPID/."""

import hashlib
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from netpie_creds import AuthServer, Credentials, current_endpoint, host_and_port, mqtt_login
from provision.bundles.connection import Connection, ConnectionValues, StoreEntry
from provision.bundles.values.topics import check_length, check_topic, is_control, shown, split_topics
from provision.errors import UnreachableError, UsageError
from zeppelin_sdk import Credential, note_path

NAME = "netpie2015"
BROKER_TIMEOUT = 10.0  # seconds to open a TCP connection to the broker
_TLS = ("ssl", "wss")


@dataclass(frozen=True)
class Netpie2015:
    """A thing's MQTT login. The secrets are empty where they are not known: `of_site`."""

    broker_url: str
    appkey: str
    client_id: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    hmac_key: str = field(default="", repr=False)

    @classmethod
    def of(cls, credentials: Credentials, at: int) -> Self:
        """The login of `credentials` made `at`, in whole seconds since the epoch."""
        login = mqtt_login(credentials, at)
        return cls(
            broker_url=f"tcp://{host_and_port(login.host, login.port)}",
            appkey=credentials.application.appkey,
            client_id=login.client_id,
            username=login.username,
            password=login.password,
            hmac_key=credentials.hmac_key(),
        )

    @classmethod
    def of_site(cls, site: Mapping[str, str]) -> Self:
        """The login that an apply has noted in a note, without its secrets."""
        return cls(site["broker"], site["appkey"])

    def connection(self, values: Mapping[str, Any], path: str) -> Connection:
        """What the note at `path` with these parameters needs to connect.

        Raises: UsageError when the parameters of broker and receivers do not fit each other.
        """
        url = values.get("broker") or self.broker_url
        _check_login(values)
        _check_receivers(values)
        if values.get("broker_ca") and urlsplit(url).scheme not in _TLS:
            raise UsageError(
                f"broker_ca is for TLS, and {url} is without", next_step="give --param broker=ssl://HOST:PORT"
            )
        topic = f"/{values['appid']}/{values['topic']}"
        topics = [f"/{values['appid']}/{each}" for each in split_topics(values["topic"])]
        client_id = f"zeppelin-{hashlib.sha256(path.encode()).hexdigest()[:8]}"
        return Connection(
            ConnectionValues(self.appkey, url, client_id, topic, topics),
            self._store(path),
            site={"broker": self.broker_url, "appkey": self.appkey},
        )

    def _store(self, path: str) -> tuple[StoreEntry, ...]:
        thing, session = entities(self.appkey, path)
        return (
            StoreEntry(thing, ("client_id", self.client_id), ("hmac_key", self.hmac_key)),
            StoreEntry(session, ("username", self.username), ("password", self.password)),
        )


def entities(appkey: str, path: str) -> tuple[str, str]:
    """The names of the two entries of the note at `path`: its thing's, and its MQTT login's.

    They are the note's own: a thing connects once, so notes of one application have a thing each.
    """
    thing = f"netpie-{appkey}-{hashlib.sha256(note_path(path).encode()).hexdigest()[:8]}"
    return thing, f"{thing}-mqtt"


def signed_at(credentials: Credentials, texts: Iterable[str]) -> int | None:
    """When the login of the same thing that stands in one of `texts` was made, in seconds since the epoch.

    None where none does. A login of the same thing is as good as a new one.
    """
    token, appkey = credentials.token.token, credentials.application.appkey
    logins = (re.search(rf"{re.escape(appkey)}%(\d+)", text) for text in texts if token in text)
    return next((int(login[1]) for login in logins if login), None)


def stored_at(credentials: Credentials, stored: Iterable[Credential], path: str) -> int | None:
    """When the login of the same thing in the store's entry of the note at `path` was made, in seconds since the epoch.

    None where it holds none. A login of the same thing is as good as a new one.
    """
    _, session = entities(credentials.application.appkey, path)
    entry = next((entry for entry in stored if entry.entity == session), None)
    _, _, time = entry.user.partition("%") if entry else ("", "", "")
    if entry is None or not time.isdecimal():
        return None
    login = mqtt_login(credentials, int(time))
    return int(time) if (login.username, login.password) == (entry.user, entry.password) else None


def full_topic(appid: str, topic: str) -> str:
    """Return `/APPID/TOPIC`, what NETPIE calls the application's `topic`.

    Raises: UsageError as `check_topic` does, and when `appid` is not the name of an application.
    """
    if not appid or any(character in "/+#" or is_control(character) for character in appid):
        raise UsageError(
            f"APPID {shown(appid)} is no application's name",
            next_step="it is on NETPIE's page of the application",
        )
    full = f"/{appid}/{check_topic(topic)}"
    check_length(full)
    return full


def reachable(kept: Credentials, folder: Path, auth: AuthServer, *, consequence: str) -> Credentials:
    """Return `kept` with a broker that takes a connection now, asked of `auth` anew where the kept one does not.

    Raises: provision.errors.UnreachableError when no broker does, whose next step ends in `consequence`; and
    netpie_creds.CacheError.
    """
    credentials = current_endpoint(kept, folder, auth)
    host, port = credentials.token.broker()
    try:
        socket.create_connection((host, port), timeout=BROKER_TIMEOUT).close()
    except OSError as error:
        raise UnreachableError(
            f"MQTT broker {host_and_port(host, port)}: {error.strerror or error}",
            next_step=f"check the network, and that the broker runs; {consequence}",
        ) from error
    return credentials


def _check_login(values: Mapping[str, Any]) -> None:
    if values.get("broker_login") == "none" and not values["broker"]:
        raise UsageError(
            "broker_login=none: NETPIE lets nobody in without a login",
            next_step="name a broker of your own with --param broker=tcp://HOST:PORT",
        )


def _check_receivers(values: Mapping[str, Any]) -> None:
    receivers = values.get("receivers", 1)
    if receivers == 1:
        return
    if values["broker_login"] == "netpie":
        raise UsageError(
            f"receivers={receivers}: a NETPIE thing connects once, and a note has one thing",
            next_step="leave receivers at 1, or take a broker of your own: --param broker=… --param broker_login=none",
        )
    topics = len(split_topics(values["topic"]))
    if values["sharing"] == "topics" and receivers > topics:
        raise UsageError(
            f"receivers={receivers}: sharing=topics gives each receiver a topic, and there are {topics}",
            next_step="name more topics, or take --param sharing=shared where the broker has shared subscriptions",
        )
