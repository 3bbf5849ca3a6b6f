"""Packets cut out of what a socket gave, a large piece at a time and in one pass.

A PUBLISH is not taken apart here: the bytes of its frame are what the journal keeps, and workers make columns of
them (`_rows`). What costs is a turn of a loop for each message, so it looks at no more than the lengths, and the packet
id where there is one.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from pyspark_mqtt._errors import ProtocolError
from pyspark_mqtt._packets import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, read_length

UNKNOWN = -1
"""The digest of a message that is known by its packet id alone."""

_ANSWER = {kind: bytes([kind << 4, 2]) for kind in (PUBACK, PUBREC, PUBCOMP)}


@dataclass
class Piece:
    """What the complete packets of a piece were.

    `body` has the frames to keep, as they came: each PUBLISH that is new, and each PUBREL, since both change which
    QoS 2 packet ids are taken. `answers` are the acknowledgements of all, to be sent when `body` is on the disk.
    """

    consumed: int
    body: bytes
    rows: int
    answers: bytes
    acknowledged: int
    redelivered: int
    repeated: int
    others: list[tuple[int, bytes]]


def cut(data: bytearray, end: int, level: int, unreleased: dict[int, int]) -> Piece:
    """Cut the complete packets out of `data[:end]`.

    `unreleased` has the digests of QoS 2 messages that were taken and not yet released, by packet id; it is brought up
    to date. A QoS 2 message that is among them came before, and is answered and left out. One that is not, though its
    id is, is new: a broker that was killed may not know any more that it gave the id away. `redelivered` counts the
    frames that carry the duplicate flag, `repeated` those left out. Raises `ProtocolError` for bytes that are no packet
    of a broker.
    """
    position = rows = acknowledged = redelivered = repeated = kept_from = 0
    spans: list[bytes] = []
    answers: list[bytes] = []
    others: list[tuple[int, bytes]] = []
    while end - position > 1:
        first, length, start = data[position], data[position + 1], position + 2
        if length > 127:
            if end - position < 5 and data[end - 1] > 127:
                break
            length, start = read_length(data, position + 1)
        after = start + length
        if after > end:
            break
        if first >> 4 == PUBLISH:
            at = start + 2 + (data[start] << 8 | data[start + 1]) if length > 1 else after + 1
            if at > after:
                raise ProtocolError("a PUBLISH whose topic is longer than itself")
            if first & 8:
                redelivered += 1
            qos = first >> 1 & 3
            if qos:
                number = data[at] << 8 | data[at + 1] if at + 2 <= after else 0
                at += 2
                if not number or qos > 2:
                    raise ProtocolError("a PUBLISH with no packet id, or of a QoS that there is not")
                acknowledged += 1
                answers.append(_ANSWER[PUBACK if qos == 1 else PUBREC] + number.to_bytes(2, "big"))
                if qos == 2:
                    digest = _digest(data, start, after, level)
                    if unreleased.get(number) in (digest, UNKNOWN):
                        repeated += 1
                        spans.append(bytes(data[kept_from:position]))
                        kept_from = position = after
                        continue
                    unreleased[number] = digest
            if level == 5:
                _payload(data, at, after)
            rows += 1
        elif first == PUBREL << 4 | 2 and length > 1:
            number = data[start] << 8 | data[start + 1]
            unreleased.pop(number, None)
            answers.append(_ANSWER[PUBCOMP] + number.to_bytes(2, "big"))
        else:
            others.append((first, bytes(data[start:after])))
            spans.append(bytes(data[kept_from:position]))
            kept_from = after
        position = after
    spans.append(bytes(data[kept_from:position]))
    return Piece(position, b"".join(spans), rows, b"".join(answers), acknowledged, redelivered, repeated, others)


def ids_left(body: bytes, level: int, unreleased: dict[int, int]) -> None:
    """Bring `unreleased` up to date with the frames of a journal's record."""
    position, end = 0, len(body)
    while position < end:
        first = body[position]
        length, start = read_length(body, position + 1)
        after = start + length
        if first >> 4 == PUBREL:
            unreleased.pop(body[start] << 8 | body[start + 1], None)
        elif first >> 1 & 3 == 2:
            at = start + 2 + (body[start] << 8 | body[start + 1])
            unreleased[body[at] << 8 | body[at + 1]] = _digest(body, start, after, level)
        position = after


def _digest(data: bytes | bytearray, start: int, after: int, level: int) -> int:
    """What tells a message of QoS 2 from another: of its topic and payload, as its properties may be others the next
    time.
    """
    at = start + 2 + (data[start] << 8 | data[start + 1])
    payload = _payload(data, at + 2, after) if level == 5 else at + 2
    view = memoryview(data)
    return zlib.crc32(view[payload:after], zlib.crc32(view[start:at]))


def _payload(data: bytes | bytearray, at: int, after: int) -> int:
    """Where the payload begins behind the properties that begin at `at`; raises if they reach beyond `after`."""
    length, start = (data[at], at + 1) if at < after and data[at] < 128 else read_length(memoryview(data)[:after], at)
    if start + length > after:
        raise ProtocolError("the properties of a PUBLISH are longer than the PUBLISH")
    return start + length
