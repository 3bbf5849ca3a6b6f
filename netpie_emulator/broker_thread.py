"""A broker in a thread of its own, with an event loop of its own."""

import asyncio
import importlib.util
import logging
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from netpie_emulator.errors import EmulatorError, PortError

if TYPE_CHECKING:
    from netpie_emulator.broker import MqttBroker

START_TIMEOUT = 20.0  # seconds
STOP_TIMEOUT = 20.0  # seconds
CALL_TIMEOUT = 20.0  # seconds
Answer = TypeVar("Answer")


def check_installed() -> None:
    """Raise EmulatorError when the broker's library is missing."""
    if importlib.util.find_spec("amqtt") is None:
        raise EmulatorError(
            "the emulator's MQTT broker needs amqtt, which is not installed",
            next_step="install netpie-zeppelin with its extra [emulator]",
        )


class BrokerThread:
    """Runs what `make` makes, inside the thread; `port` is the port to listen on, 0 for a free one.

    With a context for TLS it listens on `tls_port` too; with a `websocket_port`, for websockets, over TLS if there is
    a context.
    """

    def __init__(
        self,
        make: Callable[[], "MqttBroker"],
        port: int,
        tls: ssl.SSLContext | None = None,
        tls_port: int = 0,
        websocket_port: int | None = None,
    ) -> None:
        self.port = port
        self.tls_port = tls_port
        self.websocket_port = websocket_port
        self._tls = tls
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: EmulatorError | None = None
        self._thread = threading.Thread(target=self._run, name="netpie-broker", daemon=True)

    def start(self) -> None:
        """Listen; returns once the ports answer, which are then in `port`, `tls_port` and
        `websocket_port`.

        Raises: PortError when the port can't be listened on, EmulatorError without amqtt.
        """
        check_installed()
        logging.getLogger("amqtt").setLevel(logging.ERROR)  # it warns about every client that hangs up
        self._thread.start()
        if not self._started.wait(START_TIMEOUT) or self._failure is not None:
            raise self._failure or EmulatorError("the broker did not start", next_step="try again")

    def stop(self) -> None:
        """Hang up on every client and give the port back; a second call does nothing."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_TIMEOUT)

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """Run `ask` in the broker's thread and return its answer, or raise its error.

        Raises: EmulatorError when the broker is not running.
        """
        if self._loop is None or not self._thread.is_alive():
            raise EmulatorError("the emulator is not running", next_step="start it")

        async def answer() -> Answer:
            return ask()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(CALL_TIMEOUT)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except PortError as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        broker = self._make()
        self.port = await broker.listen(self.port)
        if self._tls is not None:
            self.tls_port = await broker.listen(self.tls_port, self._tls)
        if self.websocket_port is None:
            await self._until_stopped(broker)
            return
        from netpie_emulator.websocket import listen  # its library comes with amqtt

        try:
            websockets, self.websocket_port = await listen(self.websocket_port, self._tls, self.port)
        except PortError:
            await broker.close()
            raise
        async with websockets:
            await self._until_stopped(broker)

    async def _until_stopped(self, broker: "MqttBroker") -> None:
        assert self._stopping is not None  # noqa: S101
        self._started.set()
        await self._stopping.wait()
        await broker.close()
