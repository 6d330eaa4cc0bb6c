"""What is sent down by ThingsBoard's APIs: server-side RPC, to a device itself or through its gateway.

Source: thingsboard.io, "MQTT device API" (server-side RPC) and "MQTT gateway API" (RPC). Names of methods are the
integrator's own; ours go as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Ask, number_of

_ME: Final = "me"
_NAME_MAX: Final = 255
_encode: Final = msgspec.json.Encoder().encode


def command(
    context: Mapping[str, Any], native: str, name: str, identity: str, expires_at: int
) -> Sequence[Ask] | str:
    """`v1/devices/me/rpc/request/<number>` for the device `me`, else `v1/gateway/rpc` with its name."""
    if not 0 < len(native) <= _NAME_MAX:
        return "unknown-device: a device's name has 1 to 255 characters"
    number = number_of(identity)  # the API's ids are numbers
    if native == _ME:
        body = {"method": name, "params": {}}
        return (Ask(f"v1/devices/me/rpc/request/{number}", _encode(body)),)
    data = {"device": native, "data": {"id": number, "method": name, "params": {}}}
    return (Ask("v1/gateway/rpc", _encode(data)),)
