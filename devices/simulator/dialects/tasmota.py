"""Tasmota: Wi-Fi meters and wired inputs for themselves, battery sensors as Zigbee devices behind a Tasmota bridge.

Awkward on purpose: times without a zone, null for what was not measured yet, inputs that say ON and OFF under the name
their owner gave them, zone status bits beside the words they mean, a meter's limit that comes on a topic of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode, iso

# What a zone's first bit is called by the bridge, by kind.
_ZONES: Final = {"smoke": ("Fire", "smoke"), "co": ("CO", "co"), "water_leak": ("Water", "water_leak"),
                 "sos": ("PersonalAlarm", "sos"), "access": ("Contact", "door_open")}  # fmt: skip
# An input of its own by the name its owner gave it, by kind.
_INPUTS: Final = {"gas": ("Gas leak", "gas"), "call_point": ("Call point", "call_point")}
_BITS: Final = {"tamper": 0x0004, "battery_low": 0x0008, "test": 0x0100}  # ZCL 8.2.2.2.1.3 table 8-6
KINDS: Final[Sequence[str] | None] = (*_ZONES, *_INPUTS, "meter")


class Spoken(Plain):
    """One bridge for what runs on batteries; everything else connects itself. Nobody has a clock with a zone."""

    kinds = KINDS

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._bridge = f"zb-{site}"
        self._measured: set[str] = set()

    def can(self, kind: str, metric: str) -> bool:
        if kind in _ZONES:
            return metric == _ZONES[kind][1] or metric in _BITS
        return metric == (_INPUTS[kind][1] if kind in _INPUTS else "overcurrent")

    def native(self, name: str) -> str:
        if self.kind[name] in _ZONES:
            return f"{self._bridge}/{name}"
        return f"tasmota_{digits(self.site, name, 6).upper()}"

    def opening(self) -> Iterable[Wire]:
        return (Wire(f"tele/{self._bridge}/LWT", b"Online", True, {"availability": "online"}, None),)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        if self.kind[name] in _ZONES:
            return ()
        word = b"Online" if online else b"Offline"
        said = {"availability": "online" if online else "offline"}
        return (Wire(f"tele/{self.native(name)}/LWT", word, True, said, None),)

    def will(self, name: str) -> Wire | None:
        return Wire(f"tele/{self._bridge}/LWT", b"Offline", True, {"availability": "offline"}, None)

    def back(self, name: str) -> Wire | None:
        return Wire(f"tele/{self._bridge}/LWT", b"Online", True, {"availability": "online"}, None)

    def report(self, saying: Saying) -> Sequence[Wire]:
        kind = self.kind[saying.name]
        body, found = self._zone(saying) if kind in _ZONES else self._wired(saying)
        if kind in _ZONES:
            topic = f"tele/{self._bridge}/SENSOR"
        else:
            topic = f"tele/{self.native(saying.name)}/SENSOR"
            body = {"Time": iso(saying.ts or 0, "seconds")[:-1], **body, "TempUnit": "C"}
        return (Wire(topic, encode(body), False, found, None),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        if saying.metric != "overcurrent":
            return super().event(saying)
        body = {"MARGINS": {"CurrentHigh": "ON" if saying.active else "OFF"}}
        topic = f"tele/{self.native(saying.name)}/MARGINS"
        return (Wire(topic, encode(body), False, {"overcurrent": saying.active}, None),)

    def _zone(self, saying: Saying) -> tuple[dict[str, Any], dict[str, Any]]:
        fields = saying.fields
        word, metric = _ZONES[self.kind[saying.name]]
        status, found = int(bool(fields.get(metric))), {metric: bool(fields.get(metric))}
        for bit_of, bit in _BITS.items():
            found[bit_of] = bool(fields.get(bit_of))
            status |= bit if found[bit_of] else 0
        short = "0x" + digits(self.site, saying.name, 4).upper()
        body: dict[str, Any] = {
            "Device": short, "Name": saying.name, "ZoneStatusChange": status, word: int(found[metric]),
        }  # fmt: skip
        if metric == "sos" and not found["sos"]:
            del body[word], found["sos"]
            del body["ZoneStatusChange"], found["tamper"], found["battery_low"], found["test"]
        if "battery" in fields:
            body["BatteryPercentage"] = found["battery"] = fields["battery"]
        if "temperature" in fields:
            body["Temperature"] = found["temperature"] = fields["temperature"]
        return {"ZbReceived": {short: {**body, "Endpoint": 1, "LinkQuality": 99}}}, found

    def _wired(self, saying: Saying) -> tuple[dict[str, Any], dict[str, Any]]:
        fields, kind = saying.fields, self.kind[saying.name]
        body: dict[str, Any] = {}
        found: dict[str, Any] = {}
        if kind in _INPUTS:
            name, metric = _INPUTS[kind]
            found[metric] = bool(fields.get(metric))
            body[name] = "ON" if found[metric] else "OFF"
        if "current" in fields:
            body["ENERGY"] = _energy(fields, found)
        if "temperature" in fields:
            # The probe answers only to the second question.
            found["temperature"] = fields["temperature"] if saying.name in self._measured else None
            self._measured.add(saying.name)
            body["DS18B20"] = {"Id": "01191ED79190", "Temperature": found["temperature"]}
        return body, found


def _energy(fields: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A meter's object: amperes and volts."""
    amperes = round(fields["current"] / 1000, 3)
    found |= {"current": amperes * 1000, "voltage": fields["voltage"]}
    return {"TotalStartTime": "2026-01-01T00:00:00", "Voltage": fields["voltage"], "Current": amperes}
