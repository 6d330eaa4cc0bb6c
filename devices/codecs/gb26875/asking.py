"""What a transmission device, a panel or a component is told and asked: the order in words, and its frame.

Source: GB/T 26875.3-2011, 8.3.2; the frames are in `ask`. An order is the command's name and the device's own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from devices.codec import LINE, Ask
from devices.codecs.gb26875 import ask
from devices.codecs.gb26875.ask import Call
from devices.codecs.gb26875.frame import parse

_NATIVE: Final = re.compile(r"([0-9a-f]{12})(?:/(\d{1,3})\.(\d{1,3})(?:\.([0-9a-f]{8}))?)?", re.ASCII)
"""A transmission device, a system in its building, a component of that: see the names in this family's notes."""

_UNITS: Final[Mapping[str, Callable[[Call], bytes]]] = {
    "duty_check": ask.duty_check, "set_clock": ask.set_clock, "initialise": ask.initialise,
    "read_state": ask.read_state, "read_version": ask.read_version,
    "read_configuration": ask.read_configuration, "read_clock": ask.read_clock,
}  # fmt: skip
_SYSTEMS: Final = {"read_state": 61, "read_version": 65, "read_configuration": 66, "read_clock": 68}
_PARTS: Final = {"read_state": 62, "read_configuration": 67}


def command(
    _context: Mapping[str, Any], native: str, name: str, _identity: str, _expires_at: int
) -> Sequence[Ask] | str:
    """The order, for the device's own line; see `Codec`."""
    found = _NATIVE.fullmatch(native)
    if found is None or any(int(number) > 255 for number in found.group(2, 3) if number):
        return "unknown-device: no address of a transmission device and what is behind it"
    if name not in (_PARTS if found[4] else _SYSTEMS if found[2] else _UNITS):
        return f"not-taken: GB/T 26875.3 has no {name[:40]} for such a device"
    return (Ask(f"{LINE}gb26875/{found[1]}", f"{name} {native}".encode()),)


def tell(order: bytes, heard: bytes, serial: int, now: int) -> bytes:
    """The frame of an order, in the version of the device's last frame and from the address it reports to."""
    name, _, native = order.decode("ascii").partition(" ")
    packet = parse(heard)
    call = Call(packet.target, packet.source, serial, now, packet.main, packet.user)
    found = _NATIVE.fullmatch(native)
    if found is None:
        raise ValueError(f"no order: {order[:80]!r}")
    if not found[2]:
        return _UNITS[name](call)
    system = int(found[2]), int(found[3])
    if not found[4]:
        return ask.read_systems(call, _SYSTEMS[name], (system,))
    return ask.read_parts(call, _PARTS[name], ((*system, int(found[4], 16)),))
