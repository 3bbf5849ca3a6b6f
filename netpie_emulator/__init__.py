"""A NETPIE on loopback. NETPIE 2015: the auth server, and the broker that its tokens open. `netpie2020`: today's."""

from netpie_emulator.emulator import Emulator, registered_application
from netpie_emulator.errors import EmulatorError, PortError, StateError
from netpie_emulator.store import RegisteredApp, Status, Store

__all__ = [
    "Emulator",
    "EmulatorError",
    "PortError",
    "RegisteredApp",
    "StateError",
    "Status",
    "Store",
    "registered_application",
]
