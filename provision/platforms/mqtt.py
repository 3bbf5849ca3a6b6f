"""Any MQTT broker: an address, a user and password or a client's certificate, and topics as they are."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from provision.bundles.connection import Connection, ConnectionValues, StoreEntry
from provision.bundles.values.brokers import check_broker
from provision.bundles.values.topics import check_filter, check_length, check_topic, split_topics
from provision.errors import ProvisionError, UsageError
from provision.finding import Finding, fail, ok, warn
from provision.home import private_dir, state_dir, write_private
from provision.mqtt.login import Login, Tls, is_encrypted, plain_warning
from provision.mqtt.pem import read_tls
from provision.platforms.platform import (
    ASKS_NOBODY,
    NOTHING_SEEN,
    UNKNOWN,
    AccountField,
    Given,
    Hearer,
    Limits,
    Need,
    Place,
    Seeking,
    Seen,
    Sender,
)
from provision.platforms.shared import (
    check_ca,
    check_client,
    check_receivers,
    client_id_of,
    entity_of,
    mode_of,
    said_of,
)

NAME = "mqtt"
TITLE = "MQTT"


@dataclass(frozen=True)
class BrokerClient:
    """A login at a broker, without a client id: each note, and each publisher, has its own."""

    bare: Login

    @property
    def broker_url(self) -> str:
        """The broker."""
        return self.bare.url

    def login(self) -> Login:
        """The login with a client id that nobody else has."""
        return replace(self.bare, client_id=f"provision-{secrets.token_hex(4)}")

    def reachable(self, consequence: str) -> Self:
        """The same when the broker takes the login now.

        Raises: UnreachableError, RefusedError, whose next step ends in `consequence`.
        """
        try:
            _try_login(self.login())
        except ProvisionError as error:
            error.next_step += f"; {consequence}"
            raise
        return self

    def connection(self, values: Mapping[str, Any], path: str, _seen: Seen = NOTHING_SEEN) -> Connection:
        """What the note at `path` with these parameters needs to connect.

        Raises: UsageError when the parameters do not fit the login, or each other.
        """
        check_receivers(values, PLATFORM.limits, "")
        check_client(values, self.bare.url, own_tls=bool(self.bare.tls))
        check_ca(values, self.bare.url)
        if values.get("broker_ca") and self.bare.tls.ca:
            raise UsageError(
                "authorities are given twice, here and on Spark's machines",
                next_step="leave out --mqtt-ca or broker_ca",
            )
        client_id, topics = client_id_of(path), split_topics(values["topic"])
        store = tuple(_store(self.bare, path))
        names = {name for entry in store for name, _ in (entry.user, entry.password) if name}
        return Connection(
            ConnectionValues(
                "", self.bare.url, client_id, values["topic"], topics, platform=f"the broker {self.bare.where}"
            ),
            store,
            site=_site(self.bare),
            plain={"client_id": client_id, **dict.fromkeys({"ca", "certificate", "private_key"} - names, "")},
            needed=frozenset(names),
        )


@dataclass(frozen=True)
class BrokerAccount:
    """A user of a broker, or nobody in particular, and the folder where the login is kept."""

    bare: Login
    folder: Path

    @property
    def place(self) -> Place:
        """The broker; topics are named whole."""
        return _place(self.bare)

    def kept_in(self, folder: Path) -> Self:
        """The same, kept elsewhere."""
        return replace(self, folder=folder)

    def planned(self, _broker: str) -> BrokerClient:
        """The login; a stand-in for a password that is not known."""
        return BrokerClient(self.bare)

    def client(self) -> BrokerClient:
        """The login, which is kept. Nobody is asked."""
        if self.bare.username or self.bare.tls:
            private_dir(self.folder)
            write_private(_kept_file(self.folder, self.bare), json.dumps(_kept_json(self.bare)))
        return BrokerClient(self.bare)

    def needs(self) -> tuple[Need, ...]:
        """Nothing: nobody is asked."""
        return ()

    def sender(self, topic: str) -> Sender:
        """The login with a client id of the publisher's own. Raises: UsageError for no topic to publish to."""
        check_length(check_topic(topic))
        login = replace(self.bare, client_id=f"publisher-{secrets.token_hex(4)}")
        return Sender(lambda: login, topic)

    def hearer(self, topics: str) -> Hearer:
        """The login with a client id of the listener's own. Raises: UsageError for no topics to subscribe to."""
        each = tuple(check_filter(topic) for topic in split_topics(topics))
        login = replace(self.bare, client_id=f"listener-{secrets.token_hex(4)}")
        return Hearer(lambda: login, each, each)

    def shown(self, *, secrets: bool) -> Mapping[str, str]:
        """What is kept, and where. Raises: UsageError where nothing is."""
        file = _kept_file(self.folder, self.bare)
        kept = _read_kept(file)
        if not kept:
            raise UsageError(f"{file}: no login is kept there", next_step="run provision creds get")
        hidden = () if secrets else ("password", "key")
        return {"cache": str(file), **{name: text for name, text in kept.items() if text and name not in hidden}}

    def forget(self) -> bool:
        """Delete what is kept."""
        file = _kept_file(self.folder, self.bare)
        there = file.exists()
        file.unlink(missing_ok=True)
        return there


class MqttPlatform:
    """Any MQTT broker."""

    name = NAME
    help = "any MQTT broker (address, user and password or certificate)"
    fields = (
        AccountField(
            "broker",
            "--broker",
            "URL",
            "MQTT_BROKER",
            "An MQTT broker: mqtts://HOST, mqtt://, wss://, ws://, HOST:PORT.",
            is_place=True,
        ),
        AccountField("username", "--mqtt-user", "NAME", "MQTT_USERNAME", "User at the broker."),
        AccountField("password", variable="MQTT_PASSWORD"),
        AccountField(
            "ca", "--mqtt-ca", "FILE", "MQTT_CA", "PEM file of the authorities to trust over TLS.", is_file=True
        ),
        AccountField(
            "certificate", "--mqtt-certificate", "FILE", "MQTT_CERTIFICATE", "The client's certificate.", is_file=True
        ),
        AccountField("key", "--mqtt-key", "FILE", "MQTT_KEY", "The certificate's private key.", is_file=True),
    )
    limits = Limits()

    def account(self, given: Given, seeking: Seeking = ASKS_NOBODY) -> BrokerAccount:
        """The login, with what is kept of this broker and user where nothing else is said.

        Raises: UsageError for what is missing or wrong; netpie_creds.ApplicationError for a file.
        """
        said = said_of(self.fields, given, "password", seeking)
        url = _url(said)
        folder = given.folder or state_dir() / NAME
        kept = _read_kept(_kept_file(folder, Login(url)))
        user = said["username"] or kept.get("username", "")
        kept = kept if user == kept.get("username", "") else {}
        tls = _tls(said, kept)
        if tls and not is_encrypted(url):
            raise UsageError(f"{url} is without TLS, and certificates are for it", next_step="take mqtts:// or wss://")
        password = said["password"] or kept.get("password", "")
        if password and not user:
            raise UsageError("a password, and no user", next_step="give --mqtt-user or MQTT_USERNAME")
        if user and not password and not tls.certificate:
            password = _missing_password(user, url, seeking)
        return BrokerAccount(Login(url, "", user, password, tls), folder)

    def place(self, given: Given) -> Place:
        """The broker. Raises: UsageError when none is named."""
        return _place(Login(_url(said_of(self.fields, given, "password"))))

    def noted(self, _values: Mapping[str, str], site: Mapping[str, str]) -> Mapping[str, str]:
        """The note's broker."""
        return {"broker": site.get("broker", "")}

    def of_site(self, site: Mapping[str, str]) -> BrokerClient:
        """The login that an apply has noted, with stand-ins."""
        has = site.get("has", "").split()
        tls = Tls(*(UNKNOWN if name in has else "" for name in ("ca", "certificate", "certificate")))
        user = UNKNOWN if "user" in has else ""
        return BrokerClient(Login(site.get("broker", "ssl://broker:8883"), "", user, user, tls))

    def checks(self, given: Given) -> Iterator[Finding]:
        """Who may read the files with secrets; the login, and whether the broker takes it."""
        said = said_of(self.fields, given, "password")
        for file in (given.credentials_file, given.secret_file, Path(said["key"]) if said["key"] else None):
            if file is not None and file.exists():
                yield mode_of(file)
        try:
            account = self.account(given, ASKS_NOBODY)
        except UsageError as error:
            yield warn("account", error.message, error.next_step)
            return
        who = f"user {account.bare.username}" if account.bare.username else "nobody in particular"
        yield ok("account", f"{who} at {account.bare.url}")
        warning = plain_warning(account.bare.url)
        if warning:
            yield warn("tls", warning, "take mqtts:// where the broker has it")
        try:
            _try_login(BrokerClient(account.bare).login())
        except ProvisionError as error:
            yield fail("broker", error.message, error.next_step, error.exit_code)
        else:
            also = ", and speaks MQTT 5" if _speaks_5(BrokerClient(account.bare).login()) else ""
            yield ok("broker", f"{account.bare.where} takes this login{also}")


PLATFORM = MqttPlatform()


def _url(said: Mapping[str, str]) -> str:
    url = check_broker(said["broker"])
    if not url:
        raise UsageError("no broker given", next_step="give --broker mqtts://HOST or MQTT_BROKER")
    return url


def _tls(said: Mapping[str, str], kept: Mapping[str, str]) -> Tls:
    files = {name: Path(said[name]) if said[name] else None for name in ("ca", "certificate", "key")}
    read = read_tls(files["ca"], files["certificate"], files["key"])
    if read.certificate:
        return replace(read, ca=read.ca or kept.get("ca", ""))
    return Tls(read.ca or kept.get("ca", ""), kept.get("certificate", ""), kept.get("key", ""))


def _missing_password(user: str, url: str, seeking: Seeking) -> str:
    if seeking.planning:
        return UNKNOWN
    password = seeking.ask(f"password of {user} at {Login(url).where}") if seeking.ask else ""
    if not password:
        raise UsageError(
            f"no password given for user {user} at {Login(url).where}",
            next_step="set MQTT_PASSWORD, or name a file with --secret-file",
        )
    return password


def _place(login: Login) -> Place:
    """Paths call a broker by its host: what Zeppelin keeps in a path, and a word of note.toml."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", login.host).strip("-")[:64]
    kinds = {"broker_login": "password" if login.username else "none", "broker_tls": "own" if login.tls else "java"}
    return Place(NAME, TITLE, {"appid": label, "broker": login.url, **kinds}, site=_site(login))


def _site(login: Login) -> dict[str, str]:
    parts = {"user": login.username, "ca": login.tls.ca, "certificate": login.tls.certificate}
    has = " ".join(name for name, text in parts.items() if text)
    return {"platform": NAME, "broker": login.url, "appkey": NAME, "has": has}


def _store(login: Login, path: str) -> Iterator[StoreEntry]:
    entity, tls = entity_of(NAME, path), login.tls
    if login.username:
        yield StoreEntry(f"{entity}-mqtt", ("username", login.username), ("password", login.password))
    if tls.certificate:
        yield StoreEntry(f"{entity}-tls", ("certificate", tls.certificate), ("private_key", tls.private_key))
    if tls.ca:
        yield StoreEntry(f"{entity}-ca", ("", "authorities"), ("ca", tls.ca))


def _kept_file(folder: Path, login: Login) -> Path:
    return folder / f"broker-{re.sub(r'[^A-Za-z0-9.-]+', '-', login.where)}.cache"


def _kept_json(login: Login) -> dict[str, str]:
    tls = login.tls
    files = {"ca": tls.ca, "certificate": tls.certificate, "key": tls.private_key}
    return {"broker": login.url, "username": login.username, "password": login.password, **files}


def _read_kept(file: Path) -> dict[str, str]:
    """What is kept; empty where nothing is. Raises: UsageError for a file that is damaged."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is damaged"
        raise UsageError(f"{file}: {why}", next_step="delete it, and name the login again") from error
    if not isinstance(kept, dict):
        raise UsageError(f"{file}: it is damaged", next_step="delete it, and name the login again")
    return {name: text for name, text in kept.items() if isinstance(text, str)}


def _speaks_5(login: Login) -> bool:
    try:
        _try_login(login, version_5=True)
    except ProvisionError:
        return False
    return True


def _try_login(login: Login, *, version_5: bool = False) -> None:
    from provision.mqtt.client import try_login  # paho, which few commands need

    try_login(login, version_5=version_5)
