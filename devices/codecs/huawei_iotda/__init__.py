"""Huawei Cloud IoTDA: what its data forwarding pushes over HTTP, and OceanConnect's notifications before it.

Sources: support.huaweicloud.com, IoTDA API reference, "设备属性上报通知", "设备状态变更通知", "设备消息上报通知"
(iot_06_v5_01201 to 01212), and IoT Northbound API reference, "消息推送" (iot_06_0031 to 0046), which old CTWing
applications receive as well.

- One POST a notification, answered 200 within 15 s. IoTDA: `{"resource", "event", "event_time", "notify_data":
  {"header", "body"}}`; `body` may stand beside `notify_data`, as some of the documents print it. OceanConnect:
  `{"notifyType", "deviceId", "service": {"serviceId", "data", "eventTime"}}`, `deviceDatasChanged` with `services`.
- A device is named by its `node_id` (its IMEI, MAC or serial number), else by the platform's device id; OceanConnect
  tells the latter only.
- Each service's properties are read by the product's profile or by their words, under the service's name: `alarm` in
  `smokeDetector` is smoke. OceanConnect names no product; its profiles go by service and keys.
- Commands go through the platform's own interface (`commands.py`), to the platform's id of the device. What became of
  an asynchronous one is pushed as `device.command.status`: SUCCESSFUL did it, FAILED, TIMEOUT and EXPIRED did not.
- Status ONLINE is online, OFFLINE and ABNORMAL (silent for its time) are offline; INACTIVE and FROZEN say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from devices.codec import Decoded, Learned, Message, Push, Reply, Topic
from devices.codecs.huawei_iotda.commands import IDS_MAX, id_key
from devices.codecs.huawei_iotda.commands import PLATFORM as PLATFORM
from devices.codecs.huawei_iotda.commands import command as command
from devices.codecs.huawei_iotda.commands import request as request
from devices.codecs.huawei_iotda.examples import EXAMPLES as EXAMPLES
from devices.inner import Gathered, Origin, inner, name_of, spoken
from devices.instants import from_iso, from_ms
from devices.outcome import result
from devices.reading import Reading
from devices.vocabulary import short

TOPICS: Sequence[Topic] = (Topic("huawei-iotda/#"),)

PROFILED: Final = True
"""Wants the profiles in its context."""

SERVICES_MAX: Final = 64
"""Services read of one notification; a product model has at most 30 (IoTDA, restrictions)."""

_STATES: Final = {"ONLINE": "online", "OFFLINE": "offline", "ABNORMAL": "offline"}
_NO_STATES: Final = frozenset(("INACTIVE", "FROZEN", "UNREGISTERED", "INBOX"))
_COMING: Final = {
    ("device", "create"): "device_joined",
    ("device", "delete"): "device_left",
}
_LEGACY_COMING: Final = {
    "deviceAdded": "device_joined",
    "bindDevice": "device_joined",
    "deviceDeleted": "device_left",
}
_LEGACY_SILENT: Final = frozenset((
    "messageConfirm", "commandRsp", "commandRspData", "ruleEvent", "serviceInfoChanged", "deviceModelAdded",
    "deviceModelDeleted", "deviceDesiredPropertiesModifyStatusChanged", "swUpgradeStateChangeNotify",
    "swUpgradeResultNotify", "fwUpgradeStateChangeNotify", "fwUpgradeResultNotify", "deviceCapabilitiesChanged",
    "deviceCapabilitiesAdded", "deviceCapabilitiesDeleted",
))  # fmt: skip
_COMMAND: Final = "device.command.status"
_OUTCOMES: Final = frozenset(("SUCCESSFUL", "FAILED", "TIMEOUT", "EXPIRED"))
_json: Final = msgspec.json.Decoder()


def admit(request: Push, secret: str) -> Reply | tuple[str, bytes]:
    """The body of a POST, under the path as topic; the address carries the secret. Anything else is only greeted."""
    if request.method != "POST":
        return Reply(200 if request.method in {"GET", "HEAD"} else 405)
    return f"huawei-iotda/{request.path}" if request.path else "huawei-iotda", request.body


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one notification."""
    try:
        body = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not isinstance(body, dict):
        return Decoded(quarantine="wrong-type: a notification is an object")
    if isinstance(body.get("resource"), str):
        answer = _forwarded(context, message, body)
        learned = _learned(context, body) if answer.readings else ()
        return msgspec.structs.replace(answer, learned=learned) if learned else answer
    if isinstance(body.get("notifyType"), str):
        return _legacy(context, message, body)
    return Decoded(quarantine="unknown-kind: neither resource nor notifyType")


def _learned(context: Mapping[str, Any], push: Mapping[str, Any]) -> tuple[Learned, ...]:
    """Which id the platform has for a device that goes by its own name: commands go to that id."""
    notified = push.get("notify_data")
    header = notified.get("header") if isinstance(notified, dict) else None
    if not isinstance(header, dict):
        return ()
    native, platform = name_of(header.get("node_id")), name_of(header.get("device_id"))
    if not native or not platform or native == platform:
        return ()
    key = id_key(native)
    known = context.get(key)
    if known == platform or (known is None and len(context) >= IDS_MAX):
        return ()
    return (Learned(key, platform),)


def _forwarded(context: Mapping[str, Any], message: Message, push: Mapping[str, Any]) -> Decoded:
    """IoTDA's data forwarding."""
    notified = push.get("notify_data")
    notified = notified if isinstance(notified, dict) else {}
    header = notified.get("header")
    body = notified.get("body", push.get("body"))
    body = body if isinstance(body, dict) else notified
    header = header if isinstance(header, dict) else body
    resource, event = push["resource"], push.get("event")
    if resource == _COMMAND:
        return _became(message, header, body)
    if resource.endswith(".status") and resource != "device.status":
        return Decoded()  # what became of a message to the device
    if resource.startswith(("product", "batchtask", "device.async")):
        return Decoded()
    native = name_of(header.get("node_id")) or name_of(header.get("device_id"))
    if not native:
        return Decoded(quarantine="missing: neither node_id nor device_id")
    at = from_iso(push.get("event_time_ms")) or from_iso(push.get("event_time"))
    sequence = _sequence(native, push.get("request_id"), message.payload)
    origin = Origin(context, message, "huawei_iotda", name_of(header.get("product_id")), native)
    if resource == "device.status":
        return _status(origin, body.get("status"), from_iso(body.get("status_update_time")) or at, sequence)
    if (metric := _COMING.get((resource, str(event)))) is not None:
        return Decoded((spoken(message, native, metric, True, at),), None, sequence)
    if resource == "device":
        return Decoded()
    if resource == "device.message" and isinstance(body, dict):
        found = inner(origin, body.get("content", body), name_of(body.get("topic")), at)
        return Decoded(found.readings, found.problem, sequence)
    return _services(origin, body, at, sequence, f"unknown-kind: {short(resource)[:64]} without services")


def _became(message: Message, header: Mapping[str, Any], body: Mapping[str, Any]) -> Decoded:
    """What became of an asynchronous command; that it is on its way or has arrived says not yet that it was done."""
    native = name_of(header.get("node_id")) or name_of(header.get("device_id"))
    ticket, status = name_of(body.get("command_id")), body.get("status")
    if not native or not ticket or not isinstance(status, str) or status not in _OUTCOMES:
        return Decoded()
    text = result(ticket, None if status == "SUCCESSFUL" else status)
    return Decoded((spoken(message, native, "command_result", text),))


def _legacy(context: Mapping[str, Any], message: Message, push: Mapping[str, Any]) -> Decoded:
    """OceanConnect's notifications."""
    kind = push["notifyType"]
    if kind in _LEGACY_SILENT:
        return Decoded()
    info = push.get("deviceInfo")
    info = info if isinstance(info, dict) else {}
    native = name_of(info.get("nodeId")) or name_of(push.get("deviceId"))
    if not native:
        return Decoded(quarantine="missing: no deviceId")
    sequence = _sequence(native, push.get("requestId"), message.payload)
    origin = Origin(context, message, "huawei_iotda", name_of(info.get("model")), native)
    if (metric := _LEGACY_COMING.get(kind)) is not None:
        return Decoded((spoken(message, native, metric, True),), None, sequence)
    if kind == "deviceInfoChanged":
        return _status(origin, info.get("status"), None, sequence)
    return _services(origin, push, None, sequence, f"unknown-kind: notifyType {short(repr(kind))[:64]}")


def _sequence(native: str, request: Any, payload: bytes) -> str | None:
    """The notification's own id; a device may choose it, so its bytes are part of what tells a repetition."""
    unique = name_of(request)
    return f"{native[:48]}/{unique[:64]}/{crc32(payload):08x}" if unique else None


def _status(origin: Origin, status: Any, at: int | None, sequence: str | None) -> Decoded:
    if isinstance(status, str) and status in _NO_STATES:
        return Decoded()
    state = _STATES.get(status) if isinstance(status, str) else None
    if state is None:
        return Decoded(
            quarantine="wrong-value: status is none of ONLINE, OFFLINE, ABNORMAL", sequence=sequence
        )
    return Decoded((spoken(origin.message, origin.native, "availability", state, at),), None, sequence)


def _services(
    origin: Origin, body: Mapping[str, Any], at: int | None, sequence: str | None, reason: str
) -> Decoded:
    """Each service's properties, at its own time."""
    gathered = Gathered()
    found = False
    for service, properties, time in _listed(body):
        found = True
        gathered.add(inner(origin, properties, service, time or at))
    alive: tuple[Reading, ...] = ()
    if not found:
        alive = (spoken(origin.message, origin.native, "heartbeat", True, at),)
        gathered.problem = reason
    return Decoded((*gathered.readings, *alive), gathered.problem, sequence)


def _listed(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, int | None]]:
    """Name, properties and time of each service, in any of the spellings."""
    services = body.get("services", body.get("service"))
    for item in services[:SERVICES_MAX] if isinstance(services, list) else [services]:
        if not isinstance(item, dict):
            continue
        name = name_of(item.get("service_id", item.get("serviceId")))
        properties = item.get("properties", item.get("data"))
        when = item.get("event_time", item.get("eventTime"))
        yield name, properties, from_iso(when) or from_ms(when)
