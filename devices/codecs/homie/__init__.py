"""The Homie convention, versions 3, 4 and 5: one bare value a topic, described by the devices themselves.

Source: homieiot.github.io, "Specification" 3.0.1, 4.0.0 and 5.0.0, and the legacy stats extension.

- Version 5 is `<root>/5/<device>/<node>/<property>` with one `$description`; 3 and 4 are `homie/<device>/...` with an
  attribute a topic (`$unit`, `$datatype`). Another root than `homie` is read where its devices described themselves.
- A device is its id, with the root before it where that is not `homie`.
- A property is understood by its id, its name, or its id together with its node's type or id: `alarm` of a node of type
  `gas` is gas. Where two properties of a device mean the same their nodes are the channels.
- Booleans are `true` and `false` and nothing else; what is no value of its datatype is ignored, as the convention
  says, and set aside. `%` of an explosive gas is % LEL. A property one can set is a setting, never an alarm statement.
- `$target`, `/set`, `$log` and broadcasts say nothing. `$alert/<id>` is trouble of the device, never an alarm: its
  alarms are properties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Decoded, Learned, Message, Topic
from devices.codecs.homie.commands import command as command
from devices.codecs.homie.description import attribute, described, entry_key
from devices.codecs.homie.examples import EXAMPLES as EXAMPLES
from devices.codecs.homie.properties import PLAIN_ROW, WrongValue, value
from devices.names import meaning_of
from devices.reading import METRICS, Flag, MetricClass, Reading, device_id, point_id
from devices.vocabulary import Meaning, clean_channel, number_in, quantity

TOPICS: Sequence[Topic] = (Topic("homie/#"), Topic("+/5/#"))

LIMITS: Final = {"+/5/+/$description": 256 * 1024}
"""A description is one message; about 200 bytes a property."""

LEARNED_MAX: Final = 4096
"""Devices described on one source; beyond it new ones are read by their ids alone."""

_NAME_MAX: Final = 200
_STATES: Final = {
    "init": "init",
    "ready": "online",
    "disconnected": "offline",
    "sleeping": "sleeping",
    "lost": "offline",
    "alert": "online",
}
_STATS: Final = {
    "battery": ("battery", "%"),
    "supply": ("supply_voltage", "V"),
    "cputemp": ("device_temperature", "degC"),
}
_NOTHING: Final = Decoded()
_OTHER: Final = Decoded(quarantine="unknown-topic: not of the shape the Homie convention gives its topics")


@lru_cache(maxsize=16384)
def _place(topic: str) -> tuple[str, int, str, tuple[str, ...]] | None:
    """Root, version (5, or 4 for what came before) and the levels below the device, or None."""
    levels = topic.split("/")
    version = 5 if len(levels) > 2 and levels[1] == "5" else 4
    if version == 4 and levels[0] != "homie":
        return None
    start = 2 if version == 5 else 1
    if len(levels) < start + 2 or not all(levels[start:]) or len(topic) > 2 * _NAME_MAX:
        return None
    return levels[0], version, levels[start], tuple(levels[start + 1 :])


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds what the devices described."""
    place = _place(message.topic)
    if place is None:
        return _OTHER
    root, version, device, rest = place
    if device == "$broadcast" or rest[-1] in {"set", "$target"}:
        return _NOTHING if root == "homie" else _OTHER
    key = entry_key(root, version, device)
    native = device if root == "homie" else f"{root}/{device}"
    try:
        text = message.payload[:4096].decode()
    except UnicodeDecodeError:
        return Decoded(quarantine="wrong-value: a payload is UTF-8 text")
    entry = context.get(key)
    if rest[0] in {"$description", "$state"} and len(rest) == 1:
        return _about(context, message, (root, key, native, rest[0]), text)
    if root != "homie" and entry is None:
        return _OTHER
    if rest[0][0] == "$":
        return _device(message, native, rest, text)
    if version == 4 and rest[-1][0] == "$":
        changed = attribute(entry, rest, text)
        new = changed is not None and (entry is not None or len(context) < LEARNED_MAX)
        return Decoded(learned=(Learned(key, changed),)) if new else _NOTHING
    if len(rest) != 2 or not text:
        return _NOTHING
    rows = entry[1] if entry else {}
    row = rows.get(f"{rest[0]}/{rest[1]}", PLAIN_ROW)
    try:
        meanings = value(rest[0], rest[1], entry[0].get(rest[0], "") if entry else "", row, text)
    except WrongValue as why:
        return Decoded(quarantine=f"wrong-value: {why}")
    invalid = int(Flag.INVALID)
    unknown = any(m.value is None and m.flags & invalid for m in meanings)
    return Decoded(_readings(message, native, meanings), f"unknown-word: {text[:64]!r}" if unknown else None)


def _about(
    context: Mapping[str, Any], message: Message, where: tuple[str, str, str, str], text: str
) -> Decoded:
    """`$state`, and `$description` of version 5; empty ones mean that the device is gone."""
    root, key, native, what = where
    if not message.payload:
        return Decoded(learned=(Learned(key, None),)) if key in context else _NOTHING
    if what == "$state":
        state = _STATES.get(text)
        if state is None:
            return Decoded(quarantine="wrong-value: no state of a device") if root == "homie" else _OTHER
        meanings = [Meaning("availability", "", state)]
        if text == "alert" or (text == "ready" and "/5/" not in key):
            meanings.append(Meaning("fault", "", text == "alert"))  # before version 5 trouble was a state
        return Decoded(_readings(message, native, meanings))
    found = described(message.payload)
    if isinstance(found, str):
        return Decoded(quarantine=found) if root == "homie" else _OTHER
    entry, kinds = found
    new = context.get(key) != entry and (key in context or len(context) < LEARNED_MAX)
    meanings = [
        Meaning("discovery", clean_channel(node) if index else "", kind) for index, (node, kind) in kinds
    ]
    return Decoded(_readings(message, native, meanings), learned=(Learned(key, entry),) if new else ())


def _device(message: Message, native: str, rest: tuple[str, ...], text: str) -> Decoded:
    """What else a device says of itself: alerts, statistics, the `$online` of version 2."""
    meanings: list[Meaning] = []
    if rest[0] == "$alert" and len(rest) == 2:
        meant = meaning_of(rest[1])
        metric = meant.term.level if meant else ""
        own = metric and METRICS[metric].klass is MetricClass.FAULT and metric != "fault"
        channel = meant.channel if meant and own else clean_channel(rest[1])
        meanings = [Meaning(metric if own else "fault", channel, bool(text))]
    elif rest[0] == "$stats" and len(rest) == 2:
        number = number_in(text)
        if rest[1] in _STATS and number is not None:
            metric, unit = _STATS[rest[1]]
            meanings = [quantity(metric, "", number, unit)]
        elif rest[1] == "uptime" and number is not None:
            meanings = [Meaning("heartbeat", "", True)]
    elif rest == ("$online",) and text in {"true", "false"}:
        meanings = [Meaning("availability", "", "online" if text == "true" else "offline")]
    return Decoded(_readings(message, native, meanings))


def _readings(message: Message, native: str, meanings: Sequence[Meaning]) -> tuple[Reading, ...]:
    flags = int(Flag.RETAINED) if message.retained else 0
    device = device_id(message.source, native)
    return tuple(
        Reading(point_id(device, m.metric, m.channel), m.value, None, flags | m.flags) for m in meanings
    )
