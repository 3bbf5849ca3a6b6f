"""A NETPIE 2020 on loopback: devices over MQTT and REST, shadows, FlowChannels, a data store, and quotas.

What the platform does is from its documents of 2025 and from the vendor's Node-RED nodes; where neither says what a
refusal looks like, the module says what it does here.
"""

from netpie_emulator.netpie2020.devices import Account, Device, DevicesError, FlowChannel
from netpie_emulator.netpie2020.emulator import Emulator2020
from netpie_emulator.netpie2020.quota import FREE, Quota

__all__ = ["FREE", "Account", "Device", "DevicesError", "Emulator2020", "FlowChannel", "Quota"]
