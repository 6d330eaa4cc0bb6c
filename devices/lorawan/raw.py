"""The bytes of an uplink that the network server decoded nothing of: a profile of the house reads them, or nobody."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Message
from devices.inner import Origin, inner_by, name_of, profile_for
from devices.lorawan.payload import Uplink
from devices.reading import Flag, Reading, point_id

SHOWN_MAX: Final = 24
"""Bytes shown in the reason why a message is set aside: enough to tell the kind of frame."""

_INVALID: Final = int(Flag.INVALID)


class Undecoded(msgspec.Struct, frozen=True):
    """Whose bytes they are. `products` are the names a profile may know the product by, the best first, as they stand
    in the message: what is no name is passed over."""

    context: Mapping[str, Any]
    message: Message
    codec: str
    native: str
    products: Sequence[Any]


def undecoded(raw: Undecoded, uplink: Uplink, data: Any, why: str) -> tuple[Sequence[Reading], str | None]:
    """What a profile makes of the bytes, in base64 in `data`, and why somebody must look at them (`code: words`).

    Without a profile the device lives, which is all we know; `why` says who decoded nothing. A frame without bytes, or
    of the network itself (FPort 0), is no riddle and not set aside.
    """
    payload = _bytes(data) if uplink.port else b""
    if payload:
        service = str(uplink.port)
        for product in dict.fromkeys(name_of(p) for p in raw.products):
            origin = Origin(raw.context, raw.message, raw.codec, product, raw.native)
            profile = profile_for(origin, payload, service)
            if profile is None:
                continue
            found = inner_by(origin, profile, payload, uplink.at, service)
            if uplink.flags & _INVALID:  # simulated at the server
                marked = [msgspec.structs.replace(r, flags=r.flags | _INVALID) for r in found.readings]
                return marked, found.problem
            return found.readings, found.problem
    alive = Reading(point_id(uplink.device, "heartbeat"), True, uplink.at, uplink.flags)
    return [alive], f"no-codec: {why}: {payload[:SHOWN_MAX].hex()}" if payload else None


def _bytes(data: Any) -> bytes:
    """Base64 as protobuf JSON has it; what is none is kept as the text it is, so that it is looked at."""
    if not isinstance(data, str):
        return b""
    try:
        return b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data.encode("utf-8", "replace")
