"""The long form of the test that kills a query: `python kills.py --kills 300 --messages 1000000`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from mqtt_support import sparks
from mqtt_support.killing import killed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--qos", type=int, choices=(1, 2), default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = killed(Path(folder), qos=chosen.qos, messages=chosen.messages, kills=chosen.kills)
    print(f"Spark {sparks.VERSION}, QoS {chosen.qos}, {chosen.messages} messages: {found}")
    return 1 if found.missing or (found.twice and chosen.qos == 2) else 0


if __name__ == "__main__":
    sys.exit(main())
