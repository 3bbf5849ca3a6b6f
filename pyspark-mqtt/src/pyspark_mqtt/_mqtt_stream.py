"""One function for every Spark from 3.3 on, where `format("mqtt")` is there from 4.0 on only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark_mqtt._errors import OptionError
from pyspark_mqtt._files_source import MqttStream, file_stream
from pyspark_mqtt._link import Login
from pyspark_mqtt._options import read_source
from pyspark_mqtt._stream import Stream

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def mqtt_stream(spark: SparkSession, options: Mapping[str, str], login: Login | None = None) -> MqttStream:
    """A streaming frame of MQTT messages by way of Spark's file source, for Spark 3.3 and later.

    `options` are those of `format("mqtt")`; `journalLocation` is needed at every QoS, in a folder that all executors
    see. `login` makes the password, or user and password, for each connection. The reader is a thread of this process.
    Raises `MqttError` when an option is wrong or the broker refuses; what fails later ends the query.
    """
    found = read_source(options, streaming=True)
    if found.journal is None:
        raise OptionError("option journalLocation is missing", "with mqtt_stream it is needed at QoS 0 too")
    if found.starting == "latest":
        raise OptionError(
            "option startingOffsets is 'latest', and mqtt_stream can't tell a new query from one that goes on",
            "what the journal holds comes first; name an empty folder to begin anew",
        )
    stream = Stream(found, login)
    try:
        return file_stream(spark, stream, Path(found.journal).absolute(), found)
    except BaseException:
        stream.stop()
        raise
