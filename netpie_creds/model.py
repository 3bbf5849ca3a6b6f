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
_IN_FILE_NAME_OR_USERNAME = re.compile(r"[/\\%\s\x00-\x1f\x7f-\x9f]")  # microgear-KEY.cache, KEY%EPOCH


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
            ("APPKEY", self.appkey, _IN_FILE_NAME_OR_USERNAME),
        ):
            if not value or forbidden.search(value):
                raise ApplicationError(
                    f"{ascii(value)} is not an {name}", next_step="copy it from NETPIE's page of the application"
                )
        if not self.appsecret or not self.appsecret.isprintable():
            raise ApplicationError(
                "the APPSECRET is empty or has characters that no secret has",
                next_step="copy it from NETPIE's page of the application",
            )


@dataclass(frozen=True)
class AccessToken:
    """The token of one thing (a "microgear"), as NETPIE issued it and as the cache file holds it.

    `endpoint` is `pie://host:port`; `revokecode` is what `/api/revoke/TOKEN/CODE` asks for.
    """

    token: str
    secret: str = field(repr=False)
    endpoint: str
    revokecode: str = field(repr=False)

    def broker(self) -> tuple[str, int]:
        """Return the MQTT host and port of `endpoint`.

        Raises: ValueError when it is not `scheme://host[:port]`.
        """
        parts = urlsplit(self.endpoint)
        if not parts.scheme or not parts.hostname:
            raise ValueError(f"{ascii(self.endpoint)} is not an endpoint such as pie://host:port")
        return parts.hostname, parts.port or DEFAULT_MQTT_PORT


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
