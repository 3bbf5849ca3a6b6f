"""A thread that takes messages off the broker and into the journal, for as long as the stream lives."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields

from pyspark_mqtt import _packets as packets
from pyspark_mqtt._errors import MqttError, SubscriptionRefused, TakenOver, Unreachable
from pyspark_mqtt._frames import Piece, cut
from pyspark_mqtt._journal import Journal
from pyspark_mqtt._link import TURN, Link, Login, logged_in, opened
from pyspark_mqtt._options import SourceOptions

READ = 1 << 20
"""Bytes that are taken off the socket at most at once."""

SHORT = 5.0
"""Seconds: a connection that ends earlier was cut off, and does not reset the back-off."""

CUT_OFF = 6
"""Connections that the broker cuts off in a row before another client with this id is blamed."""

GATHER, ENOUGH = 0.01, 256 << 10
"""Seconds that the next piece of a busy stream gathers in the socket, unless the last one had so many bytes: what a
piece costs is shared by all in it. Where the broker waits for acknowledgements, it is not made to wait."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
_SEND_TIMEOUT = 30.0
_LEFT_OVER = 1.5  # of the keep-alive: silence after which a connection is dead


@dataclass
class Metrics:
    """Counts since the stream started; `journal_bytes` and `waiting_bytes` are what there is now.

    `received`: messages that were written to the journal. `acknowledged`: acknowledgements that went out, one for each
    message of QoS 1 or 2 that came, those that came again too.
    `redelivered`: those that the broker marked as sent before. `repeated`: those of QoS 2 that were in the journal, and
    left out.
    `truncated_bytes`: what a kill had left half written.
    """

    received: int = 0
    acknowledged: int = 0
    redelivered: int = 0
    repeated: int = 0
    reconnects: int = 0
    truncated_bytes: int = 0
    journal_bytes: int = 0
    waiting_bytes: int = 0

    def as_dict(self) -> dict[str, int]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


class Receiver:
    """The stream's connection. `error` is what ended it, if anything did."""

    def __init__(self, options: SourceOptions, journal: Journal, client_id: str, login: Login | None = None) -> None:
        self._options = options
        self._journal = journal
        self._client_id = client_id
        self._clean = options.journal is None
        self._login = login
        self._metrics = Metrics(truncated_bytes=journal.truncated)
        self._buffer = bytearray(READ)
        self._fill = 0
        self._asked: list[str] = []
        self._heard = self._sent = 0.0
        self._logged_in = 0.0
        self._connected_once = False
        self._cut_off = 0
        self._ready = threading.Event()
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pyspark-mqtt", daemon=True)
        self.error: MqttError | None = None

    def start(self) -> None:
        self._thread.start()

    def wait_until_subscribed(self) -> None:
        """Return when the broker has confirmed the subscription. Raises what ended the receiver."""
        self._ready.wait()
        self.check()

    def wait_until_quiet(self, quiet: float, most: float) -> None:
        """Return when nothing came for `quiet` seconds, or after `most`."""
        end = time.monotonic() + most
        while self.error is None and (now := time.monotonic()) < end and now < self._heard + quiet:
            time.sleep(0.02)

    def check(self) -> None:
        """Raise what ended the receiver, if anything did."""
        if self.error is not None:
            raise self.error

    def metrics(self) -> Metrics:
        self._metrics.journal_bytes = self._journal.size
        self._metrics.waiting_bytes = self._journal.waiting
        return self._metrics

    def stop(self) -> None:
        """Say goodbye to the broker and end. What came and is not acknowledged, the broker sends again next time."""
        self._halt.set()
        if self._thread.is_alive():
            self._thread.join(_SEND_TIMEOUT)

    def _run(self) -> None:
        began, pause = time.monotonic(), _FIRST_PAUSE
        try:
            while not self._halt.is_set():
                self._logged_in = 0.0
                problem = self._live()
                lived = time.monotonic() - self._logged_in if self._logged_in else 0.0
                if self._halt.is_set():
                    break
                self._blame(problem, lived, time.monotonic() - began)
                pause = _FIRST_PAUSE if lived > SHORT else min(pause * 2, _LONGEST_PAUSE)
                self._halt.wait(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
        except MqttError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self.error = MqttError(f"the MQTT reader failed: {type(error).__name__}: {error}")
            self.error.__cause__ = error
        finally:
            self._ready.set()

    def _live(self) -> OSError | None:
        """One connection, from login to its end; what ended it, None for being told to stop."""
        try:
            timeout = min(self._options.connection.connect_timeout, 10.0)
            with opened(self._options.connection, timeout) as link:
                answer = logged_in(
                    link,
                    self._options.connection,
                    self._client_id,
                    clean=self._clean,
                    make=self._login,
                    timeout=timeout,
                )
                self._welcomed(link, answer)
                while not self._halt.is_set():
                    self._turn(link)
                link.sendall(packets.GOODBYE)
        except OSError as error:
            return error
        return None

    def _blame(self, problem: OSError | None, lived: float, since_start: float) -> None:
        """Raise if what ended a connection is nothing that another attempt will cure."""
        if not self._connected_once and since_start > self._options.connection.connect_timeout:
            raise Unreachable(
                f"{self._options.connection.broker} can't be reached: {_said(problem)}", "check mqtt.broker.url"
            ) from problem
        was_cut_off = isinstance(problem, ConnectionError) and 0 < lived < SHORT
        self._cut_off = self._cut_off + 1 if was_cut_off else 0
        if self._cut_off >= CUT_OFF:
            raise TakenOver(
                f"{self._options.connection.broker} closed the connection of {self._client_id!r} {CUT_OFF} times "
                f"right after its login: {_said(problem)}",
                "another client has the same id, or the broker allows this one less than it does: give each its own "
                "mqtt.client.id",
            ) from problem

    def _welcomed(self, link: Link, answer: packets.Connack) -> None:
        """Bring state and subscription in line with what the broker knows of this session."""
        self._logged_in = self._heard = self._sent = time.monotonic()
        if self._connected_once:
            self._metrics.reconnects += 1
        self._connected_once = True
        self._fill = 0
        state, session = self._journal.state, f"{self._options.connection.broker}/{self._client_id}"
        if not answer.session_present or state.session != session:
            state.session, state.subscribed = session, []
            self._journal.unreleased.clear()
            self._journal.save_state()
        wanted = [f"{self._options.qos} {topic}" for topic in self._options.topics]
        self._asked = [topic for topic in wanted if topic not in state.subscribed]
        no_more = _names(state.subscribed, without=_names(wanted))
        level = self._options.connection.level
        if no_more:
            self._send(link, packets.unsubscribe(level, 2, no_more))
            state.subscribed = [topic for topic in wanted if topic in state.subscribed]
            self._journal.save_state()
        if self._asked:
            self._send(link, packets.subscribe(level, 1, _names(self._asked), self._options.qos))
        else:
            self._ready.set()

    def _turn(self, link: Link) -> None:
        """Take what the socket has, unless Spark is too far behind, and keep the connection alive."""
        full = self._journal.waiting > self._options.max_journal
        if full:
            self._halt.wait(TURN / 2)
        else:
            self._take(link)
        now = time.monotonic()
        keepalive = self._options.connection.keepalive
        if keepalive and now - self._sent > keepalive / 2:
            self._send(link, packets.PING)
        if full:
            self._heard = now
        elif keepalive and now - self._heard > keepalive * _LEFT_OVER:
            raise TimeoutError(f"the broker was silent for {now - self._heard:.0f} s")

    def _take(self, link: Link) -> None:
        try:
            count = link.recv_into(memoryview(self._buffer)[self._fill :])
        except socket.timeout:
            return
        if not count:
            raise ConnectionError("the broker closed the connection")
        self._heard = time.monotonic()
        self._fill += count
        piece = cut(self._buffer, self._fill, self._options.connection.level, self._journal.unreleased)
        if piece.body:
            self._journal.append(piece.body, piece.rows, self._options.connection.level, time.time_ns() // 1000)
        self._answer(link, piece)
        for first, body in piece.others:
            self._control(first, body)
        self._keep_rest(piece.consumed)
        if piece.rows > 1 and not piece.answers and count < ENOUGH:
            time.sleep(GATHER)

    def _answer(self, link: Link, piece: Piece) -> None:
        self._metrics.received += piece.rows
        self._metrics.redelivered += piece.redelivered
        self._metrics.repeated += piece.repeated
        if piece.answers:
            self._journal.sync()
            self._send(link, piece.answers)
            self._metrics.acknowledged += piece.acknowledged

    def _keep_rest(self, consumed: int) -> None:
        """Move the beginning of the next packet to the front; make room for one that is larger than the buffer."""
        rest = self._fill - consumed
        self._buffer[:rest] = self._buffer[consumed : self._fill]
        self._fill = rest
        if rest == len(self._buffer):
            self._buffer.extend(bytes(len(self._buffer)))
        elif len(self._buffer) > READ and rest < READ:
            del self._buffer[READ:]

    def _control(self, first: int, body: bytes) -> None:
        kind, level = first >> 4, self._options.connection.level
        if kind == packets.SUBACK:
            self._subscribed(*packets.read_suback(level, body))
        elif kind == packets.DISCONNECT:
            code, reason = packets.read_disconnect(level, body)
            if code == packets.TAKEN_OVER:
                raise TakenOver(
                    f"{self._options.connection.broker} gave the session of {self._client_id!r} to another client",
                    "give each its own mqtt.client.id",
                )
            raise ConnectionError(f"the broker ended the connection: {reason}")

    def _subscribed(self, _: int, codes: bytes) -> None:
        for asked, code in zip(self._asked, codes):
            qos, topic = asked.split(" ", 1)
            shown = self._options.connection.shown(topic)
            if code >= 0x80:
                reason = packets.REASONS_5.get(code, "not authorized") if code > 0x80 else "no reason given"
                raise SubscriptionRefused(
                    f"{self._options.connection.broker} refused the topic {shown}: {reason}",
                    "check the topic, and what this user may read",
                )
            if code < int(qos):
                raise SubscriptionRefused(
                    f"{self._options.connection.broker} grants QoS {code} for the topic {shown}, "
                    f"and {qos} was asked for",
                    f"set mqtt.qos to {code}, with what that guarantees",
                )
        self._journal.state.subscribed = [f"{self._options.qos} {topic}" for topic in self._options.topics]
        self._journal.save_state()
        self._ready.set()

    def _send(self, link: Link, data: bytes) -> None:
        link.settimeout(_SEND_TIMEOUT)
        link.sendall(data)
        link.settimeout(TURN)
        self._sent = time.monotonic()


def _names(entries: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Topics of entries `QOS TOPIC`."""
    names = [entry.split(" ", 1)[1] for entry in entries]
    return [name for name in names if name not in without]


def _said(problem: OSError | None) -> str:
    return (problem.strerror or str(problem) or type(problem).__name__) if problem else "no reason"
