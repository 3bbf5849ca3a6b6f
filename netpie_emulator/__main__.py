"""`python -m netpie_emulator`: the emulator as its own process.

The application's secret is never an argument: it comes from NETPIE_APPSECRET, else from the state folder, else it
is random.
"""

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from netpie_emulator.emulator import Emulator
from netpie_emulator.errors import EmulatorError


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _serve(options, stop)
    except EmulatorError as error:
        sys.stderr.write(f"error: {error.message}; {error.next_step}\n")
        return error.exit_code
    return 0


def _serve(options: argparse.Namespace, stop: threading.Event) -> None:
    emulator = Emulator(
        options.appid,
        options.appkey,
        os.environ.get("NETPIE_APPSECRET") or None,
        state=options.state,
        http_port=options.http_port,
        mqtt_port=options.mqtt_port,
    )
    with emulator:
        ready = {
            "pid": os.getpid(),
            "auth": emulator.auth_url,
            "mqtt": {"host": emulator.mqtt_host, "port": emulator.mqtt_port},
            "appid": emulator.application.appid,
            "appkey": emulator.application.appkey,
        }
        if options.ready_file:
            _write(options.ready_file, json.dumps(ready))
        try:
            stop.wait()
        finally:
            if options.ready_file:
                options.ready_file.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    """Write `file` (mode 0600) atomically: a reader never sees part of it."""
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, file)
    except OSError as error:
        raise EmulatorError(f"{file}: {error.strerror}", next_step="name another --ready-file") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m netpie_emulator", description="A NETPIE 2015 on loopback.")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps applications and tokens")
    parser.add_argument("--appid", required=True, help="the application's APPID")
    parser.add_argument("--appkey", help="its APPKEY (default: the one in the state folder, or a random one)")
    parser.add_argument("--http-port", type=int, default=0, help="port of the auth server (default: a free one)")
    parser.add_argument("--mqtt-port", type=int, default=0, help="port of the broker (default: a free one)")
    parser.add_argument("--ready-file", type=Path, help="JSON with the addresses, written once both ports answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
