"""Shelly, first generation: one bare value a topic below `shellies/<model>-<number>`.

Awkward on purpose: 999 for a temperature not measured yet, a gas detector whose test and alarm share a topic, a device
that wakes up and says why, amperes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Topics, digits

_MODELS: Final = {
    "smoke": "shellysmoke", "gas": "shellygas", "water_leak": "shellyflood", "access": "shellydw2",
    "meter": "shellyem3",
}  # fmt: skip
KINDS: Final[Sequence[str] | None] = tuple(_MODELS)
_ALARMS: Final = {"smoke": "smoke", "gas": "gas", "water_leak": "water_leak"}
_TOPICS: Final = {
    "smoke": "sensor/smoke", "water_leak": "sensor/flood", "door_open": "sensor/state", "battery": "sensor/battery",
    "temperature": "sensor/temperature", "gas": "sensor/gas", "gas_lel": "sensor/concentration",
    "current": "emeter/0/current", "voltage": "emeter/0/voltage",
}  # fmt: skip
_PPM: Final = 500  # of methane are 1 %LEL: its lower explosive limit is 5 % by volume


class Spoken(Topics):
    """Each device for itself, without a clock."""

    kinds = KINDS
    bad = (b"maybe", b"\x00\xff\xfe", b"{")

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._measured: set[str] = set()

    def can(self, kind: str, metric: str) -> bool:
        return metric == _ALARMS.get(kind) or (kind == "gas" and metric == "test")

    def native(self, name: str) -> str:
        return f"{_MODELS[self.kind[name]]}-{digits(self.site, name, 6).upper()}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = {"availability": "online" if online else "offline"}
        return (
            Wire(f"shellies/{self.native(name)}/online", b"true" if online else b"false", True, said, None),
        )

    def one(self, saying: Saying, metric: str, value: Any) -> Wire | None:
        found: dict[str, Any] = {metric: value}
        if metric == "test":
            metric, text = "gas", "test"
            if not value:
                gas = bool(saying.fields.get("gas"))
                text, found = "heavy" if gas else "none", {"test": False, "gas": gas}
        elif metric == "gas":
            text = "heavy" if value else "none"
        elif metric == "gas_lel":
            text = str(round(value * _PPM))
            found = {"gas_ppm": int(text)}
        elif metric == "door_open":
            text = "open" if value else "close"
        elif metric == "current":
            text = str(round(value / 1000, 2))
            found = {metric: float(text) * 1000}
        elif metric == "temperature" and self.kind[saying.name] == "meter":
            return None
        elif metric == "temperature" and saying.name not in self._measured:
            self._measured.add(saying.name)
            text, found = "999.00", {metric: None}
        else:
            text = str(value).lower()
        topic = _TOPICS.get(metric)
        if topic is None:
            return None
        return Wire(f"shellies/{self.native(saying.name)}/{topic}", text.encode(), False, found, None)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        topic = f"shellies/{self.native(saying.name)}/sensor/smoke"
        return [Wire(topic, payload, False, {}) for payload in self.bad]
