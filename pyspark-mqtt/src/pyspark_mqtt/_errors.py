"""What can go wrong, as a tree.

MqttError
 ├─ OptionError          an option is missing, unknown or has no such value
 ├─ Unreachable          no broker answered in time
 ├─ LoginRefused         the broker refused the login, with its reason
 ├─ SubscriptionRefused  the broker refused a topic to subscribe to
 ├─ PublicationRefused   the broker refused a message
 ├─ TakenOver            another client uses the same client id
 ├─ ProtocolError        what came is not MQTT
 └─ JournalError         the journal can't be read, written or locked
     └─ DataLost         the journal no longer has what the checkpoint asks for
"""

from __future__ import annotations


class MqttError(Exception):
    """The root. `message` says what happened and why, `next_step` what to do about it; `str()` has both."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message, next_step)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}; {self.next_step}" if self.next_step else self.message


class OptionError(MqttError, ValueError):
    """An option is missing, unknown or has no such value."""


class Unreachable(MqttError):
    """No broker answered within `mqtt.connect.timeout`, the first time that the stream connects."""


class LoginRefused(MqttError):
    """The broker refused the login; the message has its reason."""


class Passing(OSError):
    """The broker, or what is before it, refused a connection for a reason that may pass: it is busy, or not ready."""


class SubscriptionRefused(MqttError):
    """The broker refused a subscription; the message has its reason."""


class PublicationRefused(MqttError):
    """The broker refused a message; the error's message has its reason. MQTT 3.1.1 brokers can't say so."""


class TakenOver(MqttError):
    """The broker dropped this client in favour of another one with its client id."""


class ProtocolError(MqttError):
    """What came is not MQTT of the version that was asked for."""


class JournalError(MqttError):
    """The journal can't be read, written or locked."""


class DataLost(JournalError):
    """The journal no longer has what Spark's checkpoint asks for."""
