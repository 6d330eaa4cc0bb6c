"""Values of ThingsBoard telemetry: plain objects, objects with their time, and batches of either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from devices.alarm_names import EVENT_KEYS, joined, named
from devices.codec import Decoded, Message
from devices.inner_words import Words
from devices.instants import clock_flags, from_ms
from devices.names import meaning_of
from devices.reading import GRAVE, METRICS, Flag, MetricClass, Reading, device_id, point_id, split_point
from devices.vocabulary import PLAIN, Meaning, clean_channel, quantity, riddle, sense, understand

KEYS_MAX: Final = 256
READINGS_MAX: Final = 4096
"""Readings of one message: 64 KiB hold about this many of the shortest."""

BATCH_MAX: Final = 1024

Batch = Any
"""An object of values, `{"ts", "values"}`, or an array of either."""

_NAMES: Final = frozenset(("ts", "serialNumber", "deviceName", "deviceType", "sensorModel", "sensorType"))


class Values:
    """Collects the readings of one message. `alarms` false leaves out what could raise one."""

    def __init__(self, message: Message, *, alarms: bool = True) -> None:
        self._message, self._alarms = message, alarms
        self._flags = int(Flag.RETAINED) if message.retained else 0
        self._readings: list[Reading] = []
        self.problem: str | None = None

    def decoded(self) -> Decoded:
        """What was understood, and the first reason why something was not."""
        return Decoded(self._readings, self.problem)

    def batch(self, name: str, channel: str, body: Batch) -> None:
        """A device's values, or a list of them: read oldest first, so that the newest is the last word."""
        device, channel = device_id(self._message.source, name), clean_channel(channel)
        if isinstance(body, list):
            if len(body) > BATCH_MAX:
                self.problem = self.problem or f"too-many: {len(body)} entries, at most {BATCH_MAX}"
            rows = [row for row in body[:BATCH_MAX] if isinstance(row, dict)]
            if len(rows) < min(len(body), BATCH_MAX):
                self.problem = self.problem or "wrong-type: an entry is an object of values"
            rows.sort(key=_time)
        elif isinstance(body, dict):
            rows = [body]
        else:
            self.problem = self.problem or "wrong-type: telemetry is an object or an array of objects"
            return
        first = len(self._readings)
        for row in rows:
            self._row(device, channel, row)
        if len(rows) > 1:
            self._supersede(first)

    def _supersede(self, first: int) -> None:
        """Marks what a later entry of the batch overtook as history; an alarm that came and went stays an alarm."""
        newest: set[str] = set()
        for index in range(len(self._readings) - 1, first - 1, -1):
            reading = self._readings[index]
            alarm = (
                reading.value is True and METRICS[split_point(reading.point)[1]].klass is MetricClass.ALARM
            )
            if reading.point in newest and not alarm:
                flags = reading.flags | Flag.HISTORICAL
                self._readings[index] = Reading(reading.point, reading.value, reading.measured_at, int(flags))
            newest.add(reading.point)

    def _row(self, device: str, channel: str, row: Mapping[str, Any]) -> None:
        at, flags, fields = None, self._flags, row
        if "ts" in row:
            at = from_ms(row["ts"])
            if at is None:
                self.problem = self.problem or "wrong-type: ts is not a number of milliseconds"
            else:
                flags |= clock_flags(at, self._message.now)
        if isinstance(row.get("values"), dict):
            fields = row["values"]
        if len(fields) > KEYS_MAX:
            self.problem = self.problem or f"too-many: {len(fields)} keys, at most {KEYS_MAX}"
        found: dict[str, Reading] = {}
        for key, value in list(fields.items())[:KEYS_MAX]:
            if key in _NAMES:
                continue
            for meant in self._nested(key, value) if type(value) in _OBJECTS else _meanings(key, value):
                alarm = METRICS[meant.metric].klass is MetricClass.ALARM
                if alarm and not self._alarms:
                    continue
                if meant.value is None and meant.flags:
                    self.problem = self.problem or riddle(key, value, meant)
                point = point_id(device, meant.metric, _channel(channel, meant.channel))
                there = found.get(point)
                if there is None or (meant.value is True and meant.metric in GRAVE):
                    found[point] = Reading(point, meant.value, at, flags | meant.flags)
        room = READINGS_MAX - len(self._readings)
        if len(found) > room:
            self.problem = self.problem or f"too-many: more than {READINGS_MAX} readings"
        self._readings += list(found.values())[:room]

    def _nested(self, key: str, value: Any) -> list[Meaning]:
        """An object or a list under a key: values that say their unit, faults by name, and whole objects within."""
        flat = _meanings(key, value)
        if flat or (isinstance(value, dict) and "value" in value):
            return flat
        words = Words("", frozenset())
        words.read({key: value})
        self.problem = self.problem or (f"unknown-word: {words.problem}" if words.problem else None)
        # An alarm of nothing in particular is a flag, as it is outside.
        return [
            Meaning("alarm_flag", m.channel, m.value, m.flags) if m.metric == "alarm_unspecified" else m
            for m in words.said.values()
        ]


_OBJECTS: Final = (dict, list)


def _time(row: Mapping[str, Any]) -> float:
    return from_ms(row.get("ts")) or 0


def _channel(device: str, own: str) -> str:
    """A gateway's device is the channel; a channel of the key's own is added to it."""
    return f"{device[:48]}_{own}"[:64] if device and own else device or own


def _meanings(key: str, value: Any) -> list[Meaning]:
    if type(value) is str and joined(key) in EVENT_KEYS and (alarm := named(joined(key), value)) is not None:
        return [alarm]
    meant = sense(key) or meaning_of(key)  # integrators put places before it: `boilerRoomGas`
    if meant is None:
        return []
    if meant.term.number == "battery" and not meant.unit and type(value) is float and _volts(value):
        return [quantity("battery_voltage", meant.channel, value, "V")]
    return understand(meant, value, "", PLAIN)


def _volts(value: float) -> bool:
    """Whether a battery's number is its cell's voltage: 3.6 is; 3.0 and 95.5 may be percent."""
    return 1.0 < value < 5.0 and not value.is_integer()
