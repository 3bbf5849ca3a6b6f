"""The whole emulator: auth server and broker, started and stopped together."""

import asyncio
import importlib.util
import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from netpie_emulator.errors import EmulatorError, PortError
from netpie_emulator.http_api import LOOPBACK, EmulatedAuthServer
from netpie_emulator.store import RegisteredApp, Store, random_text

if TYPE_CHECKING:
    from netpie_emulator.broker import NetpieBroker

START_TIMEOUT = 20.0  # seconds
STOP_TIMEOUT = 20.0  # seconds
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


def _check_installed() -> None:
    if importlib.util.find_spec("amqtt") is None:
        raise EmulatorError(
            "the emulator's MQTT broker needs amqtt, which is not installed",
            next_step="install netpie-zeppelin with its extra [emulator]",
        )


class Emulator:
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
        self._wanted_mqtt_port = mqtt_port
        self._mqtt_port = 0
        self._auth: EmulatedAuthServer | None = None
        self._broker: NetpieBroker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: EmulatorError | None = None
        self._thread = threading.Thread(target=self._run, name="netpie-broker", daemon=True)

    def __enter__(self) -> "Emulator":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def auth_url(self) -> str:
        """The address of the auth server, as `http://host:port`."""
        if self._auth is None:
            raise EmulatorError("the emulator is not running", next_step="start it")
        return self._auth.url

    @property
    def mqtt_host(self) -> str:
        """The broker's host: always loopback."""
        return LOOPBACK

    @property
    def mqtt_port(self) -> int:
        """The broker's port."""
        return self._mqtt_port

    def published(self, appid: str | None = None) -> int:
        """Return how many messages things of `appid` have published since the start.

        Counts those to `/APPID/TOPIC`, not commands (`@…`), chat (`gearname/…`) and refused ones.
        """
        return self._counts().get(appid or self.application.appid, 0)

    def start(self) -> None:
        """Listen on both ports; returns once both answer.

        Raises: PortError when a port can't be listened on, EmulatorError without amqtt; nothing is left running.
        """
        _check_installed()
        logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns about every client that hangs up
        auth = EmulatedAuthServer(self.store, self._http_port, self._counts)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT) or self._failure is not None:
            auth.stop()
            raise self._failure or EmulatorError("the broker did not start", next_step="try again")
        auth.endpoint = f"pie://{LOOPBACK}:{self._mqtt_port}"
        auth.start()
        self._auth = auth

    def stop(self) -> None:
        """Hang up on every client and give both ports back; a second call does nothing."""
        if self._auth is not None:
            self._auth.stop()
            self._auth = None
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_TIMEOUT)

    def _counts(self) -> dict[str, int]:
        return dict(self._broker.published) if self._broker else {}

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except PortError as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        from netpie_emulator.broker import NetpieBroker  # amqtt is an extra

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._broker = NetpieBroker(self.store)
        self._mqtt_port = await self._broker.listen(self._wanted_mqtt_port)
        self._started.set()
        await self._stopping.wait()
        await self._broker.close()
