"""What an rtl_433 receiver hears on 433 and 868 MHz: leak sensors, smoke detectors, contacts and panic keys.

Awkward on purpose: a smoke detector transmits only while it smokes and says nothing else, so nothing ever says that it
is well; batteries are good or not; times have no zone; a contact counts closed as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode, iso

_MODELS: Final = {
    "smoke": "Smoke-GS558", "water_leak": "Bresser-Leakage", "access": "DSC-Security", "sos": "X10-Security",
}  # fmt: skip
KINDS: Final[Sequence[str] | None] = tuple(_MODELS)
_WORDS: Final = {
    "smoke": ("smoke",), "water_leak": ("water_leak", "battery_low"), "access": ("tamper", "battery_low"),
    "sos": ("sos",),
}  # fmt: skip


class Spoken(Plain):
    """The receiver says what it hears, at times without a zone."""

    stamps = True
    kinds = KINDS
    bad = (b'{"model":"Govee-Water","ev', b"\x00\xff\xfe\x80\x01", b"[" * 200 + b"]" * 200)

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._topic = f"rtl_433/{site}/events"

    def can(self, kind: str, metric: str) -> bool:
        return metric in _WORDS[kind]

    def native(self, name: str) -> str:
        channel = "/1" if self.kind[name] == "water_leak" else ""
        return f"{_MODELS[self.kind[name]]}{channel}/{self._id(name)}"

    def opening(self) -> Iterable[Wire]:
        return (self.back(""),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        kind, fields = self.kind[saying.name], saying.fields
        body: dict[str, Any] = {
            "time": iso(saying.ts or 0, "seconds").replace("T", " ")[:-1],
            "model": _MODELS[kind],
        }
        found: dict[str, Any] = {}
        if kind == "smoke":
            if not fields.get("smoke"):
                return ()
            found["smoke"] = True
            body |= {"id": self._id(saying.name), "unit": 14, "learn": 0, "code": "6b3060"}
        elif kind == "sos":
            if not fields.get("sos"):
                return ()
            found["sos"] = True
            body |= {"id": self._id(saying.name), "code": "88", "event": "KR15A PANIC"}
        else:
            found["battery_low"] = bool(fields.get("battery_low"))
            body |= {"id": self._id(saying.name), "battery_ok": int(not found["battery_low"])}
            body |= self._wet(fields, found) if kind == "water_leak" else self._contact(fields, found)
        return (Wire(self._topic, encode(body), False, found, None),)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        return [Wire(self._topic, payload, False, {}) for payload in self.bad]

    def will(self, name: str) -> Wire:
        said = {"gateway_availability": "offline"}
        return Wire(f"rtl_433/{self.site}/availability", b"offline", True, said, None)

    def back(self, name: str) -> Wire:
        said = {"gateway_availability": "online"}
        return Wire(f"rtl_433/{self.site}/availability", b"online", True, said, None)

    def _id(self, name: str) -> int:
        return int(digits(self.site, name, 6), 16)

    def _wet(self, fields: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        found["water_leak"] = bool(fields.get("water_leak"))
        return {"channel": 1, "alarm": int(found["water_leak"])}

    def _contact(self, fields: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        found |= {"door_open": fields["door_open"], "tamper": bool(fields.get("tamper"))}
        return {
            "closed": int(not found["door_open"]),
            "event": 1,
            "tamper": int(found["tamper"]),
            "esn": "34bf15",
        }
