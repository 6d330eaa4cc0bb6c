"""Zigbee2MQTT: `zigbee2mqtt/<friendly name>` and all its sub-topics, by the rules of its documentation.

Sources: zigbee2mqtt.io, "MQTT topics and messages", "Exposes", "MQTT configuration", "Device availability", "Health".

- A device is named by its IEEE address once the bridge has said which friendly name belongs to it (`bridge/devices`,
  retained, or the `device` object of `include_device_information`), and until then by its friendly name. The address
  survives renaming; the bridge's list is remembered, so within one installation the name changes at most once.
- Keys are understood by the device's own exposes where they are known (name, endpoint, unit, what means on and off,
  whether it is a setting), and by the vocabulary alone where they are not. There is no list of models.
- A property one can set is a setting or a siren, never an alarm statement. Other keys the vocabulary does not know
  (settings, counters, key codes typed at a keypad) are not kept.
- `output: attribute` publishes `<friendly name>/<property>` with a bare value.
- `last_seen`, where switched on, is when the bridge last heard the device, and so when this was measured.
- The bridge itself is the device `bridge`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Learned, Message, Topic
from devices.codecs.zigbee2mqtt.bridge import availability, bridge, entry_of, key_of
from devices.codecs.zigbee2mqtt.commands import command as command
from devices.codecs.zigbee2mqtt.examples import EXAMPLES as EXAMPLES
from devices.codecs.zigbee2mqtt.state import attribute, state
from devices.reading import device_id

TOPICS: Sequence[Topic] = (Topic("zigbee2mqtt/#"),)

LIMITS: Final = {"zigbee2mqtt/bridge/+": 4 * 1024 * 1024}
"""What the bridge says of all its devices is one message: about 10 KB a device, and a network holds some 200."""

_BASE: Final = "zigbee2mqtt/"
_NAME_MAX: Final = 255
_COMMANDS: Final = frozenset(("set", "get"))
_json: Final = msgspec.json.Decoder()


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message of a bridge. `context` holds what its devices were learned to be."""
    name = message.topic.removeprefix(_BASE)
    if not name or len(name) > _NAME_MAX or not message.topic.startswith(_BASE):
        return Decoded(quarantine="unknown-topic: not zigbee2mqtt/ and a name of at most 255 characters")
    if name.startswith("bridge/"):
        return bridge(context, message, name[len("bridge/") :])
    parts = name.split("/")
    if not message.payload or (_COMMANDS & set(parts[1:][-2:]) and key_of(name) not in context):
        return Decoded()  # a retained message deleted, or somebody's command to the device
    if parts[-1] == "availability" and name != "/availability" and len(parts) > 1:
        return availability(device_of(context, message, name[: -len("/availability")]), message)
    if message.payload[:1] != b"{":
        return _bare(context, message, parts)
    try:
        fields = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    learned: tuple[Learned, ...] = ()
    entry = context.get(key_of(name))
    if "device" in fields:
        said = entry_of(fields["device"])
        if said is not None and (entry is None or entry[0] != said[0]):
            entry, learned = said, (Learned(key_of(name), said),)
    return state(device_id(message.source, entry[0] if entry else name), entry, fields, message, learned)


def device_of(context: Mapping[str, Any], message: Message, name: str) -> str:
    """The device id behind a friendly name: its IEEE address where that was learned."""
    entry = context.get(key_of(name))
    return device_id(message.source, entry[0] if entry else name)


def _bare(context: Mapping[str, Any], message: Message, parts: list[str]) -> Decoded:
    """A message that is no object: one property of a device, or nothing we can read."""
    name = "/".join(parts[:-1])
    if not name or key_of("/".join(parts)) in context or message.payload[:1] == b"[":
        return Decoded(quarantine="not-json: a device's state is a JSON object")
    entry = context.get(key_of(name))
    return attribute(device_id(message.source, entry[0] if entry else name), entry, parts[-1], message)
