"""NETPIE's auth server over HTTP: one method a call, each answer a value or an error of its own.

The calls and their answers are those of microgear-python 1.2.7 (`get_requesttoken`, `get_accesstoken`,
`resettoken`).
"""

import json
import logging
import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, unquote, urlencode

import requests

from netpie_creds.errors import (
    ApplicationError,
    AuthServerRefusedError,
    AuthServerUnreachableError,
    AuthServerUntrustedError,
    MalformedAnswerError,
    NetpieError,
    WrongKeyError,
    WrongSecretError,
)
from netpie_creds.model import AccessToken, Application, broker_of, is_secret, revoke_code
from netpie_creds.web import ca_fault, open_session, proxies_for, speaks_tls, why_failed, why_tls

NETPIE_2015 = "https://ga.netpie.io:8081"
STATE = "mgrev:PY11k"  # the revision that microgear-python 1.2.7 names itself by
MAX_ALIAS = 16  # characters; microgear-python cuts an alias there
TRY_LATER = (429, 500, 502, 503, 504)
ONLY_TLS = "it speaks TLS only: write https:// in place of http://"


class Revoked(StrEnum):
    """NETPIE's answer to a revocation."""

    REVOKED = "revoked"
    UNKNOWN = "unknown"  # the token was no longer valid


@dataclass
class AuthServer:
    """The auth server at `address` (`http://host:port` or `https://host:port`).

    `timeout` (seconds) bounds each connect and each wait for data. Certificates are checked against SSL_CERT_FILE or
    REQUESTS_CA_BUNDLE where the environment has one. Every method raises AuthServerUnreachableError when
    the server does not answer and MalformedAnswerError when its answer is not one of NETPIE's.
    """

    address: str = NETPIE_2015
    timeout: float = 10.0
    session: requests.Session = field(default_factory=open_session, repr=False)

    def __post_init__(self) -> None:
        self.address = self.address.rstrip("/")
        if not re.fullmatch(r"https?://[^/\s?#@]+", self.address):
            shown = "an address with a user or a password in it" if "@" in self.address else ascii(self.address)
            raise ApplicationError(
                f"{shown} is not an auth server", next_step="give http://host:port or https://host:port"
            )

    def authorize(self, application: Application, alias: str | None = None) -> str:
        """Return a code, valid once, for a new thing of `application`.

        Raises: WrongKeyError, AuthServerRefusedError; ApplicationError when the alias is too long.
        """
        answer = self._send("GET", "/oauth2/authorize", _authorize_query(application, alias))
        _, found, code = answer.url.partition("code=")
        if found and code and "code=" not in code:
            return unquote(code)
        if answer.status_code == requests.codes.forbidden:
            raise self._refused(application)
        self.time()  # a server without a NETPIE clock is not NETPIE, and its answer says nothing about the key
        raise WrongKeyError(
            f"{self.address} does not know APPKEY {application.appkey} of APPID {application.appid}",
            next_step="check both on NETPIE's page of the application",
        )

    def access_token(self, application: Application, code: str) -> tuple[AccessToken, bool]:
        """Return the access token that `code` stands for, and whether it may be kept (its flag is not "S").

        Raises: WrongSecretError, AuthServerRefusedError.
        """
        query = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": application.appkey,
            "client_secret": application.appsecret,
            "state": STATE,
        }
        answer = self._send("POST", "/oauth2/token", query)
        if answer.status_code == requests.codes.ok:
            return self._token(application, answer)
        if answer.status_code == requests.codes.forbidden:
            raise self._refused(application)
        if answer.status_code in (requests.codes.bad_request, requests.codes.unauthorized):
            raise WrongSecretError(
                f"{self.address} refuses the APPSECRET of APPKEY {application.appkey}",
                next_step="check it on NETPIE's page of the application",
            )
        raise self._malformed(f"it answers {answer.status_code} to /oauth2/token")

    def revoke(self, token: AccessToken) -> Revoked:
        """Make `token` invalid.

        Raises: AuthServerRefusedError when the server says that it could not.
        """
        path = f"/api/revoke/{quote(token.token, safe='')}/{quote(token.revokecode, safe='')}"
        answer = self._send("GET", path)
        said = answer.text.strip()
        if said == "SUCCESS":
            return Revoked.REVOKED
        if said == "TOKENNOTFOUND":
            return Revoked.UNKNOWN
        if said == "FAILED":
            raise AuthServerRefusedError(
                f"{self.address} would not revoke the token",
                next_step="revoke it on NETPIE's page of the application",
            )
        raise self._malformed("it does not answer /api/revoke")

    def endpoint(self, appkey: str) -> str:
        """Return the broker of `appkey` as `pie://host:port`."""
        answer = self._send("GET", f"/api/endpoint/{quote(appkey, safe='')}")
        endpoint = unquote(answer.text).strip()
        try:
            broker_of(endpoint)
        except ValueError:
            endpoint = ""
        if answer.status_code != requests.codes.ok or not endpoint:
            raise self._malformed("it does not answer /api/endpoint")
        return endpoint

    def time(self) -> int:
        """Return the server's clock, in seconds since the epoch."""
        answer = self._send("GET", "/api/time")
        if answer.status_code != requests.codes.ok or not re.fullmatch(r"\d{1,12}", answer.text.strip()):
            raise self._malformed("it does not answer /api/time")
        return int(answer.text)

    def _send(self, method: str, path: str, query: dict[str, str] | None = None) -> requests.Response:
        url = self.address + path
        if query:
            url += "?" + urlencode(query, quote_via=quote, safe=":")
        failure, untrusted = "", ""
        try:
            answer = self.session.request(method, url, timeout=self.timeout, proxies=proxies_for(self.address))
            failure = self._away(answer, path)
            if not failure:
                return answer
        except requests.TooManyRedirects:
            raise self._malformed("it redirects without end") from None
        except requests.Timeout:
            failure = f"no answer within {self.timeout:g} s"
        except requests.exceptions.SSLError as error:
            untrusted = why_tls(error)
        except requests.RequestException as error:
            failure = why_failed(error) or self._why_cut_off()
        except OSError:  # of `requests`, for a CA file that is not there
            untrusted = ca_fault() or "no TLS connection"
        # outside of the except blocks: the causes quote the whole URL and the secret in it
        if untrusted:
            raise AuthServerUntrustedError(
                f"auth server {self.address}: {untrusted}",
                next_step="check the address, or name the authority's file in SSL_CERT_FILE",
            )
        raise AuthServerUnreachableError(
            f"auth server {self.address}: {failure}",
            next_step="check the address and the network, then try again",
        )

    def _away(self, answer: requests.Response, path: str) -> str:
        """Why an answer is none of NETPIE's own: it is in trouble, or a proxy keeps the call from it; else ""."""
        status, challenge = answer.status_code, answer.headers.get("WWW-Authenticate", "")
        if status in TRY_LATER:
            return f"it answers {status}"
        if status == requests.codes.proxy_authentication_required:
            return "the proxy wants a user and a password"
        if status == requests.codes.unauthorized and challenge and path != "/oauth2/token":
            return f"a proxy before it wants a login of its own (HTTP {challenge.partition(' ')[0]})"
        if status == requests.codes.bad_request and path != "/oauth2/token" and self._is_tls_only():
            return ONLY_TLS
        return ""

    def _why_cut_off(self) -> str:
        return ONLY_TLS if self._is_tls_only() else "can't connect"

    def _is_tls_only(self) -> bool:
        return self.address.startswith("http:") and speaks_tls(self.address)

    def _token(self, application: Application, answer: requests.Response) -> tuple[AccessToken, bool]:
        failure: NetpieError
        try:
            content = json.loads(answer.text)
            token, secret = content["access_token"].split(":")
            broker_of(content["endpoint"])
            if not (is_secret(token) and is_secret(secret)):
                raise self._malformed("it issues a token that is empty or has characters that no token has")
            access = AccessToken(token, secret, content["endpoint"], revoke_code(token, secret, application.appsecret))
            if content["flag"] in ("P", "S"):
                return access, content["flag"] == "P"
            failure = self._malformed("it issues a token without its flag")
        except (ValueError, KeyError, TypeError, AttributeError):
            failure = self._malformed("its answer to /oauth2/token is not a token")
        raise failure  # outside of the except block: the cause may quote the token

    def _refused(self, application: Application) -> AuthServerRefusedError:
        return AuthServerRefusedError(
            f"{self.address} refuses APPKEY {application.appkey}: it is disabled or awaits approval",
            next_step="enable it on NETPIE's page of the application",
        )

    def _malformed(self, cause: str) -> MalformedAnswerError:
        return MalformedAnswerError(
            f"{self.address} is not a NETPIE auth server: {cause}",
            next_step="check the address of the auth server",
        )


def _authorize_query(application: Application, alias: str | None) -> dict[str, str]:
    if alias is not None and not re.fullmatch(rf"[^\s/+#]{{1,{MAX_ALIAS}}}", alias):
        raise ApplicationError(
            f"{ascii(alias)} is not an alias",
            next_step=f"give 1 to {MAX_ALIAS} characters, without spaces, /, + and #",
        )
    return {
        "response_type": "code",
        "client_id": application.appkey,
        "scope": f"appid:{application.appid}" + (f" alias:{alias}" if alias else ""),
        "state": STATE,
    }


class _HideSecrets(logging.Filter):
    """urllib3 logs the path of every request at DEBUG; NETPIE's API has the secret and the token there."""

    SECRET = re.compile(r"(client_secret=|code=|/api/revoke/)[^&\s]+")

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                self.SECRET.sub(r"\1***", part) if isinstance(part, str) else part for part in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_HideSecrets())
