"""What the objects of an application unit say, as readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from devices.codecs.gb26875.frame import to_ms
from devices.codecs.gb26875.parts import (
    CONFIRMED,
    DEVICE_BITS,
    ENDED,
    FIRE,
    OPERATIONS,
    PART_BITS,
    QUANTITIES,
    RESIDUAL_CURRENT,
    SYSTEM_BITS,
    TEST_BIT,
    Bits,
    alarm_of,
)
from devices.codecs.gb26875.unit import (
    Analog,
    Clock,
    Configuration,
    Operation,
    PartConfiguration,
    PartState,
    Said,
    State,
    System,
    Version,
)
from devices.instants import clock_flags
from devices.reading import Flag, Reading, device_id, point_id
from devices.vocabulary import checked, short

_INVALID: Final = int(Flag.INVALID)
_HISTORICAL: Final = int(Flag.HISTORICAL)
_STATES_MAX: Final = 16  # states remembered of one device


class Speaker:
    """One frame's sender and circumstances: whose addresses the objects hold, and what their times are worth."""

    __slots__ = ("at", "base", "flags", "home", "now", "sent")

    def __init__(self, source: str, address: int, sent: bytes, flags: int, now: int) -> None:
        self.home = home(source, address)
        self.base = flags
        self.now = now
        self.sent = sent
        self.at = at = to_ms(sent)
        self.flags = flags if at is None else flags | clock_flags(at, now)

    def when(self, stamp: bytes) -> tuple[int | None, int]:
        """Time and flags of an object: its own six bytes, the frame's where it brings none."""
        if not stamp or stamp == self.sent:
            return self.at, self.flags
        at = to_ms(stamp)
        return at, self.base if at is None else self.base | clock_flags(at, self.now)


@lru_cache(maxsize=1024)
def home(source: str, address: int) -> str:
    """The device id of a transmission device: its address as twelve hex digits."""
    return device_id(source, f"{address:012x}")


def heartbeat(speaker: Speaker) -> Reading:
    """That the transmission device spoke at all."""
    return Reading(_names(speaker.home, None).heartbeat, True, speaker.at, speaker.flags)


def readings(speaker: Speaker, objects: Sequence[Said], *, records: bool) -> tuple[list[Reading], str | None]:
    """Everything the objects of one unit say, and None or what in them is not understood.

    `records`: they answer a question about the past, so what was done then is history now.
    """
    found: list[Reading] = []
    problem: str | None = None
    for said in objects:
        if isinstance(said, PartState):  # most frames tell of components
            wrong = _part(speaker, said, found)
        elif isinstance(said, Operation):
            wrong = _operation(speaker, said, found, _HISTORICAL if records else 0)
        else:
            wrong = _READERS[type(said)](speaker, said, found)
        problem = problem or wrong
    return found, problem


@lru_cache(maxsize=8192)
def words(text: bytes) -> str:
    """A text in GB 18030, ended by a NUL: what stands behind one is the rest of an older text (public captures)."""
    return short(text.partition(b"\0")[0].decode("gb18030", "replace").rstrip("\ufffd").strip())


class _Names:
    """The points of one device, made when first needed and kept for the frames to come."""

    __slots__ = ("_said", "alarm", "description", "device", "heartbeat", "rows", "test")

    def __init__(self, device: str, alarm: str, bits: Bits) -> None:
        self.device = device
        self.alarm = point_id(device, alarm)
        self.test = point_id(device, "test")
        self.heartbeat = point_id(device, "heartbeat")
        self.description = point_id(device, "description")
        self.rows = [(bit, point_id(device, metric, channel)) for bit, metric, channel in bits.rows]
        self._said: dict[int, list[tuple[str, bool]]] = {}

    def said(self, bits: int) -> list[tuple[str, bool]]:
        """What a state's bits say, point by point; a device is in few states, and they are kept."""
        told = self._said.get(bits)
        if told is None:
            told = [(self.alarm, bits & FIRE != 0)]
            if bits & TEST_BIT or not bits:
                told.append((self.test, not bits))
            told += [(point, bits & bit != 0) for bit, point in self.rows]
            if len(self._said) < _STATES_MAX:
                self._said[bits] = told
        return told


@lru_cache(maxsize=1024)
def _names(base: str, who: System | None) -> _Names:
    """A system, or the transmission device itself."""
    if who is None:
        return _Names(base, "fire_detected", DEVICE_BITS)
    return _Names(_system(base, who), "fire_detected", SYSTEM_BITS)


@lru_cache(maxsize=16384)
def _part_names(base: str, system: int, unit: int, kind: int, address: int) -> _Names:
    """A component. Its type is no part of its name: the standard asks for it by system and address alone (8.3.2.2)."""
    return _Names(f"{_system(base, (system, unit))}.{address:08x}", alarm_of(kind), PART_BITS)


def _system(base: str, who: System) -> str:
    return f"{base}/{who[0]}.{who[1]}"


def _part(speaker: Speaker, said: PartState, found: list[Reading]) -> str | None:
    names = _part_names(speaker.home, *said.who, said.kind, said.address)
    at, flags = speaker.when(said.time)
    _bits(names, said.bits, at, flags, found)
    text = words(said.text)
    if text:
        found.append(Reading(names.description, text, at, flags))
    return _reserved("component", said.bits, PART_BITS)


def _state(speaker: Speaker, said: State, found: list[Reading]) -> str | None:
    at, flags = speaker.when(said.time)
    _bits(_names(speaker.home, said.who), said.bits, at, flags, found)
    return _reserved("state", said.bits, SYSTEM_BITS if said.who else DEVICE_BITS)


def _bits(names: _Names, bits: int, at: int | None, flags: int, found: list[Reading]) -> None:
    """A state's bits, set and clear alike: a state is sent whole, so a clear bit says that it is over."""
    found += [Reading(point, value, at, flags) for point, value in names.said(bits)]


def _reserved(what: str, bits: int, known: Bits) -> str | None:
    odd = bits & ~(known.known | FIRE | TEST_BIT)
    return f"unknown-bits: {odd:#06x} of a {what}, which the standard reserves" if odd else None


def _version(speaker: Speaker, said: Version, found: list[Reading]) -> None:
    _text(speaker, said.who, "version", f"{said.major}.{said.minor}", found)


def _configuration(speaker: Speaker, said: Configuration, found: list[Reading]) -> None:
    _text(speaker, said.who, "configuration", words(said.text), found)


def _note(speaker: Speaker, said: PartConfiguration, found: list[Reading]) -> None:
    """A component's own words, which usually say where it hangs."""
    text = words(said.text)
    if text:
        names = _part_names(speaker.home, *said.who, said.kind, said.address)
        found.append(Reading(names.description, text, speaker.at, speaker.flags))


def _analog(speaker: Speaker, said: Analog, found: list[Reading]) -> str | None:
    row = QUANTITIES.get(said.quantity)
    if row is None:
        return f"unknown-unit: analog type {said.quantity}, left to the maker or reserved"
    names = _part_names(speaker.home, *said.who, said.kind, said.address)
    at, flags = speaker.when(said.time)
    metric = row.metric
    if said.quantity == 9 and said.kind in RESIDUAL_CURRENT:
        metric = "leakage_current"
    meant = checked(metric, "", said.value * row.times / row.by if row.by > 1 else said.value * row.times)
    if not row.low <= said.value <= row.high:
        flags |= _INVALID
    found.append(Reading(point_id(names.device, metric), meant.value, at, flags | meant.flags))
    return None


def _operation(speaker: Speaker, said: Operation, found: list[Reading], past: int) -> str | None:
    """What somebody did. A set bit says so; a clear one says nothing, but an alarm raised by hand may be ended."""
    device = _names(speaker.home, said.who).device
    at, flags = speaker.when(said.time)
    flags |= past
    for bit, metric in OPERATIONS:
        if said.bits & bit:
            found.append(Reading(point_id(device, metric), True, at, flags))
    if said.bits & ENDED and not said.bits & 0x04:
        found.append(Reading(point_id(device, "call_point"), False, at, flags))
    if said.bits & CONFIRMED:
        done = "acknowledged" if said.who else "duty_answered"
        found.append(Reading(point_id(device, done), True, at, flags))
    found.append(Reading(point_id(device, "operator"), said.operator, at, flags))
    return "unknown-bits: 0x80 of an operation, which the standard reserves" if said.bits & 0x80 else None


def _clock(speaker: Speaker, said: Clock, found: list[Reading]) -> str | None:
    """What a clock says is its reading, its time, and the measure of what it is worth."""
    at, flags = speaker.when(said.time)
    device = _names(speaker.home, said.who).device
    second, minute, hour, day, month, year = said.time
    text = f"20{year:02}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    found.append(
        Reading(point_id(device, "device_time"), text, at, flags if at is not None else flags | _INVALID)
    )
    return None if at is not None else f"wrong-value: {text} is no time"


def _text(speaker: Speaker, who: System | None, metric: str, text: str, found: list[Reading]) -> None:
    if text:
        point = point_id(_names(speaker.home, who).device, metric)
        found.append(Reading(point, text, speaker.at, speaker.flags))


_READERS: Final[Mapping[type, Callable[[Speaker, Any, list[Reading]], str | None]]] = {
    State: _state,
    Analog: _analog,
    Version: _version,
    Configuration: _configuration,
    PartConfiguration: _note,
    Clock: _clock,
}
