"""A Frigate recorder whose model knows fire: events of objects, their counts, and the state of each camera.

Awkward on purpose: counts as bare numbers, events that hold the object as it was before, ON and OFF, sub-labels and
plates that nobody may keep, a recorder that is `stopped` for all its cameras at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, encode

KINDS: Final[Sequence[str] | None] = ("camera",)


class Spoken(Plain):
    """The recorder speaks for its cameras and stamps what it sees."""

    stamps = True
    kinds = KINDS

    def can(self, kind: str, metric: str) -> bool:
        return metric == "fire_detected"

    def opening(self) -> Iterable[Wire]:
        return (self.back(""),)

    def status(self, name: str, online: bool) -> Sequence[Wire]:
        said = b"online" if online else b"offline"
        return (Wire(f"frigate/{name}/status/detect", said, True, {"camera_online": online}, None),)

    def report(self, saying: Saying) -> Sequence[Wire]:
        name, fields = saying.name, saying.fields
        cars = fields["vehicle_count"]
        fires = int(bool(fields.get("fire_detected")))
        return (
            Wire(f"frigate/{name}/car", str(cars).encode(), False, {"vehicle_count": cars}, None),
            Wire(f"frigate/{name}/fire", str(fires).encode(), False, {"fire_detected": fires > 0}, None),
            Wire(f"frigate/{name}/motion", b"ON" if cars else b"OFF", False, {"motion": cars > 0}, None),
        )

    def event(self, saying: Saying) -> Sequence[Wire]:
        phase, at = "new" if saying.active else "end", (saying.ts or 0) / 1000
        seen: dict[str, Any] = {
            "id": f"{at:.6f}-mxklsc", "camera": saying.name, "frame_time": at, "label": "fire", "sub_label": None,
            "top_score": 0.96, "false_positive": False, "start_time": at, "end_time": None if saying.active else at,
            "score": 0.88, "box": [432, 496, 544, 854], "current_zones": [], "entered_zones": [],
            "has_snapshot": False, "recognized_license_plate": None,
        }  # fmt: skip
        body = {"type": phase, "before": {**seen, "score": 0.5}, "after": seen}
        found = {
            "fire_detected": saying.active,
            "object_class": "fire",
            "event_phase": phase,
            "confidence": 0.88,
        }
        return (Wire("frigate/events", encode(body), False, found),)

    def garbage(self, saying: Saying) -> Sequence[Wire]:
        return [Wire("frigate/events", payload, False, {}) for payload in self.bad]

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        if len(names) == len(self.kind):
            return [("", self.will(""))]
        return super().severed(names, mains)

    def will(self, name: str) -> Wire:
        said = {"gateway_availability": "offline", "availability": "offline"}
        return Wire("frigate/available", b"stopped", True, said, None)

    def back(self, name: str) -> Wire:
        said = {"gateway_availability": "online", "availability": "online"}
        return Wire("frigate/available", b"online", True, said, None)
