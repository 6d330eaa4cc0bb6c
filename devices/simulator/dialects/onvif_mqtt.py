"""ONVIF event broker (Profile M): cameras with a fire-lane and a flame rule, doors with their states.

Awkward on purpose: now booleans, now texts for them; sources in the topic and in the payload; retained properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, encode, iso

_RULES: Final = {
    "obstruction": "RuleEngine/FireLaneDetector/FireLaneOccupied", "fire_detected": "RuleEngine/FlameDetector/Flame",
}  # fmt: skip
KINDS: Final[Sequence[str] | None] = ("camera", "access")


class Spoken(Plain):
    """Each device for itself, with a clock; nobody says that one is gone."""

    stamps = True
    kinds = KINDS

    def can(self, kind: str, metric: str) -> bool:
        return metric in _RULES if kind == "camera" else metric == "door_forced"

    def native(self, name: str) -> str:
        return f"{self.site}/{name}/" + ("1/2/Gate" if self.kind[name] == "camera" else "d-7")

    def report(self, saying: Saying) -> Sequence[Wire]:
        fields = saying.fields
        if self.kind[saying.name] == "camera":
            told = [self._rule(saying, metric, bool(fields.get(metric))) for metric in _RULES]
            return [*told, self._camera(saying, fields["vehicle_count"] > 0)]
        if fields.get("door_forced"):
            return (self._alarm(saying, True),)
        opened = fields["door_open"]
        state = {"State": "Open" if opened else "Closed"}
        return (self._told(saying, "Door/State/DoorPhysicalState", _DOOR, state, {"door_open": opened}),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        if self.kind[saying.name] == "camera":
            return (self._rule(saying, saying.metric, saying.active),)
        return (self._alarm(saying, saying.active),)

    def _rule(self, saying: Saying, metric: str, active: bool) -> Wire:
        state = {"State": active if metric == "obstruction" else str(active).lower()}
        return self._told(saying, _RULES[metric], _RULE, state, {metric: active})

    def _camera(self, saying: Saying, moves: bool) -> Wire:
        topic = "RuleEngine/CellMotionDetector/Motion"
        return self._told(saying, topic, _RULE, {"IsMotion": moves}, {"motion": moves})

    def _alarm(self, saying: Saying, forced: bool) -> Wire:
        state = {"State": "DoorForcedOpen" if forced else "Normal"}
        return self._told(saying, "Door/State/DoorAlarm", _DOOR, state, {"door_forced": forced})

    def _told(
        self, saying: Saying, topic: str, source: Mapping[str, str], data: Any, found: Mapping[str, Any]
    ) -> Wire:
        full = f"{self.site}/{saying.name}/onvif-ej/{topic}/&{'/'.join(source.values())}"
        body = {"UtcTime": iso(saying.ts or 0), "Source": source, "Data": data}
        return Wire(full, encode(body), True, found)


_RULE: Final = {"VideoSource": "1", "AnalyticsConfiguration": "2", "Rule": "Gate"}
_DOOR: Final = {"DoorToken": "d-7"}
