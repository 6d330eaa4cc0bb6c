"""Sparkplug B: one edge node speaks for its devices, whose births give every metric a name, a type and an alias.

Awkward on purpose: data name their metrics by alias only, births hold nulls, a pressure comes in bar because the birth
says so, numbers of messages come round after 255, what was stored while the link was down is marked historical.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.codecs.sparkplug_b.examples import BOOL, DOUBLE, LONG, field, metric
from devices.reading import METRICS
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, Key, Plain
from devices.simulator.hardware import KINDS as ALL_KINDS

KINDS: Final[Sequence[str] | None] = SENSORS
_NODE: Final = "edge-01"
_BOOLEAN, _DOUBLE, _UINT64 = 11, 10, 8
_ALWAYS: Final = ("tamper", "battery_low", "test", "muted")
_NUMBERS: Final[Mapping[str, Key]] = {
    "smoke_obscuration": Key("Smoke Obscuration"), "temperature": Key("Temperature"), "gas_lel": Key("Gas/%LEL"),
    "co_ppm": Key("CO ppm"), "pressure": Key("Pressure", 100, 4), "flow": Key("Flow/lpm"), "battery": Key("Battery"),
    "water_level": Key("Water Level/mm"), "current": Key("Current/mA"), "voltage": Key("Voltage"), "rssi": Key("RSSI"),
    "leakage_current": Key("Leakage Current/mA"), "supply_voltage": Key("Supply Voltage"),
}  # fmt: skip
_LEVELS: Final[Mapping[str, Key]] = {
    name: Key(name.replace("_", " ").title())
    for name in (
        "smoke", "gas", "co", "call_point", "sos", "hydrant_open", "pressure_low", "water_level_alarm", "water_leak",
        "door_open", "door_forced", "overcurrent", *_ALWAYS,
    )
} | {"heat": Key("Heat Alarm")}  # fmt: skip


class Spoken(Plain):
    """The edge node has the clock, and keeps what it cannot send."""

    stores = True
    stamps = True
    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {**_LEVELS, **_NUMBERS}
    bad = (b'{"pressure":4.2}', b"\xff", b"\x12\xff")

    def __init__(self, site: str, devices: Sequence[tuple[str, str]]) -> None:
        super().__init__(site, devices)
        self._births = self._next = 0
        self._at = 0

    def native(self, name: str) -> str:
        return f"{self.site}/{_NODE}/{name}"

    def opening(self) -> Iterable[Wire]:
        self._births, self._next = self._births + 1, 0
        born = self._payload(
            [
                metric("bdSeq", None, _UINT64, LONG, self._births),
                metric("Node Control/Rebirth", 0, _BOOLEAN, BOOL, 0),
            ]
        )
        said = {"gateway_availability": "online", "availability": "online"}
        return (Wire(self._topic("NBIRTH"), born, False, said, self._at or None),)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = {"availability": "online" if online else "offline"}
        if not online:
            return (Wire(self._topic("DDEATH", name), self._payload([]), False, said, self._at or None),)
        metrics = [self._born(m, alias) for m, alias in self._aliases(name).items()]
        return (Wire(self._topic("DBIRTH", name), self._payload(metrics), False, said, self._at or None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        self._at = saying.ts or 0
        metrics, found = self._metrics(saying, historical=saying.late)
        return (Wire(self._topic("DDATA", saying.name), self._payload(metrics), False, found, self._at),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        told = {saying.metric: saying.active}
        if saying.number:
            told[saying.number] = saying.fields[saying.number]
        wires = list(self.report(saying._replace(fields=told)))
        if saying.metric == "sos":  # the button comes up again
            wires += self.report(saying._replace(fields={"sos": False}))
        return wires

    def batch(self, name: str, sayings: Sequence[Saying]) -> Wire:
        metrics = [m for saying in sayings for m in self._metrics(saying, historical=True)[0]]
        return Wire(self._topic("DDATA", name), self._payload(metrics), False, {})

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        if len(names) == len(self.kind):
            return [("", self.will(""))]
        return super().severed(names, mains)

    def will(self, name: str) -> Wire:
        dead = field(0x12, metric("bdSeq", None, _UINT64, LONG, self._births))
        said = {"gateway_availability": "offline", "availability": "offline"}
        return Wire(self._topic("NDEATH"), dead, False, said, None)

    def back(self, name: str) -> None:
        return None  # a birth says so

    def _topic(self, kind: str, device: str = "") -> str:
        return f"spBv1.0/{self.site}/{kind}/{_NODE}" + (f"/{device}" if device else "")

    def _payload(self, metrics: Sequence[bytes]) -> bytes:
        number, self._next = self._next, (self._next + 1) % 256
        at = field(0x08, self._at) if self._at else b""
        return at + b"".join(field(0x12, m) for m in metrics) + field(0x18, number)

    def _aliases(self, name: str) -> dict[str, int]:
        """The metrics of a device, and the numbers its births give them."""
        kind = ALL_KINDS[self.kind[name]]
        metrics = (*kind.levels, *kind.onsets, *_ALWAYS, *(g.metric for g in kind.gauges), "battery")
        return {m: n for n, m in enumerate(dict.fromkeys(m for m in metrics if m in self.keys), 1)}

    def _born(self, name: str, alias: int) -> bytes:
        key = self.keys[name]
        if name in _LEVELS:
            return metric(key.name, alias, _BOOLEAN, null=True)
        unit = "bar" if name == "pressure" else METRICS[name].unit or ""
        return metric(key.name, alias, _DOUBLE, null=True, unit=unit)

    def _metrics(self, saying: Saying, *, historical: bool) -> tuple[list[bytes], dict[str, Any]]:
        metrics: list[bytes] = []
        found: dict[str, Any] = {}
        for name, alias in self._aliases(saying.name).items():
            if name not in saying.fields:
                continue
            more = {"historical": True, "at": saying.ts} if historical else {}
            value = saying.fields[name]
            if name in _LEVELS:
                metrics.append(metric("", alias, _BOOLEAN, BOOL, int(value), **more))
                found[name] = value
            else:
                shown = round(value / self.keys[name].scale, self.keys[name].decimals)
                metrics.append(metric("", alias, _DOUBLE, DOUBLE, float(shown), **more))
                found[name] = shown * self.keys[name].scale
        return metrics, found
