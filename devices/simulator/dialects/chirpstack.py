"""ChirpStack v4: LoRaWAN sensors whose uplinks its device profiles have decoded.

Awkward on purpose: numbers are always doubles, fields of their default value (`fCnt` 0) are left out, a pressure comes
with its unit beside it, a device that joins again says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, SPOKEN, Key, Plain, digits, encode, iso, write

KINDS: Final[Sequence[str] | None] = SENSORS
_APPLICATION: Final = "f7d1f0a0-3b0e-4d0e-8c0a-5f6d2f3a1c11"


class Spoken(Plain):
    """The server that hears the gateways: it has a clock, and stores nothing."""

    stamps = True
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        **{metric: key for metric, key in SPOKEN.items() if metric != "rssi"},
        "pressure": Key("water_pressure", 100, 4),  # bar
        "water_leak": Key("leakage_status", on="leak", off="normal"),
        "gas": Key("gas_status", on="alarm", off="normal"),
    }

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._counts = dict.fromkeys(self.kind, -1)
        self._at = 0

    def native(self, name: str) -> str:
        return digits(self.site, name, 16)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        if not online or not self._at:
            return ()
        body = self._body(name, self._at, devAddr=digits(self.site, name, 8))
        return (Wire(self._topic(name, "join"), encode(body), False, {"device_joined": True}, self._at),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        name, at = saying.name, saying.ts or 0
        self._at = at
        self._counts[name] += 1
        written, found = write(self.keys, saying.fields)
        fields = {k: float(v) if type(v) is int else v for k, v in written.items()}
        if "water_pressure" in fields:
            fields["pressure"] = {
                "displayName": "Pressure",
                "value": fields.pop("water_pressure"),
                "unit": "bar",
            }
        more = {"fCnt": self._counts[name]} if self._counts[name] else {}
        radio = [{"gatewayId": "0016c001f153a14c", "rssi": saying.fields.get("rssi", -90), "snr": 7.5}]
        body = self._body(name, at, devAddr=digits(self.site, name, 8), fPort=85, data="AQB1XA==", **more)
        return (
            Wire(
                self._topic(name, "up"), encode({**body, "object": fields, "rxInfo": radio}), False, found, at
            ),
        )

    def _topic(self, name: str, event: str) -> str:
        return f"application/{_APPLICATION}/device/{self.native(name)}/event/{event}"

    def _body(self, name: str, at: int, **more: Any) -> dict[str, Any]:
        # The id follows from the message, so that the same seed gives the same bytes.
        hex32 = digits(self.site, f"{name}/{at}/{self._counts[name]}", 32)
        identity = "-".join((hex32[:8], hex32[8:12], hex32[12:16], hex32[16:20], hex32[20:]))
        info = {"deviceName": name, "devEui": self.native(name), "deviceProfileName": "SIM"}
        return {"deduplicationId": identity, "time": iso(at), "deviceInfo": info, **more}
