"""How tests write down readings: rows of device, metric, channel and value, without the source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.codec import Codec, Decoded, Message
from devices.reading import Flag, Reading, split_point

SOURCE = "s"
NOW = 1_763_760_000_500  # half a second after the `ts` the examples carry
Row = tuple[str, str, str, Any]


def row(reading: Reading) -> Row:
    """One reading as a row."""
    device, metric, channel = split_point(reading.point)
    return device.removeprefix(f"{SOURCE}:"), metric, channel, reading.value


def rows(decoded: Decoded) -> list[Row]:
    """All readings as rows, in order."""
    return [row(r) for r in decoded.readings]


def flags(decoded: Decoded) -> set[int]:
    """Every combination of flags the readings carry."""
    return {int(r.flags) for r in decoded.readings}


def code(decoded: Decoded) -> str | None:
    """The code of the quarantine reason, the part before the colon."""
    return decoded.quarantine.split(":")[0] if decoded.quarantine else None


def said(
    codec: Codec, topic: str, payload: bytes | str, context: Mapping[str, Any] | None = None, **more: Any
) -> Decoded:
    """What a codec makes of one message that arrives now."""
    data = payload.encode() if isinstance(payload, str) else payload
    return codec.decode(context or {}, Message(SOURCE, topic, data, **{"now": NOW, **more}))


INVALID, RETAINED, CLOCK_BAD = int(Flag.INVALID), int(Flag.RETAINED), int(Flag.CLOCK_BAD)
