"""China Mobile OneNET: detectors of a thing model, whose properties and events the platform pushes over HTTP, signed.

Awkward on purpose: the message is a text of JSON inside JSON, each value has its own time, an alarm is an event of that
name besides.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec

from devices.codec import Push
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SPOKEN, Key, Plain, digits, encode, write
from devices.simulator.hardware import is_alarm

KINDS: Final[Sequence[str] | None] = (
    "smoke", "heat", "gas", "co", "sos", "pressure", "water_level", "water_leak", "access", "hydrant",
)  # fmt: skip
_PRODUCT: Final = "C6z4Zk012B"
_NONCE: Final = "abcdefgh"


class Spoken(Plain):
    """One product of the platform."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "http"
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        **SPOKEN,
        "smoke": Key("smoke_alarm"),
        "gas": Key("gas_alarm"),
        "co": Key("co_alarm"),
        "battery": Key("battery_level"),
    }

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._at = 0

    def native(self, name: str) -> str:
        return f"{_PRODUCT}/{name}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        word = "online" if online else "offline"
        body = {
            "productId": _PRODUCT, "deviceName": name, "messageType": "lifeCycle",
            "data": {"status": word, **({"time": self._at} if self._at else {})},
        }  # fmt: skip
        return (Wire("", encode(body), False, {"availability": word}, self._at or None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        self._at = saying.ts or 0
        written, found = write(self.keys, saying.fields)
        return (self._notify(saying.name, "property", written, found),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        self._at = saying.ts or 0
        if saying.active and is_alarm(saying.metric):
            name = f"{saying.metric}_alarm"
            body = {name: {"value": {"level": 3}, "time": self._at, "eventType": "alert"}}
            return (self._notify(saying.name, "event", body, {saying.metric: True}),)
        written, found = write(self.keys, {saying.metric: saying.active})
        return (self._notify(saying.name, "property", written, found),)

    def push(self, topic: str, payload: bytes, secret: str) -> Push:
        msg = payload.decode("utf-8", "replace")
        signature = b64encode(
            hashlib.md5((secret + _NONCE + msg).encode(), usedforsecurity=False).digest()
        ).decode()
        number = str(int(hashlib.blake2b(payload, digest_size=4).hexdigest(), 16))
        body = {"msg": msg, "nonce": _NONCE, "signature": signature, "time": self._at, "id": number}
        return Push("POST", topic, {}, {"content-type": "application/json"}, msgspec.json.encode(body))

    def _notify(self, name: str, kind: str, params: Mapping[str, Any], found: dict[str, Any]) -> Wire:
        timed = {k: v if kind == "event" else {"value": v, "time": self._at} for k, v in params.items()}
        body = {
            "productId": _PRODUCT, "deviceId": int(digits(self.site, name, 6), 16), "deviceName": name,
            "messageType": "notify", "notifyType": kind,
            "data": {"id": str(self._at), "version": "1.0", "params": timed},
        }  # fmt: skip
        return Wire("", encode(body), False, found, self._at)
