"""What a centre says to a transmission device: commands and questions of GB/T 26875.3-2011, as frames.

Sources: 8.3.2 (types 61-68, 81, 84-86, 88-91), table 2 (commands 1 and 4). Nothing here sends: each function gives the
bytes. A device confirms a command (3) and answers a question (5), both with the same serial number; it should within
10 s, else the same frame is sent again, three times in all (6.5.4, 6.5.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

import msgspec

from devices.codecs.gb26875.frame import CONTROL, REQUEST, Packet, encode, to_bytes
from devices.codecs.gb26875.unit import System

RECORDS_MAX: Final = 102
"""Operation records that may be asked for at once (8.3.2.4, 8.3.2.10)."""

_SYSTEMS_MAX: Final = {61: 102, 65: 1, 66: 3, 68: 1}
_PARTS_MAX: Final = {62: 22, 63: 63, 67: 26}
_PART: Final = Struct("<BBI")


class Call(msgspec.Struct, frozen=True):
    """Who asks whom, and when (UTC ms). `serial` is one more for each new exchange, the same when one is repeated."""

    centre: int
    device: int
    serial: int
    now: int
    main: int = 1
    user: int = 1

    def frame(self, command: int, data: bytes) -> bytes:
        """The frame of this call with an application unit."""
        packet = Packet(
            self.serial,
            self.main,
            self.user,
            to_bytes(self.now),
            self.centre,
            self.device,
            command,
            data,
        )
        return encode(packet)


def set_clock(call: Call) -> bytes:
    """Type 90: the device takes over the time of the call."""
    return call.frame(CONTROL, b"\x5a\x01" + to_bytes(call.now))


def duty_check(call: Call, minutes: int = 0) -> bytes:
    """Type 91, 查岗: somebody at the device is to press its key. The standard's byte is 0; some makers read minutes."""
    return call.frame(CONTROL, bytes((91, 1, minutes)))


def initialise(call: Call) -> bytes:
    """Type 89: the transmission device starts anew."""
    return call.frame(CONTROL, b"\x59\x01\x00")


def read_state(call: Call) -> bytes:
    """Type 81: what the transmission device is doing; answered by type 21."""
    return call.frame(REQUEST, b"\x51\x01\x00")


def read_version(call: Call) -> bytes:
    """Type 85: its software; answered by type 25."""
    return call.frame(REQUEST, b"\x55\x01\x00")


def read_configuration(call: Call) -> bytes:
    """Type 86: how it is set up; answered by type 26."""
    return call.frame(REQUEST, b"\x56\x01\x00")


def read_clock(call: Call) -> bytes:
    """Type 88: its time; answered by type 28."""
    return call.frame(REQUEST, b"\x58\x01\x00")


def read_operations(call: Call, count: int, since: int, system: System | None = None) -> bytes:
    """Type 84, or 64 of a system: what was done since a moment (UTC ms), so many records; answered by types 24 and 4.

    Raises ValueError for more than 102 records.
    """
    if not 0 < count <= RECORDS_MAX:
        raise ValueError(f"1 to {RECORDS_MAX} records, not {count}")
    body = bytes((count,)) + to_bytes(since)
    return call.frame(REQUEST, bytes((64, 1, *system)) + body if system else b"\x54\x01" + body)


def read_systems(call: Call, kind: int, systems: Sequence[System]) -> bytes:
    """Type 61 (states), 65 (version), 66 (configuration) or 68 (time) of systems; answered by types 1, 5, 6 and 8.

    Raises ValueError for another type, for no system and for more than the type allows.
    """
    _fits(kind, len(systems), _SYSTEMS_MAX)
    return call.frame(REQUEST, bytes((kind, len(systems))) + b"".join(bytes(s) for s in systems))


def read_parts(call: Call, kind: int, parts: Sequence[tuple[int, int, int]]) -> bytes:
    """Type 62 (states), 63 (analog values) or 67 (configuration) of components; answered by types 2, 3 and 7.

    A part is (system type, system address, component address). Raises ValueError as `read_systems` does.
    """
    _fits(kind, len(parts), _PARTS_MAX)
    return call.frame(REQUEST, bytes((kind, len(parts))) + b"".join(_PART.pack(*p) for p in parts))


def _fits(kind: int, count: int, most: dict[int, int]) -> None:
    if kind not in most:
        raise ValueError(f"type {kind} asks for nothing of this sort; one of {sorted(most)} does")
    if not 0 < count <= most[kind]:
        raise ValueError(f"1 to {most[kind]} of type {kind}, not {count}")
