"""What NETPIE 2020 does with what devices and programs ask of it, over MQTT and REST alike. One thread uses it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from netpie_emulator.netpie2020 import triggers
from netpie_emulator.netpie2020.datastore import DataStore, points_in
from netpie_emulator.netpie2020.devices import Account, Device
from netpie_emulator.netpie2020.quota import API_BLOCK, MESSAGE_BLOCK, SHADOW_BLOCK, Quota, blocks
from netpie_emulator.netpie2020.schema import coerced, expressions_for, time_to_live, transformed
from netpie_emulator.netpie2020.shadow import MAX_BATCH, Shadow, Write, batch_in, parsed, write_in, writes_of
from netpie_emulator.netpie2020.timestamps import absolute
from netpie_emulator.netpie2020.topics import FEED_UPDATED, SHADOW_UPDATED, STATUS_CHANGED, group_route, own_route

POINT_MONTH = 2_592_000_000  # ms: a point that is kept for 30 days is one of the quota
STATUS_TEXTS = ("offline", "online")
Answer = TypeVar("Answer")
Deliver = Callable[[str, bytes], None]


class RequestRefused(Exception):
    """A request that is not done; `status` is HTTP's, `content` the answer."""

    def __init__(self, status: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.content = {"errcode": status, "message": message, **more}


def now() -> int:
    """Return the time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass
class Netpie2020:
    """The account, its shadows and points, and what is used of its quota.

    `deliver` sends a message to a route; `halt` ends all of MQTT, which a used-up quota of messages does. `actions` and
    `pushes` are what triggers and devices have asked for, oldest first.
    """

    account: Account
    quota: Quota
    store: DataStore
    deliver: Deliver = lambda _route, _data: None
    halt: Callable[[], None] = lambda: None
    shadows: dict[str, Shadow] = field(default_factory=dict)
    online: set[str] = field(default_factory=set)
    actions: list[triggers.Action] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)

    def shadow(self, device: Device) -> Shadow:
        """Return the device's shadow, which is empty before the first write."""
        return self.shadows.setdefault(device.client_id, Shadow())

    def status(self, device: Device) -> dict[str, Any]:
        """Return what is told of a device: `status` is 1 while it is connected."""
        return {
            "deviceid": device.client_id,
            "alias": device.alias,
            "groupid": device.group,
            "projectid": device.project,
            "status": int(device.client_id in self.online),
            "enabled": device.enabled,
            "banned": device.banned,
        }

    def status_changed(self, device: Device) -> None:
        """Tell who listens that a device has come, gone, or been enabled or disabled."""
        self._say(own_route(device, STATUS_CHANGED), self.status(device))
        online = int(device.client_id in self.online)
        new, old = ({"STATUS": one, "STATUSTEXT": STATUS_TEXTS[one]} for one in (online, 1 - online))
        self._trigger(device, triggers.STATUS_CHANGED, {"$NEW": new, "$OLD": old})

    def message(self, device: Device, topic: str, data: bytes) -> None:
        """Send a message to the device's group."""
        self.deliver(group_route(device, topic), data)

    def private(self, device: Device, topic: str, data: bytes) -> None:
        """Send a message to the device alone."""
        self.deliver(own_route(device, f"@private/{topic}"), data)

    def push(self, device: Device, data: bytes) -> None:
        """Take a notification for the owner's telephone: text, or JSON with title, subtitle and body."""
        content = parsed(data)
        told = content if isinstance(content, dict) else {"body": data.decode(errors="replace")}
        self.pushes.append({"deviceid": device.client_id, **told})

    def read_shadow(self, device: Device) -> dict[str, Any]:
        """Return the shadow as the platform answers it.

        Raises: RequestRefused when the quota of shadow operations is used up.
        """
        shadow = self.shadow(device)
        answer = {
            "deviceid": device.client_id, "data": shadow.data, "rev": shadow.rev, "modified": shadow.modified,
        }  # fmt: skip
        self._spend_shadow(_shadow_blocks(shadow.data))
        return answer

    def update(self, device: Device, content: object, *, merge: bool = True) -> dict[str, Any]:
        """Do a write or a batch, and return the answer.

        Raises: RequestRefused when it is neither, too large a batch, or over quota; nothing of it is stored then.
        """
        entries = batch_in(content)
        if isinstance(content, dict) and entries is not None:
            return self._batch(device, content, entries, merge)
        write = write_in(content, merge)
        if write is None:
            raise RequestRefused(400, "data must be an object")
        self._spend_shadow(_cost(device, write))
        self._write(device, write, now())
        shadow = self.shadow(device)
        return {
            "deviceid": device.client_id, "data": shadow.data, "rev": shadow.rev,
            "modified": shadow.modified, "timestamp": shadow.timestamp,
        }  # fmt: skip

    def spend_message(self, data: bytes) -> bool:
        """Count a publish or a delivery; False, and the end of all of MQTT, when the quota is used up."""
        return self.spend_messages(blocks(len(data), MESSAGE_BLOCK))

    def spend_messages(self, count: int = 1) -> bool:
        """Count messages; False, and the end of all of MQTT, when the quota is used up."""
        if self.quota.spend("messages", count):
            return True
        self.halt()
        return False

    def counted(self, size: int, ask: Callable[[], Answer]) -> Answer:
        """Return what `ask` returns, and count it with its request of `size` bytes.

        Raises: RequestRefused when the quota of API operations is used up.
        """
        if self.quota.is_out("api"):
            raise RequestRefused(429, "quota of API operations exceeded")
        answer = ask()
        self.quota.spend("api", blocks(size + len(json.dumps(answer)), API_BLOCK))
        return answer

    def _batch(self, device: Device, content: dict[str, Any], entries: list[object], merge: bool) -> dict[str, Any]:
        """Write a batch: one shadow operation beside its expressions, and the newest entry alone fires triggers."""
        ack = {"ackid": content["ackid"]} if "ackid" in content else {}
        if len(entries) > MAX_BATCH:
            raise RequestRefused(429, f"batch size exceeds {MAX_BATCH}", inputsize=len(entries), **ack)
        moment = now()
        writes = writes_of(content, entries, merge)
        self._spend_shadow(1 + sum(expressions_for(one.data, device.schema) for one in writes))
        timed = sorted(((absolute(one.timestamp, moment), one) for one in writes), key=lambda entry: entry[0])
        for place, (timestamp, one) in enumerate(timed, 1):
            fires = one.trigger and place == len(timed)
            self._write(device, Write(one.data, timestamp, one.merge, one.store, fires), moment)
        times = [timestamp for timestamp, _ in timed] or [moment]
        return {**ack, "total": len(timed), "mints": times[0], "maxts": times[-1]}

    def _write(self, device: Device, write: Write, moment: int) -> None:
        timestamp = absolute(write.timestamp, moment)
        data = transformed(coerced(write.data, device.schema), device.schema)
        shadow = self.shadow(device)
        before = shadow.data
        if shadow.write(data, timestamp, moment, merge=write.merge):
            said = {"deviceid": device.client_id, "data": data, "rev": shadow.rev, "modified": moment}
            self._say(own_route(device, SHADOW_UPDATED), {**said, "timestamp": timestamp})
            if write.trigger:
                self._trigger(device, triggers.SHADOW_UPDATED, {"$PREV": before, "$NEW": data, "$CUR": shadow.data})
        if write.store:
            self._store(device, data, timestamp, moment)

    def _store(self, device: Device, data: dict[str, Any], timestamp: int, moment: int) -> None:
        stored = {}
        for name, value in points_in(data):
            kept_for = time_to_live(device.schema, name)
            if kept_for == 0 or not self.quota.spend("points", 1 if kept_for is None else kept_for / POINT_MONTH):
                continue
            stored[name] = value
            expires = None if kept_for is None else moment + kept_for
            self.store.add(device.client_id, name, timestamp, value, expires)
        if stored:
            said = {"deviceid": device.client_id, "newdata": stored, "timestamp": timestamp}
            self._say(own_route(device, FEED_UPDATED), said)

    def _trigger(self, device: Device, event: str, changed: dict[str, object]) -> None:
        scopes = {
            "$DEVICEID": device.client_id, "$ALIAS": device.alias, "$PROJECTID": device.project,
            "$GROUPID": device.group, **changed,
        }  # fmt: skip
        hooks = self.account.hooks
        for action in triggers.actions_of(device.triggers, event, device.client_id, scopes, hooks):
            if self.quota.spend("triggers"):
                self.actions.append(action)
                triggers.send(action, hooks)

    def _spend_shadow(self, count: int) -> None:
        if not self.quota.spend("shadow", count):
            raise RequestRefused(429, "quota of shadow operations exceeded")

    def _say(self, route: str, content: object) -> None:
        self.deliver(route, json.dumps(content, separators=(",", ":")).encode())


def _cost(device: Device, write: Write) -> int:
    """Return how many shadow operations a write is: its blocks, and each expression that is run."""
    return _shadow_blocks(write.data) + expressions_for(write.data, device.schema)


def _shadow_blocks(content: object) -> int:
    return blocks(len(json.dumps(content)), SHADOW_BLOCK)
