"""Frigate's events about one object or one review: `{type, before, after}` and the updates of a tracked object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from devices.cameras.scene import SMOKE_AND_FIRE, seen
from devices.codec import Decoded, Message
from devices.instants import clock_flags
from devices.reading import Flag, Reading, Value, device_id, point_id
from devices.vocabulary import short

_PHASES: Final = frozenset(("new", "update", "end"))
_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_ZONES_MAX: Final = 64


class _Object(msgspec.Struct):
    """The tracked object after a change; boxes, pictures and sub-labels are skipped unread."""

    id: Any = None
    camera: Any = None
    has_snapshot: Any = None
    label: Any = None
    frame_time: Any = None
    score: Any = None
    false_positive: Any = None
    current_zones: Any = None
    recognized_license_plate: Any = None


class _Event(msgspec.Struct):
    type: Any = None
    after: _Object | None = None


class _ReviewData(msgspec.Struct):
    objects: Any = None
    zones: Any = None


class _Item(msgspec.Struct):
    camera: Any = None
    severity: Any = None
    start_time: Any = None
    end_time: Any = None
    data: _ReviewData | None = None


class _Review(msgspec.Struct):
    type: Any = None
    after: _Item | None = None


class _Update(msgspec.Struct):
    """An update of a tracked object, or a trigger. A recognised name is not among the fields, so it is never read."""

    type: Any = None
    camera: Any = None
    timestamp: Any = None
    score: Any = None
    plate: Any = None
    sub_label: Any = None
    attribute: Any = None


class _Trigger(msgspec.Struct):
    name: Any = None
    camera: Any = None
    score: Any = None


_events: Final = msgspec.json.Decoder(_Event)
_reviews: Final = msgspec.json.Decoder(_Review)
_updates: Final = msgspec.json.Decoder(_Update)
_triggers: Final = msgspec.json.Decoder(_Trigger)

_Said = tuple[str, Value]


def event(message: Message) -> Decoded:
    """`events`: what one object is, where, and whether it is still there. Raises msgspec.DecodeError."""
    body = _events.decode(message.payload)
    after, phase = body.after, body.type
    if after is None or type(phase) is not str or phase not in _PHASES or not _named(after.camera):
        return Decoded(quarantine="wrong-type: an event has a type, and after its change a camera")
    said: list[_Said] = [("event_phase", phase)]
    label = after.label
    if _named(label):
        said.append(("object_class", short(label)))
        metric = seen(label)
        if metric is not None and after.false_positive is not True:
            said.append((metric, phase != "end"))
        plate = after.recognized_license_plate
        if metric == "vehicle_detected" and _named(plate):
            said.append(("plate", short(plate)))
    said += _scored(after.score)
    said += _first_zone(after.current_zones)
    if after.has_snapshot is True and type(after.id) is str and _ID.fullmatch(after.id):
        said.append(("snapshot_ref", f"api/events/{after.id}/snapshot.jpg"))
    return _readings(message, after.camera, said, after.frame_time)


def review(message: Message) -> Decoded:
    """`reviews`: how grave Frigate takes what happens to be. Raises msgspec.DecodeError."""
    body = _reviews.decode(message.payload)
    after, phase = body.after, body.type
    if after is None or type(phase) is not str or phase not in _PHASES or not _named(after.camera):
        return Decoded(quarantine="wrong-type: a review has a type, and after its change a camera")
    said: list[_Said] = [("event_phase", phase)]
    if _named(after.severity):
        said.append(("review_severity", short(after.severity).casefold()))
    data = after.data
    if data is not None:
        objects = data.objects[:_ZONES_MAX] if isinstance(data.objects, list) else []
        labels = [label for label in objects if _named(label)]
        if labels:
            said.append(("object_class", short(labels[0])))
        alarms = {m for label in labels if (m := seen(label)) in SMOKE_AND_FIRE}
        said += [(metric, phase != "end") for metric in sorted(m for m in alarms if m)]
        said += _first_zone(data.zones)
    return _readings(message, after.camera, said, after.end_time if phase == "end" else after.start_time)


def tracked(message: Message) -> Decoded:
    """`tracked_object_update`: a plate read, a class decided. Raises msgspec.DecodeError."""
    body = _updates.decode(message.payload)
    if body.type == "description":
        return Decoded()
    if not _named(body.type) or not _named(body.camera):
        return Decoded(quarantine="missing: an update names its type and its camera")
    said: list[_Said] = []
    if body.type == "lpr" and _named(body.plate):
        said.append(("plate", short(body.plate)))
    elif body.type == "classification":
        given = body.sub_label if _named(body.sub_label) else body.attribute
        said += [("classification", short(given))] if _named(given) else []
    return _readings(message, body.camera, [*said, *_scored(body.score)], body.timestamp)


def trigger(message: Message) -> Decoded:
    """`triggers`: a picture or description like one somebody chose. Raises msgspec.DecodeError."""
    body = _triggers.decode(message.payload)
    if not _named(body.name) or not _named(body.camera):
        return Decoded(quarantine="missing: a trigger has a name and a camera")
    return _readings(message, body.camera, [("trigger", short(body.name)), *_scored(body.score)], None)


def _named(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= 128


def _scored(score: Any) -> list[_Said]:
    if type(score) not in (int, float):
        return []
    return [("confidence", score)] if 0 <= score <= 100 else []


def _first_zone(zones: Any) -> list[_Said]:
    return [("zone", short(zones[0]))] if isinstance(zones, list) and zones and _named(zones[0]) else []


def _readings(message: Message, camera: str, said: list[_Said], at: Any) -> Decoded:
    return Decoded(tuple(_each(message, camera, said, at)))


def _each(message: Message, camera: str, said: list[_Said], at: Any) -> Iterator[Reading]:
    """Readings at Frigate's time, seconds with a fraction."""
    device = device_id(message.source, camera)
    flags = int(Flag.RETAINED) if message.retained else 0
    measured = round(at * 1000) if type(at) in (int, float) and 0 < at < 253_402_300_800 else None
    if measured is not None:
        flags |= clock_flags(measured, message.now)
    for metric, value in said:
        yield Reading(point_id(device, metric), value, measured, flags)
