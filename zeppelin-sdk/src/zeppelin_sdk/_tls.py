"""TLS: what certificates are checked against, what a failed handshake means, and whether a port speaks TLS at all."""

import contextlib
import http.client
import os
import socket
import ssl
from pathlib import Path

from zeppelin_sdk._address import Address

_PROBE_SECONDS = 3.0
_TLS_RECORDS = (b"\x15", b"\x16")  # an alert, or the handshake
_NAME_THE_CA = "name the CA's file, or set SSL_CERT_FILE to it"
_CERTIFICATE = {
    "mismatch": ("its TLS certificate is for another host", "give the host's name as the certificate has it"),
    "doesn't match": ("its TLS certificate is for another host", "give the host's name as the certificate has it"),
    "has expired": ("its TLS certificate has expired", "have it renewed, or set this machine's clock"),
    "not yet valid": (
        "its TLS certificate is not valid yet",
        "set this machine's clock, or see the certificate's dates",
    ),
    "self-signed": ("its TLS certificate is of a CA that is not known here", _NAME_THE_CA),
    "self signed": ("its TLS certificate is of a CA that is not known here", _NAME_THE_CA),
    "issuer": ("its TLS certificate is of a CA that is not known here", _NAME_THE_CA),
    "first certificate": ("its TLS certificate is of a CA that is not known here", _NAME_THE_CA),
}


def environments_ca_file() -> str:
    """The CA file that the environment names as OpenSSL does, or ""; `requests` knows REQUESTS_CA_BUNDLE only."""
    return os.environ.get("SSL_CERT_FILE", "")


def ca_fault(ca: bool | str) -> str:
    """Why no certificate can be checked against this file or folder; "" where one can."""
    if not isinstance(ca, str):
        return ""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**({"capath": ca} if Path(ca).is_dir() else {"cafile": ca}))
    except ssl.SSLError:
        return f"the CA file {ca} has no certificate in it"
    except OSError as error:
        return f"the CA file {ca}: {error.strerror}"
    return ""


def why_tls(reason: str) -> tuple[str, str]:
    """Why a TLS handshake failed, and what to do about it."""
    if "CERTIFICATE_VERIFY_FAILED" in reason or "CertificateError" in reason:
        detail = reason.partition("verify failed: ")[2].partition(" (_ssl")[0].rstrip(".")
        cause, next_step = next(
            (said for words, said in _CERTIFICATE.items() if words in (detail or reason)),
            ("its TLS certificate is not trusted", _NAME_THE_CA),
        )
        return (f"{cause}: {detail}" if detail else cause), next_step
    if "WRONG_VERSION_NUMBER" in reason or "record layer" in reason.lower():
        return _NO_TLS
    if "CERTIFICATE_REQUIRED" in reason:
        return "it wants a certificate of its clients", "give an address that takes clients without one"
    return "TLS failed", "check the server's certificate and protocol versions"


_NO_TLS = ("it does not speak TLS", "write http:// in place of https://")
_ONLY_TLS = ("it speaks TLS only", "write https:// in place of http://")


def wrong_scheme(address: Address) -> tuple[str, str] | None:
    """The cause and the next step where the port speaks the other of HTTP and HTTPS; asks it."""
    if address.scheme == "http":
        return _ONLY_TLS if _speaks_tls(address) else None
    return _NO_TLS if _speaks_http(address) else None


def _speaks_tls(address: Address) -> bool:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        # Without certificates to check against: reading them takes longer than all else here.
        hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname=address.host)
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        with _connected(address) as plain:
            plain.sendall(outgoing.read() + b"\r\n\r\n")  # the line's end for a server that waits for one
            return plain.recv(1) in _TLS_RECORDS
    except (OSError, ValueError):
        return False


def _speaks_http(address: Address) -> bool:
    try:
        with _connected(address) as plain:
            plain.sendall(f"HEAD / HTTP/1.0\r\nHost: {address.host}\r\n\r\n".encode())
            return plain.recv(5) == b"HTTP/"
    except (OSError, ValueError):
        return False


def _connected(address: Address) -> socket.socket:
    port = address.port or (http.client.HTTPS_PORT if address.scheme == "https" else http.client.HTTP_PORT)
    return socket.create_connection((address.host, port), _PROBE_SECONDS)
