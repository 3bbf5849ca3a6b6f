"""MQTT for Spark Structured Streaming: a source and a sink.

Spark 4: `spark.dataSource.register(MqttDataSource)`, then `spark.readStream.format("mqtt")`. Spark 3.3 to 3.5 (and 4):
`mqtt_stream(spark, options)`. The errors are a tree, drawn in `MqttError`'s module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from pyspark_mqtt._files_source import MqttStream
from pyspark_mqtt._mqtt_stream import mqtt_stream
from pyspark_mqtt._receiver import Metrics

if TYPE_CHECKING:
    from pyspark_mqtt._datasource import MqttDataSource

__all__ = [
    "DataLost",
    "JournalError",
    "LoginRefused",
    "Metrics",
    "MqttDataSource",
    "MqttError",
    "MqttStream",
    "OptionError",
    "ProtocolError",
    "PublicationRefused",
    "SubscriptionRefused",
    "TakenOver",
    "Unreachable",
    "mqtt_stream",
]


def __getattr__(name: str) -> Any:
    """`MqttDataSource` is there with Spark 4 only, whose API it needs."""
    if name == "MqttDataSource":
        try:
            from pyspark_mqtt._datasource import MqttDataSource
        except ImportError as error:
            raise ImportError(f"MqttDataSource needs pyspark 4 ({error}); with 3.3 to 3.5 take mqtt_stream") from error
        return MqttDataSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
