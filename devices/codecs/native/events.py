"""Native events: an alarm, its end, a fault, a test and the other things a device says once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message
from devices.codecs.native.telemetry import VERSION, Speaker, reason, sequence
from devices.instants import clock_flags, from_ms
from devices.reading import METRICS, Flag, MetricClass, Reading, point_id
from devices.units import scale
from devices.vocabulary import clean_channel, quantity, quoted, short
from devices.words import Said, normal, said

UNSPECIFIED: Final = "alarm_unspecified"
"""What an alarm becomes whose hazard is missing or unknown: a fire, until a person knows better."""

HAZARDS: Final = {
    "fire": "fire_detected",
    "smoke": "smoke",
    "heat": "heat",
    "gas": "gas",
    "co": "co",
    "water": "water_leak",
    "sos": "sos",
    "intrusion": "intrusion",
    "obstruction": "obstruction",
    "equipment": "equipment_alarm",
}
"""The words of `data.hazard`; the name of any alarm-class metric (`call_point`, `hydrant_open`) is one as well."""

STATES: Final = {
    "prealarm": "prealarm",
    "fault": "fault",
    "supervisory": "supervisory",
    "test": "test",
    "hush": "muted",
    "low_battery": "battery_low",
    "tamper": "tamper",
    "end_of_life": "end_of_life",
    "restart": "restart",
}
"""Events that say a condition began; `data.value` false says that it ended."""

TYPES: Final = ("alarm", "alarm_clear", "fault_clear", *STATES)

# What the number of an event measures, in the order tried against its unit; the first one where it names no unit.
_HYDRANT: Final = ("pressure", "flow", "water_level")
_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "gas": ("gas_lel", "gas_ppm"),
    "co": ("co_ppm",),
    "heat": ("temperature",),
    "fire_detected": ("temperature", "smoke_obscuration", "smoke_concentration"),
    "smoke": ("smoke_obscuration", "smoke_concentration", "temperature"),
    "water_leak": ("water_level", "pressure", "flow"),
    "water_level_alarm": ("water_level", "water_level_percent"),
    "pressure_low": _HYDRANT,
    "hydrant_open": _HYDRANT,
    "hydrant_tilt": ("angle", "pressure"),
    "hydrant_hit": ("acceleration", "pressure"),
    "battery_low": ("battery", "battery_voltage"),
    "overtemp": ("temperature",),
    "temperature_high": ("temperature",),
    "overcurrent": ("current", "leakage_current"),
    "overpower": ("power",),
    "end_of_life": ("life_remaining",),
}


def event(speaker: Speaker, context: Mapping[str, Any], message: Message) -> Decoded:
    """The readings of one event. An unknown one is set aside, and raises an alarm if it sounds like one."""
    try:
        body = msgspec.json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if type(body) is not dict:
        return Decoded(quarantine="wrong-type: an event is an object")
    problems: list[str] = []
    flags = int(Flag.RETAINED) if message.retained else 0
    at = None
    if "ts" in body:
        at = from_ms(body["ts"])
        if at is None:
            problems.append("wrong-type: ts is not a number of milliseconds")
        else:
            flags |= clock_flags(at, message.now)
    if body.get("v", VERSION) != VERSION:
        problems.append("version: v is not 1, understood as far as it goes")
    data = body.get("data")
    if data is None:
        data = {}
    elif type(data) is not dict:
        problems.append("wrong-type: data is not an object")
        data = {}
    readings = [
        Reading(point_id(speaker.device, metric, channel), value, at, flags | extra)
        for metric, channel, value, extra in _meanings(body.get("type"), data, problems)
    ]
    return Decoded(readings, reason(problems) if problems else None, sequence(body.get("id")))


def _meanings(
    given: Any, data: dict[str, Any], problems: list[str]
) -> list[tuple[str, str, bool | float | str | None, int]]:
    kind = normal(given) if type(given) is str else ""
    channel = _channel(data.get("channel"), problems)
    hazard = _hazard(data.get("hazard"))
    if kind == "alarm_clear":
        return [(hazard or UNSPECIFIED, channel, False, 0)]
    if kind == "fault_clear":
        return [("fault", channel, False, 0)]
    if kind in STATES:
        metric, value = STATES[kind], data.get("value") is not False
        subject = metric if metric in _VALUES else hazard
    elif kind == "alarm":
        metric, value, subject = hazard or UNSPECIFIED, True, hazard
        if hazard is None:
            problems.append("unknown-hazard: raised as an alarm of unspecified kind")
    else:
        problems.append(f"unknown-event: {quoted(given)}" if kind else "missing: the event has no type")
        if said(kind) is not Said.ACTIVE and _hazard(kind) is None:
            return []
        metric, value = hazard or _hazard(kind) or UNSPECIFIED, True
        subject = metric
    return [(metric, channel, value, 0), *_measured(subject, channel, data, problems)]


def _hazard(given: Any) -> str | None:
    """The alarm metric a hazard's name stands for, or None."""
    name = normal(given) if type(given) is str else ""
    metric = METRICS.get(name)
    if name in HAZARDS:
        return HAZARDS[name]
    return name if metric is not None and metric.klass is MetricClass.ALARM else None


def _channel(given: Any, problems: list[str]) -> str:
    if given is None or given == "":
        return ""
    if type(given) is str or type(given) is int:
        return clean_channel(str(given)[:64])
    problems.append("wrong-type: channel is not a text")
    return ""


def _measured(
    subject: str | None, channel: str, data: dict[str, Any], problems: list[str]
) -> list[tuple[str, str, bool | float | str | None, int]]:
    """The number an event brought with it, as a measurement of its own."""
    value, unit = data.get("value"), data.get("unit", "")
    candidates = _VALUES.get(subject or "", ())
    if type(value) is not int and type(value) is not float:
        return []
    if type(unit) is not str:
        problems.append("wrong-type: unit is not a text")
        return []
    fitting = [m for m in candidates if not unit or scale(unit, METRICS[m].unit or "") is not None]
    if not fitting:
        if unit:
            problems.append(f"unknown-unit: {short(unit)[:32]!r} measures nothing of this event")
        return []
    meant = quantity(fitting[0], channel, value, unit)
    return [(meant.metric, meant.channel, meant.value, int(meant.flags))]
