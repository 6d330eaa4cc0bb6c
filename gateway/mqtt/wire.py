"""MQTT framing that both protocol versions share: packet types, lengths, strings, runs of acknowledgements.

Source of every number: MQTT 3.1.1 (OASIS, 2014) and MQTT 5.0 (OASIS, 2019), clauses 2.1 and 2.2, which agree.
"""

import struct
from collections.abc import Sequence

# First byte of a packet without its flags (clause 2.2.1 / 2.1.2).
CONNECT = 0x10
CONNACK = 0x20
PUBREL = 0x60
SUBSCRIBE = 0x80
SUBACK = 0x90
PINGRESP = 0xD0
DISCONNECT = 0xE0

PINGREQ_PACKET = b"\xc0\x00"
# A DISCONNECT without body is "normal disconnection" in both versions and keeps the session.
DISCONNECT_PACKET = b"\xe0\x00"

# Acknowledgements as one big-endian word, to be or-ed with the packet id. A body of two bytes is the whole
# packet in 3.1.1 and the short form of reason code 0 (success) in 5 (clause 3.4.2.1).
PUBACK_WORD = 0x40020000
PUBREC_WORD = 0x50020000
PUBCOMP_WORD = 0x70020000

REMAINING_LENGTH_MAX = 268_435_455  # four bytes of seven bits, clause 2.2.3 / 1.5.5
STRING_BYTES_MAX = 65_535


class MalformedPacket(Exception):
    """The peer sent bytes that are no MQTT; the connection cannot be read any further.

    `reason` is one short English sentence for logs and the fault event.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_length(data: bytes, at: int, end: int) -> tuple[int, int] | None:
    """The variable byte integer at `at` and the index after it; None while its end has not arrived.

    Raises MalformedPacket for a fifth byte (clause 1.5.5).
    """
    value = 0
    for index in range(4):
        if at + index >= end:
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise MalformedPacket("variable byte integer longer than four bytes")


def write_length(value: int) -> bytes:
    """`value` (0 to 268 435 455) as variable byte integer."""
    assert 0 <= value <= REMAINING_LENGTH_MAX
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def write_string(text: str | bytes) -> bytes:
    """Text (or binary data) with its two-byte length; raises ValueError over 65 535 bytes."""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > STRING_BYTES_MAX:
        raise ValueError(f"MQTT string of {len(raw)} bytes; at most {STRING_BYTES_MAX}")
    return len(raw).to_bytes(2, "big") + raw


def write_words(words: Sequence[int]) -> bytes:
    """Many acknowledgements as one run of bytes, so that a whole batch is one write."""
    return struct.pack(f">{len(words)}I", *words)
