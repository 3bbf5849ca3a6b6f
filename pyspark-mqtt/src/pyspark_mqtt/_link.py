"""A connection to a broker over TCP, TLS or a websocket: a login that may be made afresh each time, and its answer."""

from __future__ import annotations

import shlex
import socket
import ssl
import subprocess
from typing import Callable, Union

from pyspark_mqtt import _packets as packets
from pyspark_mqtt._errors import LoginRefused, OptionError, Passing, ProtocolError
from pyspark_mqtt._options import Connection
from pyspark_mqtt._websocket import WebSocket, upgraded

Login = Callable[[], Union[str, tuple[str, str]]]
"""Makes a password, or a user's name and a password, for one connection."""

Link = Union[socket.socket, WebSocket]

TURN = 0.2
"""Seconds after which a call that waits for the socket looks up."""

_COMMAND_TIMEOUT = 30.0


def login_of(options: Connection, make: Login | None) -> tuple[str | None, str | None]:
    """User and password for the next connection.

    A command's first line is the password; when it prints two, they are user and password. A password without a user,
    which MQTT 3.1.1 does not allow, gets an empty one.
    """
    made: str | tuple[str, str] | None = options.password
    if make is not None:
        made = make()
    elif options.password_command is not None:
        made = _printed(options.password_command)
    user, password = made if isinstance(made, tuple) else (options.username, made)
    if password is not None and user is None and options.level == 4:
        user = ""
    return user, password


def _printed(command: str) -> str | tuple[str, str]:
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_COMMAND_TIMEOUT, check=True
        )
        lines = done.stdout.decode().splitlines()
    except subprocess.CalledProcessError as error:
        raise LoginRefused(f"mqtt.password.command ended with {error.returncode}", "run it by hand") from None
    except subprocess.TimeoutExpired:
        raise LoginRefused(f"mqtt.password.command took more than {_COMMAND_TIMEOUT:g} s", "run it by hand") from None
    except (OSError, ValueError) as error:
        raise LoginRefused(f"mqtt.password.command can't be run: {error}", "run it by hand") from None
    if not lines or len(lines) > 2:
        raise LoginRefused(
            f"mqtt.password.command printed {len(lines)} lines", "it prints a password, or user and password"
        )
    return lines[0] if len(lines) == 1 else (lines[0], lines[1])


def opened(options: Connection, timeout: float) -> Link:
    """A connection to the broker, whose calls wait so many seconds at most.

    Raises `OSError`, `LoginRefused` for a certificate that is not trusted, and as `upgraded`.
    """
    broker = options.broker
    plain = socket.create_connection((broker.host, broker.port), timeout)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if broker.encrypted:
            plain = _context(options).wrap_socket(plain, server_hostname=broker.host)
        return upgraded(plain, str(broker), broker.path, timeout) if broker.path else plain
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise LoginRefused(
            f"the certificate of {options.broker} is not trusted: {error.verify_message}",
            "name its authority in mqtt.ssl.ca",
        ) from error
    except BaseException:
        plain.close()
        raise


def _context(options: Connection) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.ca)
    except (OSError, ssl.SSLError) as error:
        raise OptionError(f"mqtt.ssl.ca: {options.ca} can't be read: {error}") from None
    if options.certificate:
        try:
            context.load_cert_chain(options.certificate, options.key)
        except (OSError, ssl.SSLError) as error:
            raise OptionError(f"mqtt.ssl.cert or mqtt.ssl.key can't be read: {error}") from None
    return context


def logged_in(
    link: Link, options: Connection, client_id: str, *, clean: bool, make: Login | None, timeout: float
) -> packets.Connack:
    """Log in and return the broker's answer.

    Raises `LoginRefused` with the broker's reason, `Passing` for a reason that may pass, `ProtocolError` for an answer
    that is none, and `OSError`.
    """
    user, password = login_of(options, make)
    link.settimeout(timeout)
    link.sendall(
        packets.connect(
            options.level,
            client_id,
            clean=clean,
            keepalive=options.keepalive,
            username=user,
            password=password,
            session_expiry=0 if clean else options.session_expiry,
            receive_maximum=options.receive_maximum,
        )
    )
    first, body = _packet(link)
    if first >> 4 != packets.CONNACK:
        raise ProtocolError(f"{options.broker} did not answer as an MQTT broker does", "check mqtt.broker.url")
    answer = packets.read_connack(options.level, body)
    if answer.code:
        if answer.passing:
            raise Passing(f"{options.broker} refused the connection: {answer.reason}")
        raise LoginRefused(
            f"{options.broker} refused the login of {client_id!r}: {answer.reason}",
            "check mqtt.version"
            if "version" in answer.reason
            else "check mqtt.username, mqtt.password and mqtt.client.id",
        )
    link.settimeout(TURN)
    return answer


def _packet(link: Link) -> tuple[int, bytes]:
    """One packet, byte by byte where need be, so that what follows it stays in the socket."""
    first = _exactly(link, 1)[0]
    length = shift = 0
    while True:
        byte = _exactly(link, 1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
        if shift > 14:
            raise ProtocolError("the answer to CONNECT is no packet of MQTT", "check mqtt.broker.url")
    return first, _exactly(link, length)


def _exactly(link: Link, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = link.recv(count - len(data))
        if not piece:
            raise ConnectionError("the broker closed the connection without an answer to the login")
        data += piece
    return bytes(data)
