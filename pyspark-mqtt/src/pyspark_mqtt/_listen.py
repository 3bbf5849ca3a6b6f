"""What is retained, or comes within a given time: the rows of `spark.read`."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator

from pyspark_mqtt import _packets as packets
from pyspark_mqtt._errors import SubscriptionRefused, Unreachable
from pyspark_mqtt._frames import cut
from pyspark_mqtt._link import TURN, Link, Login, logged_in, opened
from pyspark_mqtt._options import SourceOptions
from pyspark_mqtt._rows import Record

_READ = 1 << 20


def listened(options: SourceOptions, login: Login | None) -> Iterator[Record]:
    """Connect, subscribe and yield what comes within `duration` seconds, as records; then leave.

    Messages are acknowledged as they come: nobody asks for them again. Raises `Unreachable`, `LoginRefused` and
    `SubscriptionRefused`.
    """
    connection = options.connection
    client = connection.client_id or f"spark{uuid.uuid4().hex[:18]}"
    try:
        with opened(connection, connection.connect_timeout) as link:
            logged_in(link, connection, client, clean=True, make=login, timeout=connection.connect_timeout)
            link.sendall(packets.subscribe(connection.level, 1, options.topics, options.qos))
            yield from _records(link, options)
            link.sendall(packets.GOODBYE)
    except OSError as error:
        raise Unreachable(f"{connection.broker}: {error.strerror or error}", "check mqtt.broker.url") from error


def _records(link: Link, options: SourceOptions) -> Iterator[Record]:
    level, offset, fill = options.connection.level, 0, 0
    unreleased: dict[int, int] = {}
    data = bytearray(_READ)
    end: float | None = None
    link.settimeout(options.connection.connect_timeout)
    while end is None or time.monotonic() < end:
        try:
            count = link.recv_into(memoryview(data)[fill:])
        except socket.timeout:
            if end is None:
                raise
            continue
        if not count:
            raise ConnectionError("the broker closed the connection")
        fill += count
        piece = cut(data, fill, level, unreleased)
        if piece.rows:
            yield level, offset, piece.rows, time.time_ns() // 1000, piece.body
            offset += piece.rows
        if piece.answers:
            link.sendall(piece.answers)
        if any(first >> 4 == packets.SUBACK for first, _ in piece.others):
            _check(options, next(body for first, body in piece.others if first >> 4 == packets.SUBACK))
            end = time.monotonic() + options.duration
            link.settimeout(min(TURN, max(options.duration, 0.01)))
        data[: fill - piece.consumed] = data[piece.consumed : fill]
        fill -= piece.consumed
        if fill == len(data):
            data.extend(bytes(len(data)))


def _check(options: SourceOptions, body: bytes) -> None:
    _, codes = packets.read_suback(options.connection.level, body)
    for topic, code in zip(options.topics, codes):
        if code >= 0x80:
            reason = packets.REASONS_5.get(code, "no reason given")
            raise SubscriptionRefused(
                f"{options.connection.broker} refused the topic {options.connection.shown(topic)}: {reason}",
                "check the topic, and what this user may read",
            )
