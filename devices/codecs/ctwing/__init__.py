"""China Telecom CTWing/AIoT (天翼物联, also called AEP): what its subscriptions push over HTTP.

Sources: the platform's message formats (ctwing.cn, 订阅管理, 消息推送: `dataReport`, `eventReport`,
`deviceOnlineOfflineReport`, `commandResponse`) as received and published by its integrators.

- One POST a message; the platform wants status 200 and tries at most three times.
- A device is named by its IMEI, which is printed on it, and until one was seen by the platform's `deviceId`. Online and
  offline reports carry no IMEI: which belongs to a `deviceId` is remembered, for at most 16 384 devices.
- What a product says stands in `payload` (an object of its model's keys, `serviceData` under `serviceId`, a list of
  such, or `APPdata`, bytes in base64) or in `eventContent`, and is read by the product's profile or by its words.
  Without either the message is set aside as `no-profile`, and its device is alive.
- `timestamp` is when the platform got the message, in Unix milliseconds. A message pushed twice is told by it, its
  device and its bytes: `upPacketSN` and `upDataSN` are mostly -1.
- `smoke_state` 0 means no smoke with most makers and smoke with others. Without a profile 0 is read as no smoke, but
  not in an event that the product's own model calls a warning: there it stays unknown.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from devices.codec import Decoded, Learned, Message, Push, Reply, Topic
from devices.codecs.ctwing.commands import PLATFORM as PLATFORM
from devices.codecs.ctwing.commands import command as command
from devices.codecs.ctwing.commands import request as request
from devices.codecs.ctwing.examples import EXAMPLES as EXAMPLES
from devices.inner import Gathered, Inner, Origin, inner, name_of, spoken
from devices.instants import from_ms
from devices.reading import Flag, Reading, split_point
from devices.vocabulary import short

TOPICS: Sequence[Topic] = (Topic("ctwing/#"),)

PROFILED: Final = True
"""Wants the profiles in its context."""

IMEIS_MAX: Final = 16_384
"""Devices of one source whose IMEI is remembered, under the 20 000 keys a codec may keep; further ones that only report
going on and off do so under the platform's id."""

_DATA: Final = frozenset(("dataReport", "dataReportTupUnion", "infoReport"))
_EVENT: Final = "eventReport"
_ONLINE: Final = "deviceOnlineOfflineReport"
_SILENT: Final = frozenset(("commandResponse",))
_WARNING: Final = 2  # eventType: 1 information, 2 warning, 3 fault
_INVALID: Final = int(Flag.INVALID)
_json: Final = msgspec.json.Decoder()


def admit(request: Push, secret: str) -> Reply | tuple[str, bytes]:
    """The body of a POST, under the path as topic; the address carries the secret. Anything else is only greeted."""
    if request.method != "POST":
        return Reply(200 if request.method in {"GET", "HEAD"} else 405)
    return f"ctwing/{request.path}" if request.path else "ctwing", request.body


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one pushed message. `context` holds the IMEIs that belong to the platform's device ids."""
    try:
        body = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not isinstance(body, dict):
        return Decoded(quarantine="wrong-type: a push is an object")
    kind = body.get("messageType")
    if not isinstance(kind, str):
        return Decoded(quarantine="missing: messageType")
    if kind in _SILENT:
        return Decoded()
    native, learned = _device(context, body)
    if not native:
        return Decoded(quarantine="missing: neither IMEI nor deviceId")
    at = from_ms(body.get("timestamp"))
    sequence = f"{native[:64]}/{at}/{crc32(message.payload):08x}" if at is not None else None
    if kind == _ONLINE:
        online = _online(message, native, body, at)
        if online is None:
            alive = (spoken(message, native, "heartbeat", True, at),)
            return Decoded(alive, "wrong-value: eventType is neither 0 nor 1", sequence, learned)
        return Decoded((online,), None, sequence, learned)
    if kind not in _DATA and kind != _EVENT:
        alive = (spoken(message, native, "heartbeat", True, at),)
        return Decoded(alive, f"unknown-kind: messageType {short(repr(kind))[:64]}", sequence, learned)
    origin = Origin(context, message, "ctwing", name_of(body.get("productId")), native)
    gathered = Gathered()
    for service, payload in _parts(body, kind):
        found = inner(origin, payload, service, at)
        gathered.add(_warned(found) if kind == _EVENT and body.get("eventType") == _WARNING else found)
    return Decoded(gathered.readings, gathered.problem, sequence, learned)


def _warned(found: Inner) -> Inner:
    """A warning that says "no smoke" of a product without a profile says the contrary in another maker's count."""
    if found.profiled:
        return found
    doubtful = {r.point for r in found.readings if r.value is False and split_point(r.point)[1] == "smoke"}
    if not doubtful:
        return found
    readings = tuple(
        msgspec.structs.replace(r, value=None, flags=r.flags | _INVALID) if r.point in doubtful else r
        for r in found.readings
    )
    return Inner(
        readings, found.problem or "no-profile: a warning event that says no smoke; makers count both ways"
    )


def _device(context: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, tuple[Learned, ...]]:
    """The device's name, and what is learned of it: which IMEI belongs to its id."""
    platform, imei = name_of(body.get("deviceId")), name_of(body.get("IMEI")) or name_of(body.get("imei"))
    if not platform:
        return imei, ()
    key = f"imei:{platform}"
    known = context.get(key)
    if not imei:
        return known if isinstance(known, str) else platform, ()
    if imei in (known, platform) or (known is None and len(context) >= IMEIS_MAX):
        return imei, ()
    return imei, (Learned(key, imei),)


def _parts(body: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    """Each service of the message with what it says."""
    service = name_of(body.get("serviceId"))
    content = body.get("eventContent") if kind == _EVENT and "eventContent" in body else body.get("payload")
    for item in content[:_PARTS_MAX] if isinstance(content, list) and content else [content]:
        if isinstance(item, dict) and "serviceData" in item:
            yield name_of(item.get("serviceId")) or service, item["serviceData"]
        elif isinstance(item, dict) and isinstance(item.get("APPdata"), str):
            yield service, _bytes(item["APPdata"])
        else:
            yield service, item


_PARTS_MAX: Final = 64


def _bytes(data: str) -> bytes | str:
    """Transparent data: base64. What is none is given on as the text it is."""
    try:
        return b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data


def _online(message: Message, native: str, body: Mapping[str, Any], at: int | None) -> Reading | None:
    """`eventType` 1: online, 0: offline."""
    state = {"1": "online", "0": "offline"}.get(str(body.get("eventType")))
    return spoken(message, native, "availability", state, at) if state is not None else None
