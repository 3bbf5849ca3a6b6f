"""Why no answer came, in words, and whether the same call may be sent again."""

import requests
import urllib3.exceptions

from zeppelin_sdk._failures import PROXY_LOGIN, PROXY_STEP
from zeppelin_sdk._tls import why_tls


def may_repeat(method: str, error: OSError) -> bool:
    """Whether the call can be sent again without being done twice, and may fare better."""
    if isinstance(error, requests.exceptions.SSLError | requests.Timeout):
        return False  # the same again would happen, or the same wait
    return isinstance(error, requests.ConnectionError) and (method == "GET" or never_sent(error))


def never_sent(error: OSError) -> bool:
    """Whether no connection was made."""
    return (
        is_about_the_ca(error)
        or isinstance(error, requests.ConnectTimeout)
        or isinstance(_reason(error), urllib3.exceptions.NewConnectionError)
    )


def is_about_the_ca(error: OSError) -> bool:
    """Whether a CA file that can't be read may be the cause: `requests` raises a bare OSError for a missing one."""
    return isinstance(error, requests.exceptions.SSLError) or not isinstance(error, requests.RequestException)


def may_be_the_wrong_scheme(error: OSError) -> bool:
    """Whether the port may speak the other of HTTP and HTTPS: it took the connection, and then there was no answer."""
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE" not in str(_reason(error))
    was_slow = isinstance(error, requests.Timeout) or isinstance(_reason(error), urllib3.exceptions.ReadTimeoutError)
    if was_slow:
        return _in_handshake(error)
    return not never_sent(error) and not isinstance(error, requests.exceptions.ProxyError)


def _in_handshake(error: BaseException | None) -> bool:
    while error is not None:
        if "handshake" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(error: OSError) -> object:
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", cause)


def why(error: OSError, timeout: float) -> tuple[str, str]:
    """The cause in words, and what to do about it."""
    reason = _reason(error)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {timeout:g} s", "check the address, its port and the firewall"
    if isinstance(error, requests.Timeout) or isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return f"no answer within {timeout:g} s", "the server is busy or hangs: see its log"
    if isinstance(error, requests.exceptions.SSLError):
        return why_tls(str(reason))
    if isinstance(error, requests.exceptions.ProxyError):
        if "failed: 407" in str(reason):
            return PROXY_LOGIN, PROXY_STEP
        refused = "Tunnel connection failed" in str(reason)
        return ("the proxy does not connect to it" if refused else "the proxy is out of reach"), PROXY_STEP
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "the host's name is unknown", "check the address"
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        cause = str(reason).rpartition("] ")[2].lower() or "connection refused"
        return cause, "check the address and its port, and that Zeppelin runs there"
    return "the connection was lost before the answer was complete", "see the server's log"
