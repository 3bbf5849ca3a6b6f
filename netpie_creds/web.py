"""HTTP as the environment wants it: its CA file, its proxies but for loopback, and TLS told from plain HTTP."""

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
from urllib.parse import urlsplit

import requests

PROBE_TIMEOUT = 3.0  # seconds
TLS_RECORDS = (b"\x15", b"\x16")  # an alert, or the handshake


def open_session() -> requests.Session:
    """Return a session that trusts what SSL_CERT_FILE names, as OpenSSL does.

    `requests` knows, and prefers, REQUESTS_CA_BUNDLE only.
    """
    session = requests.Session()
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    return session


def proxies_for(url: str) -> dict[str, str]:
    """Return the `proxies` of a request: none of the environment's for loopback, which they can't reach."""
    host = urlsplit(url).hostname or ""
    return {"no_proxy": host} if is_loopback(host) else {}


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine's loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".") == "localhost" or host.endswith(".localhost")


def why_tls(error: requests.exceptions.SSLError) -> str:
    """Return why there was no TLS connection, in the words of OpenSSL where it has any."""
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "record layer" in text.lower():
        return "it does not speak TLS: write http:// in place of https://"
    detail = text.partition("verify failed: ")[2].partition(" (_ssl")[0].rstrip(".")
    if detail:
        return f"its TLS certificate is not trusted: {detail}"
    return "no TLS connection: " + (ca_fault() or "check the server's certificate and protocol versions")


def ca_fault() -> str:
    """Return why the environment's CA file can't be used; "" if it can, or there is none."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    name = next((name for name in names if os.environ.get(name)), "")
    path = os.environ.get(name, "")
    if not path or os.path.isdir(path):
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return f"{name}={path} has no certificate in it"
    except OSError as error:
        return f"{name}={path}: {error.strerror}"
    return ""


def speaks_tls(address: str) -> bool:
    """Return whether the port of an http:// address speaks TLS; asks it."""
    parts = urlsplit(address)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    where = (parts.hostname or "", parts.port or http.client.HTTP_PORT)
    try:
        hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname=parts.hostname)
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        with socket.create_connection(where, PROBE_TIMEOUT) as plain:
            plain.sendall(outgoing.read() + b"\r\n\r\n")  # the line's end for a server that waits for one
            return plain.recv(1) in TLS_RECORDS
    except (OSError, ValueError):
        return False


def why_failed(error: requests.RequestException) -> str:
    """Return the kind of failure, "" where the error does not tell. Its text would quote the URL and its secrets."""
    if "failed: 407" in str(error):
        return "the proxy wants a user and a password"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not connect to it, or is out of reach"
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ConnectionRefusedError):
            return "connection refused"
        if "NameResolution" in type(inner).__name__ or "getaddrinfo" in str(inner):
            return "its name can't be resolved"
        reason = getattr(inner, "reason", None)
        nested = reason if isinstance(reason, BaseException) else next(
            (part for part in inner.args if isinstance(part, BaseException)), None
        )  # fmt: skip
        inner = nested or inner.__cause__ or inner.__context__
    return "" if isinstance(error, requests.ConnectionError) else "no HTTP answer"
