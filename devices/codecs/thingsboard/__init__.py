"""ThingsBoard's MQTT APIs: device, gateway, and the topics of its gateway's own MQTT connector.

Sources: thingsboard.io, "MQTT device API" and "MQTT gateway API"; thingsboard-gateway, `config/mqtt.json`.

- Device API: `v1/devices/me/telemetry` (`v2/t`, `v2/t/j` in short) holds an object of keys and values, or
  `{"ts", "values"}`, or an array of either. The device is the one whose credentials connected, so on a broker of our
  own it goes by `me`: give each such device a source of its own, or the gateway API.
- Gateway API: `v1/gateway/telemetry` holds `{device name: [{"ts", "values"}, ...]}`. The device's name is its native
  name, and the channel of its readings: one connection speaks for many.
- Connector: `sensor/<name>/data` and `sensor/data`, the samples' plain objects.
- Keys and units are the integrator's own; the common vocabulary reads them. A key the message names no unit for is in
  the canonical unit, except a `battery` of a fraction of volts (3.6): no percentage is written like that.
- Attributes, wherever they come from, may be settings sent down: they tell of equipment, and never raise an alarm.
- Of a batch every value is kept, oldest first; what a later entry overtook is history, but for an alarm, which stays
  one though it ended inside the batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.thingsboard.commands import command as command
from devices.codecs.thingsboard.examples import EXAMPLES as EXAMPLES
from devices.codecs.thingsboard.values import Batch, Values
from devices.outcome import result
from devices.reading import Flag, Reading, device_id, point_id

TOPICS: Sequence[Topic] = (
    Topic("v1/devices/me/#"),
    Topic("v1/gateway/#"),
    Topic("v2/#"),
    Topic("sensor/data"),
    Topic("sensor/raw_data"),
    Topic("sensor/connect"),
    Topic("sensor/disconnect"),
    Topic("sensor/+/data"),
    Topic("sensor/+/connect"),
    Topic("sensor/+/disconnect"),
)

CROWDED: Final = True
"""A gateway speaks for many on one topic."""

DEVICES_MAX: Final = 512
"""Devices in one message of a gateway. Its connector packs at most some hundred values."""

ME: Final = "me"

_json: Final = msgspec.json.Decoder()
_NAME_MAX: Final = 255
_ANSWER: Final = re.compile(r"v1/devices/me/rpc/response/(\d{1,10})")
_SENSOR: Final = re.compile(r"sensor/(?:([^/]{1,255})/)?(data|connect|disconnect)")


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message; needs no context."""
    topic = message.topic
    read = _TOPICS.get(topic)
    if read is not None:
        return _body(message, read)
    found = _SENSOR.fullmatch(topic)
    if found is not None:
        name = found[1]
        if found[2] == "data":
            return _body(message, lambda m, body: _device(m, body, name or named(body) or ME))
        joined = found[2] == "connect"
        return _body(message, lambda m, body: _came(m, {"device": name or named(body)}, joined))
    answer = _ANSWER.fullmatch(topic)
    if answer is not None:
        return _body(message, lambda m, body: _answered(m, ME, int(answer[1]), body))
    if topic.startswith(_OTHER):
        return Decoded()  # questions, answers, commands, firmware, raw bytes
    return Decoded(quarantine="unknown-topic: no topic of ThingsBoard's APIs")


def named(body: Any) -> str | None:
    """The name a plain object gives its device, by the keys of the connector's documentation."""
    if not isinstance(body, dict):
        return None
    for key in ("serialNumber", "deviceName", "device"):
        name = body.get(key)
        if isinstance(name, str) and 0 < len(name) <= _NAME_MAX:
            return name
    return None


def _body(message: Message, read: Callable[[Message, Any], Decoded]) -> Decoded:
    if not message.payload:
        return Decoded()
    try:
        body = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    return read(message, body)


def _device(message: Message, body: Any, name: str) -> Decoded:
    values = Values(message)
    values.batch(name, "", body)
    return values.decoded()


def _telemetry(message: Message, body: Any) -> Decoded:
    return _device(message, body, ME)


def _attributes(message: Message, body: Any) -> Decoded:
    values = Values(message, alarms=False)
    values.batch(ME, "", body)
    return values.decoded()


def _gateway(message: Message, body: Any) -> Decoded:
    return _devices(message, body, alarms=True)


def _gateway_attributes(message: Message, body: Any) -> Decoded:
    if isinstance(body, dict) and "device" in body:
        return Decoded()  # a shared attribute sent down: {"device", "data"}
    return _devices(message, body, alarms=False)


def _devices(message: Message, body: Any, *, alarms: bool) -> Decoded:
    if not isinstance(body, dict):
        return Decoded(quarantine="wrong-type: a gateway's message is an object of devices")
    values = Values(message, alarms=alarms)
    for name, batch in _few(body, values):
        if not 0 < len(name) <= _NAME_MAX:
            values.problem = values.problem or "wrong-value: a device's name has 1 to 255 characters"
        else:
            values.batch(name, name, batch)
    return values.decoded()


def _few(body: dict[str, Batch], values: Values) -> Iterator[tuple[str, Batch]]:
    if len(body) > DEVICES_MAX:
        values.problem = f"too-many: {len(body)} devices, at most {DEVICES_MAX}"
    yield from list(body.items())[:DEVICES_MAX]


def _gateway_rpc(message: Message, body: Any) -> Decoded:
    """A question to one of the gateway's devices, or the device's answer, which has no method."""
    if not isinstance(body, dict) or type(body.get("id")) is not int:
        return Decoded()
    name = body.get("device")
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MAX:
        return Decoded(quarantine="missing: the answer names no device")
    return _answered(message, name, body["id"], body.get("data"))


def _answered(message: Message, name: str, number: int, data: Any) -> Decoded:
    """A device's answer to a command: whatever it says but a failure means that it did it."""
    said = data if isinstance(data, dict) else {}
    error = said.get("error")
    failed = bool(error) or data is False or any(said.get(key) is False for key in ("success", "ok"))
    state = said.get("state")
    text = result(number, str(error or "") if failed else None, state if isinstance(state, str) else "")
    flags = int(Flag.RETAINED) if message.retained else 0
    return Decoded((Reading(point_id(device_id(message.source, name), "command_result"), text, None, flags),))


def _came(message: Message, body: Any, joined: bool) -> Decoded:
    """A device behind a gateway connected or went."""
    name = body.get("device") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MAX:
        return Decoded(quarantine="missing: the message names no device")
    flags = int(Flag.RETAINED) if message.retained else 0
    device = device_id(message.source, name)
    here = Reading(point_id(device, "availability"), "online" if joined else "offline", None, flags)
    if not joined:
        return Decoded((here,))
    return Decoded((Reading(point_id(device, "device_joined"), True, None, flags), here))


_TOPICS: Final[Mapping[str, Callable[[Message, Any], Decoded]]] = {
    **dict.fromkeys(("v1/devices/me/telemetry", "v2/t", "v2/t/j"), _telemetry),
    **dict.fromkeys(("v1/devices/me/attributes", "v2/a", "v2/a/j"), _attributes),
    "v1/gateway/telemetry": _gateway,
    "v1/gateway/attributes": _gateway_attributes,
    "v1/gateway/rpc": _gateway_rpc,
    "v1/gateway/connect": lambda message, body: _came(message, body, True),
    "v1/gateway/disconnect": lambda message, body: _came(message, body, False),
}
_OTHER: Final = (
    "v1/devices/me/attributes/", "v1/devices/me/rpc/", "v1/devices/me/claim", "v1/gateway/attributes/",
    "v1/gateway/claim", "v1/gateway/provision", "v2/a/", "v2/r/", "v2/fw/", "v2/sw/", "v2/t/p",
    "sensor/raw_data",
)  # fmt: skip
