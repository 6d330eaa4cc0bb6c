"""Homie devices, every other one of version 5 and the rest of version 4: one bare value a topic, described before.

Awkward on purpose: version 4 needs a topic for each attribute, version 5 one description for all; booleans are lower
case; a battery sensor sleeps between two messages and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from devices.reading import METRICS
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import SENSORS, SPOKEN, Key, Topics, encode
from devices.simulator.hardware import KINDS as ALL_KINDS

KINDS: Final[Sequence[str] | None] = SENSORS
_NODE: Final = "sensor"


class Spoken(Topics):
    """Each device for itself, without a clock."""

    kinds = KINDS
    keys: ClassVar[Mapping[str, Key]] = {
        metric: key._replace(name=metric.replace("_", "-")) for metric, key in SPOKEN.items()
    }
    bad = (b"TRUE", b"\x00\xff\xfe")

    def native(self, name: str) -> str:
        return f"{self.site}-{name}".lower().replace("_", "-").replace(".", "-")

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = "ready" if online else "lost"
        meant = {"availability": "online" if online else "offline"}
        state = Wire(f"{self._base(name)}/$state", said.encode(), True, meant, None)
        return (*self._described(name), state) if online else (state,)

    def back(self, name: str) -> Wire | None:
        return self.status(name, True)[-1]

    def event(self, saying: Saying) -> Sequence[Wire]:
        told = list(super().event(saying))
        if saying.metric == "sos":
            told.append(told[0]._replace(payload=b"false", readings={"sos": False}))
        return told

    def one(self, saying: Saying, metric: str, value: Any) -> Wire | None:
        if metric not in self.keys:
            return None
        text = str(value).lower()
        topic = f"{self._base(saying.name)}/{_NODE}/{self.keys[metric].name}"
        return Wire(topic, text.encode(), True, {metric: value}, None)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        topic = f"{self._base(saying.name)}/{_NODE}/tamper"
        return [Wire(topic, payload, False, {}) for payload in self.bad]

    def _base(self, name: str) -> str:
        return f"homie/5/{self.native(name)}" if len(name) % 2 else f"homie/{self.native(name)}"

    def _described(self, name: str) -> list[Wire]:
        kind, base = ALL_KINDS[self.kind[name]], self._base(name)
        metrics = [*kind.levels, *kind.onsets, "tamper", "battery_low", "test", "muted", "battery"]
        numbers = {g.metric: METRICS[g.metric].unit or "" for g in kind.gauges} | {"battery": "%"}
        listed = list(dict.fromkeys(m for m in (*metrics, *numbers) if m in self.keys))
        if base.startswith("homie/5/"):
            properties: dict[str, Any] = {}
            for metric in listed:
                about = {
                    "name": metric.replace("_", " "),
                    "datatype": "float" if metric in numbers else "boolean",
                }
                properties[self.keys[metric].name] = about | (
                    {"unit": numbers[metric]} if metric in numbers else {}
                )
            nodes = {_NODE: {"type": kind.name, "properties": properties}}
            body = {"homie": "5.0", "name": name, "version": 1, "nodes": nodes}
            return [Wire(f"{base}/$description", encode(body), True, {}, None)]
        told = [("$homie", "4.0.0"), ("$name", name), ("$nodes", _NODE), (f"{_NODE}/$type", kind.name)]
        told.append((f"{_NODE}/$properties", ",".join(self.keys[m].name for m in listed)))
        for metric in listed:
            key = f"{_NODE}/{self.keys[metric].name}"
            told.append((f"{key}/$datatype", "float" if metric in numbers else "boolean"))
            if metric in numbers:
                told.append((f"{key}/$unit", numbers[metric]))
        return [Wire(f"{base}/{topic}", text.encode(), True, {}, None) for topic, text in told]
