"""Dahua: cameras, door stations and the wired zones of an alarm panel, as they push over HTTP.

Awkward on purpose: cameras say `Code=...;action=...;index=...` text without a time of their own, panels JSON; a bare
heartbeat; who speaks is told by the path or by the address inside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode

_SEEN: Final = {"obstruction": "ParkingDetection", "fire_detected": "FireWarning"}
_ZONES: Final = {
    "smoke": "SmokeSensor",
    "gas": "GasSensor",
    "water_leak": "WaterSensor",
    "sos": "UrgencyButton",
}
KINDS: Final[Sequence[str] | None] = ("camera", "access", *_ZONES)


class Spoken(Plain):
    """Cameras and stations for themselves, one panel for all zones; nobody says that one is gone."""

    stamps = True
    carrier: Literal["mqtt", "http", "tcp"] = "http"
    kinds = KINDS
    bad = (
        b"Code=FireWarning;action=Sta",
        b"Error: Bad Request",
        b'{"Events":[{"Code":"Fire',
        b"Code=x;action=Start",
    )

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._zones = {name: n for n, (name, kind) in enumerate(devices, 1) if kind in _ZONES}
        mac = digits(site, "panel", 12)
        self._panel = ":".join(mac[n : n + 2] for n in range(0, 12, 2))

    def can(self, kind: str, metric: str) -> bool:
        if kind in _ZONES:
            return metric == kind
        return metric in _SEEN if kind == "camera" else metric == "door_forced"

    def native(self, name: str) -> str:
        return f"{self._panel}/input/{self._zones[name]}" if name in self._zones else name

    def report(self, saying: Saying) -> Sequence[Wire]:
        kind, fields = self.kind[saying.name], saying.fields
        if kind == "camera":
            said = [self._line(saying, c, "Start", {m: True}) for m, c in _SEEN.items() if fields.get(m)]
            if said:
                return said
            return (Wire(saying.name, b"Heartbeat", False, {"heartbeat": True}, None),)
        if kind == "access":
            if fields.get("door_forced"):
                return (self._line(saying, "BreakIn", "Start", {"door_forced": True}),)
            opened = fields["door_open"]
            found = {"door_open": opened} if opened else {"door_open": False, "door_forced": False}
            return (self._line(saying, "DoorStatus", "Pulse", found, Status="Open" if opened else "Close"),)
        return (self._zone(saying, bool(fields.get(kind))),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        kind = self.kind[saying.name]
        action = "Start" if saying.active else "Stop"
        if kind in _ZONES:
            return (self._zone(saying, saying.active),)
        code = _SEEN[saying.metric] if kind == "camera" else "BreakIn"
        return (self._line(saying, code, action, {saying.metric: saying.active}),)

    def _line(self, saying: Saying, code: str, action: str, found: Mapping[str, Any], **data: Any) -> Wire:
        at = saying.ts or 0
        told = json.dumps({**data, "RealUTC": at // 1000, "UTCMS": at % 1000}, indent=3)
        text = f"Code={code};action={action};index=0;data={told}\r\n"
        return Wire(saying.name, text.encode(), False, found, at)

    def _zone(self, saying: Saying, active: bool) -> Wire:
        kind, at = self.kind[saying.name], saying.ts or 0
        event = {
            "Code": "AlarmLocal", "Action": "Start" if active else "Stop", "Index": self._zones[saying.name],
            "Data": {"SenseMethod": _ZONES[kind], "RealUTC": at // 1000, "UTCMS": at % 1000},
            "PhysicalAddress": self._panel,
        }  # fmt: skip
        # A button's coming up is no news, so nothing is said of it.
        found = {} if kind == "sos" and not active else {kind: active}
        return Wire("", encode({"Channel": self._zones[saying.name], "Events": [event]}), False, found, at)
