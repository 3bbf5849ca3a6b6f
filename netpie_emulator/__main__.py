"""`python -m netpie_emulator`: the emulator as its own process.

No secret is an argument. NETPIE 2015: the application's comes from NETPIE_APPSECRET, else from the state folder, else
it is random. NETPIE 2020: those of the devices are in the file that --devices names.
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
from netpie_emulator.netpie2020.datastore import POINT_LIMIT
from netpie_emulator.netpie2020.devices import account_in
from netpie_emulator.netpie2020.emulator import Emulator2020
from netpie_emulator.netpie2020.quota import COUNTS, FREE, quota_of


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    parser = _parser()
    options = parser.parse_args()
    _check(parser, options)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        PLATFORMS[options.platform](options, stop)
    except EmulatorError as error:
        sys.stderr.write(f"error: {error.message}; {error.next_step}\n")
        return error.exit_code
    return 0


def _netpie2015(options: argparse.Namespace, stop: threading.Event) -> None:
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
        _run(options.ready_file, ready, stop)


def _netpie2020(options: argparse.Namespace, stop: threading.Event) -> None:
    emulator = Emulator2020(
        account_in(options.devices, options.count),
        quota=quota_of(options.quota),
        point_limit=options.point_limit,
        http_port=options.http_port,
        mqtt_port=options.mqtt_port,
        certificate=options.certificate,
        tls_port=options.tls_port,
        websocket_port=options.websocket_port,
        https_port=options.https_port,
    )
    with emulator:
        ready = {
            "pid": os.getpid(),
            "api": emulator.api_url,
            "query": emulator.query_url,
            "mqtt": {"host": emulator.mqtt_host, "port": emulator.mqtt_port},
            "devices": str(options.devices.resolve()),
        }
        if options.certificate:
            ready["mqtts"] = {"host": emulator.mqtt_host, "port": emulator.tls_port}
            ready["apis"] = emulator.https_url
        if options.websocket_port is not None:
            scheme = "wss" if options.certificate else "ws"
            ready[scheme] = {"host": emulator.mqtt_host, "port": emulator.websocket_port}
        _run(options.ready_file, ready, stop)


PLATFORMS = {"netpie2015": _netpie2015, "netpie2020": _netpie2020}
REQUIRED = {"netpie2015": ("state", "appid"), "netpie2020": ("devices",)}
OWN = {
    "netpie2015": ("state", "appid", "appkey"),
    "netpie2020": (
        "devices",
        "count",
        "quota",
        "point_limit",
        "certificate",
        "tls_port",
        "https_port",
        "websocket_port",
    ),
}
DEFAULTS = {"count": 2, "quota": [], "point_limit": POINT_LIMIT, "tls_port": 0, "https_port": 0}


def _run(ready_file: Path | None, ready: dict[str, object], stop: threading.Event) -> None:
    if ready_file:
        _write(ready_file, json.dumps(ready))
    try:
        stop.wait()
    finally:
        if ready_file:
            ready_file.unlink(missing_ok=True)


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Fill in defaults; an option that is missing, or another platform's, is an error of usage."""
    for platform, names in OWN.items():
        for name in names:
            option = f"--{name.replace('_', '-')}"
            if platform != options.platform and getattr(options, name) is not None:
                parser.error(f"{option} is an option of --platform {platform}")
            if name in REQUIRED[options.platform] and getattr(options, name) is None:
                parser.error(f"--platform {options.platform} needs {option}")
            if getattr(options, name) is None:
                setattr(options, name, DEFAULTS.get(name))


def _write(file: Path, text: str) -> None:
    """Write `file` (mode 0600) atomically: a reader never sees part of it."""
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, file)
    except OSError as error:
        raise EmulatorError(f"{file}: {error.strerror}", next_step="name another --ready-file") from error


EXAMPLES = """examples:
  python -m netpie_emulator --state netpie --appid MyApp
  python -m netpie_emulator --platform netpie2020 --devices devices.json --count 30 --mqtt-port 1883
  python -m netpie_emulator --platform netpie2020 --devices devices.json --quota messages=100 --point-limit 1000

netpie2020: FILE is JSON, {"devices": [{"client_id": …, "token": …, "secret": …}, …]}. A device may have project,
group, alias, enabled, banned, schema and triggers; "flowchannels": ["FWAG…:…"], "user_token" and "hooks" (event
hooks by name) stand beside "devices".
A file that is not there is made, with random credentials, for its owner only. A device connects with its client id,
its token as user name and its secret as password (MQTT 3.1.1); programs use the header
"Authorization: Device CLIENTID:TOKEN". GET /emulator/usage tells what is used of the quota, /emulator/actions what
triggers have asked for, /emulator/pushes the notifications. A hook is called if its uri is on loopback.
Shadows and points last as long as the process.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m netpie_emulator",
        description="A NETPIE on loopback: broker and HTTP server.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--platform", choices=list(PLATFORMS), default="netpie2015", help="default: netpie2015")
    parser.add_argument("--http-port", type=int, default=0, help="port of the HTTP server (default: a free one)")
    parser.add_argument("--mqtt-port", type=int, default=0, help="port of the broker (default: a free one)")
    parser.add_argument("--ready-file", type=Path, help="JSON with the addresses, written once both ports answer")
    old = parser.add_argument_group("netpie2015")
    old.add_argument("--state", type=Path, help="folder that keeps applications and tokens")
    old.add_argument("--appid", help="the application's APPID")
    old.add_argument("--appkey", help="its APPKEY (default: the one in the state folder, or a random one)")
    new = parser.add_argument_group("netpie2020")
    new.add_argument("--devices", type=Path, metavar="FILE", help="the devices, made when the file is not there")
    new.add_argument("--count", type=_positive, help="how many devices a new file has, all of one group (default: 2)")
    new.add_argument(
        "--quota",
        action="append",
        metavar="KIND=COUNT",
        help=f"a quota other than the free one; kinds: {', '.join((*FREE, *COUNTS))}",
    )
    new.add_argument(
        "--point-limit", type=_positive, help=f"where the data store cuts off, in points (default: {POINT_LIMIT})"
    )
    new.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="PEM with a certificate and its key: broker and API speak TLS too",
    )
    new.add_argument("--tls-port", type=int, help="port of the broker for TLS (default: a free one)")
    new.add_argument("--https-port", type=int, help="port of the HTTP server for TLS (default: a free one)")
    new.add_argument(
        "--websocket-port",
        type=int,
        help="port of the broker for websockets, over TLS with --certificate; 0: a free one (default: none)",
    )
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
