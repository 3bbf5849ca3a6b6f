"""The whole NETPIE 2015: auth server and broker, started and stopped together."""

from pathlib import Path
from typing import TYPE_CHECKING

from netpie_emulator.broker_thread import BrokerThread
from netpie_emulator.http_api import EmulatedAuthServer
from netpie_emulator.http_server import LOOPBACK, EmulatedServer
from netpie_emulator.servers import Servers
from netpie_emulator.store import RegisteredApp, Store, random_text

if TYPE_CHECKING:
    from netpie_emulator.netpie2015_broker import Netpie2015Broker

KEY_LENGTH = 15
SECRET_LENGTH = 25


def registered_application(
    state: Path, appid: str, appkey: str | None = None, appsecret: str | None = None
) -> RegisteredApp:
    """Return the application `appid` of the emulator in `state`, registering it first when it is new.

    A key or secret that is not given is the registered one, else random. So a caller can ask for the application
    before the emulator runs, and again afterwards.

    Raises: StateError.
    """
    store = Store(state)
    known = next((app for app in store.applications() if app.appid == appid and appkey in (None, app.appkey)), None)
    if known is not None and appsecret in (None, known.appsecret):
        return known
    app = RegisteredApp(
        appid,
        appkey or (known.appkey if known else random_text(KEY_LENGTH)),
        appsecret or random_text(SECRET_LENGTH),
    )
    store.add_application(app)
    return app


class Emulator(Servers):
    """A NETPIE 2015 on loopback with one application; more can be added to `store`.

    `state` is a folder that keeps NETPIE's state over restarts. Port 0 is any free one. Use as a context manager, or
    `start` and `stop`.

    Raises: StateError; on start PortError.
    """

    def __init__(
        self,
        appid: str,
        appkey: str | None = None,
        appsecret: str | None = None,
        *,
        state: Path,
        http_port: int = 0,
        mqtt_port: int = 0,
    ) -> None:
        self.application = registered_application(state, appid, appkey, appsecret)
        self.store = Store(state)
        self._http_port = http_port
        self._broker: Netpie2015Broker | None = None
        super().__init__(BrokerThread(self._make_broker, mqtt_port))

    @property
    def auth_url(self) -> str:
        """The address of the auth server, as `http://host:port`."""
        return self._url()

    def published(self, appid: str | None = None) -> int:
        """Return how many messages things of `appid` have published since the start.

        Counts those to `/APPID/TOPIC`, not commands (`@…`), chat (`gearname/…`) and refused ones.
        """
        return self._counts().get(appid or self.application.appid, 0)

    def _make_http(self) -> EmulatedServer:
        self._auth = EmulatedAuthServer(self.store, self._http_port, self._counts)
        return self._auth

    def _before_answers(self) -> None:
        self._auth.endpoint = f"pie://{LOOPBACK}:{self.mqtt_port}"

    def _counts(self) -> dict[str, int]:
        return dict(self._broker.published) if self._broker else {}

    def _make_broker(self) -> "Netpie2015Broker":
        from netpie_emulator.netpie2015_broker import Netpie2015Broker  # amqtt is an extra

        self._broker = Netpie2015Broker(self.store)
        return self._broker
