"""What CTWing is asked to tell a device: one signed request to its interface `aep_device_command`.

Source: the platform's published SDKs, `CreateCommand` (API version 20190712225145): POST `/aep_device_command/command`
with the headers application, timestamp, version, MasterKey and signature, the base64 of HMAC-SHA1 with the App Secret
over `application:<key>`, `timestamp:<ms>`, the sorted parameters (`MasterKey:<key>`) and the body, each with a newline.
The body names product and device, `content` as the product's model has it, and `ttl`, the seconds for which the
platform holds it for a device that sleeps. It answers `{"code": 0}`.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import CALL, Access, Ask, Request

PLATFORM: Final = ("app", "secret")
"""What the platform's settings must name besides product and key."""

VERSION: Final = "20190712225145"
URL: Final = "https://ag-api.ctwing.cn"
OPERATOR: Final = "gateway"  # whom the platform's log names
_encode: Final = msgspec.json.Encoder().encode


def command(
    context: Mapping[str, Any], native: str, name: str, _identity: str, _expires_at: int
) -> Sequence[Ask] | str:
    """The command's name, for the platform's own id of the device."""
    platform = next(
        (k[len("imei:") :] for k, v in context.items() if v == native and k.startswith("imei:")), ""
    )
    return (Ask(f"{CALL}{platform or native}", name.encode()),)


def request(access: Access, device: str, name: str, expires_at: int, now: int) -> Request | str:
    """The signed request; none for what the product's model has no command for."""
    content = access.commands.get(name)
    if content is None:
        return f"not-taken: csg.yaml names no command of this product for {name[:40]}"
    body = _encode({
        "content": content, "deviceId": device, "level": 1, "operator": OPERATOR,
        "productId": int(access.product) if access.product.isdigit() else access.product,
        "ttl": max((expires_at - now) // 1000, 1),
    })  # fmt: skip
    headers = {
        "application": access.app, "timestamp": str(now), "version": VERSION, "MasterKey": access.key,
        "Content-Type": "application/json; charset=UTF-8", "signature": signature(access, now, body),
    }  # fmt: skip
    return Request(f"{access.url or URL}/aep_device_command/command", headers, body)


def signature(access: Access, now: int, body: bytes) -> str:
    """Of a request with no other parameter than the MasterKey."""
    head = f"application:{access.app}\ntimestamp:{now}\nMasterKey:{access.key}\n".encode()
    return b64encode(hmac.digest(access.secret.encode(), head + body + b"\n", "sha1")).decode()
