"""The data types: an application, the access token of one of its things, and both together."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from netpie_creds.errors import ApplicationError

DEFAULT_MQTT_PORT = 1883
_IN_TOPIC = re.compile(r"[/+#\s\x00-\x1f\x7f-\x9f]")  # would leave /APPID/… or not be one topic level
# microgear-KEY.cache, KEY%EPOCH; and what could end a string or start a form in a note
_NOT_IN_KEY = re.compile(r"""[/\\%\s"'`{}$\x00-\x1f\x7f-\x9f]""")
_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{1,512}")  # NETPIE's are letters and digits; signatures are base64
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def is_secret(text: str) -> bool:
    """Whether `text` can be a secret, token or revoke code of NETPIE."""
    return bool(_SECRET.fullmatch(text))


@dataclass(frozen=True)
class Application:
    """A NETPIE 2015 application: what its owner reads on NETPIE's page.

    Raises: ApplicationError when a value is empty, or could not stand in a topic, a file name or a username.
    """

    appid: str
    appkey: str
    appsecret: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, value, forbidden in (
            ("APPID", self.appid, _IN_TOPIC),
            ("APPKEY", self.appkey, _NOT_IN_KEY),
        ):
            if not value or forbidden.search(value) or not value.isprintable():
                raise ApplicationError(
                    f"{ascii(value)} is not an {name}", next_step="copy it from NETPIE's page of the application"
                )
        if not is_secret(self.appsecret):
            raise ApplicationError(
                "the APPSECRET is empty or has characters that no secret has",
                next_step="copy it from NETPIE's page of the application",
            )


@dataclass(frozen=True)
class AccessToken:
    """The token of one thing (a "microgear"), as NETPIE issued it and as the cache file holds it.

    `endpoint` is `pie://host:port`; `revokecode` is what `/api/revoke/TOKEN/CODE` asks for. Either is empty where a
    cache does not hold it: NETPIE can reset an endpoint, and the first clients kept no revoke code.

    Raises: ValueError, without the value, for a part that can't be one of NETPIE's.
    """

    token: str
    secret: str = field(repr=False)
    endpoint: str
    revokecode: str = field(repr=False)

    def __post_init__(self) -> None:
        kept = {"token": self.token, "secret": self.secret, "revokecode": self.revokecode or "none"}
        for name, value in kept.items():
            if not is_secret(value):
                raise ValueError(f"its {name} is empty or has characters that no {name} has")

    def broker(self) -> tuple[str, int]:
        """Return the MQTT host and port of `endpoint`.

        Raises: ValueError when it is not `scheme://host[:port]`.
        """
        return broker_of(self.endpoint)


def broker_of(endpoint: str) -> tuple[str, int]:
    """Return the MQTT host and port of an endpoint such as `pie://host:port`.

    Raises: ValueError when it is not `scheme://host[:port]`.
    """
    parts = urlsplit(endpoint)
    more = parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
    if not parts.scheme or not _HOST.fullmatch(parts.hostname or "") or more:
        raise ValueError(f"{ascii(endpoint)} is not an endpoint such as pie://host:port")
    return parts.hostname or "", parts.port or DEFAULT_MQTT_PORT


def host_and_port(host: str, port: int) -> str:
    """Return `HOST:PORT` as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True)
class Credentials:
    """An application and the access token of one of its things: all that an MQTT login is made of."""

    application: Application
    token: AccessToken

    def hmac_key(self) -> str:
        """Return `tokensecret&appsecret`: what signs each MQTT password (microgear-python, `connect`)."""
        return f"{self.token.secret}&{self.application.appsecret}"


def sign(key: str, message: str) -> str:
    """Return base64(HMAC-SHA1(`key`, `message`)), as microgear-python's `hmac` does."""
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def revoke_code(token: str, token_secret: str, appsecret: str) -> str:
    """Return the revoke code of a token: its signature with `/` written as `_`."""
    return sign(f"{token_secret}&{appsecret}", token).replace("/", "_")
