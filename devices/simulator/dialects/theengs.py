"""Bluetooth sensors heard by an OpenMQTTGateway or a Theengs Gateway, in the properties its decoder gives them.

Awkward on purpose: Celsius and Fahrenheit beside each other, a distance guessed from loudness, a phone passing by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Key, Plain, digits, encode, write

KINDS: Final[Sequence[str] | None] = ("smoke", "co", "gas", "water_leak", "access", "sos")


class Spoken(Plain):
    """The gateway says what it hears; it has no clock of use."""

    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        "smoke": Key("smoke"), "co": Key("co_alarm"), "gas": Key("gas_alarm"), "water_leak": Key("leak"),
        "door_open": Key("open"), "sos": Key("sos"), "battery": Key("batt"), "battery_low": Key("batt_low"),
        "tamper": Key("tamper"), "temperature": Key("tempc"),
    }  # fmt: skip

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._gateway = f"home/OMG-{site}"

    def native(self, name: str) -> str:
        mac = digits(self.site, name, 12).upper()
        return ":".join(mac[n : n + 2] for n in range(0, 12, 2))

    def opening(self) -> Iterable[Wire]:
        phone = {
            "id": "45:12:A0:B0:C0:D0",
            "rssi": -88,
            "brand": "Apple",
            "model_id": "APPLEDEVICE",
            "type": "RMAC",
        }
        passing = Wire(f"{self._gateway}/BTtoMQTT/4512A0B0C0D0", encode(phone), False, {}, None)
        return (self.back(""), passing)

    def report(self, saying: Saying) -> Sequence[Wire]:
        written, found = write(self.keys, saying.fields)
        if "tempc" in written:
            written["tempf"] = round(written["tempc"] * 9 / 5 + 32, 2)
        mac = self.native(saying.name)
        found["rssi"] = saying.fields.get("rssi", -70)
        body: dict[str, Any] = {
            "id": mac, "mac_type": 0, "rssi": found["rssi"], "distance": 11.2, "brand": "SIM", "model_id": "SIM",
            "type": "UNIQ", **written,
        }  # fmt: skip
        topic = f"{self._gateway}/BTtoMQTT/{mac.replace(':', '')}"
        return (Wire(topic, encode(body), False, found, None),)

    def will(self, name: str) -> Wire:
        return Wire(f"{self._gateway}/LWT", b"offline", True, {"gateway_availability": "offline"}, None)

    def back(self, name: str) -> Wire:
        return Wire(f"{self._gateway}/LWT", b"online", True, {"gateway_availability": "online"}, None)
