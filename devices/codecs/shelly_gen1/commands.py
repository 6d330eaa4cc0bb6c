"""What is sent down to a first-generation Shelly: its relay, and the gas detector's valve, mute and self-test.

Source: Shelly API reference, Gen1 devices, "MQTT" of Shelly1, Shelly Plug and Shelly Gas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import Ask

_RELAY: Final = {"siren_on": b"on", "siren_off": b"off", "relay_off": b"off"}
_GAS: Final = {
    "valve_close": ("valve/0/command", b"close"),
    "mute": ("sensor/mute", b"mute"),
    "self_test": ("sensor/start_self_test", b"start"),
}
_SENSORS: Final = re.compile(
    r"shelly(?:smoke|flood|ht|dw|motion|button|ix3|gas|bulb|vintage|duo|trv|sense|eye)"
)
_NAME_MAX: Final = 200


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """By the model in the device's id; a device that was given another prefix than its id is taken for a relay."""
    if not native.startswith("shelly") or len(native) > _NAME_MAX:
        return "unknown-device: the ids of this family begin with shelly"
    if native.startswith("shellygas"):
        told = _GAS.get(name)
        if told is None:
            return f"not-taken: a gas detector knows no {name}"
        return (Ask(f"shellies/{native}/{told[0]}", told[1]),)
    payload = _RELAY.get(name)
    if payload is None or _SENSORS.match(native):
        return f"not-taken: this model knows no {name}"
    return (Ask(f"shellies/{native}/relay/0/command", payload),)
