"""ESPHome's MQTT component: bare values on `<prefix>/<component>/<object>/state`, and `<prefix>/status`.

Sources: esphome.io, "MQTT Client Component" and the components' pages; the firmware's `mqtt_*.cpp` for topics, words.

- A device is its topic prefix, by default the node's name; the prefix may have two levels. What Home Assistant
  discovery says of such topics goes by the same name.
- Objects are named by whoever wrote the node's configuration, so their names are read as people's names are: "Kitchen
  smoke alarm" is smoke, channel kitchen. A name that says nothing is left to discovery, which knows more of it.
- The node's name before an object's own (`${node} Smoke`) is no channel.
- A state has no unit. Numbers count in the units the components publish (degC, %, hPa, V, A, W, kWh, ppm, m). Where the
  configuration alone decides (the pressure in a pipe, flow, volume, a level) a number without a unit in its name is not
  taken.
- `contact` is recorded as a contact: which side is open is wiring. Lights, fans and settings say nothing, locks only
  that they are jammed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Decoded, Message, Topic
from devices.codecs.esphome.commands import command as command
from devices.codecs.esphome.commands import learned
from devices.codecs.esphome.components import COMPONENTS, SILENT, Unreadable
from devices.codecs.esphome.examples import EXAMPLES as EXAMPLES
from devices.names import FILLING
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning, words_of

TOPICS: Sequence[Topic] = (
    Topic("esphome/discover/#"),
    Topic("esphome/ping/#"),
    *(Topic(f"{prefix}/{last}") for prefix in ("+", "+/+") for last in ("status", "debug")),
    *(
        Topic(f"{prefix}/{component}/+/#")
        for prefix in ("+", "+/+")
        for component in sorted({*COMPONENTS, *SILENT})
    ),
)

_NAME_MAX: Final = 255
_LOG: Final = re.compile(rb"(?:\x1b\[[0-9;]*m)?\[[A-Z]{1,2}\]")
_NOTHING: Final = Decoded()
_OTHER: Final = Decoded(quarantine="unknown-topic: not the shape of an ESPHome topic")


@lru_cache(maxsize=16384)
def _place(topic: str) -> tuple[str, str, str, str] | None:
    """Prefix, component, object and what is said of it, or None; `status` and `debug` have no object."""
    levels = topic.split("/")
    for depth in (1, 2):
        prefix = "/".join(levels[:depth])
        if not prefix or len(prefix) > _NAME_MAX:
            return None
        rest = levels[depth:]
        if len(rest) == 1 and rest[0] in {"status", "debug"}:
            return prefix, "", "", rest[0]
        if len(rest) >= 3 and rest[0] in {*COMPONENTS, *SILENT} and rest[1]:
            return prefix, rest[0], rest[1], "/".join(rest[2:])
    return None


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds which objects of a node can be told something."""
    if message.topic.startswith("esphome/discover") or message.topic.startswith("esphome/ping/"):
        return _discovered(message)
    place = _place(message.topic)
    if place is None:
        return _OTHER
    prefix, component, name, what = place
    if not component:
        return _node(message, prefix, what)
    if not message.payload or what == "command" or what.endswith("/command"):
        return _NOTHING
    if component in SILENT:
        return _NOTHING if what == "state" else _OTHER
    try:
        text = message.payload[:1024].decode().strip()
    except UnicodeDecodeError:
        return Decoded(quarantine="unknown-topic: ESPHome states are text")
    try:
        meanings = COMPONENTS[component](name, what, text)
    except Unreadable as why:
        return Decoded(quarantine=str(why))
    invalid = int(Flag.INVALID)
    problem = None
    if any(m.value is None and m.flags & invalid for m in meanings):
        problem = f"unknown-word: {text[:64]!r}"
    return Decoded(
        _readings(message, prefix, meanings), problem, learned=learned(context, prefix, component, name)
    )


def _node(message: Message, prefix: str, what: str) -> Decoded:
    if what == "debug":
        return _NOTHING if _LOG.match(message.payload) else _OTHER
    if message.payload not in {b"online", b"offline"}:
        return _OTHER
    return Decoded(_readings(message, prefix, [Meaning("availability", "", message.payload.decode())]))


def _discovered(message: Message) -> Decoded:
    """`esphome/discover/<name>`: a node answers where it is; asking, and pings, say nothing."""
    name = message.topic.removeprefix("esphome/discover/")
    if "/" in name or not name or not message.payload.startswith(b"{"):
        return _NOTHING
    return Decoded(_readings(message, name[:_NAME_MAX], [Meaning("discovery", "", True)]))


@lru_cache(maxsize=16384)
def _channel(prefix: str, channel: str) -> str:
    """The channel without the node's name before it, as Home Assistant takes it off: `hall/sensor/hall_temperature`."""
    own = [word for word in words_of(prefix) if word not in FILLING]
    words = channel.split("_")
    return "_".join(words[len(own) :]) if own and words[: len(own)] == own else channel


def _readings(message: Message, prefix: str, meanings: Iterable[Meaning]) -> tuple[Reading, ...]:
    flags = int(Flag.RETAINED) if message.retained else 0
    device = device_id(message.source, prefix)
    return tuple(
        Reading(
            point_id(device, m.metric, m.channel and _channel(prefix, m.channel)),
            m.value,
            None,
            flags | m.flags,
        )
        for m in meanings
    )
