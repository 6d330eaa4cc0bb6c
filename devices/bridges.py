"""Through whom a device speaks: with the bridge, the transmission device or the gateway gone, it is gone too."""

from __future__ import annotations

import re
from typing import Final

from devices.catalogue import Device

_PART: Final = re.compile(r"(.+/\d{1,3}\.\d{1,3})\.[0-9a-f]{8}", re.ASCII)
"""A component of GB/T 26875.3 behind its system: `000000000379/1.1.0002000a`."""

_CARRIED: Final = re.compile(r"[0-9a-f]{12}/.+", re.ASCII)
"""What stands behind a transmission device: it speaks when something happens, and no heartbeat is its own."""

_ZIGBEE: Final = re.compile(r"0x[0-9a-f]{16}", re.ASCII)
ZIGBEE_BRIDGE: Final = "bridge"  # as `devices.codecs.zigbee2mqtt` names it


def bridges_of(device: str, via: str = "") -> tuple[str, ...]:
    """Ids of the devices that this one may speak through, the nearest first; whether they are there is not said.

    By the catalogue's word, else by the id: what stands before a slash carries what stands behind it, and a Zigbee
    address speaks through its source's bridge.
    """
    if via:
        return (via,)
    source, _, native = device.partition(":")
    if _ZIGBEE.fullmatch(native):
        return (f"{source}:{ZIGBEE_BRIDGE}",)
    found: list[str] = []
    part = _PART.fullmatch(native)
    if part is not None:
        found.append(part[1])
    while "/" in native and len(found) < _DEEPEST:
        native = native.rpartition("/")[0]
        found.append(native)
    return tuple(f"{source}:{name}" for name in found)


def carrier(device: Device) -> str | None:
    """The transmission device whose heartbeat stands for this one's, which has none; None for all others."""
    source, _, native = device.id.partition(":")
    return f"{source}:{native.partition('/')[0]}" if _CARRIED.fullmatch(native) else None


_DEEPEST: Final = 4
