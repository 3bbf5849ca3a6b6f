"""What an MQTT client connects with: a broker's address, a client id, a user, certificates."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

PORTS = {"tcp": 1883, "ssl": 8883, "ws": 80, "wss": 443}
"""The port of an address without one, by its scheme."""
_TLS = ("ssl", "wss")
_WEBSOCKETS = ("ws", "wss")
_HERE = ("localhost", "127.", "::1")


@dataclass(frozen=True)
class Tls:
    """Certificates as PEM text. Without `ca` the client trusts as its system does; `certificate` is the client's."""

    ca: str = ""
    certificate: str = ""
    private_key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.ca or self.certificate)


@dataclass(frozen=True)
class Refusals:
    """What a refused login means to a platform (CONNACK 4, CONNACK 5) and what to do; `untrusted` is what to do about a
    broker's certificate.
    """

    wrong: str = "user name or password is wrong"
    forbidden: str = "not authorised"
    next_step: str = "check user and password, and what the broker allows this user"
    untrusted: str = "check the host's name and the broker's certificate, or name its authority with --mqtt-ca"

    def cause(self, code: int) -> str:
        """The cause of CONNACK `code`."""
        return self.wrong if code == 4 else self.forbidden


@dataclass(frozen=True)
class Login:
    """What an MQTT client connects with; `url` is tcp://, ssl://, ws:// or wss://. No `username`: no login.

    `hides_username`: it is a secret too, as a device's token at NETPIE 2020 is.
    """

    url: str
    client_id: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: Tls = Tls()
    hides_username: bool = False
    refusals: Refusals = Refusals()

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def path(self) -> str:
        """Where the broker's websocket is; brokers have it at /mqtt unless they are told otherwise."""
        return urlsplit(self.url).path or "/mqtt"

    @property
    def where(self) -> str:
        """HOST:PORT, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        return urlsplit(self.url).scheme in _TLS

    @property
    def over_websocket(self) -> bool:
        return urlsplit(self.url).scheme in _WEBSOCKETS


def is_encrypted(url: str) -> bool:
    """Whether a broker's address is one with TLS."""
    return Login(url).encrypted


def leaves_machine(url: str) -> bool:
    """Whether a broker's address is that of another machine."""
    return not Login(url).host.startswith(_HERE)


def plain_warning(url: str) -> str:
    """What to tell of a broker whose connection everybody on the way can read; empty where nobody can."""
    if is_encrypted(url) or not leaves_machine(url):
        return ""
    where = Login(url).where
    return f"{where} is asked without TLS: who can listen on the way there reads the login and the events"
