"""MQTT over websockets: each is a connection to the broker's own port."""

import asyncio
import ssl
from contextlib import suppress

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from netpie_emulator.errors import PortError
from netpie_emulator.http_server import LOOPBACK

SUBPROTOCOLS = [Subprotocol("mqtt"), Subprotocol("mqttv3.1")]  # MQTT 3.1.1, 6; and what went before it
READ = 65_536  # bytes


async def listen(port: int, tls: ssl.SSLContext | None, broker_port: int) -> tuple[Server, int]:
    """Listen on loopback for websockets, with TLS if a context is given, and return the port too.

    Raises: PortError when `port` can't be listened on.
    """

    async def served(websocket: ServerConnection) -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, broker_port)
        sending = asyncio.create_task(_send(reader, websocket))
        try:
            await _receive(websocket, writer)
        finally:
            sending.cancel()
            writer.close()

    try:
        server = await serve(served, LOOPBACK, port, ssl=tls, subprotocols=SUBPROTOCOLS)
    except OSError as error:
        cause = "it is in use" if port else error.strerror
        raise PortError(f"port {port}: {cause}", next_step="choose another port, or 0") from error
    bound: int = next(iter(server.sockets)).getsockname()[1]
    return server, bound


async def _receive(websocket: ServerConnection, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionClosed, OSError):
        async for data in websocket:
            if isinstance(data, str):  # MQTT 3.1.1, 6: control packets are binary
                return
            writer.write(data)
            await writer.drain()


async def _send(reader: asyncio.StreamReader, websocket: ServerConnection) -> None:
    with suppress(ConnectionClosed, OSError):
        while data := await reader.read(READ):
            await websocket.send(data)
    await websocket.close()
