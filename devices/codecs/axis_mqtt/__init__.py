"""Axis: the MQTT event bridge of its cameras, door stations and I/O, `axis/<serial>/event/<topic>[/$source/...]`.

Sources: developer.axis.com, VAPIX "MQTT event bridge" and event declarations; Kane610/axis (tests). Meanings:
`devices/cameras/onvif.py`.

- A device is named by its serial number (the payload's where it is included, else the level before `event`); one of its
  parts by what the source says: `ACCC8E123456/1` is port 1. Scenarios and profiles of an application, which have no
  source, go by the topic's last level: `ACCC8E123456/Device1Scenario1`.
- The topic in the payload counts, for the bridge may be told to leave it out of the MQTT topic.
- `connection`, the connect, disconnect and last-will message, is the device's `availability`.
- An event without topic or message is set aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.cameras.onvif import statements, told
from devices.codec import Decoded, Message, Topic
from devices.codecs.axis_mqtt.examples import EXAMPLES as EXAMPLES
from devices.instants import from_ms
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import short
from devices.words import normal

TOPICS: Sequence[Topic] = (Topic("axis/#"),)

_NAME_MAX: Final = 512
_CONNECTION: Final = {
    "connected": "online",
    "online": "online",
    "disconnected": "offline",
    "connection_lost": "offline",
    "connectionlost": "offline",
    "lost": "offline",
    "offline": "offline",
}
_NO_PLACES: Final = frozenset(
    ("VideoSourceConfigurationToken", "VideoSource", "channel", "Source", "AudioSource")
)


class _Body(msgspec.Struct):
    topic: Any = None
    timestamp: Any = None
    serial: Any = None
    message: Any = None


_body: Final = msgspec.json.Decoder(_Body)
_json: Final = msgspec.json.Decoder()


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one event. Nothing is learned: every event stands for itself."""
    levels = message.topic.removeprefix("axis/").split("/")
    if not levels[0] or len(message.topic) > _NAME_MAX or len(levels) < 2:
        return Decoded(quarantine="unknown-topic: not axis/<serial>/event/...")
    serial = levels[0] if "event" not in levels else levels[max(levels.index("event") - 1, 0)]
    if levels[-1] in ("connection", "connected", "disconnected", "lwt", "LWT") and "event" not in levels:
        return _connection(message, serial)
    if not message.payload:
        return Decoded()
    try:
        body = _body.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {short(str(error))}")
    if type(body.serial) is str and 0 < len(body.serial) <= 64:
        serial = body.serial
    if type(body.topic) is not str or not body.topic or not isinstance(body.message, dict):
        return Decoded(quarantine="missing: an event has a topic and a message")
    source, data = body.message.get("source"), body.message.get("data")
    topic, application = named(body.topic[:_NAME_MAX])
    said = statements(topic, data if isinstance(data, dict) else {})
    part = "/".join(
        short(value)[:64]
        for key, value in (list(source.items())[:8] if isinstance(source, dict) else ())
        if type(value) is str and value and (key not in _NO_PLACES or value not in ("0", "1"))
    )
    name = "/".join(p for p in (serial, application, part) if p)
    return told(message, name, said, from_ms(body.timestamp), topic)


@lru_cache(maxsize=4096)
def named(topic: str) -> tuple[str, str]:
    """The topic without namespaces, and which scenario or profile of an application it is about."""
    levels = [level.rpartition(":")[2] for level in topic.split("/") if not level.startswith("tns:")]
    levels = [level for level in levels if level]
    own = levels[-1] if len(levels) > 2 and levels[0] == "CameraApplicationPlatform" else ""
    return "/".join(levels), own[:64]


def _connection(message: Message, serial: str) -> Decoded:
    text: Any = message.payload.decode("utf-8", "replace").strip()
    if text[:1] in ("{", '"'):
        try:
            body = _json.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Decoded(quarantine=f"not-json: {short(str(error))}")
        text = next(iter(body.values()), "") if isinstance(body, dict) else body
    state = _CONNECTION.get(normal(text)) if type(text) is str and len(text) <= 64 else None
    if state is None:
        return Decoded(quarantine="wrong-value: connection is connected, disconnected or lost")
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded(
        (Reading(point_id(device_id(message.source, serial), "availability"), state, None, flags),)
    )
