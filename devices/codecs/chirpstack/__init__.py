"""ChirpStack v4 and v3: `application/<id>/device/<DevEUI>/event/<type>`, events as JSON.

Sources: chirpstack.io, "Event types" and "MQTT integration"; `integration.proto`, whose JSON mapping leaves out fields
of their default value: a missing `fCnt` is 0, a missing `externalPowerSource` false.

- A device is named by its DevEUI in lower case.
- `object` is what the codec of the device profile made of the bytes, v3's `objectJSON` the same as text; it is read by
  `devices.lorawan`. Without it a profile of the house may read `data`: its `product` is the name of the device profile
  or the id of the application, its `service` the FPort. Where there is none the device is alive and the message is set
  aside: somebody must install the codec, or write a profile.
- `time` is when the gateway heard the device. `deduplicationId` tells a message from its copies; where it is missing,
  the frame counter does, with address and time, since a device activated by hand starts again at 0.
- `status` gives battery, mains and link margin, `join` that the device joined, `location` where it is. `ack`, `txack`
  and `log` speak of downlinks and of the server.
- The HTTP integration posts the same events with `?event=<type>`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Push, Reply, Topic
from devices.codecs.chirpstack.examples import EXAMPLES as EXAMPLES
from devices.instants import clock_flags, from_iso
from devices.lorawan.brands import brand_of
from devices.lorawan.payload import Uplink, readings
from devices.lorawan.raw import Undecoded, undecoded
from devices.reading import Flag, Reading, Value, device_id, point_id
from devices.vocabulary import checked, short

TOPICS: Sequence[Topic] = (
    Topic("application/+/device/+/event/+"),
    Topic("application/+/device/+/+"),  # v3 before 3.11: `rx`, `join`, `status`, ...
)

PROFILED: Final = True
"""Wants the profiles in its context."""


class _Info(msgspec.Struct, rename="camel"):
    dev_eui: Any = None
    device_name: Any = None
    device_profile_name: Any = None
    application_id: Any = None


class _Event(msgspec.Struct, rename="camel"):
    """The fields that are read of every event; gateways and radio settings are skipped unread."""

    device_info: _Info | None = None
    deduplication_id: Any = None
    time: Any = None
    published_at: Any = None
    dev_addr: Any = None
    f_cnt: Any = 0
    f_port: Any = 0
    data: Any = None
    object: Any = None
    object_json: Any = msgspec.field(name="objectJSON", default=None)
    margin: Any = None
    external_power_source: Any = None
    battery_level_unavailable: Any = None
    battery_level: Any = None
    location: Any = None
    dev_eui: Any = msgspec.field(name="devEUI", default=None)  # v3, where these stand at the top
    device_name: Any = None
    device_profile_name: Any = None
    application_id: Any = msgspec.field(name="applicationID", default=None)
    rx_info: msgspec.Raw = msgspec.Raw(b"null")


_event: Final = msgspec.json.Decoder(_Event)
_json: Final = msgspec.json.Decoder()
_EUI: Final = re.compile(r"[0-9a-fA-F]{16}")
_TYPES: Final = {"rx": "up", "error": "log"}
_KNOWN: Final = frozenset(("up", "join", "status", "ack", "txack", "log", "location", "integration"))


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one event."""
    parts = message.topic.split("/")
    kind = _TYPES.get(parts[-1], parts[-1])
    if kind not in _KNOWN:
        return Decoded(quarantine=f"unknown-topic: no event of ChirpStack is called {short(parts[-1])[:64]}")
    if not message.payload:
        return Decoded()  # a retained message deleted
    try:
        event = _event.decode(message.payload)
    except (msgspec.ValidationError, RecursionError) as error:
        return Decoded(quarantine=f"wrong-type: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    info = event.device_info or _Info(
        event.dev_eui, event.device_name, event.device_profile_name, event.application_id
    )
    native = _native(info, parts)
    if native is None:
        return Decoded(quarantine="missing: neither DevEUI nor name of a device")
    at = from_iso(event.time) or from_iso(event.published_at) or _heard(event.rx_info)
    flags = (int(Flag.RETAINED) if message.retained else 0) | (clock_flags(at, message.now) if at else 0)
    profile = info.device_profile_name
    brand = brand_of("", profile[:255] if isinstance(profile, str) else "", native[:16])
    device = device_id(message.source, native)
    uplink = Uplink(device, brand, _whole(event.f_port), at, flags, message.now)
    if kind == "up":
        products = (profile, info.application_id)
        return _up(uplink, event, Undecoded(context, message, "chirpstack", native, products))
    return _read(kind, uplink, event)


def _read(kind: str, uplink: Uplink, event: _Event) -> Decoded:
    found: Sequence[Reading] = ()
    if kind == "status":
        found = _status(uplink, event)
    elif kind == "join":
        found = (_said(uplink, "device_joined", True),)
    elif kind == "location":
        found = _location(uplink, event.location)
    elif kind == "integration" and isinstance(event.object, dict):
        # Another service's words about the device: what is understood counts, the rest is its own business.
        found = readings(uplink, event.object)[0]
    return Decoded(tuple(found), sequence=_sequence(uplink, event) if found else None)


def admit(request: Push, _secret: str) -> Reply | tuple[str, bytes]:
    """The HTTP integration: POST with the event's type in the query, as it would stand in a topic."""
    kind = request.query.get("event", "")
    if request.method != "POST" or kind not in _KNOWN:
        return Reply(400, b"POST an event with ?event=up")
    return f"{request.path or 'application'}/event/{kind}", request.body


def _up(uplink: Uplink, event: _Event, raw: Undecoded) -> Decoded:
    fields: Any = event.object
    if fields is None and isinstance(event.object_json, str) and event.object_json:
        try:
            fields = _json.decode(event.object_json)
        except (msgspec.DecodeError, RecursionError):
            fields = None
    if isinstance(fields, dict) and fields:
        decoded, problem = readings(uplink, fields)
        return Decoded(tuple(decoded), problem, _sequence(uplink, event))
    why = f"the device profile decodes nothing on port {uplink.port}"
    found, problem = undecoded(raw, uplink, event.data, why)
    return Decoded(tuple(found), problem, _sequence(uplink, event))


def _status(uplink: Uplink, event: _Event) -> list[Reading]:
    """Battery, mains and margin. The level is left out when it is not known or the device is fed from outside."""
    mains = event.external_power_source
    found = [_said(uplink, "mains_power", mains if isinstance(mains, bool) else False)]
    margin = 0 if event.margin is None and event.device_info is not None else event.margin
    if event.battery_level_unavailable is True:
        found.append(_said(uplink, "battery", None))
    for metric, value in (("link_margin", margin), ("battery", event.battery_level)):
        if isinstance(value, int | float) and not isinstance(value, bool):
            if metric == "battery" and (mains is True or event.battery_level_unavailable is True):
                continue
            meant = checked(metric, "", value)
            # LoRaWAN 1.0.3, 5.5: the margin is a signed number of decibels, below the limit too.
            flags = 0 if metric == "link_margin" and -32 <= value <= 31 else meant.flags
            found.append(_said(uplink, metric, meant.value, flags))
    return found


def _location(uplink: Uplink, place: Any) -> list[Reading]:
    found = []
    for metric in ("latitude", "longitude"):
        value = place.get(metric, 0) if isinstance(place, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            meant = checked(metric, "", value)
            found.append(_said(uplink, metric, meant.value, meant.flags))
    return found


def _said(uplink: Uplink, metric: str, value: Value, flags: int = 0) -> Reading:
    return Reading(point_id(uplink.device, metric), value, uplink.at, uplink.flags | flags)


def _native(info: _Info, parts: Sequence[str]) -> str | None:
    """The DevEUI; v3's protobuf JSON has it in base64. Else the topic's, else the device's name."""
    eui = info.dev_eui
    if isinstance(eui, str):
        if _EUI.fullmatch(eui):
            return eui.lower()
        if len(eui) == 12:
            try:
                return b64decode(eui, validate=True).hex()
            except (Base64Error, ValueError):
                pass  # not base64 either: the topic and the name remain
    if len(parts) > 3 and _EUI.fullmatch(parts[3]):
        return parts[3].lower()
    name = info.device_name
    return short(name) if isinstance(name, str) and name else None


def _heard(gateways: msgspec.Raw) -> int | None:
    """The time of the first gateway of a v3 event that wrote one."""
    try:
        rows = _json.decode(gateways)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    for row in rows[:16] if isinstance(rows, list) else ():
        at = from_iso(row.get("time")) if isinstance(row, dict) else None
        if at is not None:
            return at
    return None


def _whole(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 1 << 32 else 0


def _sequence(uplink: Uplink, event: _Event) -> str | None:
    given = event.deduplication_id
    if isinstance(given, str) and 0 < len(given) <= 64:
        return given
    address = event.dev_addr if isinstance(event.dev_addr, str) else ""
    return f"{address[:16]}.{_whole(event.f_cnt)}.{uplink.at}" if uplink.at is not None else None
