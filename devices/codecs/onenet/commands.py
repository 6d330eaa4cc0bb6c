"""What OneNET is asked to tell a device: one property of its thing model is set over the platform's interface.

Source: OneNET, "Token" (`et`, `method`, `res`, `version`, each with a newline between, signed with HMAC under the
base64-decoded access_key), and the integrators of `POST /thingmodel/set-device-property`, whose body names product and
device and holds `params`. A token is good until `et`, in seconds. The platform answers `{"code": 0}` when the device
took it, and says at once that a device is not there.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from devices.codec import CALL, Access, Ask, Request

URL: Final = "https://iot-api.heclouds.com"
VERSION: Final = "2018-10-31"
_encode: Final = msgspec.json.Encoder().encode


def command(
    _context: Mapping[str, Any], native: str, name: str, _identity: str, _expires_at: int
) -> Sequence[Ask] | str:
    """The command's name, for a device that goes by its product and name."""
    if "/" not in native:
        return "not-taken: only devices of a thing model, which go by product and name"
    return (Ask(f"{CALL}{native}", name.encode()),)


def request(access: Access, device: str, name: str, expires_at: int, now: int) -> Request | str:
    """The request with its token; none for another product, or for what its model has no property for."""
    params = access.commands.get(name)
    product, _, known = device.partition("/")
    if params is None or product != access.product:
        return f"not-taken: csg.yaml names no property of product {product[:40]} for {name[:40]}"
    try:
        authorization = token(access, max(expires_at, now) // 1000 + 1)
    except (binascii.Error, ValueError):
        return "not-taken: the access_key of csg.yaml is no base64"
    body = _encode({"product_id": product, "device_name": known, "params": params})
    headers = {"authorization": authorization, "Content-Type": "application/json"}
    return Request(f"{access.url or URL}/thingmodel/set-device-property", headers, body)


def token(access: Access, until_s: int) -> str:
    """The authorization of a product's access_key. Raises ValueError for a key that is no base64."""
    resource = f"products/{access.product}"
    text = f"{until_s}\nsha256\n{resource}\n{VERSION}"
    sign = b64encode(hmac.digest(b64decode(access.key, validate=True), text.encode(), "sha256")).decode()
    return (
        f"version={VERSION}&res={quote(resource, safe='')}&et={until_s}&method=sha256"
        f"&sign={quote(sign, safe='')}"
    )
