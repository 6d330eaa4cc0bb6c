"""ESPHome nodes: one bare state a topic, `<node>/<component>/<object>/state`.

Awkward on purpose: ON and OFF, nan for what was not measured yet, amperes, a button that is released again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, SPOKEN, Key, Topics

KINDS: Final[Sequence[str] | None] = SENSORS


class Spoken(Topics):
    """Each node for itself, without a clock."""

    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        **SPOKEN,
        "heat": Key("heat_alarm"),
        "sos": Key("sos_button"),
        "gas": Key("gas_leak"),
        "door_open": Key("front_door"),
        "current": Key("charger_current", 1000),
        "rssi": Key("wifi_signal"),
        "battery_low": Key("low_battery"),
    }
    bad = (b"\x00\xff\xfe", b"{")

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._measured: set[str] = set()

    def native(self, name: str) -> str:
        return f"{self.site}-{name}"

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        word = "online" if online else "offline"
        return (Wire(f"{self.native(name)}/status", word.encode(), True, {"availability": word}, None),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        told = list(super().event(saying))
        if saying.metric == "sos":
            told.append(told[0]._replace(payload=b"OFF", readings={"sos": False}))
        return told

    def one(self, saying: Saying, metric: str, value: Any) -> Wire | None:
        key = self.keys.get(metric)
        if key is None:
            return None
        found: Any = value
        if isinstance(value, bool):
            component, text = "binary_sensor", "ON" if value else "OFF"
        elif metric == "temperature" and saying.name not in self._measured:
            self._measured.add(saying.name)
            component, text, found = "sensor", "nan", None
        else:
            shown = value if key.scale == 1 else round(value / key.scale, key.decimals)
            component, text, found = "sensor", str(shown), shown * key.scale
        topic = f"{self.native(saying.name)}/{component}/{key.name}/state"
        return Wire(topic, text.encode(), False, {metric: found}, None)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        topic = f"{self.native(saying.name)}/binary_sensor/smoke/state"
        return [Wire(topic, payload, False, {}) for payload in self.bad]
