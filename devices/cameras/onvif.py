"""What ONVIF events mean, whoever carries them; the topics themselves are in `devices/cameras/onvif_topics.py`.

A property says its state in an item of its data; a message (a line crossed, access granted) says it by being sent, and
nothing ever says that it is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.cameras.onvif_topics import Event, event_of
from devices.cameras.scene import faces, seen
from devices.codec import Decoded, Message
from devices.instants import clock_flags
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning, checked, number_in, short
from devices.words import switch

_STATE_ITEMS: Final = (
    "state", "isinside", "ismotion", "istamper", "issounddetected", "alarmactive", "isalarm", "logicalstate",
    "failed", "critical", "islow", "active", "isactive", "detected", "isdetected", "triggered", "istriggered",
    "isloitering", "disruption", "tampering", "tampered", "fan_failure", "sensor_level", "open", "alert", "alarm",
    "limit_exceeded", "isintrusion", "iscrossed", "ispeople", "value",
)  # fmt: skip
_WORDS: Final = {"active": True, "inactive": False, "on": True, "off": False, "start": True, "stop": False}
_CLIMATE: Final = {
    "temperature": "temperature",
    "humidity": "humidity",
    "relativehumidity": "humidity",
    "co2": "co2_ppm",
    "pm2.5": "pm2_5",
    "pm25": "pm2_5",
}
_DOORS: Final[dict[str, dict[str, tuple[tuple[str, bool | None], ...]]]] = {
    "DoorAlarm": {
        "normal": (("door_forced", False), ("door_held_open", False)),
        "doorforcedopen": (("door_forced", True), ("door_held_open", False)),
        "dooropentoolong": (("door_held_open", True), ("door_forced", False)),
    },
    "DoorPhysicalState": {
        "open": (("door_open", True),),
        "closed": (("door_open", False),),
        "unknown": (("door_open", None),),
        "fault": (("door_open", None), ("fault", True)),
    },
    "DoorTamper": {
        "notintamper": (("tamper", False),),
        "tamperdetected": (("tamper", True),),
        "unknown": (("tamper", None),),
    },
    "DoorFault": {
        "notinfault": (("fault", False),),
        "faultdetected": (("fault", True),),
        "unknown": (("fault", None),),
    },
}
_SCENARIOS: Final = {"timeinarea": "loitering", "objectinarea": "intrusion", "linecrossing": "line_crossing"}
_LABELS_MAX: Final = 32


def statements(topic: str, data: Mapping[str, Any]) -> list[Meaning]:
    """Everything an event says; empty when it says nothing the house keeps. Never raises.

    A state nobody can read is None with `Flag.INVALID`.
    """
    event = event_of(topic)
    items = {key.casefold(): value for key, value in list(data.items())[:_LABELS_MAX]}
    if event.how == "none":
        return []
    if event.how in ("state", "guess"):
        return [_stated(event, items)]
    if event.how == "pulse":
        return _pulse(event.metric, items)
    if event.how == "number":
        number = _number(items)
        return [] if number is None else [checked(event.metric, "", number)]
    if event.how == "trigger":
        name = short(topic.rpartition("/")[2])
        return [Meaning("trigger", "", name)] if name and _state(items) is True else []
    return _READERS[event.how](topic, items)


def gone(topic: str) -> list[Meaning]:
    """What it means that a property was deleted: a loiterer has left; any other state is no longer known."""
    event = event_of(topic)
    if event.how == "pulse" and event.metric == "loitering":
        return [Meaning("loitering", "", False)]
    return [Meaning(event.metric, "", None)] if event.how in ("state", "guess") else []


def told(message: Message, name: str, said: Sequence[Meaning], at: int | None, topic: str = "") -> Decoded:
    """The readings of the device of this name; a state nobody could read sets the message aside besides."""
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    device = device_id(message.source, name)
    unread = next((m.metric for m in said if m.value is None and m.flags), "")
    return Decoded(
        tuple(Reading(point_id(device, m.metric, m.channel), m.value, at, flags | m.flags) for m in said),
        f"unknown-word: no state that can be read for {unread}" if unread else None,
        faces=int(faces(topic)),
    )


def truth(value: Any) -> bool | None:
    """A yes or no as event items write it: true, "true", "1", 1, "active"; None for anything else."""
    if type(value) is bool:
        return value
    if type(value) is str:
        text = value.strip().casefold()
        found = switch(text)
        return _WORDS.get(text) if found is None else found
    return bool(value) if type(value) in (int, float) and value in (0, 1) else None


def _state(items: Mapping[str, Any]) -> bool | None:
    return next((truth(items[name]) for name in _STATE_ITEMS if name in items), None)


def _stated(event: Event, items: Mapping[str, Any]) -> Meaning:
    """The state item by its name, else the only item that is a yes or no at all."""
    state = _state(items)
    if state is None and not any(name in items for name in _STATE_ITEMS):
        found = [said for value in items.values() if (said := truth(value)) is not None]
        # A maker's message has no state: it is sent when it happens.
        state = found[0] if len(found) == 1 else True if event.how == "guess" and not found else None
    # What cannot be read must not read as normal.
    return Meaning(event.metric, "", state, 0 if state is not None else int(Flag.INVALID))


def _pulse(metric: str, items: Mapping[str, Any]) -> list[Meaning]:
    objects = items.get("objectid")
    state = _state({k: v for k, v in items.items() if k != "value"})
    value = state if state is not None else objects not in ("", [])
    found = [Meaning(metric, "", value)]
    number = _number(items) if metric.startswith("temperature") else None
    return found if number is None else [*found, checked("temperature", "", number)]


def _number(items: Mapping[str, Any]) -> float | None:
    names = (
        "value",
        "count",
        "level",
        "temperature",
        "relativehumidity",
        "humidity",
        "capacity",
        "batterycapacity",
    )
    return next((n for name in names if (n := _as_number(items.get(name))) is not None), None)


def _as_number(value: Any) -> float | None:
    if type(value) is str:
        return number_in(value.strip())
    return value if type(value) in (int, float) else None


def _climate(topic: str, items: Mapping[str, Any]) -> list[Meaning]:
    found = [
        checked(_CLIMATE[name], "", number)
        for name, value in items.items()
        if name in _CLIMATE and (number := _as_number(value)) is not None
    ]
    quantity = next((q for level in topic.casefold().split("/") if (q := _CLIMATE.get(level))), None)
    number = _as_number(items.get("value"))
    return [checked(quantity, "", number)] if not found and quantity and number is not None else found


def _door(topic: str, items: Mapping[str, Any]) -> list[Meaning]:
    states = _DOORS.get(topic.split("/")[2] if topic.count("/") > 1 else "")
    said = items.get("state")
    if states is None or type(said) is not str:
        return []
    spoken = states.get(said.casefold())
    if spoken is None:  # a state the standard does not have: no reading, never normal
        return [Meaning(metric, "", None, int(Flag.INVALID)) for metric, _ in next(iter(states.values()))]
    return [Meaning(metric, "", value) for metric, value in spoken]


def _labels(value: Any) -> list[str]:
    found = value.split() if type(value) is str else value if isinstance(value, list) else []
    return [label for label in found[:_LABELS_MAX] if type(label) is str]


def _objects(topic: str, items: Mapping[str, Any]) -> list[Meaning]:
    """The classes of all objects in view; people and vehicles are also told absent."""
    labels = [label for label in _labels(items.get("classtypes")) if not faces(label)]
    kinds = {kind for label in labels if (kind := seen(label))}
    always = ("person_detected", "vehicle_detected")
    found = [Meaning(kind, "", kind in kinds) for kind in always]
    found += [Meaning(kind, "", True) for kind in sorted(kinds.difference(always))]
    return [*found, Meaning("object_class", "", short(" ".join(labels)))] if labels else found


def _scenario(topic: str, items: Mapping[str, Any]) -> list[Meaning]:
    """A scenario of AXIS Object Analytics: what its kind is about, and of what classes the objects are."""
    state = _state(items)
    if state is None:
        return []
    kind = items.get("scenariotype")
    metric = _SCENARIOS.get(kind.casefold(), "motion") if type(kind) is str else "motion"
    labels = [label for label in _labels(items.get("classtypes")) if not faces(label)]
    kinds = sorted({kind for label in labels if (kind := seen(label))})
    found = [Meaning(metric, "", state), *(Meaning(kind, "", state) for kind in kinds)]
    return [*found, Meaning("object_class", "", short(" ".join(labels)))] if labels else found


def _plate(topic: str, items: Mapping[str, Any]) -> list[Meaning]:
    """The plate among nested data: `LicensePlateInfo/PlateNumber`, or makers' flat `PlateNumber`."""
    todo: list[Any] = [items]
    for _ in range(_LABELS_MAX):
        if not todo:
            break
        current = todo.pop(0)
        for key, value in current.items() if isinstance(current, dict) else ():
            if key.casefold() in ("platenumber", "plate", "licenseplate", "platetext"):
                text = value.get("#text", value.get("value")) if isinstance(value, dict) else value
                if type(text) is str and 0 < len(text.strip()) <= 32:
                    return [Meaning("plate", "", short(text.strip()))]
            todo.append(value)
    return []


_READERS: Final = {
    "climate": _climate,
    "words": _door,
    "objects": _objects,
    "scenario": _scenario,
    "plate": _plate,
}
