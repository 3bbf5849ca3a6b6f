"""The server's credential store: a user and a password by entity, for paragraphs to fetch at run time."""

from zeppelin_sdk._errors import NotFoundError
from zeppelin_sdk._models import Credential
from zeppelin_sdk._transport import Transport


class CredentialsApi:
    """The calls of Zeppelin's `CredentialRestApi`; each user has entries of their own.

    The server sends passwords back in clear, and keeps them in clear unless it has an encryption key.
    """

    _http: Transport

    def list_credentials(self) -> list[Credential]:
        """The user's entries, by entity."""
        entries = self._http.mapping("GET", "credential").get("userCredentials") or {}
        return [Credential.from_json(entity, entries[entity]) for entity in sorted(entries)]

    def set_credential(self, entity: str, user: str, password: str) -> None:
        """Store an entry, in place of one with the same entity. The server refuses an empty field."""
        self._http.call("PUT", "credential", body={"entity": entity, "username": user, "password": password})

    def delete_credential(self, entity: str) -> None:
        """Delete an entry. Raises NotFoundError."""
        try:
            self._http.call("DELETE", "credential", entity)
        except NotFoundError as error:
            raise NotFoundError(f"no credential for {entity!r} is stored", request=error.request) from error
