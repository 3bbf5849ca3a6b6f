"""NETPIE 2015: an application's thing (a "microgear") connects, to topics below /APPID/."""

import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from netpie_creds import (
    NETPIE_2015,
    AccessToken,
    Application,
    AuthServer,
    CacheError,
    Credentials,
    cache_path,
    current_endpoint,
    delete_cache,
    get_credentials,
    host_and_port,
    kept_cache,
    load_application,
    mqtt_login,
    read_cache,
    refresh,
)
from netpie_creds.load import read_application_file
from provision.bundles.connection import Connection, ConnectionValues, StoreEntry
from provision.bundles.values.topics import (
    check_below,
    check_filter,
    check_length,
    check_topic,
    is_control,
    shown,
    split_topics,
)
from provision.errors import UnreachableError, UsageError
from provision.finding import Finding
from provision.home import private_dir, state_dir
from provision.mqtt.login import Login, Refusals
from provision.platforms.netpie2015_checks import checks
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
from provision.platforms.shared import check_ca, check_client, check_receivers, check_version, client_id_of, entity_of
from zeppelin_sdk import Credential

NAME = "netpie2015"
TITLE = "NETPIE"
BROKER_TIMEOUT = 10.0  # seconds to open a TCP connection to the broker
AUTH_TIMEOUT = 5.0  # seconds, where the auth server is only tried
REFUSALS = Refusals(
    "the token is no longer valid",
    "not authorised, or the key is disabled",
    "get a new token, or look at the application's keys on NETPIE",
    "check the broker's address, and its certificate",
)
NOBODY_S_BROKER = "pie://the-broker-that-netpie-names:1883"


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

    def login(self) -> Login:
        """What an MQTT client connects with."""
        return Login(self.broker_url, self.client_id, self.username, self.password, refusals=REFUSALS)

    def reachable(self, consequence: str) -> Self:
        """The same: nobody asks where a broker is without a thing."""
        return self

    def connection(self, values: Mapping[str, Any], path: str, seen: Seen = NOTHING_SEEN) -> Connection:
        """What the note at `path` with these parameters needs to connect.

        Raises: UsageError when the parameters of broker and receivers do not fit each other.
        """
        url = values.get("broker") or self.broker_url
        _check_login(values)
        check_client(values, url)
        check_receivers(values, Limits() if values.get("broker_login") == "none" else PLATFORM.limits, "a NETPIE thing")
        check_ca(values, url)
        if not values.get("broker"):
            check_version(values, "NETPIE")
        topic = f"/{values['appid']}/{values['topic']}"
        topics = [f"/{values['appid']}/{each}" for each in split_topics(values["topic"])]
        return Connection(
            ConnectionValues(self.appkey, url, client_id_of(path), topic, topics, platform=TITLE),
            self._store(path),
            site={"broker": self.broker_url, "appkey": self.appkey},
            writable=() if values.get("broker") else (f"/{values['appid']}/",),
        )

    def _store(self, path: str) -> tuple[StoreEntry, ...]:
        thing, session = entities(self.appkey, path)
        return (
            StoreEntry(thing, ("client_id", self.client_id), ("hmac_key", self.hmac_key)),
            StoreEntry(session, ("username", self.username), ("password", self.password)),
        )


@dataclass(frozen=True)
class ThingClient:
    """The credentials of a thing, which sign a login at a time."""

    credentials: Credentials
    folder: Path
    auth: str = NETPIE_2015

    @property
    def broker_url(self) -> str:
        """The broker that NETPIE has named."""
        return f"tcp://{host_and_port(*self.credentials.token.broker())}"

    def login(self) -> Login:
        """A login made now: the password is bound to the time."""
        return Netpie2015.of(self.credentials, int(time.time())).login()

    def connection(self, values: Mapping[str, Any], path: str, seen: Seen = NOTHING_SEEN) -> Connection:
        """As `Netpie2015.connection`; a login of the same thing that the server has already is not made anew."""
        made_at = None
        if values["secrets"] == "inline":
            made_at = signed_at(self.credentials, seen.texts)
        elif values["secrets"] == "store":
            made_at = stored_at(self.credentials, seen.stored, path)
        return Netpie2015.of(self.credentials, made_at or int(time.time())).connection(values, path)

    def reachable(self, consequence: str) -> Self:
        """The same with a broker that takes a connection now, asked of NETPIE anew where the kept one does not.

        Raises: UnreachableError, whose next step ends in `consequence`; netpie_creds.CacheError.
        """
        auth = AuthServer(self.auth)
        return replace(self, credentials=reachable(self.credentials, self.folder, auth, consequence=consequence))


@dataclass(frozen=True)
class ApplicationAccount:
    """An application, the folder of its thing, and the one that a publisher's own thing has its folder in."""

    application: Application
    folder: Path
    others: Path
    auth: str = NETPIE_2015

    @property
    def place(self) -> Place:
        """Below /APPID/."""
        return Place(NAME, TITLE, {"appid": self.application.appid}, below=True)

    def kept_in(self, folder: Path) -> Self:
        """The same with its thing in another folder."""
        return replace(self, folder=folder, others=folder)

    def auth_server(self) -> AuthServer:
        """The auth server. Raises: netpie_creds.ApplicationError when its address is none."""
        return AuthServer(self.auth)

    def planned(self, broker: str) -> ThingClient:
        """The kept thing's credentials, or stand-ins. Raises: netpie_creds.CacheError."""
        token = read_cache(self.folder, self.application.appkey) or AccessToken(UNKNOWN, UNKNOWN, "", UNKNOWN)
        endpoint = token.endpoint or broker or NOBODY_S_BROKER
        return ThingClient(Credentials(self.application, replace(token, endpoint=endpoint)), self.folder, self.auth)

    def client(self) -> ThingClient:
        """The credentials of the thing in the folder; makes one when there is none.

        Raises: netpie_creds.NetpieError, as `netpie_creds.get_credentials`.
        """
        _make_private(self.folder)
        return ThingClient(get_credentials(self.application, self.folder, self.auth_server()), self.folder, self.auth)

    def needs(self) -> tuple[Need, ...]:
        """The auth server and this application there, where no thing is kept."""
        if kept_cache(self.folder, self.application.appkey) is not None:
            return ()
        application = self.application
        return (
            Need(("auth server", self.auth), AuthServer(self.auth, timeout=AUTH_TIMEOUT).time),
            Need(("application", application.appid, application.appkey, application.appsecret)),
        )

    def sender(self, topic: str) -> Sender:
        """A thing of the publisher's own: NETPIE lets one connect once, and the note has its own."""
        full = full_topic(self.application.appid, topic)
        thing = self._thing("publisher")
        return Sender(thing.login, full, thing.renew)

    def hearer(self, topics: str) -> Hearer:
        """A thing of the listener's own."""
        full = tuple(f"/{self.application.appid}/{check_filter(each)}" for each in split_topics(topics))
        thing = self._thing("listener")
        return Hearer(thing.login, full, full, thing.renew)

    def _thing(self, name: str) -> "OtherThing":
        _make_private(self.others)
        return OtherThing(self.application, private_dir(self.others / name), self.auth_server())

    def shown(self, *, secrets: bool) -> Mapping[str, str]:
        """The kept thing, and where. Raises: netpie_creds.CacheError."""
        application = self.application
        token = read_cache(self.folder, application.appkey)
        path = kept_cache(self.folder, application.appkey) or cache_path(self.folder, application.appkey)
        if token is None:
            raise CacheError(f"{path}: no thing is kept there", next_step="run provision creds get")
        more = {"secret": token.secret, "revokecode": token.revokecode} if secrets else {}
        known = {"appid": application.appid, "appkey": application.appkey}
        return {"cache": str(path), **known, "token": token.token, "endpoint": token.endpoint, **more}

    def forget(self) -> bool:
        """Delete the thing's cache; `creds revoke` makes the token invalid too."""
        there = kept_cache(self.folder, self.application.appkey) is not None
        delete_cache(self.folder, self.application.appkey)
        return there


class OtherThing:
    """A thing beside the note's. Its token is kept in `folder`, and comes from `auth` when there is none yet.

    Raises, as do its methods: netpie_creds.NetpieError.
    """

    def __init__(self, application: Application, folder: Path, auth: AuthServer) -> None:
        self._application = application
        self._folder = folder
        self._auth = auth
        self._credentials = current_endpoint(get_credentials(application, folder, auth), folder, auth)

    def login(self) -> Login:
        """Return a login with a password made now."""
        return Netpie2015.of(self._credentials, int(time.time())).login()

    def renew(self) -> None:
        """Replace the token that the broker refuses."""
        self._credentials = refresh(self._application, self._folder, self._auth).credentials


class Netpie2015Platform:
    """NETPIE of 2015."""

    name = NAME
    help = "an application of NETPIE 2015 (APPID, APPKEY, APPSECRET)"
    fields = (
        AccountField("appid", "--appid", "APPID", "NETPIE_APPID", "The application's APPID.", is_place=True),
        AccountField("appkey", "--appkey", "APPKEY", "NETPIE_APPKEY", "The application's APPKEY."),
        AccountField("appsecret", variable="NETPIE_APPSECRET"),
        AccountField(
            "auth", "--auth", "URL", "NETPIE_AUTH", f"NETPIE's auth server.  [default: {NETPIE_2015}]", is_server=True
        ),
    )
    limits = Limits(connections=1)

    def account(self, given: Given, seeking: Seeking = ASKS_NOBODY) -> ApplicationAccount:
        """The application. Raises: netpie_creds.ApplicationError."""
        ask = seeking.ask
        values = given.values
        application = load_application(
            appid=values.get("appid"),
            appkey=values.get("appkey"),
            file=given.credentials_file,
            secret_file=given.secret_file,
            env={**given.env, **({"NETPIE_APPSECRET": values["appsecret"]} if values.get("appsecret") else {})},
            ask_secret=(lambda: ask("APPSECRET")) if ask and not seeking.planning else None,
            default={**seeking.default, **({"appsecret": UNKNOWN} if seeking.planning else {})},
            env_first="credentials_file" in given.of_project,
        )
        folder = _folder(given.folder, application.appkey)
        return ApplicationAccount(application, folder, given.folder or _own_folder(), auth_of(given))

    def place(self, given: Given) -> Place:
        """Below /APPID/. Raises: UsageError without one; netpie_creds.ApplicationError for a file that is none."""
        in_file = read_application_file(given.credentials_file) if given.credentials_file else {}
        appid = given.values.get("appid") or in_file.get("appid") or given.env.get("NETPIE_APPID", "").strip()
        if not appid:
            raise UsageError("no APPID, which the note's path has in it", next_step="give --appid, or a column `note`")
        return Place(NAME, TITLE, {"appid": appid}, below=True)

    def noted(self, values: Mapping[str, str], site: Mapping[str, str]) -> Mapping[str, str]:
        """The note's application."""
        return {"appid": values.get("appid", ""), "appkey": site.get("appkey", "")}

    def of_site(self, site: Mapping[str, str]) -> Netpie2015:
        """The login that an apply has noted in a note, without its secrets."""
        return Netpie2015(site.get("broker", "tcp://broker:1883"), site.get("appkey", "appkey"))

    def checks(self, given: Given) -> Iterator[Finding]:
        """The files, the application and its thing, the auth server and its clock, the broker."""
        return checks(given, auth_of(given), lambda appkey: _folder(given.folder, appkey))


PLATFORM = Netpie2015Platform()


def auth_of(given: Given) -> str:
    """The address of the auth server."""
    return given.values.get("auth") or given.env.get("NETPIE_AUTH") or NETPIE_2015


def _folder(given: Path | None, appkey: str) -> Path:
    """The folder of the key's cache: the one that is given, else this one if it has one, else the state's."""
    if given is not None:
        return given
    return Path.cwd() if kept_cache(Path.cwd(), appkey) is not None else _own_folder()


def _own_folder() -> Path:
    return state_dir() / "netpie"


def _make_private(folder: Path) -> None:
    """Make the tool's own folder; one that a person names stays as it is."""
    if folder == _own_folder():
        private_dir(folder)


def entities(appkey: str, path: str) -> tuple[str, str]:
    """The names of the two entries of the note at `path`: its thing's, and its MQTT login's.

    They are the note's own: a thing connects once, so notes of one application have a thing each.
    """
    thing = entity_of(appkey, path)
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
    _, _, made = entry.user.partition("%") if entry else ("", "", "")
    if entry is None or not made.isdecimal():
        return None
    login = mqtt_login(credentials, int(made))
    return int(made) if (login.username, login.password) == (entry.user, entry.password) else None


def full_topic(appid: str, topic: str) -> str:
    """Return `/APPID/TOPIC`, what NETPIE calls the application's `topic`.

    Raises: UsageError as `check_below` does, and when `appid` is not the name of an application.
    """
    if not appid or any(character in "/+#" or is_control(character) for character in appid):
        raise UsageError(
            f"APPID {shown(appid)} is no application's name",
            next_step="it is on NETPIE's page of the application",
        )
    full = f"/{appid}/{check_below(check_topic(topic))}"
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
    if values.get("broker_login") == "none" and not values.get("broker"):
        raise UsageError(
            "broker_login=none: NETPIE lets nobody in without a login",
            next_step="name a broker of your own with --param broker=tcp://HOST:PORT",
        )
    if values.get("broker_login") == "password":
        raise UsageError(
            "broker_login=password: a NETPIE 2015 thing signs its login",
            next_step="leave it out; with --platform mqtt it follows from the user and password",
        )
