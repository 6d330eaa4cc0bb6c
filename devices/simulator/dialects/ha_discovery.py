"""Devices that announce themselves to Home Assistant: retained configs, then the states those name.

Awkward on purpose: every other device says all in one object that templates take apart, with booleans a template turns
into True and False; the others say each value on its own topic; abbreviated keys and a base topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, Plain, digits, encode
from devices.simulator.hardware import KINDS as ALL_KINDS


class Entity(NamedTuple):
    """How a metric is announced: its name, its device class, its unit (empty for a yes or no)."""

    called: str
    kind: str = ""
    unit: str = ""


_LEVELS: Final[Mapping[str, Entity]] = {
    "smoke": Entity("Smoke", "smoke"), "heat": Entity("Heat", "heat"), "gas": Entity("Gas", "gas"),
    "co": Entity("Carbon monoxide", "carbon_monoxide"), "call_point": Entity("Call point", "safety"),
    "sos": Entity("SOS"), "water_leak": Entity("Leak", "moisture"), "hydrant_open": Entity("Hydrant open"),
    "pressure_low": Entity("Pressure low"), "water_level_alarm": Entity("Water level alarm"),
    "door_open": Entity("Door", "door"), "door_forced": Entity("Door forced"), "overcurrent": Entity("Overcurrent"),
    "tamper": Entity("Tamper", "tamper"), "battery_low": Entity("Battery low", "battery"), "test": Entity("Test"),
    "muted": Entity("Muted"),
}  # fmt: skip
_NUMBERS: Final[Mapping[str, Entity]] = {
    "temperature": Entity("Temperature", "temperature", "°C"), "battery": Entity("Battery", "battery", "%"),
    "pressure": Entity("Pressure", "pressure", "kPa"), "voltage": Entity("Voltage", "voltage", "V"),
    "current": Entity("Current", "current", "mA"), "gas_lel": Entity("LEL", "", "%LEL"),
    "leakage_current": Entity("Leakage current", "current", "mA"), "rssi": Entity("Signal", "signal_strength", "dBm"),
    "co_ppm": Entity("CO", "carbon_monoxide", "ppm"), "flow": Entity("Flow", "volume_flow_rate", "L/min"),
    "smoke_obscuration": Entity("Smoke obscuration", "", "dB/m"), "water_level": Entity("Water level", "", "mm"),
    "supply_voltage": Entity("Supply voltage", "voltage", "V"),
}  # fmt: skip
_ENTITIES: Final = {**_LEVELS, **_NUMBERS}
_ALWAYS: Final = ("tamper", "test", "muted")
KINDS: Final[Sequence[str] | None] = SENSORS


class Spoken(Plain):
    """Each device for itself, without a clock."""

    kinds = KINDS
    bad = (b"\x00\xff\xfe", b"{")

    def can(self, kind: str, metric: str) -> bool:
        return metric in _LEVELS

    def native(self, name: str) -> str:
        return digits(self.site, name, 12)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        word = "online" if online else "offline"
        said = Wire(f"{self._base(name)}/online", word.encode(), True, {"availability": word}, None)
        return (*self._configs(name), said) if online else (said,)

    def will(self, name: str) -> Wire | None:
        return self.status(name, False)[0]

    def back(self, name: str) -> Wire | None:
        return self.status(name, True)[-1]

    def report(self, saying: Saying) -> Sequence[Wire]:
        known = {m: v for m, v in saying.fields.items() if m in _ENTITIES}
        if self._whole(saying.name):
            topic = f"{self._base(saying.name)}/state"
            return (Wire(topic, encode(known), False, known, None),)
        return [self._one(saying.name, metric, value) for metric, value in known.items()]

    def event(self, saying: Saying) -> Sequence[Wire]:
        if self._whole(saying.name):
            told = list(super().event(saying))
        else:
            told = [self._one(saying.name, saying.metric, saying.active)]
        if saying.metric == "sos":  # the button comes up again
            released = self.report(saying._replace(fields={**saying.fields, "sos": False}))
            told += released if self._whole(saying.name) else [w for w in released if "sos" in w.readings]
        return told

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        metric = next(m for m in saying.fields if m in _ENTITIES)
        topic = f"{self._base(saying.name)}/{'state' if self._whole(saying.name) else metric}"
        config = f"homeassistant/sensor/{self.native(saying.name)}/odd/config"
        return [
            Wire(topic, self.bad[0], False, {}),
            *(Wire(config, payload, False, {}) for payload in self.bad),
        ]

    def _base(self, name: str) -> str:
        return f"estate/{self.site}/{name}"

    def _whole(self, name: str) -> bool:
        """Whether the device says all in one object."""
        return int(self.native(name), 16) % 2 == 1

    def _one(self, name: str, metric: str, value: Any) -> Wire:
        text = ("ON" if value else "OFF") if isinstance(value, bool) else str(value)
        return Wire(f"{self._base(name)}/{metric}", text.encode(), False, {metric: value}, None)

    def _configs(self, name: str) -> list[Wire]:
        kind = ALL_KINDS[self.kind[name]]
        metrics = [*kind.levels, *kind.onsets, *_ALWAYS, *(g.metric for g in kind.gauges)]
        metrics += [] if kind.mains else ["battery", "battery_low"]
        node = self.native(name)
        wires = []
        for metric in dict.fromkeys(m for m in metrics if m in _ENTITIES):
            component = "binary_sensor" if metric in _LEVELS else "sensor"
            topic = f"homeassistant/{component}/{node}/{metric}/config"
            wires.append(
                Wire(topic, encode(self._config(name, metric)), True, {"discovery": component}, None)
            )
        return wires

    def _config(self, name: str, metric: str) -> dict[str, Any]:
        entity = _ENTITIES[metric]
        about: dict[str, Any] = {
            "~": self._base(name), "name": entity.called, "uniq_id": f"{self.native(name)}_{metric}",
            "avty_t": "~/online", "stat_t": f"~/{metric}", "dev": {"ids": [self.native(name)], "name": name},
        }  # fmt: skip
        if self._whole(name):
            about |= {"stat_t": "~/state", "val_tpl": f"{{{{ value_json.{metric} }}}}"}
            if metric in _LEVELS:
                about |= {"pl_on": "True", "pl_off": "False"}
        if entity.kind:
            about["dev_cla"] = entity.kind
        if entity.unit:
            about["unit_of_meas"] = entity.unit
        return about
