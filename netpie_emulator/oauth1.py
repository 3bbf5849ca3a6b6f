"""OAuth 1.0a request signatures (RFC 5849), which microgear-nodejs, html5 and esp8266 sign their requests
with.
"""

import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from netpie_emulator.store import signature

_PARAMETER = re.compile(r'([A-Za-z0-9_]+)="([^"]*)"')


@dataclass(frozen=True)
class SignedRequest:
    """A request with its OAuth parameters: those of the Authorization header, the query and the form
    together.
    """

    method: str
    url: str
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return the first value of `name`, or an empty string."""
        return next((value for key, value in self.parameters if key == name), "")

    def is_signed_with(self, consumer_secret: str, token_secret: str = "") -> bool:
        """Whether `oauth_signature` is the HMAC-SHA1 signature of this request (RFC 5849, 3.4)."""
        key = f"{_encode(consumer_secret)}&{_encode(token_secret)}"
        expected = signature(key, self._base_string())
        return hmac.compare_digest(expected.encode(), self.get("oauth_signature").encode())

    def _base_string(self) -> str:
        encoded = sorted(
            (_encode(name), _encode(value)) for name, value in self.parameters if name != "oauth_signature"
        )
        parameters = "&".join(f"{name}={value}" for name, value in encoded)
        return "&".join((self.method, _encode(self.url), _encode(parameters)))


def signed_request(method: str, url: str, authorization: str, form: str) -> SignedRequest:
    """Return the request to `url` (`http://host:port/path?query`) with the parameters it signs."""
    parts = urlsplit(url)
    in_header = [(name, unquote(value)) for name, value in _PARAMETER.findall(authorization)]
    others = [*parse_qsl(parts.query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True)]
    base_url = f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"
    return SignedRequest(method, base_url, (*in_header, *others))


def _encode(text: str) -> str:
    return quote(text, safe="~")
