"""What Huawei Cloud IoTDA is asked to tell a device: one command, signed with an access key.

Sources: support.huaweicloud.com, IoTDA API reference, "下发异步设备命令" (iot_06_v5_0040), "下发设备命令"
(iot_06_v5_0038) and "认证鉴权" (iot_06_v5_0091); "API 签名指南"; huaweicloud-sdk-python-v3, `signer.py` and `hkdf.py`.

- `POST /v5/iot/{project}/devices/{device}/async-commands` with `service_id`, `command_name`, `paras` and
  `send_strategy`; it is for devices over NB-IoT (LwM2M). It is answered with a `command_id` where it was taken.
- A device over MQTT takes `.../commands`, where the settings say `synchronous: true`: the platform waits for its answer
  for at most 20 s, and hands on its `result_code`, 0 for done.
- The basic edition checks `SDK-HMAC-SHA256` with the secret access key. Standard and enterprise editions want
  `V11-HMAC-SHA256`, with a key derived from it (HKDF, RFC 5869) for the day, the region and the service `iotdm`.
- `immediately` rather than `delay`: a delayed command waits for the device's next report, long after anybody waits.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from devices.codec import CALL, Access, Ask, Request

PLATFORM: Final = ("app", "url", "project")
"""What the platform's settings must name besides product and key: the access key's id, the instance's address, the
project."""

SERVICE: Final = "iotdm"
IDS_MAX: Final = 16_384  # devices whose id at the platform is remembered
_ID: Final = "id:"
_encode: Final = msgspec.json.Encoder().encode


def id_key(native: str) -> str:
    """Under what the platform's id of a device is learned."""
    return f"{_ID}{native}"


def command(
    context: Mapping[str, Any], native: str, name: str, _identity: str, _expires_at: int
) -> Sequence[Ask] | str:
    """The command's name, for the platform's own id of the device, which differs from the name it gives itself."""
    known = context.get(id_key(native))
    return (Ask(f"{CALL}{known if isinstance(known, str) else native}", name.encode()),)


def request(access: Access, device: str, name: str, expires_at: int, now: int) -> Request | str:
    """The signed request; none for what the product's model has no command for."""
    content = access.commands.get(name)
    if content is None:
        return f"not-taken: csg.yaml names no command of this product for {name[:40]}"
    if not (access.app and access.url and access.project):
        return "not-taken: csg.yaml names no app, url or project of this platform"
    synchronous = content.get("synchronous") is True
    path = f"/v5/iot/{quote(access.project, safe='~')}/devices/{quote(device, safe='~')}"
    path += "/commands" if synchronous else "/async-commands"
    said = {key: value for key, value in content.items() if key != "synchronous"}
    body = _encode(said if synchronous else {"send_strategy": "immediately", **said})
    headers = {
        "content-type": "application/json",
        "host": urlsplit(access.url).netloc,
        "x-sdk-date": datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ"),
    }
    if access.instance:
        headers["instance-id"] = access.instance
    headers["authorization"] = authorization(access, "POST", path, headers, body)
    return Request(
        f"{access.url}{path}", headers, body, taken="command_id", ticket=("command_id",),
        outcome=("response", "result_code") if synchronous else (),
    )  # fmt: skip


def authorization(access: Access, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The signature over method, path, all these headers (names in lower case) and the body; no query."""
    names = sorted(headers)
    said = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join((method, f"{path}/", "", said, ";".join(names), sha256(body).hexdigest()))
    digest, date = sha256(canonical.encode()).hexdigest(), headers["x-sdk-date"]
    if not access.region:
        sign = hmac.digest(access.key.encode(), f"SDK-HMAC-SHA256\n{date}\n{digest}".encode(), "sha256").hex()
        return f"SDK-HMAC-SHA256 Access={access.app}, SignedHeaders={';'.join(names)}, Signature={sign}"
    scope = f"{date[:8]}/{access.region}/{SERVICE}"
    root = hmac.digest(access.app.encode(), access.key.encode(), "sha256")
    key = hmac.digest(root, scope.encode() + b"\x01", "sha256").hex()
    sign = hmac.digest(key.encode(), f"V11-HMAC-SHA256\n{date}\n{scope}\n{digest}".encode(), "sha256").hex()
    return (
        f"V11-HMAC-SHA256 Credential={access.app}/{scope}, SignedHeaders={';'.join(names)}, Signature={sign}"
    )
