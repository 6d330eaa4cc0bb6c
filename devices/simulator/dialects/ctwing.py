"""China Telecom CTWing: NB-IoT detectors whose messages the platform pushes over HTTP, as it documents them.

Reports are `dataReport`, what happens is an `eventReport` (2 a warning, 1 an information). Awkward on purpose: the same
values now beside each other, now under a service, now as JSON in base64; online and offline name no IMEI.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SPOKEN, Key, Plain, digits, encode, write
from devices.simulator.hardware import is_alarm

KINDS: Final[Sequence[str] | None] = (
    "smoke", "heat", "gas", "co", "sos", "pressure", "water_level", "water_leak", "access",
)  # fmt: skip

_KEYS: Final[Mapping[str, Key]] = {
    **{metric: key for metric, key in SPOKEN.items() if metric != "rssi"},  # platforms tell rsrp in tenths
    "smoke": Key("smoke_state", on=1, off=0),
    "gas": Key("gas_state", on=1, off=0),
    "co": Key("co_alarm", on=True, off=False),
    "water_leak": Key("water_leak_state", on=1, off=0),
    "tamper": Key("tamper_state", on=1, off=0),
    "door_open": Key("door_state", on=1, off=0),
    "battery": Key("battery_value"),
}


class Spoken(Plain):
    """One product of the platform, its devices known by their IMEI."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "http"
    kinds = KINDS
    keys = _KEYS

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._imeis = {name: f"86{int(digits(site, name, 12), 16) % 10**13:013}" for name, _ in devices}
        self._known: set[str] = set()
        self._at = 0

    def native(self, name: str) -> str:
        return self._imeis[name]

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        if name not in self._known:
            return ()  # until its first data nobody knows whose id that is
        body = self._body(name, "deviceOnlineOfflineReport", eventType=1 if online else 0)
        del body["IMEI"]
        return (self._wire(body, {"availability": "online" if online else "offline"}),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        self._at = saying.ts or 0
        written, found = write(_KEYS, saying.fields)
        shape = self._at // 1000 % 3
        payload: Any = written
        if shape == 1:
            payload = {"serviceId": "data_report", "serviceData": written}
        elif shape == 2:
            payload = {"APPdata": b64encode(encode(written)).decode()}
        self._known.add(saying.name)
        return (self._wire(self._body(saying.name, "dataReport", serviceId="", payload=payload), found),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        self._at = saying.ts or 0
        # A warning that says "no smoke" is what makers who count the other way round mean by smoke.
        told = {saying.metric: saying.active}
        if saying.metric == "battery_low":
            told["battery"] = saying.fields["battery"]
        written, found = write(_KEYS, told)
        kind = 2 if saying.active and is_alarm(saying.metric) else 1
        self._known.add(saying.name)
        body = self._body(saying.name, "eventReport", serviceId=1001, eventType=kind, eventContent=written)
        return (self._wire(body, found),)

    def _body(self, name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "timestamp": self._at, "tenantId": "10461180", "protocol": "lwm2m", "productId": "15045240",
            "messageType": kind, "deviceId": digits(self.site, f"{name}/platform", 32), "IMSI": "undefined",
            "IMEI": self._imeis[name], "upPacketSN": -1, "upDataSN": -1, **more,
        }  # fmt: skip

    def _wire(self, body: dict[str, Any], found: dict[str, Any]) -> Wire:
        return Wire("", encode(body), False, found, self._at)
