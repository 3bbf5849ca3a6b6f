"""The errors of NETPIE credentials. Each is one line: the thing, the cause, and the next step.

NetpieError                     1  failed
├── ApplicationError            2  an APPID, APPKEY or APPSECRET is missing or invalid
├── AuthServerUnreachableError  4  the auth server did not answer in time
│   └── AuthServerUntrustedError   4  its TLS certificate is not trusted, or there is no TLS with it
├── MalformedAnswerError        4  what answered is not a NETPIE auth server
├── WrongKeyError               5  the auth server does not know the APPKEY, or not with this APPID
├── WrongSecretError            5  the APPSECRET does not belong to the APPKEY
├── AuthServerRefusedError      5  the application is disabled, or the thing awaits approval
└── CacheError                  1  a credentials cache can't be read or written
"""

from typing import ClassVar


class NetpieError(Exception):
    """Something about NETPIE credentials failed; `message` says what and why, `next_step` what to do."""

    kind: ClassVar[str] = "netpie"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class ApplicationError(NetpieError):
    """The application's APPID, APPKEY or APPSECRET is missing or invalid."""

    kind = "application"
    exit_code = 2


class AuthServerUnreachableError(NetpieError):
    """The auth server did not answer in time, or not at all. Worth another try later."""

    kind = "unreachable"
    exit_code = 4


class AuthServerUntrustedError(AuthServerUnreachableError):
    """Its TLS certificate is not trusted, or there is no TLS with it. Never retried."""

    kind = "untrusted"


class MalformedAnswerError(NetpieError):
    """Something answered, but not as a NETPIE auth server does."""

    kind = "malformed_answer"
    exit_code = 4


class WrongKeyError(NetpieError):
    """The auth server does not know the APPKEY, or not with this APPID. Never retried."""

    kind = "wrong_key"
    exit_code = 5


class WrongSecretError(NetpieError):
    """The APPSECRET does not belong to the APPKEY. Never retried."""

    kind = "wrong_secret"
    exit_code = 5


class AuthServerRefusedError(NetpieError):
    """The key is known and refused: the application is disabled, or the thing awaits approval."""

    kind = "refused"
    exit_code = 5


class CacheError(NetpieError):
    """A credentials cache can't be read or written, or is not a microgear cache."""

    kind = "cache"
