"""The Things Stack v3 (`v3/<application>/devices/<device>/...`) and legacy v2 (`<application>/devices/<device>/up`).

Sources: thethingsindustries.com, "Data Formats", "MQTT Server"; the v2 "API Reference". Fields that are "", 0 or false
are left out: a missing `f_cnt` is 0.

- A device is named by its DevEUI in lower case, and by its id at the server where it has none.
- `decoded_payload` (v2: `payload_fields`) is what the payload formatter made of the bytes, read by `devices.lorawan`;
  `normalized_payload` adds what it did not say. Without either a profile of the house may read `frm_payload`: its
  `product` is `brand/model` as the server's device repository has them or the id of the application, its `service` the
  FPort. Where there is none the device is alive and the message is set aside.
- `received_at` of the Network Server is when it was measured. A message is told from its copies by session, frame
  counter and that time, since a device activated by hand starts again at 0.
- `simulated` messages come from the server's console, not from the device: kept as invalid, and set aside.
- `join` says that the device joined, `location/solved` where it is, `service/data` what a service made of an uplink.
  `down/...` speaks of downlinks. v2's `up/<field>` repeats a field of `up` and says nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.ttn.examples import EXAMPLES as EXAMPLES
from devices.instants import clock_flags, from_iso
from devices.lorawan.brands import brand_of
from devices.lorawan.payload import Uplink, readings
from devices.lorawan.raw import Undecoded, undecoded
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import checked, short

TOPICS: Sequence[Topic] = (
    Topic("v3/+/devices/+/#"),
    Topic("+/devices/+/up"),
    Topic("+/devices/+/up/+"),
    Topic("+/devices/+/down"),
    Topic("+/devices/+/events/#"),
)

PROFILED: Final = True
"""Wants the profiles in its context."""


class _Application(msgspec.Struct):
    application_id: Any = None


class _Ids(msgspec.Struct):
    device_id: Any = None
    dev_eui: Any = None
    dev_addr: Any = None
    application_ids: _Application | None = None


class _Version(msgspec.Struct):
    brand_id: Any = None
    model_id: Any = None


class _Uplink(msgspec.Struct):
    """`uplink_message` and `uplink_normalized`; gateways and radio settings are skipped unread."""

    session_key_id: Any = None
    f_port: Any = 0
    f_cnt: Any = 0
    frm_payload: Any = None
    decoded_payload: Any = None
    normalized_payload: Any = None
    received_at: Any = None
    version_ids: _Version | None = None


class _Up(msgspec.Struct):
    end_device_ids: _Ids | None = None
    received_at: Any = None
    simulated: Any = False
    uplink_message: _Uplink | None = None
    uplink_normalized: _Uplink | None = None
    join_accept: Any = None
    location_solved: Any = None
    service_data: Any = None
    # v2
    app_id: Any = None
    dev_id: Any = None
    hardware_serial: Any = None
    port: Any = 0
    counter: Any = 0
    payload_raw: Any = None
    payload_fields: Any = None
    metadata: Any = None


_up: Final = msgspec.json.Decoder(_Up)
_EUI: Final = re.compile(r"[0-9a-fA-F]{16}")
_INVALID: Final = int(Flag.INVALID)


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message of an application."""
    parts = message.topic.split("/")
    v3 = parts[0] == "v3" and len(parts) > 3
    if v3 and parts[4:5] == ["down"]:
        return Decoded()
    if not v3 and len(parts) > 3 and parts[1] == "devices" and parts[3] in {"events", "down"}:
        if parts[3:] == ["events", "activations"]:
            return _activation(message, parts[2])
        return Decoded() if message.payload[:1] == b"{" else _unknown()
    if not v3 and parts[1:2] == ["devices"] and parts[3:4] == ["up"] and len(parts) > 4:
        return Decoded()
    if not message.payload:
        return Decoded()  # a retained message deleted
    try:
        body = _up.decode(message.payload)
    except (msgspec.ValidationError, RecursionError) as error:
        return Decoded(quarantine=f"wrong-type: {error}") if v3 else _unknown()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Decoded(quarantine=f"not-json: {error}") if v3 else _unknown()
    if body.end_device_ids is None and body.dev_id is None and body.hardware_serial is None:
        return Decoded(quarantine="missing: no device is named") if v3 else _unknown()
    return _v3(context, body, message) if body.end_device_ids is not None else _v2(context, body, message)


def _unknown() -> Decoded:
    return Decoded(quarantine="unknown-topic: neither the topic nor the body is of The Things Stack")


def _v3(context: Mapping[str, Any], body: _Up, message: Message) -> Decoded:
    ids = body.end_device_ids or _Ids()
    native, eui = _native(ids.dev_eui, ids.device_id)
    if native is None:
        return Decoded(quarantine="missing: neither DevEUI nor id of a device")
    heard = body.uplink_message or body.uplink_normalized
    at = (from_iso(heard.received_at) if heard is not None else None) or from_iso(body.received_at)
    make = heard.version_ids.brand_id if heard is not None and heard.version_ids is not None else None
    uplink = _uplink(message, native, eui, make, heard.f_port if heard is not None else 0, at)
    if body.simulated is True:
        uplink = msgspec.structs.replace(uplink, flags=uplink.flags | _INVALID)
    if heard is not None:
        session = heard.session_key_id if isinstance(heard.session_key_id, str) else ids.dev_addr
        application = ids.application_ids.application_id if ids.application_ids is not None else None
        raw = Undecoded(context, message, "ttn", native, (_model(heard.version_ids), application))
        found, problem = _decoded(
            uplink, raw, heard.decoded_payload, heard.normalized_payload, heard.frm_payload
        )
        if body.simulated is True:
            problem = problem or "simulated: written at the server's console, not sent by the device"
        sequence = _sequence(session, heard.f_cnt, at)
        if body.uplink_message is None and sequence:
            sequence += "n"
        return Decoded(tuple(found), problem, sequence)
    if body.join_accept is not None:
        return Decoded((Reading(point_id(uplink.device, "device_joined"), True, at, uplink.flags),))
    if isinstance(body.location_solved, dict):
        return Decoded(tuple(_location(uplink, body.location_solved.get("location"))))
    if isinstance(body.service_data, dict) and isinstance(body.service_data.get("data"), dict):
        # Another service's words about the device: what is understood counts, the rest is its own business.
        return Decoded(tuple(readings(uplink, body.service_data["data"])[0]))
    return Decoded()


def _v2(context: Mapping[str, Any], body: _Up, message: Message) -> Decoded:
    native, eui = _native(body.hardware_serial, body.dev_id)
    if native is None:
        return _unknown()
    at = from_iso(body.metadata.get("time")) if isinstance(body.metadata, dict) else None
    uplink = _uplink(message, native, eui, None, body.port, at)
    raw = Undecoded(context, message, "ttn", native, (body.app_id,))
    found, problem = _decoded(uplink, raw, body.payload_fields, None, body.payload_raw)
    return Decoded(tuple(found), problem, _sequence("", body.counter, at))


def _activation(message: Message, name: str) -> Decoded:
    """v2: the device joined."""
    try:
        body = msgspec.json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unknown()
    if not isinstance(body, dict):
        return _unknown()
    native, eui = _native(body.get("dev_eui"), name)
    metadata = body.get("metadata")
    at = from_iso(metadata.get("time")) if isinstance(metadata, dict) else None
    uplink = _uplink(message, native or "?", eui, None, 0, at)
    return Decoded((Reading(point_id(uplink.device, "device_joined"), True, at, uplink.flags),))


def _decoded(
    uplink: Uplink, raw: Undecoded, fields: Any, normalized: Any, payload: Any
) -> tuple[Sequence[Reading], str | None]:  # fmt: skip
    if (isinstance(fields, dict) and fields) or normalized:
        return readings(uplink, fields if isinstance(fields, dict) else {}, normalized)
    return undecoded(raw, uplink, payload, f"the payload formatter gave nothing on port {uplink.port}")


def _model(version: _Version | None) -> str | None:
    """Brand and model of the server's device repository, as a profile's `product` has them."""
    if version is None or not isinstance(version.brand_id, str) or not isinstance(version.model_id, str):
        return None
    return f"{version.brand_id}/{version.model_id}"


def _uplink(
    message: Message, native: str, eui: str, make: Any, port: Any, at: int | None
) -> Uplink:  # fmt: skip
    flags = (int(Flag.RETAINED) if message.retained else 0) | (clock_flags(at, message.now) if at else 0)
    brand = brand_of(make[:64] if isinstance(make, str) else "", "", eui)
    return Uplink(device_id(message.source, native), brand, _whole(port), at, flags, message.now)


def _native(eui: Any, name: Any) -> tuple[str | None, str]:
    """The device's native name, and its DevEUI or an empty text."""
    if isinstance(eui, str) and _EUI.fullmatch(eui):
        return eui.lower(), eui.lower()
    return (short(name) if isinstance(name, str) and name else None), ""


def _location(uplink: Uplink, place: Any) -> list[Reading]:
    found = []
    for metric in ("latitude", "longitude"):
        value = place.get(metric, 0) if isinstance(place, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            meant = checked(metric, "", value)
            point = point_id(uplink.device, metric)
            found.append(Reading(point, meant.value, uplink.at, uplink.flags | meant.flags))
    return found


def _whole(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 1 << 32 else 0


def _sequence(session: Any, counter: Any, at: int | None) -> str | None:
    key = session[:64] if isinstance(session, str) else ""
    return f"{key}.{_whole(counter)}.{at}" if at is not None else None
