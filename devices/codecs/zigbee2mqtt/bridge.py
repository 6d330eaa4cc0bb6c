"""What a zigbee2mqtt bridge says of itself and of its devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Learned, Message
from devices.codecs.zigbee2mqtt.commands import doable
from devices.codecs.zigbee2mqtt.dialect import sense_of
from devices.reading import Flag, Reading, device_id, point_id

DEVICES_MAX: Final = 1024
"""A Zigbee network holds some hundreds of devices; more in one list is no list of a bridge."""

EXPOSES_MAX: Final = 128
"""The properties kept of one device: the vocabulary knows about twenty of the richest model's."""

NAME: Final = "bridge"
"""The native name of the bridge's own device."""

Row = list[Any]
"""What a device says of one property: `[name, endpoint, unit, value that means on, value that means off, settable]`."""

Entry = list[Any]
"""What is remembered of a device: `[address, model, {property: row}]`; lists, as the journal gives them back.

A fourth element, where there is one, says what it can be told (`commands.Does`)."""

_IEEE: Final = re.compile(r"0x[0-9a-f]{16}")
_EVENTS: Final = {
    "device_joined": "device_joined",
    "device_leave": "device_left",
    "device_announce": "device_announce",
}


class _Device(msgspec.Struct):
    """One element of `bridge/devices`; endpoints, options and the rest are skipped unread."""

    ieee_address: Any = None
    friendly_name: Any = None
    type: Any = None
    definition: msgspec.Raw = msgspec.Raw(b"null")


class _Definition(msgspec.Struct):
    model: Any = None
    description: Any = None
    exposes: Any = None


_devices: Final = msgspec.json.Decoder(list[_Device])
_definition: Final = msgspec.json.Decoder(_Definition | None)
_json: Final = msgspec.json.Decoder()


def key_of(name: str) -> str:
    """The context key under which a device's entry is remembered."""
    return f"device:{name}"


def bridge(context: Mapping[str, Any], message: Message, topic: str) -> Decoded:
    """Readings and knowledge from `zigbee2mqtt/bridge/<topic>`; logs, requests and the rest say nothing to us."""
    device = device_id(message.source, NAME)
    if not message.payload:
        return Decoded()
    if topic == "state":
        return _online(device, message, "gateway_availability")
    try:
        if topic == "devices":
            return _inventory(context, message, device)
        if topic == "event":
            return _event(message, _json.decode(message.payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    return Decoded()


def availability(device: str, message: Message) -> Decoded:
    """`{"state": "online"}`, or bare `online` from bridges before 2.0."""
    return _online(device, message, "availability")


def _online(device: str, message: Message, metric: str) -> Decoded:
    said: Any = message.payload.strip().decode("utf-8", "replace")
    if said[:1] in {"{", '"'}:
        try:
            data = _json.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Decoded(quarantine=f"not-json: {error}")
        said = data.get("state") if isinstance(data, dict) else data
    if said not in ("online", "offline"):
        return Decoded(quarantine="wrong-value: state is neither online nor offline")
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded((Reading(point_id(device, metric), said, None, flags),))


def _event(message: Message, body: Any) -> Decoded:
    """Devices that come, announce themselves and leave. Interviews are the bridge's own business."""
    kind = body.get("type") if isinstance(body, dict) else None
    data = body.get("data") if isinstance(body, dict) else None
    metric = _EVENTS.get(kind) if isinstance(kind, str) else None
    if not isinstance(kind, str) or (metric and not isinstance(data, dict)):
        return Decoded(quarantine="wrong-type: an event is an object with type and data")
    if metric is None or not isinstance(data, dict):
        return Decoded()
    name = next(
        (n for n in (data.get("ieee_address"), data.get("friendly_name")) if isinstance(n, str) and n), None
    )
    if name is None:
        return Decoded(quarantine="missing: the event names no device")
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded((Reading(point_id(device_id(message.source, name[:255]), metric), True, None, flags),))


def _inventory(context: Mapping[str, Any], message: Message, device: str) -> Decoded:
    """Learns every device of the list that is new or changed, and forgets those that are gone or were renamed."""
    listed = _devices.decode(message.payload)
    if len(listed) > DEVICES_MAX:
        return Decoded(quarantine=f"too-many: {len(listed)} devices, at most {DEVICES_MAX}")
    learned: list[Learned] = []
    present: set[str] = set()
    for item in listed:
        name, address = item.friendly_name, item.ieee_address
        if (
            item.type == "Coordinator"
            or not isinstance(name, str)
            or not 0 < len(name) <= 255
            or not is_ieee(address)
        ):
            continue
        key = key_of(name)
        present.add(key)
        entry = [address, *_described(item.definition)]
        if context.get(key) != entry:
            learned.append(Learned(key, entry))
    learned += [
        Learned(key, None) for key in sorted(context) if key.startswith("device:") and key not in present
    ]
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded((Reading(point_id(device, "inventory"), len(listed), None, flags),), learned=learned)


def is_ieee(address: Any) -> bool:
    """Whether a value is a Zigbee device's address as the bridge writes it: `0x` and sixteen hex digits."""
    return isinstance(address, str) and _IEEE.fullmatch(address) is not None


def entry_of(device: Any) -> Entry | None:
    """What the `device` object tells that comes with each message under `include_device_information`."""
    if not isinstance(device, dict) or not is_ieee(device.get("ieeeAddr")):
        return None
    model = device.get("model")
    return [device["ieeeAddr"], model[:64] if isinstance(model, str) else "", {}]


def _described(definition: msgspec.Raw) -> tuple[Any, ...]:
    """Model, exposes and, if any, commands of a device; all empty for one the bridge does not support."""
    try:
        known = _definition.decode(definition)
    except (
        msgspec.ValidationError
    ):  # a definition of another shape is no reason to forget the device's address
        known = None
    if known is None:
        return "", {}
    rows: dict[str, Row] = {}
    _collect(known.exposes, "", rows, 0)
    model = known.model[:64] if isinstance(known.model, str) else ""
    does = doable(known.exposes, known.description)
    return (model, rows, does) if does else (model, rows)


def _collect(exposes: Any, endpoint: str, rows: dict[str, Row], depth: int) -> None:
    """The rows of all generic exposes the vocabulary knows, those inside a switch, lock or climate too."""
    if not isinstance(exposes, list) or depth > 4:  # the documentation nests three deep
        return
    for item in exposes:
        if not isinstance(item, dict) or len(rows) >= EXPOSES_MAX:
            continue
        here = item.get("endpoint")
        here = here[:64] if isinstance(here, str) else endpoint
        name, prop, access = item.get("name"), item.get("property"), item.get("access")
        if not isinstance(
            prop, str
        ):  # a specific type; the values of a composite lie in an object of their own
            _collect(item.get("features"), here, rows, depth + 1)
        elif (
            isinstance(name, str)
            and isinstance(access, int)
            and access & 1
            and sense_of(name)
            and len(prop) <= 64
        ):
            on, off, unit = item.get("value_on"), item.get("value_off"), item.get("unit")
            both = _plain(on) and _plain(off) and on != off
            rows[prop] = [
                name,
                here,
                unit[:16] if isinstance(unit, str) else "",
                on if both else None,
                off if both else None,
                bool(access & 2),
            ]


def _plain(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= 64)
