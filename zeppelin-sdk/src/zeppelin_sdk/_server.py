"""The server itself: its version, its configuration, what it can do, and whom it takes the caller for."""

import time

from zeppelin_sdk._errors import NotFoundError, WaitTimeoutError
from zeppelin_sdk._models import Capabilities, ServerVersion, Ticket
from zeppelin_sdk._transport import Transport


class ServerApi:
    """The calls of Zeppelin's `ZeppelinRestApi`, `SecurityRestApi` and `ConfigurationsRestApi`."""

    _http: Transport

    def get_version(self) -> ServerVersion:
        """The server's version. Raises NotZeppelinError when what answers is something else."""
        return self._http.version()

    def has_web_page(self) -> bool:
        """Whether the server has its web page: a server put together from Maven's artifacts may have none."""
        page = self._http.page().lower()
        return "<html" in page and "directory:" not in page  # Jetty lists the folder of a page that is not there

    def get_ticket(self) -> Ticket:
        """Who the server takes the caller for ("anonymous" on a server without users)."""
        body = self._http.mapping("GET", "security", "ticket")
        return Ticket(
            principal=str(body.get("principal", "")),
            ticket=str(body.get("ticket", "")),
            roles=str(body.get("roles", "")),
        )

    def get_configurations(self, prefix: str = "") -> dict[str, str]:
        """The server's settings whose names begin with `prefix`, passwords left out.

        A server with users keeps them for its administrators.
        """
        path = ("prefix", prefix) if prefix else ("all",)
        return {name: str(value) for name, value in self._http.mapping("GET", "configurations", *path).items()}

    def get_capabilities(self) -> Capabilities:
        """What this server can do besides what its version says: asked over REST from 0.12 on, else the websocket."""
        try:
            told = self._http.mapping("GET", "notebook", "capabilities")
        except NotFoundError:  # an older server takes it for the id of a note
            told = self._told_configurations()
        return Capabilities(
            version=self.get_version(), revisions=str(told.get("isRevisionSupported")).lower() == "true"
        )

    def _told_configurations(self) -> dict[str, object]:
        """What the server tells its web page of its settings."""
        from zeppelin_sdk._websocket import WebsocketConnection  # its library, for those who open one

        connection = WebsocketConnection(self._http, self.get_ticket())
        try:
            connection.send("LIST_CONFIGURATIONS", {})
            deadline = time.monotonic() + self._http.timeout
            while (message := connection.receive(deadline)) is not None:
                if message.get("op") == "CONFIGURATIONS_INFO":
                    return dict((message.get("data") or {}).get("configurations") or {})
        finally:
            connection.close()
        raise WaitTimeoutError(
            f"{self._http.address.base} did not tell its configuration within {self._http.timeout:g} s",
            next_step="see the server's log",
        )
