"""What every platform gives: the interface between the modules of this folder and the rest of the tool.

A platform is a module that has `PLATFORM`. It finds the **account** that a person has named; an account gives
**clients**, each with the credentials of one MQTT client; a client gives the **connection** of one note.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from provision.bundles.connection import Connection
from provision.finding import Finding
from provision.mqtt.login import Login
from zeppelin_sdk import Credential

UNKNOWN = "unknown-before-apply"
"""What stands for a secret in a plan that has not got it."""


@dataclass(frozen=True)
class AccountField:
    """Something that names an account or is a secret of it: a line of a credentials file, a column of a class file.

    Without an `option` no command line may hold it, as for secrets. `variable` is that of the environment. `is_file`:
    it names a file, relative to the one that it stands in. `is_server`: it says whom to ask, and names no account.
    `is_place`: the paths of notes are told by it.
    """

    name: str
    option: str = ""
    metavar: str = ""
    variable: str = ""
    help: str = ""
    is_file: bool = False
    is_server: bool = False
    is_place: bool = False


@dataclass(frozen=True)
class Given:
    """What a person has said of an account: `values` by the names of fields, and files.

    `folder` is the one for what is kept, where it is another than the platform's own. `hints` are values of fields that
    other options have, for an account that nothing else names. `of_project` are those of the two files that the project
    file names: the environment counts before them.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials_file: Path | None = None
    secret_file: Path | None = None
    folder: Path | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    of_project: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


@dataclass(frozen=True)
class Seeking:
    """How an account is looked for: `default` has values by field for what nothing else names, `ask` asks a person for
    a secret by its name. `planning`: a stand-in will do for a secret, and nobody is asked.
    """

    default: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[str], str] | None = None
    planning: bool = False


ASKS_NOBODY = Seeking()


@dataclass(frozen=True)
class Place:
    """Where a note's topics are. `title` begins the paths of notes; `parameters` are those of a bundle that follow from
    the account, as text: nobody gives them. `below`: topics are named without what is put before them. `site` is
    what an apply notes of the connection, as far as it is known.
    """

    platform: str
    title: str
    parameters: Mapping[str, str]
    below: bool = False
    site: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a platform allows. `connections` of one client's credentials at once; None where nothing limits them."""

    connections: int | None = None


@dataclass(frozen=True)
class Seen:
    """What a server has of a note already: a login in it that is as good as a new one stays."""

    texts: Iterable[str] = ()
    stored: Iterable[Credential] = ()


NOTHING_SEEN = Seen()


class Client(Protocol):
    """The credentials of one MQTT client."""

    @property
    def broker_url(self) -> str:
        """The broker, such as ssl://HOST:8883."""

    def login(self) -> Login:
        """What an MQTT client of a person's own connects with now."""

    def connection(self, values: Mapping[str, Any], path: str, seen: Seen = NOTHING_SEEN) -> Connection:
        """What the note at `path` with these parameters needs to connect.

        Raises: UsageError when the parameters do not fit the platform, or each other.
        """

    def reachable(self, consequence: str) -> Self:
        """The same with a broker that takes a connection from this machine now.

        Raises: provision.errors.UnreachableError, or RefusedError, whose next step ends in `consequence`.
        """


@dataclass(frozen=True)
class Sender:
    """What a publisher connects with: `login` is called at each connection; `renew` replaces a login that is refused as
    no longer valid, where the platform can. `link` makes a connection that is none of MQTT: `RestLink` is one.
    """

    login: Callable[[], Login]
    topic: str
    renew: Callable[[], object] | None = None
    link: Callable[[], Any] | None = None


@dataclass(frozen=True)
class Hearer:
    """What somebody listens with, beside the note's client: as `Sender`, to `topics`, which may hold secrets. `shown`
    is what each may be called.
    """

    login: Callable[[], Login]
    topics: tuple[str, ...] = field(repr=False)
    shown: tuple[str, ...]
    renew: Callable[[], object] | None = None


Cause = tuple[str, ...]
"""What can fail for many accounts at once: a part ("auth server"), and which one."""


@dataclass(frozen=True)
class Need:
    """What getting a client takes: `cause` if it fails, and `check`, which raises that failure without getting one."""

    cause: Cause
    check: Callable[[], object] | None = None


class PlatformAccount(Protocol):
    """Whose events: an application, a device, a user of a broker."""

    @property
    def place(self) -> Place:
        """Where its topics are."""

    @property
    def folder(self) -> Path:
        """Where what is got for it is kept: files 0600 in a folder 0700."""

    def kept_in(self, folder: Path) -> Self:
        """The same with another folder: one that no other note's client is kept in."""

    def planned(self, broker: str) -> Client:
        """The kept client, or stand-ins at `broker` (empty: unknown); asks nobody and writes nothing."""

    def client(self) -> Client:
        """The kept client; gets one where none is kept."""

    def needs(self) -> tuple[Need, ...]:
        """What `client` would ask now; nothing where it is kept."""

    def sender(self, topic: str) -> Sender:
        """What a publisher to `topic` connects with, beside the note's client. Raises: UsageError for no such topic."""

    def hearer(self, topics: str) -> Hearer:
        """What a listener to a note's `topics` connects with, beside the note's client and the publisher's.

        Raises: UsageError for no such topics, and where another connection would cut off the note's.
        """

    def shown(self, *, secrets: bool) -> Mapping[str, str]:
        """What is kept, by the names of `creds show --json`; secrets among it only if they are asked for.

        Raises: an error where nothing is kept.
        """

    def forget(self) -> bool:
        """Delete what is kept on this machine; returns whether there was anything. The platform is not told."""


@dataclass(frozen=True)
class Past:
    """What a platform has kept of a device at a time (epoch ms), by field."""

    device: str
    timestamp: int
    values: Mapping[str, int | float | str]


@runtime_checkable
class KeepsHistory(Protocol):
    """An account of a platform that stores events itself."""

    def history(self, start: int, end: int, fields: Sequence[str]) -> Iterator[Past]:
        """What was stored from `start` to `end` (epoch ms, both included), device by device, oldest first; of all
        fields if none is named.

        Raises, as it is read: RefusedError, UnreachableError, ProvisionError.
        """


@runtime_checkable
class Forecasts(Protocol):
    """An account of a platform that allows so much a month."""

    def forecast(self, topics: str) -> Iterable[tuple[str, bool]]:
        """What the note takes of the month's quota, in words, and whether that is more than there is."""


class Platform(Protocol):
    """Where events come from."""

    @property
    def name(self) -> str:
        """What `--platform` calls it."""

    @property
    def help(self) -> str:
        """What it is, in a few words."""

    @property
    def fields(self) -> tuple[AccountField, ...]:
        """What names an account."""

    @property
    def limits(self) -> Limits:
        """What it allows."""

    def account(self, given: Given, seeking: Seeking = ASKS_NOBODY) -> PlatformAccount:
        """The account that is named.

        Raises: an error of exit status 2 when a value is missing or invalid, or a file can't be read.
        """

    def place(self, given: Given) -> Place:
        """Where the topics of the account are; its secrets need not be known. Raises: UsageError when nothing says."""

    def noted(self, values: Mapping[str, str], site: Mapping[str, str]) -> Mapping[str, str]:
        """Fields of the account of a note, by what its last apply noted: parameters and site."""

    def of_site(self, site: Mapping[str, str]) -> Client:
        """A client without secrets, by what an apply has noted of the connection."""

    def checks(self, given: Given) -> Iterator[Finding]:
        """What `doctor` says of it: the account, what is kept, the servers. An error ends it."""
