"""The whole NETPIE 2020: HTTP API, data store and broker, started and stopped together."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from netpie_emulator.broker_thread import BrokerThread
from netpie_emulator.errors import EmulatorError
from netpie_emulator.netpie2020.datastore import POINT_LIMIT, DataStore
from netpie_emulator.netpie2020.devices import Account
from netpie_emulator.netpie2020.platform import Netpie2020
from netpie_emulator.netpie2020.quota import Quota
from netpie_emulator.netpie2020.rest import API, QUERY, RestServer
from netpie_emulator.servers import Servers

if TYPE_CHECKING:
    from netpie_emulator.netpie2020.broker import Netpie2020Broker


class Emulator2020(Servers):
    """A NETPIE 2020 on loopback with one account. Shadows and points last as long as the emulator.

    Port 0 is any free one; `point_limit` is where the data store cuts off. Use as a context manager, or `start` and
    `stop`. `certificate` is a PEM file with a certificate and its key: with it the broker speaks TLS on `tls_port` too,
    and the HTTP API on `https_port`. With a `websocket_port` it takes websockets, over TLS if there is a certificate.

    Raises: EmulatorError for a certificate that can't be used, or more projects or devices than the quota allows; on
    start PortError.
    """

    def __init__(
        self,
        account: Account,
        *,
        quota: Quota | None = None,
        point_limit: int = POINT_LIMIT,
        http_port: int = 0,
        mqtt_port: int = 0,
        certificate: Path | None = None,
        tls_port: int = 0,
        websocket_port: int | None = None,
        https_port: int = 0,
    ) -> None:
        self.account = account
        _check_counts(account, quota or Quota())
        self.platform = Netpie2020(account, quota or Quota(), DataStore(point_limit))
        self._http_port = http_port
        self._broker: Netpie2020Broker | None = None
        self._tls = _tls(certificate) if certificate else None
        self._https_port = https_port
        self._https: RestServer | None = None
        super().__init__(BrokerThread(self._make_broker, mqtt_port, self._tls, tls_port, websocket_port))

    def start(self) -> None:
        """Listen on all ports; returns once they answer. Raises: PortError, EmulatorError, as `Servers.start`."""
        super().start()
        if self._tls is None:
            return
        try:
            self._https = RestServer(self.platform, self._thread, self._https_port, self._tls)
        except EmulatorError:
            self.stop()
            raise
        self._https.start()

    def stop(self) -> None:
        """Hang up on every client and give all ports back; a second call does nothing."""
        if self._https is not None:
            self._https.stop()
            self._https = None
        super().stop()

    @property
    def api_url(self) -> str:
        """The address of the device API, as `http://host:port/v2/device`."""
        return self._url() + API.rstrip("/")

    @property
    def https_url(self) -> str:
        """The address of the device API over TLS; there is one when a certificate was given."""
        return (self._https.url if self._https else self._url()) + API.rstrip("/")

    @property
    def query_url(self) -> str:
        """The address that data store queries are posted to."""
        return self._url() + QUERY

    @property
    def tls_port(self) -> int:
        """The broker's port for TLS; there is one when a certificate was given."""
        return self._thread.tls_port

    @property
    def websocket_port(self) -> int | None:
        """The broker's port for websockets; None when none was asked for."""
        return self._thread.websocket_port

    def set_enabled(self, client_id: str, enabled: bool) -> None:
        """Enable or disable a device; one that is connected is hung up on."""
        device = self.account.devices[client_id]

        def change() -> None:
            assert self._broker is not None  # noqa: S101
            self._broker.set_enabled(device, enabled)

        self._thread.call(change)

    def used(self) -> dict[str, float]:
        """Return what is used of the quota, by kind."""
        return dict(self.platform.quota.used)

    def _make_http(self) -> RestServer:
        return RestServer(self.platform, self._thread, self._http_port)

    def _make_broker(self) -> "Netpie2020Broker":
        from netpie_emulator.netpie2020.broker import Netpie2020Broker  # amqtt is an extra

        self._broker = Netpie2020Broker(self.platform)
        return self._broker


def _check_counts(account: Account, quota: Quota) -> None:
    has = {"projects": len({one.project for one in account.devices.values()}), "devices": len(account.devices)}
    for kind, count in has.items():
        limit = quota.limits.get(kind, count)
        if count > limit:
            raise EmulatorError(
                f"the account has {count} {kind}, and its quota is {limit}", next_step=f"raise --quota {kind}=COUNT"
            )


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate)
    except ssl.SSLError as error:
        cause = "it is no PEM file with a certificate and its key"
        raise EmulatorError(f"{certificate}: {cause}", next_step="name another --certificate") from error
    except OSError as error:
        raise EmulatorError(f"{certificate}: {error.strerror}", next_step="name another --certificate") from error
    return context
