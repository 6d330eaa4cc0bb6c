"""The application unit of a frame: what it says, object by object, read and written byte for byte.

Source: GB/T 26875.3-2011, 7 and 8.3, table 3 (types): a type byte, a count n, then n objects, most with the six bytes
of their time behind them. `who` below is the system an object speaks of, as (system type, system address), and None
where it is the transmission device (用户信息传输装置) itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct
from typing import Any, Final

import msgspec

System = tuple[int, int]
"""A system in a building: its type of table 4 and its address, 0-255 each."""


class State(msgspec.Struct, frozen=True, gc=False):
    """What a system (type 1) or the transmission device (type 21) is doing: `bits` of figures 6 and 14."""

    who: System | None
    bits: int
    time: bytes = b""


class PartState(msgspec.Struct, frozen=True, gc=False):
    """What a component is doing (type 2): `kind` of table 5, its address, `bits` of figure 7, its maker's words."""

    who: System
    kind: int
    address: int
    bits: int
    text: bytes = bytes(31)
    time: bytes = b""


class Analog(msgspec.Struct, frozen=True, gc=False):
    """What a component measures (type 3): `quantity` of table 6, `value` a signed 16-bit count of its smallest unit."""

    who: System
    kind: int
    address: int
    quantity: int
    value: int
    time: bytes = b""


class Operation(msgspec.Struct, frozen=True, gc=False):
    """What somebody did at a panel (type 4) or at the transmission device (type 24): `bits` of figures 9 and 15."""

    who: System | None
    bits: int
    operator: int
    time: bytes = b""


class Version(msgspec.Struct, frozen=True, gc=False):
    """The software of a system (type 5) or of the transmission device (type 25)."""

    who: System | None
    major: int
    minor: int


class Configuration(msgspec.Struct, frozen=True, gc=False):
    """How a system (type 6) or the transmission device (type 26) is set up, in words of at most 255 bytes."""

    who: System | None
    text: bytes


class PartConfiguration(msgspec.Struct, frozen=True, gc=False):
    """What a component is called (type 7): 31 bytes."""

    who: System
    kind: int
    address: int
    text: bytes


class Clock(msgspec.Struct, frozen=True, gc=False):
    """What a system's clock (type 8) or the transmission device's (type 28) says."""

    who: System | None
    time: bytes


Said = State | PartState | Analog | Operation | Version | Configuration | PartConfiguration | Clock

# The bodies without their times. Text of types 6 and 26 has its length before it.
_BODIES: Final = {
    1: Struct("<BBH"),
    2: Struct("<BBBIH31s"),
    3: Struct("<BBBIBh"),
    4: Struct("<BBBB"),
    5: Struct("<BBBB"),
    7: Struct("<BBBI31s"),
    8: Struct("<BB6s"),
    21: Struct("<B"),
    24: Struct("<BB"),
    25: Struct("<BB"),
    28: Struct("<6s"),
}
_TIMED: Final = {n: Struct(_BODIES[n].format + "6s") for n in (1, 2, 3, 4, 21, 24)}
_TEXTS: Final = {6: 2, 26: 0}  # bytes that stand before the length, by type
_KINDS: Final[dict[int, Callable[..., Said]]] = {
    1: State,
    2: PartState,
    3: Analog,
    4: Operation,
    5: Version,
    7: PartConfiguration,
    8: Clock,
    21: State,
    24: Operation,
    25: Version,
    28: Clock,
}
_SYSTEMS_LAST: Final = (
    20  # up to here types speak of systems in a building, from 21 of the transmission device
)

OBJECTS_MAX: Final = {
    1: 102,
    2: 22,
    3: 63,
    4: 102,
    5: 1,
    6: 3,
    7: 26,
    8: 1,
    21: 1,
    24: 127,
    25: 1,
    26: 1,
    28: 1,
}
"""Objects in one unit (8.3.1). What a device sends beyond is read as well: the frame's length bounds it."""


def read(unit: bytes) -> tuple[Sequence[Said], str | None]:
    """The objects of a unit as far as they can be read, and None or what is wrong with it (`code: words`).

    Some devices leave the times away; then an object's time is empty. Never raises.
    """
    if len(unit) < 2:
        return (), f"wrong-length: an application unit of {len(unit)} byte"
    kind, count, body = unit[0], unit[1], unit[2:]
    if kind in _TEXTS:
        return _texts(kind, count, body)
    plain = _BODIES.get(kind)
    if plain is None:
        return (), f"unknown-type: application unit of type {kind}, {len(unit)} bytes"
    timed = _TIMED.get(kind)
    layout = timed if timed is not None and len(body) != count * plain.size else plain
    if len(body) == count * layout.size:
        rows: Iterable[tuple[Any, ...]] = layout.iter_unpack(body)
        problem = None
    else:
        fit = min(len(body) // layout.size, count)
        rows = layout.iter_unpack(body[: fit * layout.size])
        problem = (
            f"wrong-length: {count} objects of type {kind} take {count * layout.size} bytes, not {len(body)}"
        )
    make = _KINDS[kind]
    if kind > _SYSTEMS_LAST:
        return [make(None, *row) for row in rows], problem
    return [make(row[:2], *row[2:]) for row in rows], problem


def _texts(kind: int, count: int, body: bytes) -> tuple[Sequence[Said], str | None]:
    """Configurations, whose words tell their own length."""
    found: list[Said] = []
    before = _TEXTS[kind]
    for _ in range(count):
        end = before + 1 + body[before] if len(body) > before else 0
        if not 0 < end <= len(body):
            return found, f"wrong-length: {count} objects of type {kind} do not fit"
        found.append(Configuration((body[0], body[1]) if before else None, body[before + 1 : end]))
        body = body[end:]
    return found, f"wrong-length: {len(body)} bytes too many" if body else None


def write(objects: Sequence[Said]) -> bytes:
    """The unit that says these objects, all of one kind. Raises ValueError for none, for a mixture and for too many."""
    kinds = {type_of(said) for said in objects}
    if len(kinds) != 1:
        raise ValueError("one application unit holds objects of one type, and at least one of them")
    (kind,) = kinds
    if len(objects) > OBJECTS_MAX[kind]:
        raise ValueError(f"at most {OBJECTS_MAX[kind]} objects of type {kind}, not {len(objects)}")
    return bytes((kind, len(objects))) + b"".join(_bytes(kind, said) for said in objects)


def type_of(said: Said) -> int:
    """The type byte (table 3) under which an object is sent."""
    match said:
        case PartState():
            return 2
        case Analog():
            return 3
        case PartConfiguration():
            return 7
        case State(who):
            return 1 if who else 21
        case Operation(who):
            return 4 if who else 24
        case Version(who):
            return 5 if who else 25
        case Configuration(who):
            return 6 if who else 26
        case Clock(who):
            return 8 if who else 28


def _bytes(kind: int, said: Said) -> bytes:
    """One object as it is sent."""
    who: Sequence[int] = said.who or ()
    match said:
        case Configuration(_, text):
            return bytes((*who, len(text))) + text
        case Clock(_, time):
            return bytes(who) + time
        case State(_, bits, time):
            return _BODIES[kind].pack(*who, bits) + time
        case PartState(_, part, address, bits, text, time):
            return _BODIES[kind].pack(*who, part, address, bits, text) + time
        case Analog(_, part, address, quantity, value, time):
            return _BODIES[kind].pack(*who, part, address, quantity, value) + time
        case Operation(_, bits, operator, time):
            return _BODIES[kind].pack(*who, bits, operator) + time
        case Version(_, major, minor):
            return _BODIES[kind].pack(*who, major, minor)
        case PartConfiguration(_, part, address, text):
            return _BODIES[kind].pack(*who, part, address, text)
