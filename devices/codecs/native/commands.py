"""What is sent down to a device of the house's own contract: `community/{site}/{device}/command`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Ask

_NATIVE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}")
_encode: Final = msgspec.json.Encoder().encode


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """Every name goes as it is; a device answers on `.../result` and says its new state in its telemetry."""
    if not _NATIVE.fullmatch(native):
        return "unknown-device: not {site}/{device}"
    body = {"id": identity, "name": name, "args": {}, "expires": expires_at}
    return (Ask(f"community/{native}/command", _encode(body)),)
