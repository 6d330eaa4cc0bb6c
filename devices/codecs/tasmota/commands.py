"""What is sent down to a Tasmota device: its first relay, `cmnd/<topic>/POWER`.

Source: tasmota.github.io, "Commands", "MQTT".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import Ask

_POWER: Final = {"siren_on": b"ON", "siren_off": b"OFF", "relay_off": b"OFF"}
_ZIGBEE: Final = re.compile(r"0x[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{12})?")


def order_key(base: str) -> str:
    """The context key of a device whose FullTopic puts the prefix last; its value is True."""
    return f"tasmota-last:{base}"


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """The relay of a plug or siren. Which way a relay turns a valve or a lock is wiring: neither is sent."""
    if _ZIGBEE.fullmatch(native.rpartition("/")[2]):
        return "not-taken: a Zigbee device behind a bridge"
    payload = _POWER.get(name)
    if payload is None:
        return f"not-taken: a relay knows no {name}"
    topic = f"{native}/cmnd/POWER" if context.get(order_key(native)) is True else f"cmnd/{native}/POWER"
    return (Ask(topic, payload),)
