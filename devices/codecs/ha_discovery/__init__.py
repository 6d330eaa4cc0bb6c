"""Home Assistant's MQTT discovery: learns what devices say of themselves, then reads the topics they named.

Sources: home-assistant.io, "MQTT", "MQTT discovery", "Device discovery payload" and the platforms' pages.

- `homeassistant/<component>/[<node>/]<object>/config` and `homeassistant/device/<id>/config` are remembered; an empty
  payload forgets. A config is metadata: it gives the status `discovery` and never a state.
- A device goes by its first identifier, else its first connection, else its name, else the ids in the topic. An ESPHome
  node goes by its topic prefix, as in its own codec.
- A binary sensor is what its device class says "on" means, a sensor what its class and unit measure; without a class
  the key in the template, the name and the object id are read as people's names are. Entities of the category `config`,
  statistics and limits say nothing. Where a name adds a word ("Kitchen smoke") it is the channel.
- Templates are understood as far as `templates` says. The state of an entity with another template is set aside with
  that reason; so is one whose entity does not say what it measures, where nobody else on the topic does.
- `payload_on` and `payload_off` are compared as Home Assistant does. Another word is no state: never normal.
- Topics of which no config spoke are `unknown-topic`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Decoded, Message, Topic
from devices.codecs.ha_discovery.commands import command as command
from devices.codecs.ha_discovery.configs import BadConfig, learned, read, topic_key
from devices.codecs.ha_discovery.entities import COMPONENTS
from devices.codecs.ha_discovery.examples import EXAMPLES as EXAMPLES
from devices.codecs.ha_discovery.states import parsed, state
from devices.reading import Flag, Reading, device_id, point_id

TOPICS: Sequence[Topic] = (Topic("homeassistant/#"), Topic("#"))

DESCRIBES: Final = True

LIMITS: Final = {"homeassistant/device/+/config": 256 * 1024}
"""One message describes a whole device; about 400 bytes an entity."""

_CONFIG: Final = re.compile(r"homeassistant/(\w+)/(?:([\w-]+)/)?([\w-]+)/config")
_NOTHING: Final = Decoded()
_OTHER: Final = Decoded(quarantine="unknown-topic: no discovery config named this topic")


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message. `context` holds the topics that configs named."""
    topic = message.topic
    known = context.get(topic_key(topic))
    if known is None:
        if not topic.startswith("homeassistant/"):
            return _OTHER
        config = _CONFIG.fullmatch(topic)
        return _config(context, message, *config.groups()) if config else _NOTHING
    if not known or not message.payload:
        return _NOTHING
    return _state(known, message)


def _config(
    context: Mapping[str, Any], message: Message, component: str, node: str | None, named: str
) -> Decoded:
    if component not in COMPONENTS and component != "device":
        return _NOTHING
    name = "/".join(part for part in (component, node, named) if part)
    if not message.payload:
        return Decoded(learned=learned(context, name, {}))
    try:
        native, topics = read(component, named, name, message.payload)
    except BadConfig as why:
        return Decoded(quarantine=str(why))
    flags = int(Flag.RETAINED) if message.retained else 0
    point = point_id(device_id(message.source, native), "discovery")
    return Decoded((Reading(point, component, None, flags),), learned=learned(context, name, topics))


def _state(known: Mapping[str, Sequence[Any]], message: Message) -> Decoded:
    """What all entities of a topic make of a message: the first to speak of a point counts, an alarm over it.

    A payload meant for another entity of the same topic, and an entity without a telling name, matter only where
    nobody else understood the message.
    """
    try:
        text = message.payload.decode()
    except UnicodeDecodeError:
        return Decoded(quarantine="not-text: discovered states are text")
    flags = int(Flag.RETAINED) if message.retained else 0
    body = parsed(message.payload)
    found: dict[str, Reading] = {}
    problem = mild = None
    for row in known.values():
        meanings, why = state(row, text, body)
        if why is not None and (row[0] == "unnamed" or (len(known) > 1 and not row[5])):
            mild = mild or why
            continue
        problem = problem or why
        for meant in meanings:
            point = _point(message.source, row[1], meant.metric, meant.channel)
            there = found.get(point)
            if there is None or (meant.value is True and there.value is not True):
                found[point] = Reading(point, meant.value, None, flags | meant.flags)
    return Decoded(tuple(found.values()), problem or (None if found else mild))


@lru_cache(maxsize=16384)
def _point(source: str, device: str, metric: str, channel: str) -> str:
    return point_id(device_id(source, device), metric, channel)
