"""Dahua: events of cameras, recorders, door stations and alarm panels, `Code=...;action=...;index=...[;data={json}]`.

Sources: Dahua HTTP API (eventManager.cgi, `action=attach`; HTTP push), and the public code of rroller/dahua and
DahuaVTO2MQTT.

- They come as the event stream a bridge forwards, or as a push over HTTP: the same text, flattened `Events[0]....=`
  lines, or JSON (`{"Events": [{"Code", "Action", "Index", "Data"}]}`), with pictures as multipart. Those are dropped.
- An event does not say whose it is. A device is named by its MAC address or number where the push has one, else by what
  stands before `cgi-bin/` in the topic or, of a push, by the path it is sent to; else the source is one device.
- Index 0 is the device; others are channels of their own, `nvr-1/3`; inputs are `nvr-1/input/2`, from 0.
- `Start` and `Stop` are a state; a `Pulse` is over when it is told, and nothing says so.
- What an alarm input is wired to is only known where a panel says it (`SenseMethod`); else it is an `alarm_input`.
- `RealUTC` is the time; `UTC` alone is that of the device's zone on many models, and marked where it is ahead.
- Faces, cards, names and room numbers are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.cameras.multipart import boundary_of, parts
from devices.cameras.scene import faces
from devices.codec import Decoded, Message, Push, Reply, Topic
from devices.codecs.dahua_event.blocks import Event, events_in
from devices.codecs.dahua_event.codes import told
from devices.codecs.dahua_event.examples import EXAMPLES as EXAMPLES
from devices.instants import clock_flags, from_ms
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import Meaning, short

TOPIC: Final = "cgi-bin/eventManager.cgi?action=attach"
TOPICS: Sequence[Topic] = (Topic(TOPIC), Topic("+/" + TOPIC))

PUSH_MAX: Final = 8 << 20
"""A push may bring the pictures of its event."""

_NAME_MAX: Final = 256
_SECONDS_MAX: Final = 10**11
_STARTS: Final = (b"Code=", b"Events[", b"Heartbeat", b"{", b"[")
_BETWEEN: Final = b"--another-event-of-this-push\r\n\r\n"
_INPUTS: Final = frozenset(("alarmlocal", "alarminputsourcesignal", "alarmin"))


def admit(request: Push, secret: str) -> Reply | tuple[str, bytes]:
    """The events of a push without their pictures, under the path it was sent to; what brings none is answered."""
    if request.method not in ("POST", "PUT"):
        return Reply(405)
    told_in = request.headers.get("content-type", "")
    bodies = [request.body]
    if "multipart" in told_in.casefold() or request.body.startswith(b"--"):
        found = parts(request.body, boundary_of(told_in))
        bodies = [p.body for p in found if not p.picture and p.body.lstrip().startswith(_STARTS)]
    bodies = [body for body in bodies if body.strip()]
    if not bodies:
        return Reply(200)
    name = request.path.partition("cgi-bin")[0].strip("/")
    topic = f"{name}/{TOPIC}" if name else TOPIC
    return topic, bodies[0] if len(bodies) == 1 else b"".join(_BETWEEN + body + b"\r\n" for body in bodies)


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of every event in a message. Nothing is learned: every event stands for itself."""
    if not message.payload.strip():
        return Decoded()
    try:
        found = events_in(message.payload)
    except ValueError as error:
        return Decoded(quarantine=short(str(error)))
    readings: list[Reading] = []
    problem: str | None = None
    for event in found:
        try:
            said = told(event)
        except ValueError as error:
            problem = problem or short(str(error))
            continue
        if event.broken:  # what the event says without its data counts, and somebody should look at it
            problem = problem or f"not-json: the data of {short(event.code)}"
        readings += _readings(message, event, said)
    return Decoded(readings, problem, faces=sum(faces(event.code) for event in found))


def _readings(message: Message, event: Event, said: Sequence[Meaning]) -> list[Reading]:
    if not said:
        return []
    at = _at(event.data)
    flags = int(Flag.RETAINED) if message.retained else 0
    if at is not None:
        flags |= clock_flags(at, message.now)
    device = device_id(message.source, _named(event, message.topic))
    return [Reading(point_id(device, m.metric, m.channel), m.value, at, flags | m.flags) for m in said]


def _named(event: Event, topic: str) -> str:
    """The device, and which of its channels or inputs the event is about."""
    name = event.device or topic.partition("cgi-bin")[0].strip("/")[:_NAME_MAX] or "device"
    if event.code.casefold() in _INPUTS:
        return f"{name}/input/{event.index or 0}"
    return f"{name}/{event.index}" if event.index is not None and event.index > 0 else name


def _at(data: Mapping[str, Any]) -> int | None:
    """Seconds, with the milliseconds that stand beside them; UTC milliseconds."""
    for key in ("RealUTC", "UTC", "CreateTime"):
        seconds = data.get(key)
        if type(seconds) is str and seconds.isascii() and seconds.isdigit() and len(seconds) <= 12:
            seconds = int(seconds)
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _SECONDS_MAX:
            beside = data.get("UTCMS")
            part = beside if type(beside) is int and 0 <= beside < 1000 else 0
            return from_ms(round(seconds * 1000) + part)
    return None
