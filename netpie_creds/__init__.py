"""NETPIE 2015 credentials: the token flow, the MQTT password, and microgear's cache file."""

from netpie_creds.errors import (
    ApplicationError,
    CacheError,
    MalformedAnswerError,
    NetpieError,
    RefusedError,
    UnreachableError,
    WrongKeyError,
    WrongSecretError,
)

__all__ = [
    "ApplicationError",
    "CacheError",
    "MalformedAnswerError",
    "NetpieError",
    "RefusedError",
    "UnreachableError",
    "WrongKeyError",
    "WrongSecretError",
]
