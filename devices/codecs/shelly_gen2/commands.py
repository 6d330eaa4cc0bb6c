"""What is sent down to a second-generation Shelly: RPC requests on `<prefix>/rpc`.

Source: shelly-api-docs.shelly.cloud, Gen2+: "RPC over MQTT", "Switch" (Switch.Set), "Smoke" (Smoke.Mute).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Ask
from devices.codecs.shelly_gen2.frames import ASKER

_PREFIX: Final = "device:"
_PREFIX_MAX: Final = 255
_CALLS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "siren_on": ("Switch.Set", {"id": 0, "on": True}),
    "siren_off": ("Switch.Set", {"id": 0, "on": False}),
    "relay_off": ("Switch.Set", {"id": 0, "on": False}),
    "mute": ("Smoke.Mute", {"id": 0}),
}
_encode: Final = msgspec.json.Encoder().encode


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """The first switch of a device, or a smoke detector's mute. There is no call for a self-test."""
    # A device's id is what its frames say; where it listens is the owner's prefix, learned from them.
    prefix = next(
        (k[len(_PREFIX) :] for k, v in context.items() if v == native and k.startswith(_PREFIX)), ""
    )
    if not prefix and (not native.startswith("shelly") or len(native) > _PREFIX_MAX):
        return "unknown-device: no frame has told who speaks under which prefix"
    call = _CALLS.get(name)
    if call is None or (name == "mute") != native.startswith("shellyplussmoke"):
        return f"not-taken: this model knows no {name}"
    request = {"id": identity, "src": ASKER, "method": call[0], "params": call[1]}
    return (Ask(f"{prefix or native}/rpc", _encode(request)),)
