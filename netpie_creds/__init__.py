"""NETPIE 2015 credentials: the token flow, the MQTT password, and microgear's cache file."""

from netpie_creds.auth_server import NETPIE_2015, AuthServer, Revoked
from netpie_creds.backoff import Backoff
from netpie_creds.cache import cache_path, delete_cache, kept_cache, read_cache, write_cache
from netpie_creds.errors import (
    ApplicationError,
    AuthServerRefusedError,
    AuthServerUnreachableError,
    AuthServerUntrustedError,
    CacheError,
    MalformedAnswerError,
    NetpieError,
    WrongKeyError,
    WrongSecretError,
)
from netpie_creds.load import load_application
from netpie_creds.model import AccessToken, Application, Credentials, broker_of, host_and_port
from netpie_creds.mqtt import MqttLogin, mqtt_login
from netpie_creds.thing import Refreshed, current_endpoint, get_credentials, refresh, revoke

__all__ = [
    "NETPIE_2015",
    "AccessToken",
    "Application",
    "ApplicationError",
    "AuthServer",
    "Backoff",
    "CacheError",
    "Credentials",
    "MalformedAnswerError",
    "MqttLogin",
    "NetpieError",
    "AuthServerRefusedError",
    "Refreshed",
    "Revoked",
    "AuthServerUnreachableError",
    "AuthServerUntrustedError",
    "WrongKeyError",
    "WrongSecretError",
    "broker_of",
    "cache_path",
    "current_endpoint",
    "delete_cache",
    "get_credentials",
    "host_and_port",
    "kept_cache",
    "load_application",
    "mqtt_login",
    "read_cache",
    "refresh",
    "revoke",
    "write_cache",
]
