"""MEOKON (上海铭控) wireless terminals, V3.0: hydrants, pipe pressure, levels, temperatures, over MQTT, TCP or UDP.

Sources: those of `frame` and `sensors`. What is decided beside them:

- Over MQTT a frame is a hex text (`GIOT-GW/UL/<number>`), over TCP and UDP bytes; both are read everywhere, one frame
  or several in a row. Other makers' LoRa gateways publish JSON on the same topics: that is none of ours.
- A device is the twelve characters of its number (`SHMK19060013`).
- The current values and all states are live, at the frame's time, which is that of its newest record. Records are what
  the device kept while nobody answered or between two reports: historical, each at its own time (the newest at the
  frame's, the others one interval apart). The newest record is left out where it repeats the current values. Without an
  interval only the newest has a time.
- Alarm bits are the device's own judgement and are stated each time, set or clear; the limits they come from are
  settings and say nothing. What each bit means follows from the type. Too high a pressure is an `equipment_alarm`.
- A sensor fault leaves its value in place: whether 0 MPa is the fault or the pipe, somebody must look.
- A type that is not known gives battery, signal and alarm bits, and the frame is set aside.
- Frames name no number of their own: one sent again has the same times and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codec import Decoded, Frame, Message, Topic
from devices.codecs.meokon.examples import EXAMPLES as EXAMPLES
from devices.codecs.meokon.frame import DATA, RECORDS_MAX, SHAPE, Packet, parse, taken, whole
from devices.codecs.meokon.sensors import TYPES, UNKNOWN, Field, Type
from devices.framing import cut
from devices.instants import clock_flags
from devices.reading import Flag, Reading, device_id, point_id
from devices.terms import RANGES
from devices.vocabulary import HUGE, checked

TOPICS: Sequence[Topic] = (Topic("GIOT-GW/UL/+"),)

_RETAINED: Final = int(Flag.RETAINED)
_HISTORICAL: Final = int(Flag.HISTORICAL)
_INVALID: Final = int(Flag.INVALID)
_NUMBER: Final = slice(5, 17)  # the device number in a frame
_SETTINGS_MAX: Final = 64  # bytes; table 4 knows two sensors of four-byte limits at most, that is 16


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one frame, or of several in a row; needs no context."""
    payload = message.payload.strip()
    if payload[:1] in {b"[", b"{"}:
        return Decoded(quarantine="unknown-topic: JSON of another maker's gateway")
    if payload[:1] in {b"a", b"A"}:
        try:
            payload = bytes.fromhex(payload.decode("ascii"))
        except ValueError:  # of either step
            return Decoded(quarantine="bad-frame: text that is not hex")
    found: list[Reading] = []
    if whole(payload):
        return Decoded(found, _frame(message, payload, found))
    problem: str | None = None
    taken_bytes = 0
    for piece in cut(bytearray(payload), SHAPE):
        if piece.sound:
            taken_bytes += len(piece.data)
            problem = _frame(message, piece.data, found) or problem
    if taken_bytes != len(payload) or not payload:
        problem = (
            problem or f"bad-frame: {len(payload) - taken_bytes} of {len(payload)} bytes are no sound frame"
        )
    return Decoded(found, problem)


def frames(buffer: bytearray, now: int) -> Iterator[Frame]:
    """The frames at the front of a connection's buffer. Data are answered once taken; the protocol knows no refusal."""
    for piece in cut(buffer, SHAPE):
        if piece.sound:
            number = piece.data[_NUMBER]
            topic = f"GIOT-GW/UL/{_name(number)}"
            data = piece.data[2] == DATA
            yield Frame(piece.data, topic, confirm=taken(number, now) if data else None)


def _frame(message: Message, frame: bytes, found: list[Reading]) -> str | None:
    """What one frame says; None or what is wrong with it."""
    packet = parse(frame)
    if packet is None:  # an answer of the platform, a device's answer to a setting
        return None if frame[2] != DATA else "wrong-length: a data frame without its fields"
    known = TYPES.get(packet.kind)
    points = _points(device_id(message.source, _name(packet.device)), packet.kind)
    flags = _RETAINED if message.retained else 0
    if known is None:
        _states(points, packet, None, flags, found)
        return f"unknown-type: type {packet.kind} of table 2, alarms {packet.alarms:#04x}"
    size, rest = known.layout.size, packet.rest
    settings = len(rest) - 4 - size * (packet.records + 1)
    if not 0 <= settings <= _SETTINGS_MAX:
        _states(points, packet, None, flags, found)
        return f"wrong-length: {packet.records} records of type {packet.kind} do not fit {len(rest)} bytes"
    end = settings + size + 4
    at = int.from_bytes(rest[end - 4 : end], "big") * 1000
    flags |= clock_flags(at, message.now)
    if packet.records:
        _records(points, packet, known, settings, at, flags, found)
    _values(points, known, rest, settings, at, flags, found)
    _states(points, packet, at, flags, found)
    if packet.records > RECORDS_MAX:
        return f"too-many: {packet.records} records, at most {RECORDS_MAX}; the newest are kept"
    odd = packet.alarms & ~points.meant
    return f"unknown-bits: alarms {odd:#04x} of type {packet.kind}" if odd else None


def _records(
    points: _Points, packet: Packet, known: Type, settings: int, newest: int, flags: int, found: list[Reading]
) -> None:
    """What the device kept, oldest first."""
    size, rest = known.layout.size, packet.rest
    count = packet.records
    first = settings + size + 4
    if rest[-size:] == rest[settings : settings + size]:
        count -= 1
    for index in range(max(count - RECORDS_MAX, 0), count):
        behind = packet.records - 1 - index
        at = newest - behind * packet.interval_s * 1000 if packet.interval_s or not behind else None
        _values(points, known, rest, first + index * size, at, flags | _HISTORICAL, found)


def _values(
    points: _Points, known: Type, data: bytes, start: int, at: int | None, flags: int, found: list[Reading]
) -> None:
    """The values of one record."""
    counts = known.layout.unpack_from(data, start)
    for (field, low, high, names), count in zip(points.fields, counts, strict=True):
        if field.bits:
            bits = count if field.bits > 1 else count != 0
            found += [Reading(name, bits >> n & 1 != 0, at, flags) for n, name in enumerate(names)]
        elif field.metric:
            # Six decimals are below the smallest step of any type and free of binary noise.
            value = round(count * field.factor + field.offset, 6)
            if low <= value <= high:
                found.append(Reading(names[0], value, at, flags))
            else:
                meant = checked(field.metric, field.channel, value)
                found.append(Reading(names[0], meant.value, at, flags | meant.flags))


def _states(points: _Points, packet: Packet, at: int | None, flags: int, found: list[Reading]) -> None:
    """Alarm bits, battery and signal."""
    alarms = packet.alarms
    found += [Reading(point, alarms & bits != 0, at, flags) for point, bits in points.alarms]
    external, supply = packet.battery & 0x80 != 0, packet.battery >> 5 & 0x03
    if supply != 2:  # 10: nothing but an external supply, the count of the battery means nothing
        percent = (packet.battery & 0x1F) * 5
        found.append(Reading(points.battery, percent, at, flags if percent <= 100 else flags | _INVALID))
    if supply in {0, 2}:  # 00: both; 01: nothing but a battery, so no mains to speak of
        found.append(Reading(points.mains, external, at, flags))
    found.append(Reading(points.signal, packet.signal, at, flags))


class _Points:
    """The points of one device of one type, made when first needed and kept for the frames to come."""

    __slots__ = ("alarms", "battery", "fields", "mains", "meant", "signal")

    def __init__(self, device: str, known: Type | None) -> None:
        self.battery = point_id(device, "battery")
        self.mains = point_id(device, "mains_power")
        self.signal = point_id(device, "rssi")
        merged: dict[str, int] = {}  # two bits that mean one thing are one reading
        for bit, (metric, channel) in known.alarms if known else UNKNOWN:
            point = point_id(device, metric, channel)
            merged[point] = merged.get(point, 0) | bit
        self.alarms = tuple(merged.items())
        self.meant = sum(merged.values())
        self.fields = tuple(
            (field, *RANGES.get(field.metric, (-HUGE / 2, HUGE / 2)), _named(device, field))
            for field in (known.fields if known else ())
        )


def _named(device: str, field: Field) -> tuple[str, ...]:
    if field.bits > 1:
        return tuple(point_id(device, field.metric, str(n + 1)) for n in range(field.bits))
    return (point_id(device, field.metric, field.channel),)


@lru_cache(maxsize=8192)
def _points(device: str, kind: int) -> _Points:
    return _Points(device, TYPES.get(kind))


@lru_cache(maxsize=8192)
def _name(number: bytes) -> str:
    """The device's number as text; as hex where it is none."""
    text = number.rstrip(b"\0 ").decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() and text else number.hex()
