"""Axis cameras and door stations over their MQTT event bridge.

Awkward on purpose: states as the texts 0 and 1, topics with and without namespaces, an application whose scenario is
named by the last level, connect and disconnect as bare words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits, encode

_APP: Final = "axis:CameraApplicationPlatform"
_PROFILE: Final = "Camera1Profile1"
_SEEN: Final = {"obstruction": "FireLaneGuard", "fire_detected": "FlameDetection"}
_DOOR: Final = {"DoorToken": "Axis-1"}
KINDS: Final[Sequence[str] | None] = ("camera", "access")


class Spoken(Plain):
    """Each device for itself, with a clock."""

    stamps = True
    kinds = KINDS

    def can(self, kind: str, metric: str) -> bool:
        return metric in _SEEN if kind == "camera" else metric == "door_forced"

    def native(self, name: str) -> str:
        return f"{self._serial(name)}/" + (_PROFILE if self.kind[name] == "camera" else "Axis-1")

    def opening(self) -> Iterable[Wire]:
        return [self._connection(name, b"Connected", "online") for name in self.kind]

    def severed(self, names: Sequence[str], mains: Sequence[str]) -> Iterable[tuple[str, Wire]]:
        # Said of the whole device, whose parts the site's devices are.
        return [("", self._connection(name, b"Connection Lost", "offline")) for name in mains]

    def will(self, name: str) -> Wire:
        return self._connection(name, b"Connection Lost", "offline")

    def back(self, name: str) -> Wire:
        return self._connection(name, b"Connected", "online")

    def report(self, saying: Saying) -> Sequence[Wire]:
        fields = saying.fields
        if self.kind[saying.name] == "camera":
            told = [self._scenario(saying, metric, bool(fields.get(metric))) for metric in _SEEN]
            moves = fields["vehicle_count"] > 0
            motion = self._told(
                saying, f"{_APP}/VMD/{_PROFILE}", {}, {"active": str(int(moves))}, {"motion": moves}
            )
            return (*told, motion)
        if fields.get("door_forced"):
            return (self._alarm(saying, True),)
        opened = fields["door_open"]
        state = {"State": "Open" if opened else "Closed"}
        found = {"door_open": opened}
        return (self._told(saying, "onvif:Door/State/DoorPhysicalState", _DOOR, state, found),)

    def event(self, saying: Saying) -> Sequence[Wire]:
        if self.kind[saying.name] == "camera":
            return (self._scenario(saying, saying.metric, saying.active),)
        return (self._alarm(saying, saying.active),)

    def _serial(self, name: str) -> str:
        return digits(self.site, name, 12).upper()

    def _connection(self, name: str, word: bytes, meant: str) -> Wire:
        return Wire(f"axis/{self._serial(name)}/connection", word, True, {"availability": meant}, None)

    def _scenario(self, saying: Saying, metric: str, active: bool) -> Wire:
        topic = f"{_APP}/{_SEEN[metric]}/{_PROFILE}"
        return self._told(saying, topic, {}, {"active": str(int(active))}, {metric: active})

    def _alarm(self, saying: Saying, forced: bool) -> Wire:
        state = {"State": "DoorForcedOpen" if forced else "Normal"}
        return self._told(saying, "onvif:Door/State/DoorAlarm", _DOOR, state, {"door_forced": forced})

    def _told(
        self, saying: Saying, topic: str, source: Mapping[str, str], data: Any, found: Mapping[str, Any]
    ) -> Wire:
        levels = topic.replace("onvif:", "tns:onvif/").replace("axis:", "tns:axis/")
        tail = "".join(f"/$source/{k}/{v}" for k, v in source.items())
        message = {"source": source, "key": {}, "data": data}
        body = {"timestamp": saying.ts, "topic": topic, "message": message}
        return Wire(f"axis/{self._serial(saying.name)}/event/{levels}{tail}", encode(body), False, found)
