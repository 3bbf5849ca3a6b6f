"""What a client of NETPIE 2015 sends to log in, byte for byte."""

import base64
import hashlib
import hmac
import socket
import threading

from netpie_creds import AccessToken, Application, Credentials
from provision.mqtt.client import try_login
from provision.platforms.netpie2015 import Netpie2015

TOKEN, SECRET, AT = "tokenOf16letters", "s" * 32, 1540780416


def test_the_login_has_the_bytes_that_it_always_had() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            got.append(connection.recv(4096))
            connection.sendall(b"\x20\x02\x00\x00")
            got.append(connection.recv(4096))

    broker = threading.Thread(target=answer, daemon=True)
    broker.start()
    endpoint = f"pie://127.0.0.1:{listening.getsockname()[1]}"
    application = Application("APP", "APPKEY000000001", "appsecret")
    try_login(Netpie2015.of(Credentials(application, AccessToken(TOKEN, SECRET, endpoint, "")), AT).login())
    broker.join(30)
    listening.close()

    user = f"APPKEY000000001%{AT}"
    signed = hmac.new(f"{SECRET}&appsecret".encode(), f"{TOKEN}%{user}".encode(), hashlib.sha1).digest()
    strings = (TOKEN, user, base64.b64encode(signed).decode())
    body = b"\x00\x04MQTT\x04\xc2\x00\x1e" + b"".join(len(one).to_bytes(2, "big") + one.encode() for one in strings)
    assert got == [b"\x10" + bytes([len(body)]) + body, b"\xe0\x00"]
