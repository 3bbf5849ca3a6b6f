"""The event of the seed document: one host's load, CPU and memory at one time, as one line of JSON."""

import json
import time


def timestamp(at: float) -> str:
    """Return `at` (epoch seconds) in this machine's zone, such as `2018-10-29T09:53:36+0700`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(at))


def quoted(host: str) -> str:
    """Return `host` as a JSON string, quotes included."""
    return json.dumps(host)


def event(ts: str, quoted_id: str, loadavg: float, cpu: float, mem: float) -> bytes:
    """Return the event as JSON; `cpu` and `mem` are percent, each figure has four decimals."""
    return (
        f'{{"ts": "{ts}", "id": {quoted_id}, "loadavg": {loadavg:.4f}, "cpu": {cpu:.4f}, "mem": {mem:.4f}}}'
    ).encode()
