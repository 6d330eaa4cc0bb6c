"""The frame of MEOKON's wireless terminals (V3.0), byte for byte.

Source: 上海铭控 "智能无线终端通讯协议 V3.0", in the repository ActorLancer/GB-T-26875.3.2011-rs with two frames that
pass their check sum. Numbers are big-endian. Positions count from 0:

0 `A5 5A` · 2 command (0: data) · 3 length of the whole frame (2) · 5 device number (12, ASCII) · 17 battery ·
18 signal (int8, dBm) · 19 interval of the records in s (2) · 21 number n of records (2) · 23 type (table 2) ·
24 alarms (table 3) · 25 alarm settings · current values · time of the newest record (4, Unix s) · n records ·
CRC (2) · `55 AA`

The CRC is CRC-16/MODBUS over all that stands before it. How long settings and values are follows from the type; a frame
of a known type holds as many bytes of settings as its length leaves.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

import msgspec

from devices.framing import Shape

DATA: Final = 0x00
"""The command of a frame that brings values."""

TAKEN: Final = 0xFF
"""The command of a platform's answer over TCP and UDP."""

FRAME_MAX: Final = 32_768
"""Bytes: 600 records (the most that a device keeps) of the longest type (36 bytes) make 21 700."""

RECORDS_MAX: Final = 600
"""Records a device keeps while nobody answers: 600 over GPRS, 200 over NB-IoT."""

START: Final = b"\xa5\x5a"
END: Final = b"\x55\xaa"

_HEAD: Final = Struct(">2xBH12sBbHHBB")
_BODY: Final = _HEAD.size
_TAIL: Final = 4  # CRC and end mark
_ANSWER: Final = Struct(">2sBH12sIH")


class Packet(msgspec.Struct, frozen=True, gc=False):
    """The fields of a data frame; `rest` is what stands between the alarms and the CRC, laid out as the type says."""

    device: bytes
    battery: int
    signal: int
    interval_s: int
    records: int
    kind: int
    alarms: int
    rest: bytes


def parse(frame: bytes) -> Packet | None:
    """The fields of a sound data frame; None for one of another command or too short to hold them."""
    if len(frame) < _BODY + _TAIL or frame[2] != DATA:
        return None
    _, _, device, battery, signal, interval, records, kind, alarms = _HEAD.unpack_from(frame)
    return Packet(device, battery, signal, interval, records, kind, alarms, frame[_BODY:-_TAIL])


def measure(head: bytes) -> int:
    """How long a frame is that begins so; 0 if none can be so long or so short."""
    size = head[3] << 8 | head[4]
    return size if _ANSWER.size + _TAIL <= size <= FRAME_MAX else 0


def sound(frame: bytes) -> bool:
    """Whether a frame of the right length has its check sum."""
    return crc(frame[:-4]) == frame[-4] << 8 | frame[-3]


def whole(frame: bytes) -> bool:
    """Whether these bytes are one sound frame and nothing else."""
    size = len(frame)
    return (
        frame[:2] == START
        and size > _TAIL
        and measure(frame) == size
        and frame.endswith(END)
        and sound(frame)
    )


SHAPE: Final = Shape(START, END, 17, measure, sound)  # as far as the device number


def taken(device: bytes, now: int) -> bytes:
    """The answer a device waits 5 s for over TCP and UDP: its number and our time (UTC ms), and no settings.

    Its layout is that of public platforms (V3.3): command FF, length 27, number, time in s, two bytes of zero.
    """
    body = _ANSWER.pack(START, TAKEN, _ANSWER.size + _TAIL, device, now // 1000 & 0xFFFFFFFF, 0)
    return body + crc(body).to_bytes(2, "big") + END


def encode(packet: Packet) -> bytes:
    """The data frame of these fields."""
    size = _BODY + len(packet.rest) + _TAIL
    body = (
        START
        + _HEAD.pack(
            DATA,
            size,
            packet.device,
            packet.battery,
            packet.signal,
            packet.interval_s,
            packet.records,
            packet.kind,
            packet.alarms,
        )[2:]
        + packet.rest
    )
    return body + crc(body).to_bytes(2, "big") + END


def crc(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial 8005 (reflected A001), begun with FFFF."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value


def _shifted(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC: Final = tuple(_shifted(byte) for byte in range(256))
