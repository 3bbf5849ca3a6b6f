"""Why no answer came, in words, and whether the same call may be sent again."""

import requests
import urllib3.exceptions

from zeppelin_sdk._failures import PROXY_STEP


def may_repeat(method: str, error: requests.RequestException) -> bool:
    """Whether the call can be sent again without being done twice, and may fare better."""
    if isinstance(error, requests.exceptions.SSLError | requests.Timeout):
        return False  # the same again would happen, or the same wait
    return isinstance(error, requests.ConnectionError) and (method == "GET" or never_sent(error))


def never_sent(error: requests.RequestException) -> bool:
    """Whether no connection was made."""
    return isinstance(error, requests.ConnectTimeout | requests.exceptions.SSLError) or isinstance(
        _reason(error), urllib3.exceptions.NewConnectionError
    )


def _reason(error: requests.RequestException) -> object:
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def why(error: requests.RequestException, timeout: float) -> tuple[str, str]:
    """The cause in words, and what to do about it."""
    reason = _reason(error)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {timeout:g} s", "check the address, its port and the firewall"
    if isinstance(error, requests.Timeout) or isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return f"no answer within {timeout:g} s", "the server is busy or hangs: see its log"
    if isinstance(error, requests.exceptions.SSLError):
        return why_tls(str(reason))
    if isinstance(error, requests.exceptions.ProxyError):
        refused = "Tunnel connection failed" in str(reason)
        return ("the proxy does not connect to it" if refused else "the proxy is out of reach"), PROXY_STEP
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "the host's name is unknown", "check the address"
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        cause = str(reason).rpartition("] ")[2].lower() or "connection refused"
        return cause, "check the address and its port, and that Zeppelin runs there"
    return "the connection was lost before the answer was complete", "see the server's log"


def why_tls(reason: str) -> tuple[str, str]:
    """Why a TLS handshake failed, and what to do about it."""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        detail = reason.partition("verify failed: ")[2].partition(" (_ssl")[0]
        return f"its TLS certificate is not trusted: {detail}".rstrip(": "), "name the CA's file"
    if "WRONG_VERSION_NUMBER" in reason or "record layer" in reason:
        return "it does not speak TLS", "write http:// in place of https://"
    return "TLS failed", "check the server's certificate and protocol versions"
