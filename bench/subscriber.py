"""A bare subscriber: reads from a plain socket and counts. It drains what a broker can deliver on this machine.

`python -m bench.subscriber --port PORT --topic TOPIC --seconds S` prints one line of JSON: `events` and `seconds`, from
the first event on.
"""

import argparse
import json
import socket
import sys
import time

from bench.link import READ, connected
from bench.packets import take_publishes


def drain(link: socket.socket, seconds: float) -> tuple[int, float]:
    """Events that came in so many seconds after the first ones, and those seconds."""
    buffer, into = bytearray(), bytearray(READ)
    view = memoryview(into)
    events, began = 0, 0.0
    while not began or time.monotonic() - began < seconds:
        count = link.recv_into(view)
        if not count:
            raise ConnectionError("the broker closed the connection")
        buffer += view[:count]
        events += take_publishes(buffer)
        if not began and events:
            events, began = 0, time.monotonic()
    return events, time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.subscriber", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    link = connected(options.port, "", topic=options.topic)
    link.settimeout(30)
    print(json.dumps({"subscribed": True}), flush=True)
    events, seconds = drain(link, options.seconds)
    print(json.dumps({"events": events, "seconds": seconds}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
