"""What a note needs of a platform to take its events: made by `provision.platforms`, read by `render`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class StoreEntry:
    """An entry of Zeppelin's credential store. `user` and `password` are each the name that templates have for it, and
    its value; a part without a name is for nobody.
    """

    entity: str
    user: tuple[str, str] = field(repr=False)
    password: tuple[str, str] = field(repr=False)

    def pair(self) -> tuple[str, str]:
        """User and password as the store takes them."""
        return self.user[1], self.password[1]


@dataclass(frozen=True)
class ConnectionValues:
    """The values that a template may name; none is a secret.

    `broker_client_id` is the client id that is made up for the note, `mqtt_topic` the parameter `topic` as one topic,
    `mqtt_topics` as a list. `platform` is what people call where events come from.
    """

    appkey: str
    broker_url: str
    broker_client_id: str
    mqtt_topic: str
    mqtt_topics: list[str]
    platform: str


SECRET_NAMES = frozenset({"client_id", "hmac_key", "username", "password", "ca", "certificate", "private_key"})
"""What a template may name of the credential store's entries: who connects, and PEM texts for TLS."""
SECRET_LISTS = frozenset({"mqtt_topics"})
"""What a template may name that is a list, and may be a secret: its lines are then an entry's password."""
CONNECTION_NAMES = SECRET_NAMES | {each.name for each in fields(ConnectionValues)}
"""All that a template may name of a connection."""


@dataclass(frozen=True)
class Connection:
    """How a note connects; `site` is what to note of it beside the note's parameters, so that it can be made again.

    `plain` are values for names of `SECRET_NAMES` that are no secrets here, such as a client id that is made up.
    `needed` are names without which the note would connect as somebody else, or trust somebody else: a bundle that does
    not take them is refused. `hidden` are parts of secrets that must never be shown by themselves either. `writable` is
    what the topics begin with that a client may publish to; empty: any. `heard` are the note's topics where
    `mqtt_topics` does not have them, and `devices` the client ids of whom no output may write as: the note hears what
    they write, or is one of them.
    """

    values: ConnectionValues
    store: tuple[StoreEntry, ...]
    site: Mapping[str, str]
    plain: Mapping[str, str] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    hidden: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    def template_values(self) -> dict[str, Any]:
        """The values by the names that templates have for them."""
        return {**vars(self.values), **self.plain}

    def secret_names(self) -> tuple[str, ...]:
        """What templates call each of `secrets`."""
        return tuple(name for entry in self.store for name in (entry.user[0], entry.password[0]) if name)

    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        whole = (value for entry in self.store for name, value in (entry.user, entry.password) if name)
        return (*whole, *self.hidden)
