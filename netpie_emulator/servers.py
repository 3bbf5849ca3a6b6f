"""An HTTP server and a broker on loopback, started and stopped together."""

from types import TracebackType
from typing import Self

from netpie_emulator.broker_thread import BrokerThread, check_installed
from netpie_emulator.errors import EmulatorError
from netpie_emulator.http_server import LOOPBACK, EmulatedServer


class Servers:
    """What every platform's emulator is. Use as a context manager, or `start` and `stop`."""

    def __init__(self, thread: BrokerThread) -> None:
        self._thread = thread
        self._http: EmulatedServer | None = None

    def _make_http(self) -> EmulatedServer:
        """Return the HTTP server, which listens and does not answer yet."""
        raise NotImplementedError

    def _before_answers(self) -> None:
        """What is to be done once the broker listens."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def mqtt_host(self) -> str:
        """The broker's host: always loopback."""
        return LOOPBACK

    @property
    def mqtt_port(self) -> int:
        """The broker's port."""
        return self._thread.port

    def start(self) -> None:
        """Listen on both ports; returns once both answer.

        Raises: PortError when a port can't be listened on, EmulatorError without amqtt; nothing is left running.
        """
        check_installed()
        http = self._make_http()
        try:
            self._thread.start()
        except EmulatorError:
            http.stop()
            raise
        self._before_answers()
        http.start()
        self._http = http

    def stop(self) -> None:
        """Hang up on every client and give both ports back; a second call does nothing."""
        if self._http is not None:
            self._http.stop()
            self._http = None
        self._thread.stop()

    def _url(self) -> str:
        if self._http is None:
            raise EmulatorError("the emulator is not running", next_step="start it")
        return self._http.url
