"""Certificates and keys as PEM text: read, checked, and a key in the one form that Java reads (PKCS #8)."""

import base64
import os
import re
import ssl
import tempfile
from pathlib import Path

from provision.errors import UsageError
from provision.mqtt.login import Tls

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)-----END \1-----", re.DOTALL)
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")  # AlgorithmIdentifier of rsaEncryption (RFC 8017, A.1)
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")  # its object identifier (RFC 5480, 2.1.1)


def read_tls(ca: Path | None, certificate: Path | None, key: Path | None) -> Tls:
    """The texts of these files, checked. Raises: UsageError for one that is none, and a key of another certificate."""
    if (certificate is None) != (key is None):
        raise UsageError("a client's certificate and its key go together", next_step="name both files, or none")
    authority = _read(ca) if ca else ""
    if ca and not _is_ca(authority):
        raise UsageError(f"{ca}: no certificate in it", next_step="name a PEM file of the authorities to trust")
    if certificate is None or key is None:
        return Tls(authority)
    made = Tls(authority, _read(certificate), _as_pkcs8(_read(key), key))
    try:
        client_context(made)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(
            f"{certificate} and {key}: {_why(error)}", next_step="name the PEM files of a certificate and of its key"
        ) from error
    return made


def client_context(tls: Tls) -> ssl.SSLContext:
    """TLS of a client, which checks the broker's certificate and the name in it. Raises: ssl.SSLError, ValueError."""
    context = ssl.create_default_context(cadata=tls.ca or None)
    if tls.certificate:
        handle, file = tempfile.mkstemp()  # 0600: Python's ssl reads keys from files only
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as both:
                both.write(f"{tls.private_key}\n{tls.certificate}")
            context.load_cert_chain(file, password=lambda: "")
        finally:
            os.unlink(file)
    return context


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", next_step="name a file that can be read") from error
    except UnicodeDecodeError:
        raise UsageError(f"{file}: no PEM text", next_step="convert it to PEM: openssl x509 -inform DER") from None


def _is_ca(text: str) -> bool:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return "BEGIN CERTIFICATE" in text


def _why(error: Exception) -> str:
    if "KEY_VALUES_MISMATCH" in str(error):
        return "the key is not the certificate's"
    return "no certificate with a key that is not encrypted"


def _as_pkcs8(text: str, file: Path) -> str:
    """The private key in `text` as PKCS #8; the older forms of RSA and EC are wrapped (RFC 5208, RFC 5915)."""
    blocks = {found[1]: "".join(found[2].split()) for found in _BLOCK.finditer(text)}
    if "PRIVATE KEY" in blocks:
        return _pem(base64.b64decode(blocks["PRIVATE KEY"]))
    if "RSA PRIVATE KEY" in blocks and "," not in blocks["RSA PRIVATE KEY"]:
        inner, algorithm = base64.b64decode(blocks["RSA PRIVATE KEY"]), _RSA
    elif "EC PRIVATE KEY" in blocks and "," not in blocks["EC PRIVATE KEY"]:
        inner = base64.b64decode(blocks["EC PRIVATE KEY"])
        algorithm = _der(0x30, _EC_PUBLIC_KEY + _curve_of(inner))
    else:
        raise UsageError(
            f"{file}: no private key in it, or an encrypted one",
            next_step="convert it: openssl pkcs8 -topk8 -nocrypt -in KEY",
        )
    return _pem(_der(0x30, b"\x02\x01\x00" + algorithm + _der(0x04, inner)))


def _curve_of(key: bytes) -> bytes:
    """The object identifier in the parameters, [0], of an ECPrivateKey."""
    at = 2 + (key[1] & 0x7F if key[1] & 0x80 else 0)  # past the head of the sequence, to version and private key
    for _ in range(2):
        at += 2 + key[at + 1]
    return key[at + 2 : at + 2 + key[at + 1]] if key[at : at + 1] == b"\xa0" else b""


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _pem(der: bytes) -> str:
    text = base64.b64encode(der).decode("ascii")
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"
