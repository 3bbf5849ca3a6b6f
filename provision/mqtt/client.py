"""An MQTT client made of a login, and in words why a broker does not take it."""

import select
import ssl
import time
from typing import Any

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from provision.errors import RefusedError, UnreachableError
from provision.mqtt.login import Login
from provision.mqtt.pem import client_context

CONNECT_TIMEOUT = 10.0  # seconds, for the connection and again for the broker's answer
KEEP_ALIVE = 30  # seconds

# MQTT 3.1.1, 3.2.2.3, by the MQTT 5 code that paho maps each to; platforms have their own words for 4 and 5
REFUSALS = {132: 1, 133: 2, 134: 4, 135: 5}
_VERIFY = {
    10: "it has expired",
    18: "it is signed by itself, and not trusted",
    19: "its authority is not trusted",
    20: "its authority is not trusted",
    62: "it is for another host",
    64: "it is for another address",
}
"""OpenSSL's codes (X509_V_ERR_…) of what is wrong with a certificate."""


class LoginRefusedError(RefusedError):
    """The broker refused the login, at MQTT of that `version`; `code` is the CONNACK return code (1, 2, 4 or 5)."""

    def __init__(self, login: Login, code: int, version: str = "3.1.1") -> None:
        words = {1: f"it does not speak MQTT {version}", 2: "the client id is rejected"}
        cause = words.get(code) or login.refusals.cause(code)
        next_step = "use another broker" if code == 1 else login.refusals.next_step
        super().__init__(f"broker {login.where} refused the login: {cause} (CONNACK {code})", next_step=next_step)
        self.code = code


class UntrustedError(UnreachableError):
    """What answers has a certificate that is not trusted, or trusts the client's not: another try ends the same way."""


def new_client(login: Login, *, version_5: bool = False) -> Client:
    """A client that is not connected yet. Raises: UntrustedError for certificates that can't be read."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        login.client_id,
        protocol=MQTTv5 if version_5 else MQTTv311,
        transport="websockets" if login.over_websocket else "tcp",
        reconnect_on_failure=False,
    )
    if login.username:
        client.username_pw_set(login.username, login.password)
    if login.over_websocket:
        client.ws_set_options(path=login.path)
    if login.encrypted:
        client.tls_set_context(client_context(login.tls))
    client.connect_timeout = CONNECT_TIMEOUT
    return client


def connect(client: Client, login: Login) -> None:
    """Open the connection and send the login. Raises: UntrustedError, UnreachableError."""
    try:
        client.connect(login.host, login.port, KEEP_ALIVE)
    except ssl.SSLError as error:
        raise untrusted(login, error) from error
    except (OSError, ValueError) as error:
        raise unreachable(login.where, str(error)) from error


def untrusted(login: Login, error: ssl.SSLError) -> UnreachableError:
    """Why there is no TLS with this broker."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _VERIFY.get(error.verify_code) or error.verify_message
        given = "the authorities that are given" if login.tls.ca else "those that this machine trusts"
        return UntrustedError(
            f"broker {login.where}: its certificate is refused: {why} (checked against {given})",
            next_step=login.refusals.untrusted,
        )
    if isinstance(error, ssl.SSLEOFError) or "WRONG_VERSION_NUMBER" in str(error) or "RECORD_LAYER" in str(error):
        return UntrustedError(
            f"broker {login.where}: it does not speak TLS on this port",
            next_step="take its TLS port, or mqtt:// for one without TLS",
        )
    if "ALERT" in str(error).upper():
        return UntrustedError(
            f"broker {login.where}: it refused the TLS connection: {error.reason or error}",
            next_step="check the client's certificate: --mqtt-certificate and --mqtt-key",
        )
    return unreachable(login.where, str(error))


def unreachable(where: str, cause: str) -> UnreachableError:
    """A broker that can't be reached."""
    return UnreachableError(f"broker {where}: {cause}", next_step="check that it runs and can be reached from here")


def try_login(login: Login, *, version_5: bool = False) -> None:
    """Connect, wait for the broker's answer, and say goodbye.

    Raises: LoginRefusedError, UntrustedError, UnreachableError.
    """
    answer: list[int] = []
    client = new_client(login, version_5=version_5)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answer.append(reason.value)
    connect(client, login)
    deadline = time.monotonic() + CONNECT_TIMEOUT
    while not answer and (sock := client.socket()) and (left := deadline - time.monotonic()) > 0:
        if pending(sock) or select.select([sock], [], [], left)[0]:
            answer += refused_protocol(client.loop_read())
    client.disconnect()
    if not answer:
        raise unreachable(login.where, no_answer(login))
    check_answer(login, answer[0], "5" if version_5 else "3.1.1")


def refused_protocol(code: MQTTErrorCode) -> list[int]:
    """The answer that a read of `code` stands for: paho tells no callback of CONNACK 1."""
    return [132] if code == MQTTErrorCode.MQTT_ERR_PROTOCOL else []


def check_answer(login: Login, answer: int, version: str = "3.1.1") -> None:
    """Raise for an answer to a login that is not 0: LoginRefusedError, UnreachableError."""
    if answer in REFUSALS:
        raise LoginRefusedError(login, REFUSALS[answer], version)
    if answer:
        raise unreachable(login.where, f"it refused the connection (reason code {answer})")


def no_answer(login: Login, how: str = "") -> str:
    """What a broker that says nothing to a login, or closes the connection (`how`), may want."""
    how = how or "no answer to the login"
    if login.encrypted and not login.tls.certificate:
        return f"{how}; it may want a client's certificate"
    return how if login.encrypted else f"{how}; the port may be one with TLS"


def pending(sock: Any) -> bool:
    """Whether decrypted bytes wait in a TLS socket, of which `select` knows nothing."""
    ask = getattr(sock, "pending", None)
    return bool(ask and ask())
