"""A publisher faster than any broker: encoded packets in large pieces on a plain socket.

`python -m bench.generator --port PORT --topic TOPIC [--rate R] [--qos 1]` publishes until it is stopped, and prints a
line of JSON twice a second: `at` (epoch seconds) and `sent` (events so far).
"""

import argparse
import itertools
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Event

from bench.events import Pool, pool
from bench.link import READ, connected
from provision.publisher.pacing import paced

PIECE = 1000  # events sent at once without a rate
REPORT = 0.5  # seconds between two lines


def publish(link: socket.socket, events: Pool, due: Iterator[int]) -> Iterator[int]:
    """Send as many events as each of `due` says; yield how many were sent so far."""
    sent = 0
    for count in due:
        events.at(time.time())
        for piece in events.slices(sent, count):
            link.sendall(piece)
        sent += count
        yield sent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.generator", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; as many as the broker takes without")
    parser.add_argument("--qos", type=int, default=0, choices=(0, 1), help="1: without waiting for acknowledgements")
    options = parser.parse_args()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    link = connected(options.port, "")
    link.settimeout(None)
    due = paced(options.rate, stop) if options.rate else itertools.takewhile(lambda _: not stop.is_set(), _max())
    report, sent = 0.0, 0
    if options.qos:
        threading.Thread(target=_ignore_answers, args=(link,), daemon=True).start()
    for sent in publish(link, pool(options.topic, time.time(), qos=options.qos), due):
        if time.monotonic() >= report:
            report = time.monotonic() + REPORT
            _say(sent)
    _say(sent)
    return 0


def _ignore_answers(link: socket.socket) -> None:
    with suppress(OSError):
        while link.recv(READ):
            pass


def _max() -> Iterator[int]:
    return itertools.repeat(PIECE)


def _say(sent: int) -> None:
    print(json.dumps({"at": time.time(), "sent": sent}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
