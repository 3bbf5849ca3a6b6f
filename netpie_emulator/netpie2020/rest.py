"""NETPIE 2020's HTTP: the device API (`/v2/device/…`) and the data store's query, on one port.

Who asks is in `Authorization: Device CLIENTID:TOKEN`, or the same as Basic, which users' programs send too. Another is
answered with 401, what a device asks that is disabled or banned with 403, except for its status, and one over quota
with 429. Pages in a browser may ask from anywhere (CORS). A body is JSON, or a form as the vendor's Freeboard sends it.
"""

import base64
import binascii
import hmac
import ssl
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from netpie_emulator.broker_thread import BrokerThread
from netpie_emulator.http_server import EmulatedServer, RequestHandler
from netpie_emulator.netpie2020.aggregators import QueryError
from netpie_emulator.netpie2020.datastore import metric_names
from netpie_emulator.netpie2020.devices import Device
from netpie_emulator.netpie2020.form import nested
from netpie_emulator.netpie2020.platform import Netpie2020, RequestRefused, now
from netpie_emulator.netpie2020.shadow import parsed

API = "/v2/device/"
APIS = (API, "/device/")  # in the documents, and in the vendor's Node-RED nodes
QUERY = "/feed/api/v1/datapoints/query"
QUERIES = (QUERY, "/v2" + QUERY)  # at ds.netpie.io, and at api.netpie.io
OWN: Final[dict[str, Callable[[Netpie2020], Any]]] = {
    "/emulator/usage": lambda platform: dict(platform.quota.used),
    "/emulator/actions": lambda platform: [asdict(action) for action in platform.actions],
    "/emulator/pushes": lambda platform: list(platform.pushes),
}


class RestServer(EmulatedServer):
    """Answers on loopback; what it asks of `platform` is done in the broker's thread.

    Raises: PortError when the port can't be listened on.
    """

    def __init__(
        self, platform: Netpie2020, broker: BrokerThread, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        self.platform = platform
        self.broker = broker
        super().__init__(port, _Handler, "netpie-api", tls)


class _Handler(RequestHandler):
    max_body = 1_048_576  # bytes

    def do_GET(self) -> None:
        self._do("GET")

    def do_PUT(self) -> None:
        self._do("PUT")

    def do_POST(self) -> None:
        self._do("POST")

    def do_DELETE(self) -> None:
        self._do("DELETE")

    def do_OPTIONS(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "GET, PUT, POST")
        self.send_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
        self.send_header("Access-Control-Max-Age", "600")
        self.end_headers()

    def end_headers(self) -> None:
        if self.asked()[0] not in OWN:
            self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def _do(self, method: str) -> None:
        path, query = self.asked()
        body = self.body()
        api: RestServer = self.server.api
        try:
            answer = api.broker.call(self._call(method, path, query, body))
        except RequestRefused as refused:
            self.answer_json(HTTPStatus(refused.status), refused.content)
        else:
            self.answer_json(HTTPStatus.OK, answer)

    def _call(self, method: str, path: str, query: dict[str, str], body: bytes) -> Callable[[], Any]:
        """Return what does the request, in the broker's thread."""
        platform: Netpie2020 = self.server.api.platform
        if method == "GET" and path in OWN:
            return lambda: OWN[path](platform)
        authorization = self.headers.get("Authorization", "")
        if path in QUERIES:
            return lambda: platform.counted(len(body), lambda: _queried(platform, authorization, method, body))
        below = next((path.removeprefix(each) for each in APIS if path.startswith(each)), None)
        if below is None:
            raise RequestRefused(404, "no such call")
        what = [unquote(part) for part in below.split("/")]
        if what[-1] == "" and what[0] not in ("message", "private"):
            what.pop()

        def done() -> Any:
            device = _named(platform, authorization)
            if (method, what) != ("GET", ["status"]):
                _check_usable(device)
            return platform.counted(len(body), lambda: _asked(platform, device, method, what, query, body))

        return done


def _named(platform: Netpie2020, authorization: str) -> Device:
    scheme, _, who = authorization.partition(" ")
    said = {"device": who.strip(), "basic": _decoded(who)}.get(scheme.lower(), "")
    device = platform.account.opened(*said.partition(":")[::2])
    if device is None:
        raise RequestRefused(401, "unauthorized")
    return device


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _check_usable(device: Device) -> None:
    if not device.enabled or device.banned:
        raise RequestRefused(403, "device is banned" if device.banned else "device is disabled")


def _asked(
    platform: Netpie2020, device: Device, method: str, what: list[str], query: dict[str, str], body: bytes
) -> Any:
    match method, what:
        case "GET", ["status"]:
            return platform.status(device)
        case "PUT", ["message" | "private" as kind, *topic]:
            return _sent(platform, device, kind, "/".join(topic) or query.get("topic", ""), body)
        case "PUT", ["push"]:
            platform.push(device, body)
            return _done(device)
        case "GET", ["shadow", "data"]:
            target = _aliased(platform, device, query)
            answer = platform.read_shadow(target)
            return {"status": 200, **answer, "timestamp": platform.shadow(target).timestamp}
        case "PUT" | "POST", ["shadow", "data" | "batch" as kind]:
            content = _content(body)
            if (kind == "batch") != ("batch" in content):
                raise RequestRefused(
                    400, f"{'batch must be an array' if kind == 'batch' else 'data must be an object'}"
                )
            target = _aliased(platform, device, query)
            answer = platform.update(target, content, merge=method == "PUT")
            batch = {"deviceid": target.client_id, "response": answer} if kind == "batch" else {}
            return {"status": 200, **batch, **answer}
    raise RequestRefused(404, "no such call")


def _sent(platform: Netpie2020, device: Device, kind: str, topic: str, body: bytes) -> dict[str, Any]:
    if not topic or "+" in topic or "#" in topic:
        raise RequestRefused(400, "topic is missing or has a wildcard")
    if not platform.spend_message(body):
        raise RequestRefused(429, "quota of messages exceeded")
    (platform.message if kind == "message" else platform.private)(device, topic, body)
    return _done(device)


def _done(device: Device) -> dict[str, Any]:
    return {"status": 200, "message": "ok", "deviceid": device.client_id, "response": "ok"}


def _aliased(platform: Netpie2020, device: Device, query: dict[str, str]) -> Device:
    if not query.get("alias"):
        return device
    found = platform.account.aliased(device, query["alias"])
    if found is None:
        raise RequestRefused(404, "no device of that alias in the group")
    return found


def _content(body: bytes) -> dict[str, Any]:
    content = parsed(body)
    if not isinstance(content, dict):
        raise RequestRefused(400, "the body must be a JSON object")
    return content


def _queried(platform: Netpie2020, authorization: str, method: str, body: bytes) -> Any:
    if method != "POST":
        raise RequestRefused(405, "method not allowed")
    content = parsed(body) or nested(body.decode(errors="replace"))
    user = platform.account.user_token
    if not (user and hmac.compare_digest(authorization.encode(), f"Bearer {user}".encode())):
        device = _named(platform, authorization)
        _check_usable(device)
        if metric_names(content) - {device.client_id}:
            raise RequestRefused(403, "a metric is another device's")
    try:
        return platform.store.query(content, now())
    except QueryError as error:
        raise RequestRefused(400, str(error)) from error
