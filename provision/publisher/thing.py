"""The thing that publishes, separate from the note's."""

import time
from pathlib import Path

from netpie_creds import Application, AuthServer, MqttLogin, current_endpoint, get_credentials, mqtt_login, refresh


class PublisherThing:
    """The publisher's own thing: NETPIE lets a client id connect once, so the note has its own.

    Its token is kept in `folder`, and comes from `auth` when there is none yet.

    Raises, as do its methods: netpie_creds.NetpieError.
    """

    def __init__(self, application: Application, folder: Path, auth: AuthServer) -> None:
        self._application = application
        self._folder = folder
        self._auth = auth
        self._credentials = current_endpoint(get_credentials(application, folder, auth), folder, auth)

    def login(self) -> MqttLogin:
        """Return a login with a password made now."""
        return mqtt_login(self._credentials, int(time.time()))

    def renew(self) -> None:
        """Replace the token that the broker refuses."""
        self._credentials = refresh(self._application, self._folder, self._auth).credentials
