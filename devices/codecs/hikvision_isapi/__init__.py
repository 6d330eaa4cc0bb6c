"""Hikvision: events of cameras, recorders, access controllers and alarm panels, as ISAPI sends them over HTTP.

Sources: Hikvision ISAPI developer guide (EventNotificationAlert, AccessControllerEvent, CIDEvent), and the public code
of pyhik and hikvision_next.

- They come as a push ("alarm server", "HTTP listening": XML or JSON, with pictures as multipart) or as the alert stream
  that a bridge forwards. A push is not repeated by the device when it is refused. Pictures are never kept.
- A device is named by its MAC address, else by what names it in the message. Its channels, inputs, zones and doors are
  places of their own: `44:47:cc:00:11:22/4`, `.../input/2`, `.../zone/3`, `.../door/1`; channel 0 is the device itself.
- `videoloss` `inactive` is what a quiet device sends every few seconds: a heartbeat.
- Smart events repeat `active` while they last; many cameras never say `inactive`.
- Contact ID codes say what a panel means; so do the major and minor numbers of access controllers.
- Faces, cards, names and employee numbers are not read, and of temperatures only those of things.
- What is sent again after an outage (`isDataRetransmission`, `currentEvent` false) is history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.cameras.multipart import boundary_of, parts
from devices.cameras.scene import faces
from devices.codec import Decoded, Message, Push, Reply, Topic
from devices.codecs.hikvision_isapi.documents import events_in
from devices.codecs.hikvision_isapi.events import Told, told, whole
from devices.codecs.hikvision_isapi.examples import EXAMPLES as EXAMPLES
from devices.instants import clock_flags, from_iso
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import short

TOPIC: Final = "isapi/Event/notification/alertStream"
TOPICS: Sequence[Topic] = (Topic(TOPIC), Topic("ISAPI/Event/notification/alertStream"))

PUSH_MAX: Final = 8 << 20
"""A push may bring every picture of an event: a plate with two of 2 MB each is usual."""

_STARTS: Final = (b"<", b"{", b"[", b"\xef\xbb\xbf")
_OFFSET: Final = re.compile(r"([+-])(\d):(\d\d)$")
_BETWEEN: Final = b"--another-event-of-this-push\r\n\r\n"
_TIME_MAX: Final = 64
_NO_MAC: Final = frozenset(("", "00:00:00:00:00:00"))


def admit(request: Push, secret: str) -> Reply | tuple[str, bytes]:
    """The event of a push without its pictures; one that brings none is answered and nothing is taken."""
    if request.method not in ("POST", "PUT"):
        return Reply(405)
    told_in = request.headers.get("content-type", "")
    bodies = [request.body]
    if "multipart" in told_in.casefold() or request.body.startswith(b"--"):
        found = parts(request.body, boundary_of(told_in))
        bodies = [part.body for part in found if not part.picture and part.body.startswith(_STARTS)]
    bodies = [body for body in bodies if body.strip()]
    if not bodies:
        return Reply(200)
    if len(bodies) == 1:
        return TOPIC, bodies[0]
    return TOPIC, b"".join(_BETWEEN + body + b"\r\n" for body in bodies)


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of every event in a message. Nothing is learned: every event stands for itself."""
    if not message.payload:
        return Decoded()
    try:
        found = events_in(message.payload)
    except ValueError as error:
        return Decoded(quarantine=short(str(error)))
    readings: list[Reading] = []
    problem: str | None = None
    sequences: list[str] = []
    seen = 0
    for event in found:
        seen += faces(str(event.get("eventType", ""))[:64])
        try:
            said = told(event)
        except ValueError as error:
            problem = problem or short(str(error))
            continue
        readings += _readings(message, event, said)
        sequences.append(said.sequence)
    only = sequences[0] if len(found) == 1 and sequences else ""
    return Decoded(readings, problem, only or None, faces=seen)


def _readings(message: Message, event: Mapping[str, Any], said: Told) -> list[Reading]:
    if not said.said:
        return []
    at = _at(event.get("dateTime"))
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    if _late(event):
        flags |= int(Flag.HISTORICAL)
    device = device_id(message.source, _named(event, message.topic, said.part))
    return [Reading(point_id(device, m.metric, m.channel), m.value, at, flags | m.flags) for m in said.said]


def _named(event: Mapping[str, Any], topic: str, part: str) -> str:
    """The device, and the part of it that the event is about."""
    mac = event.get("macAddress")
    name = mac.strip().lower() if type(mac) is str else ""
    if name in _NO_MAC or len(name) > 64:
        others = ("deviceSerial", "deviceSerialNo", "subSerialNo", "deviceID", "ipAddress", "ipv6Address")
        texts = (event.get(key) for key in others)
        name = next(
            (t.strip() for t in texts if type(t) is str and 0 < len(t.strip()) <= 64), topic or "device"
        )
    if part:
        return f"{name}/{part}"
    if str(event.get("eventType", "")).casefold() in ("accesscontrollerevent", "cidevent"):
        return name
    channel = whole(event.get("channelID") if "channelID" in event else event.get("dynChannelID"))
    return f"{name}/{channel}" if channel is not None and channel > 0 else name


def _at(value: Any) -> int | None:
    """ISO 8601; some firmware writes the hours of its offset with one digit."""
    if type(value) is not str or len(value) > _TIME_MAX:
        return None
    at = from_iso(value)
    return at if at is not None else from_iso(_OFFSET.sub(r"\g<1>0\2:\3", value.strip()))


def _late(event: Mapping[str, Any]) -> bool:
    """Whether the device says that this is no news."""
    if "isDataRetransmission" in event and str(event["isDataRetransmission"]).casefold() == "true":
        return True
    inner = event.get("AccessControllerEvent")
    return isinstance(inner, dict) and str(inner.get("currentEvent", "")).casefold() == "false"
