"""The frame of GB/T 26875.3-2011, byte for byte: its fields, its check sum, its six-byte times.

Source: GB/T 26875.3-2011, 6.6 and table 1 (frame), table 2 (commands), figure 17 (time). Numbers wider than a byte come
low byte first. Positions below count from 0:

0 `@@` · 2 serial number (2) · 4 version (2: main, user) · 6 time of sending (6) · 12 source (6) · 18 destination (6) ·
24 length N of the application unit (2) · 26 command · 27 application unit (N) · 27+N check sum · 28+N `##`

The check sum is the sum of the bytes from 2 to the end of the application unit, modulo 256. `##` may stand in the data:
only N says where a frame ends. Devices write other versions than the standard's 1 (`01 02`, `10 00`), so no version is
refused.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from struct import Struct
from typing import Final

import msgspec

from devices.framing import Shape

CONTROL, SEND, CONFIRM, REQUEST, ANSWER, DENY = range(1, 7)
"""The commands of table 2. 0 and 7-127 are reserved, 128-255 left to the maker."""

UNIT_MAX: Final = 1024
"""Bytes of an application unit (table 1: N is at most 1 024)."""

EMPTY: Final = 30
"""Bytes of a frame whose application unit is empty."""

HEAD: Final = 27  # up to the command

ZONE_MS: Final = 8 * 3_600_000
"""The times of frames are local and name no zone: China's, UTC+8 all year (no summer time since 1991)."""

_HEAD: Final = Struct("<2xHBB6sIHIHHB")
_PACK: Final = Struct("<2sHBB6sIHIHHB")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_MS: Final = 86_400_000


class Packet(msgspec.Struct, frozen=True, gc=False):
    """A frame's fields. `sent` are the six bytes of its time as they stand, `data` is its application unit.

    Addresses are numbers of 48 bits, `serial` of 16; `main` and `user` are the two bytes of the version.
    """

    serial: int
    main: int
    user: int
    sent: bytes
    source: int
    target: int
    command: int
    data: bytes = b""


def parse(frame: bytes) -> Packet:
    """The fields of a whole and sound frame, or of the first 27 bytes of what looks like one."""
    serial, main, user, sent, low, high, to_low, to_high, size, command = _HEAD.unpack_from(frame)
    data = frame[HEAD : HEAD + size]
    return Packet(serial, main, user, sent, low | high << 32, to_low | to_high << 32, command, data)


def encode(packet: Packet) -> bytes:
    """The frame of these fields. Raises ValueError for an application unit that is too long."""
    if len(packet.data) > UNIT_MAX:
        raise ValueError(f"an application unit has at most {UNIT_MAX} bytes, not {len(packet.data)}")
    body = (
        _PACK.pack(
            b"@@",
            packet.serial,
            packet.main,
            packet.user,
            packet.sent,
            packet.source & 0xFFFFFFFF,
            packet.source >> 32,
            packet.target & 0xFFFFFFFF,
            packet.target >> 32,
            len(packet.data),
            packet.command,
        )
        + packet.data
    )
    return body + bytes((check_sum(body),)) + b"##"


def check_sum(body: bytes) -> int:
    """The sum of a frame's bytes from its serial number to the end of its application unit, modulo 256."""
    return sum(body[2:]) & 0xFF


def measure(head: bytes) -> int:
    """How long a frame is that begins so; 0 if its application unit would be longer than any."""
    size = head[24] | head[25] << 8
    return size + EMPTY if size <= UNIT_MAX else 0


def sound(frame: bytes) -> bool:
    """Whether a frame of the right length has its marks and its check sum."""
    return frame[:2] == b"@@" and frame[-2:] == b"##" and sum(frame[2:-3]) & 0xFF == frame[-3]


def whole(frame: bytes) -> bool:
    """Whether these bytes are one sound frame and nothing else."""
    return len(frame) >= EMPTY and measure(frame) == len(frame) and sound(frame)


SHAPE: Final = Shape(b"@@", b"##", HEAD, measure, sound)


def reply(packet: Packet, command: int, now: int, data: bytes = b"") -> bytes:
    """The answer to a frame: its serial number and version, the addresses the other way round, our time (UTC ms)."""
    sent = to_bytes(now)
    answer = Packet(
        packet.serial, packet.main, packet.user, sent, packet.target, packet.source, command, data
    )
    return encode(answer)


def to_ms(stamp: bytes) -> int | None:
    """UTC milliseconds of six bytes: second, minute, hour, day, month, year after 2000; None if they are no time."""
    second, minute, hour = stamp[:3]
    day = _day(stamp[3:])
    if day is None or second > 59 or minute > 59 or hour > 23:
        return None
    return day + ((hour * 60 + minute) * 60 + second) * 1000


@lru_cache(maxsize=512)
def _day(stamp: bytes) -> int | None:
    """When a day begins in China, UTC ms; None if the three bytes name none."""
    day, month, year = stamp
    try:
        return (
            (date(2000 + year, month, day).toordinal() - _EPOCH) * _DAY_MS - ZONE_MS if year < 100 else None
        )
    except ValueError:
        return None


def to_bytes(at: int) -> bytes:
    """The six bytes of a time in UTC milliseconds; of its year they hold the last two digits."""
    days, rest = divmod(at + ZONE_MS, _DAY_MS)
    day = date.fromordinal(min(max(days + _EPOCH, 1), date.max.toordinal()))
    seconds = rest // 1000
    return bytes((seconds % 60, seconds // 60 % 60, seconds // 3600, day.day, day.month, day.year % 100))
