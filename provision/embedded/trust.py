"""Which certificate authorities the stack's Java trusts: the wheel's JRE knows only its own list."""

import hashlib
import os
import re
import ssl
import struct
import time
from pathlib import Path

SYSTEM_STORES = (Path("/etc/ssl/certs/java/cacerts"), Path("/etc/pki/java/cacerts"))  # Debian and others; Fedora
_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_JKS_MAGIC, _JKS_VERSION, _TRUSTED_CERTIFICATE = 0xFEEDFEED, 2, 2
_PASSWORD = "changeit"  # noqa: S105 - Java's own default; the store holds no secret


def trust_options(store: Path) -> list[str]:
    """Java options that make it trust what this machine trusts; `store` is written when that needs a file.

    In this order: what JAVA_TOOL_OPTIONS and its like say; a store of the system's for Java; the certificates
    that SSL_CERT_FILE names, as for Python. Without any of them, the JRE's own list applies.
    """
    if any("javax.net.ssl.trustStore=" in os.environ.get(name, "") for name in _JAVA_OPTIONS):
        return []
    system = next((path for path in SYSTEM_STORES if path.is_file()), None)
    if system is not None:
        return [f"-Djavax.net.ssl.trustStore={system}"]
    bundle = Path(os.environ.get("SSL_CERT_FILE") or ".")
    if bundle.is_file() and (certificates := _PEM.findall(bundle.read_text(errors="replace"))):
        store.write_bytes(java_key_store([ssl.PEM_cert_to_DER_cert(text) for text in certificates]))
        return [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStoreType=JKS"]
    return []


def java_key_store(certificates: list[bytes]) -> bytes:
    """A store of trusted certificates (DER) in Java's JKS format, as `sun.security.provider.JavaKeyStore` reads it."""
    created = int(time.time() * 1000)
    store = struct.pack(">III", _JKS_MAGIC, _JKS_VERSION, len(certificates))
    for number, certificate in enumerate(certificates):
        store += struct.pack(">I", _TRUSTED_CERTIFICATE) + _utf(f"ca-{number}") + struct.pack(">Q", created)
        store += _utf("X.509") + struct.pack(">I", len(certificate)) + certificate
    salt = _PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite"
    return store + hashlib.sha1(salt + store, usedforsecurity=False).digest()


def _utf(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode("ascii")
