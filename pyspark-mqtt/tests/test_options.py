"""Each wrong option is refused with its name, what is wrong, and what to do."""

from __future__ import annotations

import pytest

from pyspark_mqtt import OptionError
from pyspark_mqtt._options import read_sink, read_source

GOOD = {"mqtt.broker.url": "tcp://localhost", "subscribe": "a/b", "journalLocation": "/j"}


def test_the_least_that_a_stream_needs() -> None:
    options = read_source(GOOD, streaming=True)
    assert (str(options.connection.broker), options.topics, options.qos) == ("localhost:1883", ("a/b",), 1)
    assert (options.max_journal, options.connection.level, options.starting) == (1 << 30, 4, "journal")


def test_names_are_read_without_case() -> None:
    options = read_source({**GOOD, "MAXOFFSETSPERTRIGGER": "5", "mqtt.QOS": "2"}, streaming=True)
    assert (options.max_offsets, options.qos) == (5, 2)


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("localhost", "localhost:1883"),
        ("localhost:1884", "localhost:1884"),
        ("mqtt://h", "h:1883"),
        ("ssl://h", "h:8883"),
        ("mqtts://[::1]:99/", "[::1]:99"),
        ("ws://h", "h:80"),
        ("wss://h:8884/x?token=1", "h:8884"),
    ],
)
def test_a_broker_s_address(url: str, broker: str) -> None:
    assert str(read_source({**GOOD, "mqtt.broker.url": url}, streaming=True).connection.broker) == broker


def test_a_share_group_is_part_of_the_topic() -> None:
    options = read_source({**GOOD, "subscribe": "a/#, b/+/c ,a/#", "shareGroup": "g"}, streaming=True)
    assert options.topics == ("$share/g/a/#", "$share/g/b/+/c")


@pytest.mark.parametrize(
    ("text", "size"), [("12345678", 12345678), ("64m", 64 << 20), ("2GB", 2 << 30), ("4096 k", 4 << 20)]
)
def test_sizes_are_written_as_spark_writes_them(text: str, size: int) -> None:
    assert read_source({**GOOD, "maxJournalBytes": text}, streaming=True).max_journal == size


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mqtt.broker.url": ""}, "tcp://host:1883"),
        ({"mqtt.broker.url": "tcp://"}, "tcp://host:1883"),
        ({"mqtt.broker.url": "tcp://h:70000"}, "tcp://host:1883"),
        ({"mqtt.broker.url": "http://h"}, "tcp://host:1883"),
        ({"mqtt.broker.url": "wss://h/a b"}, "wss://host/mqtt"),
        ({"mqtt.broker.url": "ssl://h/mqtt"}, "wss://host/mqtt"),
        ({"mqtt.broker.url": "tcp://me:secret@h"}, "mqtt.username"),
        ({"subscribe": " , "}, "names no topic"),
        ({"subscribe": "a/#/b"}, "a/#/b"),
        ({"subscribe": "a+/b"}, r"a\+/b"),
        ({"subscribe": "$share/g/a"}, "shareGroup"),
        ({"shareGroup": "a/b"}, "shareGroup"),
        ({"mqtt.qos": "3"}, "from 0 to 2"),
        ({"mqtt.qos": "one"}, "from 0 to 2"),
        ({"mqtt.version": "3.1"}, "3.1.1 or 5"),
        ({"mqtt.keepalive": "70000"}, "from 0 to 65535"),
        ({"mqtt.connect.timeout": "0"}, "mqtt.connect.timeout"),
        ({"startingOffsets": "earliest"}, "keeps no history"),
        ({"startingOffsets": "newest"}, "latest or journal"),
        ({"maxOffsetsPerTrigger": "-1"}, "maxOffsetsPerTrigger"),
        ({"maxBytesPerTrigger": "many"}, "512k"),
        ({"maxJournalBytes": "5k"}, "below 1m"),
        ({"failOnDataLoss": "no"}, "true or false"),
        ({"includeHeaders": "true"}, "mqtt.version to 5"),
        ({"mqtt.ssl.ca": "ca.pem"}, "ssl://"),
        ({"mqtt.broker.url": "ssl://h", "mqtt.ssl.key": "k"}, "mqtt.ssl.cert"),
        ({"mqtt.password": "a", "mqtt.password.command": "b"}, "give one"),
        ({"maxOffsetPerTrigger": "1"}, "did you mean maxOffsetsPerTrigger"),
        ({"kafka.bootstrap.servers": "h"}, "no option kafka.bootstrap.servers"),
    ],
)
def test_a_wrong_option_is_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said) as raised:
        read_source({**GOOD, **wrong}, streaming=True)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("missing", ["mqtt.broker.url", "subscribe"])
def test_a_missing_option_is_named(missing: str) -> None:
    with pytest.raises(OptionError, match=f"option {missing} is missing"):
        read_source({name: value for name, value in GOOD.items() if name != missing}, streaming=True)


def test_qos_1_needs_a_journal_and_qos_0_none() -> None:
    without = {name: value for name, value in GOOD.items() if name != "journalLocation"}
    with pytest.raises(OptionError, match="journalLocation is missing"):
        read_source(without, streaming=True)
    assert read_source({**without, "mqtt.qos": "0"}, streaming=True).journal is None
    assert read_source(without, streaming=False).qos == 1
    with pytest.raises(OptionError, match="'journal', and there is none"):
        read_source({**without, "mqtt.qos": "0", "startingOffsets": "journal"}, streaming=True)


def test_a_sink_s_topic_has_no_wildcard() -> None:
    assert read_sink({"mqtt.broker.url": "h", "topic": "a/b"}).topic == "a/b"
    with pytest.raises(OptionError, match="no \\+ and no #"):
        read_sink({"mqtt.broker.url": "h", "topic": "a/#"})


@pytest.mark.parametrize("wrong", [{"subscribe": "a/token-1/#/b"}, {"subscribe": "$share/g/token-1"}])
def test_topics_are_not_shown_where_they_hold_secrets(wrong: dict[str, str]) -> None:
    with pytest.raises(OptionError, match=r"subscribe has the topic \(not shown\)") as raised:
        read_source({**GOOD, **wrong, "showTopics": "false"}, streaming=True)
    assert "token-1" not in str(raised.value)
    with pytest.raises(OptionError, match=r"option topic is \(not shown\)"):
        read_sink({"mqtt.broker.url": "h", "topic": "token-1/#", "showTopics": "false"})
