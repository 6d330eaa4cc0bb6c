"""rtl_433: whatever small radios say, one JSON object a transmission, or one bare value a topic.

Sources: rtl_433, docs/DATA_FORMAT.md (fields), docs/OPERATION.md (MQTT output), src/devices (what each decoder sends).

- `rtl_433/<host>/events` carries the object, `rtl_433/<host>/devices/<model>/.../<key>` its values one by one; both are
  sent by default and mean the same. OpenMQTTGateway's `RTL_433toMQTT` carries the same object.
- A device goes by what the default device topic says of it: type, model, subtype, channel and id, as far as it has
  them. Many ids change with the battery: rtl_433 knows no better.
- A field ends in its unit (`temperature_C`, `pressure_kPa`). The radio's own level (`rssi`, `snr`) is relative and not
  kept. Times without a zone are no moments.
- An `alarm` is of what the model's name says (`Bresser-Leakage`); of a maker's whole range of sensors (`Honeywell-
  Security`) it is a flag, for an open door sets it as well.
- A device whose name says smoke, leak or panic and whose message says nothing else transmits because of it.
- PINs that keypads send in clear are never kept. Tyres are no equipment of an estate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.rtl_433.examples import EXAMPLES as EXAMPLES
from devices.codecs.rtl_433.fields import Device, device_of, said
from devices.instants import clock_flags, from_iso, from_ms
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import number_in, short

TOPICS: Sequence[Topic] = (Topic("rtl_433/#"), Topic("+/rtl_433/#"), Topic("+/+/RTL_433toMQTT/#"))

KEYS_MAX: Final = 128
"""Fields of one message; the richest decoder has about forty."""

_INVALID: Final = int(Flag.INVALID)
_json: Final = msgspec.json.Decoder()
_TOPIC: Final = re.compile(
    r"(?:[^/]*/)?rtl_433(?:/(?P<rest>.*))?|[^/]*/[^/]*/RTL_433toMQTT(?:/.*)?", re.DOTALL
)
_NAMING: Final = ("type", "model", "subtype", "channel", "id")
_NOT_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_OWN: Final = frozenset(("states", "commands", "config", "log"))


@lru_cache(maxsize=8192)
def _parsed(topic: str) -> tuple[str, str] | None:
    """Device and key of a value sent alone; no device on a topic of whole messages, None for no topic of ours."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return None
    levels = (found["rest"] or "").split("/")
    if "devices" in levels[:2] and len(levels) > 3:
        levels = levels[levels.index("devices") + 1 :]
        return "/".join(levels[:-1])[:255], levels[-1]
    return "", levels[-1] if len(levels) <= 2 else ""


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message; needs no context."""
    parsed = _parsed(message.topic)
    if parsed is None:
        return Decoded(quarantine="unknown-topic: no topic of rtl_433")
    name, key = parsed
    if not message.payload or (not name and key in _OWN):
        return Decoded()  # a retained message deleted, or the receiver's own statistics
    if name:
        return _alone(message, name, key)
    if key in {"availability", "LWT"}:
        return _host(message)
    try:
        fields = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not isinstance(fields, dict):
        return Decoded(quarantine="wrong-type: a transmission is an object")
    if not isinstance(fields.get("model"), str):
        # Statistics and level reports have no model; nor had decoders before 2019, which named the sender otherwise.
        return Decoded() if "senderid" not in fields else Decoded(quarantine="missing: no model")
    naming = tuple([_part(fields.get(key)) for key in _NAMING])
    kind, model, subtype = naming[:3]
    return _settle(message, name_of(naming), device_of(model, subtype, kind), fields, whole=True)


def _part(value: Any) -> str:
    if type(value) is str:
        return value[:64]
    return str(value) if type(value) is int and -(1 << 63) < value < 1 << 64 else ""


@lru_cache(maxsize=8192)
def name_of(naming: tuple[str, ...]) -> str:
    """The device's name, made of type, model, subtype, channel and id as rtl_433 makes the topic of its values."""
    return "/".join(_NOT_NAME.sub("_", part) for part in naming if part)[:255] or "unknown"


def _host(message: Message) -> Decoded:
    text = message.payload.strip().lower()
    if text not in {b"online", b"offline"}:
        return Decoded(quarantine="wrong-value: availability is neither online nor offline")
    levels = message.topic.split("/")
    flags = int(Flag.RETAINED) if message.retained else 0
    point = point_id(device_id(message.source, "/".join(levels[:-1])[:255]), "gateway_availability")
    return Decoded((Reading(point, text.decode(), None, flags),))


def _alone(message: Message, name: str, key: str) -> Decoded:
    """One value on a topic of its own: JSON, or text without quotes."""
    try:
        text = message.payload.decode()
    except UnicodeDecodeError as error:
        return Decoded(quarantine=f"not-text: {error}")
    value: Any = number_in(text.strip())
    if value is None:
        value = text.strip()
    levels = name.split("/")
    model = levels[1] if levels[0] == "TPMS" and len(levels) > 1 else levels[0]
    device = device_of(model[:64], levels[1][:64] if len(levels) > 2 else "", levels[0][:64])
    return _settle(message, name, device, {key: value}, whole=False)


def _settle(
    message: Message, name: str, device: Device, fields: Mapping[str, Any], *, whole: bool
) -> Decoded:
    at = _time(fields.get("time"))
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    problem = None
    if len(fields) > KEYS_MAX:
        problem = f"too-many: {len(fields)} fields, at most {KEYS_MAX}"
        fields = dict(list(fields.items())[:KEYS_MAX])
    full = device_id(message.source, name)
    found: dict[str, Reading] = {}
    for meant in said(device, fields, whole=whole):
        if meant.value is None and meant.flags & _INVALID:
            problem = problem or f"unknown-word: {meant.metric} of {short(name)[:64]} is neither yes nor no"
        point = point_id(full, meant.metric, meant.channel)
        there = found.get(point)
        # Two fields may mean one thing (`state` and `contact_open`, `event` and `detect_wet`): a yes outweighs a no.
        if there is None or (meant.value is True and there.value is not True):
            found[point] = Reading(point, meant.value, at, flags | meant.flags)
    return Decoded(list(found.values()), problem)


def _time(value: Any) -> int | None:
    """`-M time:unix` (seconds, as text or number), `time:iso` with a zone; other forms are local times, no moments."""
    if isinstance(value, str):
        seconds = number_in(value)
        return from_iso(value) if seconds is None else _time(seconds)
    if (type(value) is int or type(value) is float) and 0 < value < 1e12:
        return from_ms(round(value * 1000))
    return None
