"""Runs the real micropython-netpie under CPython: orders come as JSON on standard input, answers go out as JSON.

Its code and its MQTT client (`simple`) are not touched. What MicroPython has and CPython has not is stood in for:
sockets that are streams, the modules' older names, WiFi, and `urequests`, which sends what is for NETPIE's API to the
emulator.
"""

import binascii
import http.client
import json
import socket
import struct
import sys
import time
import types
from functools import partial
from urllib.parse import urlsplit

options = json.load(sys.stdin)


class StreamSocket(socket.socket):
    """A socket as MicroPython has it: read and write, None when nothing is there yet."""

    def write(self, data, size=None):
        data = data.encode() if isinstance(data, str) else bytes(data)
        self.sendall(data[:size])

    def read(self, size):
        got = b""
        while len(got) < size:
            try:
                part = self.recv(size - len(got))
            except BlockingIOError:
                return None
            if not part:
                break
            got += part
        return got


def request(method, url, headers, data=None, **more):
    """Send what is for https://api.netpie.io to the emulator."""
    asked = urlsplit(url)
    assert asked.netloc == "api.netpie.io"
    body = json.dumps(more["json"]) if "json" in more else data
    link = http.client.HTTPConnection("127.0.0.1", options["http_port"], timeout=60)
    link.request(method, asked.path, body, headers)
    answer = link.getresponse()
    return types.SimpleNamespace(text=answer.read().decode(), status_code=answer.status, close=link.close)


def module(name, **contents):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(contents)


module("usocket", socket=StreamSocket, getaddrinfo=socket.getaddrinfo)
module("ustruct", **{name: getattr(struct, name) for name in ("pack", "pack_into")})
module("ubinascii", hexlify=binascii.hexlify)
module("network", WLAN=object)
module("urequests", **{method.lower(): partial(request, method) for method in ("GET", "PUT", "POST")})

import netpie  # noqa: E402

heard = []
client = netpie.NETPIE()
client.hostname = "127.0.0.1"
client.set_profile(*options["profile"])
client.client.port = options["mqtt_port"]
client.set_callback(lambda topic, message: heard.append([topic.decode(), message.decode()]))


def hear(count):
    """Return the next messages, as a program's loop does."""
    deadline = time.monotonic() + 60
    while len(heard) < count and time.monotonic() < deadline:
        client.check_message()
        time.sleep(0.01)
    return heard


answers = []
for name, *arguments in options["orders"]:
    try:
        done = hear(*arguments) if name == "hear" else getattr(client, name)(*arguments)
    except Exception as error:  # noqa: BLE001
        done = repr(error)
    answers.append(done)
json.dump(answers, sys.stdout)
