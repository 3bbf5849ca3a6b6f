"""Drives the real microgear-python: orders come as JSON lines on standard input, what happens goes out
likewise.

Run by the interpreter that `environment.py` makes. The first line says which application, where NETPIE is,
and the folder of the cache. microgear's code is not touched: NETPIE's address is in its module variables, the
cache is in the folder of `sys.argv[0]`.
"""

import base64
import json
import os
import sys
import threading

base64.encodestring = base64.encodebytes  # its old name, gone since Python 3.9; microgear calls it by that

import microgear  # noqa: E402
import microgear.client as client  # noqa: E402

_writing = threading.Lock()


def tell(event, *values):
    """Write one event with what came with it."""
    with _writing:
        sys.stdout.write(json.dumps({"event": event, "values": [str(value) for value in values]}) + "\n")
        sys.stdout.flush()


def set_up(options):
    """Name the application, NETPIE and the cache, and listen to every callback."""
    sys.argv[0] = os.path.join(options["folder"], "program.py")
    microgear.gearauthsite = "127.0.0.1"
    microgear.gearapiport = str(options["auth_port"])
    microgear.gbport = str(options["mqtt_port"])
    client.create(options["appkey"], options["appsecret"], options["appid"])
    for name in ("connect", "message", "present", "absent", "error", "warning", "info", "disconnect"):
        setattr(client, f"on_{name}", lambda *values, name=name: tell(name, *values))


def token():
    """The two steps of the document's loop, without the seconds it sleeps in between."""
    client.get_token()
    if not microgear.accesstoken:
        client.get_token()
    tell("token", (microgear.accesstoken or {}).get("token", ""))


def login(now):
    """The document's last lines, at a time that is given."""
    access = microgear.accesstoken
    host, port = access["endpoint"].split("//")[1].split(":")
    username = microgear.gearkey + "%" + str(now)
    password = client.hmac(access["secret"] + "&" + microgear.gearsecret, access["token"] + "%" + username)
    tell("login", host, port, access["token"], username, password)


ORDERS = {
    "token": token,
    "login": login,
    "connect": client.connect,
    "subscribe": client.subscribe,
    "publish": client.publish,
    "chat": client.chat,
    "setalias": client.setalias,
    "setname": client.setname,
    "disconnect": client.disconnect,
}

set_up(json.loads(sys.stdin.readline()))
tell("ready")
for line in sys.stdin:
    order, *arguments = json.loads(line)
    ORDERS[order](*arguments)
    tell("done", order)
