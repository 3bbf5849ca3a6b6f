"""The options of the source and of the sink: named, described, typed and checked in one place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import urlsplit

from pyspark_mqtt._errors import OptionError
from pyspark_mqtt._json import json_fields
from pyspark_mqtt._rows import More

PORTS = {"tcp": 1883, "mqtt": 1883, "ssl": 8883, "tls": 8883, "mqtts": 8883, "ws": 80, "wss": 443}
_ENCRYPTED = {"ssl", "tls", "mqtts", "wss"}
_WEBSOCKETS = {"ws", "wss"}
MIB = 1 << 20
HIDDEN = "(not shown)"
"""In place of a topic, with `showTopics` false."""


@dataclass(frozen=True)
class Option:
    """One option: how it is spelled, the text of its default, how its text is read, and what it means."""

    name: str
    default: str | None
    read: Callable[[str, str], Any]
    help: str
    needed: bool = False


@dataclass(frozen=True)
class Broker:
    """Where a broker listens; `path` is that of its websocket, empty for none."""

    host: str
    port: int
    encrypted: bool
    path: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Connection:
    """What it takes to connect, checked. Times are in seconds."""

    broker: Broker
    client_id: str
    level: int
    username: str | None
    password: str | None
    password_command: str | None
    ca: str | None
    certificate: str | None
    key: str | None
    keepalive: int
    connect_timeout: float
    session_expiry: int
    receive_maximum: int
    show_topics: bool

    def shown(self, topic: str | None) -> str:
        """A topic as an error may name it."""
        return repr(topic) if self.show_topics else HIDDEN


@dataclass(frozen=True)
class SourceOptions:
    """What a stream was asked for, checked. Sizes are in bytes, 0 is no limit."""

    connection: Connection
    topics: tuple[str, ...]
    qos: int
    starting: str
    max_offsets: int
    max_bytes: int
    min_partitions: int
    fail_on_data_loss: bool
    journal: str | None
    journal_shared: bool
    max_journal: int
    more: More
    duration: float


@dataclass(frozen=True)
class SinkOptions:
    """What a sink was asked for, checked. `rate` is in messages/s of a task, 0 is no limit."""

    connection: Connection
    topic: str | None
    qos: int
    retain: bool
    rate: float


def _text(_: str, text: str) -> str:
    return text


def _one_of(*words: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text.lower() not in words:
            raise OptionError(f"option {name} is {text!r}", f"it can be {' or '.join(words)}")
        return text.lower()

    return read


def _number(least: int, most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not re.fullmatch(r"\d{1,18}", text.strip()) or not least <= int(text) <= most:
            raise OptionError(f"option {name} is {text!r}", f"it is a whole number from {least} to {most}")
        return int(text)

    return read


def _seconds(least: float) -> Callable[[str, str], float]:
    def read(name: str, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value < float("inf"):
            raise OptionError(f"option {name} is {text!r}", f"it is a number from {least:g}")
        return value

    return read


def _size(name: str, text: str) -> int:
    """Bytes, as a number or as Spark writes sizes: 512k, 64m, 2g."""
    found = re.fullmatch(r"(\d{1,15})\s*([kmgt]?)b?", text.strip().lower())
    if not found:
        raise OptionError(f"option {name} is {text!r}", "it is a number of bytes, or one such as 512k, 64m or 2g")
    return int(found[1]) << 10 * " kmgt".index(found[2] or " ")


def _yes(name: str, text: str) -> bool:
    return _one_of("true", "false")(name, text) == "true"


def _level(name: str, text: str) -> int:
    return {"3.1.1": 4, "5": 5}[_one_of("3.1.1", "5")(name, text.removesuffix(".0") if text == "5.0" else text)]


_LOOKS = "it looks like tcp://host:1883, ssl://host:8883 or wss://host/mqtt"


def _broker(name: str, text: str) -> Broker:
    try:
        url = urlsplit(text if "://" in text else f"tcp://{text}")
        port = url.port
    except ValueError:
        raise OptionError(f"option {name} is {text!r}", _LOOKS) from None
    path = ""
    if url.scheme in _WEBSOCKETS:
        path = (url.path or "/mqtt") + (f"?{url.query}" if url.query else "")
        url = url._replace(path="", query="")
    if url.username is not None or url.password is not None:
        raise OptionError(f"option {name} has a login in it", "give mqtt.username and mqtt.password")
    wrong = url.path.strip("/") or url.query or not re.fullmatch(r"[!-~]*", path)
    if url.scheme not in PORTS or not url.hostname or wrong or port == 0:
        raise OptionError(f"option {name} is {text!r}", _LOOKS)
    return Broker(url.hostname, port or PORTS[url.scheme], url.scheme in _ENCRYPTED, path)


def _topics(name: str, text: str) -> tuple[str, ...]:
    topics = tuple(dict.fromkeys(topic.strip() for topic in text.split(",") if topic.strip()))
    if not topics:
        raise OptionError(
            f"option {name} names no topic", "it is a list with commas, such as a/b,sensors/+/temperature"
        )
    return topics


def _check_filter(topic: str, shown: str) -> None:
    """Raise `OptionError` for what is no topic to subscribe to."""
    levels = topic.split("/")
    wrong = "#" in topic and (levels[-1] != "#" or topic.count("#") > 1)
    if wrong or any("+" in level and level != "+" for level in levels) or len(topic.encode()) > 65_000:
        raise OptionError(f"option subscribe has the topic {shown}", "+ stands for a whole level, # for the last ones")
    if "\0" in topic:
        raise OptionError("option subscribe has a topic with a null in it")
    if topic.startswith("$share/"):
        raise OptionError(f"option subscribe has the topic {shown}", "name the group in shareGroup, and the topic here")


def _check_topic(topic: str | None, shown: str) -> None:
    """Raise `OptionError` for what is no topic to publish to."""
    if topic is not None and (not topic or any(sign in topic for sign in "+#\0")):
        raise OptionError(f"option topic is {shown}", "a topic to publish to has no + and no #")


def _group(name: str, text: str) -> str:
    if not text or any(sign in text for sign in "/+#\0"):
        raise OptionError(f"option {name} is {text!r}", "a group's name has no /, + or #")
    return text


def _starting(name: str, text: str) -> str:
    if text.lower() == "earliest":
        raise OptionError(
            f"option {name} is 'earliest', and an MQTT broker keeps no history to begin at",
            "'journal' begins with what the journal holds, 'latest' with what comes from now on",
        )
    return _one_of("latest", "journal")(name, text)


_CONNECTION = (
    Option(
        "mqtt.broker.url",
        None,
        _broker,
        "`tcp://host:1883`, `ssl://host:8883`, `ws://host/mqtt` or `wss://host/mqtt`",
        needed=True,
    ),
    Option("mqtt.client.id", None, _text, "the client id; else one is made up, and kept in the journal"),
    Option("mqtt.version", "3.1.1", _level, "`3.1.1` or `5`"),
    Option("mqtt.username", None, _text, "the user's name"),
    Option("mqtt.password", None, _text, "the password"),
    Option("mqtt.password.command", None, _text, "a command that prints a fresh password at each connect"),
    Option("mqtt.ssl.ca", None, _text, "a file with the authorities to trust; else the system's"),
    Option("mqtt.ssl.cert", None, _text, "a file with the client's certificate"),
    Option("mqtt.ssl.key", None, _text, "a file with its key"),
    Option("mqtt.keepalive", "60", _number(0, 65535), "seconds; 0 for none"),
    Option(
        "mqtt.connect.timeout", "30", _seconds(0.1), "seconds for the first connection; later ones are tried for ever"
    ),
    Option("showTopics", "true", _yes, "`false` where topics hold secrets: no error names one"),
)
_SESSION = (
    Option(
        "mqtt.session.expiry",
        "4294967295",
        _number(0, 4294967295),
        "seconds that the broker keeps the session (MQTT 5)",
    ),
    Option("mqtt.receive.maximum", "65535", _number(1, 65535), "messages in flight (MQTT 5; the broker may set fewer)"),
)
_BATCH = (
    Option("subscribe", None, _topics, "topics with commas between; `+` and `#` as MQTT has them", needed=True),
    Option("mqtt.qos", "1", _number(0, 2), "0, 1 or 2"),
    Option("shareGroup", None, _group, "subscribe as a member of this group (`$share/GROUP/…`)"),
    Option("includeHeaders", "false", _yes, "more columns: the MQTT 5 properties of each message"),
    Option("jsonSchema", None, json_fields, "one more column: the fields of [JSON objects](#json-in-bulk)"),
)
_STREAM = (
    Option("journalLocation", None, _text, "a folder of this stream's own; needed at QoS 1 and 2"),
    Option(
        "journalShared", "true", _yes, "`false` where executors don't see that folder: partitions then carry their rows"
    ),
    Option("maxJournalBytes", "1g", _size, "how much may wait for Spark before the socket is no longer read"),
    Option(
        "startingOffsets",
        "journal",
        _starting,
        "for a new checkpoint: `journal`, what was left there first, or `latest`",
    ),
    Option("maxOffsetsPerTrigger", "0", _number(0, 10**15), "most messages a batch; 0 for no limit"),
    Option("maxBytesPerTrigger", "0", _size, "most bytes a batch, about; 0 for no limit"),
    Option("minPartitions", "0", _number(0, 10_000), "partitions a batch; 0 for one a core, and a MiB each at least"),
    Option("failOnDataLoss", "true", _yes, "end the query when the journal lacks what the checkpoint asks for"),
)
_DURATION = (Option("duration", "1", _seconds(0.0), "seconds to listen, with `spark.read`"),)
SOURCE: tuple[Option, ...] = _CONNECTION + _SESSION + _BATCH + _STREAM + _DURATION
SINK: tuple[Option, ...] = _CONNECTION + (
    Option("topic", None, _text, "where there is no column `topic`"),
    Option("mqtt.qos", "1", _number(0, 2), "0, 1 or 2, where there is no column `qos`"),
    Option("retain", "false", _yes, "ask the broker to keep the last one, where there is no column `retained`"),
    Option("rate", "0", _seconds(0.0), "most messages/s of each task; 0 for no limit"),
)


def read_source(given: Mapping[str, str], *, streaming: bool) -> SourceOptions:
    """The options of a source; raises `OptionError` for the first one that is wrong."""
    found = _read(SOURCE, given)
    connection = _connection(found)
    if streaming and found["mqtt.qos"] and not found["journalLocation"]:
        raise OptionError(
            "option journalLocation is missing: at QoS 1 and 2 a message is acknowledged when it is in the journal",
            "name a folder of this stream's own, or set mqtt.qos to 0",
        )
    if found["startingOffsets"] == "journal" and "startingoffsets" in _lower(given) and not found["journalLocation"]:
        raise OptionError("option startingOffsets is 'journal', and there is none", "name one with journalLocation")
    if found["includeHeaders"] and connection.level != 5:
        raise OptionError("option includeHeaders wants what MQTT 3.1.1 does not have", "set mqtt.version to 5")
    for topic in found["subscribe"]:
        _check_filter(topic, connection.shown(topic))
    group = found["shareGroup"]
    topics = tuple(f"$share/{group}/{topic}" if group else topic for topic in found["subscribe"])
    if found["maxJournalBytes"] < MIB:
        raise OptionError("option maxJournalBytes is below 1m", "give it room for some seconds of messages")
    return SourceOptions(
        connection=connection,
        topics=topics,
        qos=found["mqtt.qos"],
        starting=found["startingOffsets"],
        max_offsets=found["maxOffsetsPerTrigger"],
        max_bytes=found["maxBytesPerTrigger"],
        min_partitions=found["minPartitions"],
        fail_on_data_loss=found["failOnDataLoss"],
        journal=found["journalLocation"],
        journal_shared=found["journalShared"],
        max_journal=found["maxJournalBytes"],
        more=More(found["includeHeaders"], found["jsonSchema"]),
        duration=found["duration"],
    )


def read_sink(given: Mapping[str, str]) -> SinkOptions:
    """The options of a sink; raises `OptionError` for the first one that is wrong."""
    found = _read(SINK, given)
    connection = _connection(found)
    _check_topic(found["topic"], connection.shown(found["topic"]))
    return SinkOptions(connection, found["topic"], found["mqtt.qos"], found["retain"], found["rate"])


def _read(known: tuple[Option, ...], given: Mapping[str, str]) -> dict[str, Any]:
    names = {option.name.lower(): option for option in known}
    values = _lower(given)
    for name in given:
        if name.lower() not in names:
            close = difflib.get_close_matches(name.lower(), names, 1)
            raise OptionError(
                f"there is no option {name}",
                f"did you mean {names[close[0]].name}?" if close else "the README lists them",
            )
    found = {}
    for key, option in names.items():
        text = values.get(key, option.default)
        if text is None and option.needed:
            raise OptionError(f"option {option.name} is missing", f"it is {option.help.replace('`', '')}")
        found[option.name] = None if text is None else option.read(option.name, str(text))
    return found


def _lower(given: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in given.items()}


def _connection(found: Mapping[str, Any]) -> Connection:
    broker: Broker = found["mqtt.broker.url"]
    tls: list[str] = [name for name in ("mqtt.ssl.ca", "mqtt.ssl.cert", "mqtt.ssl.key") if found[name]]
    if tls and not broker.encrypted:
        raise OptionError(
            f"option {tls[0]} has no use: {broker} is not encrypted", "the URL begins with ssl:// for TLS"
        )
    if found["mqtt.ssl.key"] and not found["mqtt.ssl.cert"]:
        raise OptionError("option mqtt.ssl.key is there without mqtt.ssl.cert", "give both")
    if found["mqtt.password"] is not None and found["mqtt.password.command"] is not None:
        raise OptionError("both mqtt.password and mqtt.password.command are there", "give one")
    client = found["mqtt.client.id"]
    if client is not None and not 0 < len(client.encode()) <= 65535:
        raise OptionError(f"option mqtt.client.id is {client!r}", "leave it out for one that is made up")
    return Connection(
        broker=broker,
        client_id=client or "",
        level=found["mqtt.version"],
        username=found["mqtt.username"],
        password=found["mqtt.password"],
        password_command=found["mqtt.password.command"],
        ca=found["mqtt.ssl.ca"],
        certificate=found["mqtt.ssl.cert"],
        key=found["mqtt.ssl.key"],
        keepalive=found["mqtt.keepalive"],
        connect_timeout=found["mqtt.connect.timeout"],
        session_expiry=found.get("mqtt.session.expiry", 0),
        receive_maximum=found.get("mqtt.receive.maximum", 65535),
        show_topics=found["showTopics"],
    )
