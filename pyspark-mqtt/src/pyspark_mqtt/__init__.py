"""The reader and the journal of an MQTT source for Spark Structured Streaming.

The errors are a tree, drawn in `MqttError`'s module.
"""

from __future__ import annotations

from pyspark_mqtt._errors import (
    DataLost,
    JournalError,
    LoginRefused,
    MqttError,
    OptionError,
    ProtocolError,
    PublicationRefused,
    SubscriptionRefused,
    TakenOver,
    Unreachable,
)
from pyspark_mqtt._receiver import Metrics

__all__ = [
    "DataLost",
    "JournalError",
    "LoginRefused",
    "Metrics",
    "MqttError",
    "OptionError",
    "ProtocolError",
    "PublicationRefused",
    "SubscriptionRefused",
    "TakenOver",
    "Unreachable",
]
