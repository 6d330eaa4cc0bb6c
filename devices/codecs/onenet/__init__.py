"""China Mobile OneNET: what its HTTP push sends, of the NB-IoT suite and of OneNET Studio's thing models.

Sources: open.iot.10086.cn, "HTTP推送" (NB-IoT suite, development guide; OneNET Studio, data push) and "消息源格式".

- The platform checks an address with GET `?msg=&nonce=&signature=` and wants `msg` back; it pushes with POST
  `{"msg", "nonce", "signature" or "msg_signature", "time", "id"}` and tries 16 times within 2 h 45 min until it is
  answered 200 within 5 s. `signature` is base64(md5(token + nonce + msg)); the source's key is the token, and nothing
  without the right signature is taken.
- `msg` is a text of JSON, an object, or a list of them: a data point (`type` 1), online and offline (2), an answer to a
  command (7); or `messageType` notify (`notifyType` property, event), lifeCycle, reply, lbsAndWifi, sceneLog.
- Pushes in secure mode (安全模式) are opened at the door where the key of the source holds their AES key (`secure.py`);
  without it they are set aside as `encrypted`.
- A device is named `<product>/<device name>` as the platform has it, else by its IMEI, else by its `dev_id`.
- A product's values are read by its profile, by LwM2M's own resources (`3303_0_5700`), or by their words; a resource
  5750 holds a device's own payload and needs a profile (its payload is the object `{"3200_0_5750": "..."}`).
- An event by the name of an alarm or a fault is that, where its values do not say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import msgspec

from devices.codec import Decoded, Message, Topic
from devices.codecs.onenet.commands import command as command
from devices.codecs.onenet.commands import request as request
from devices.codecs.onenet.door import admit as admit
from devices.codecs.onenet.examples import EXAMPLES as EXAMPLES
from devices.inner import Gathered, Inner, Origin, inner, inner_by, name_of, profile_for, spoken
from devices.inner_words import event_of
from devices.instants import from_ms
from devices.ipso import BATTERY_STATUS, RAW, UNIT, parts, resource
from devices.reading import Reading
from devices.vocabulary import Meaning, short, understand

TOPICS: Sequence[Topic] = (Topic("onenet/#"),)

SIGNED: Final = True
"""`admit` proves the sender by the signature."""

PROFILED: Final = True
"""Wants the profiles in its context."""

MESSAGES_MAX: Final = 256
"""Messages read of one push. The platform packs what comes within seconds; a push of 64 KiB holds some 300."""

_SEALED: Final = Decoded(
    quarantine="encrypted: this push is in secure mode; put its AES key into the source's key or choose 明文模式"
)
_json: Final = msgspec.json.Decoder()


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one push."""
    try:
        body = _json.decode(message.payload)
        if isinstance(body, dict) and isinstance(body.get("msg"), str):
            if body["msg"].lstrip()[:1] not in {"{", "["}:
                return _SEALED
            body = {**body, "msg": _json.decode(body["msg"])}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    if not isinstance(body, dict):
        return Decoded(quarantine="wrong-type: a push is an object")
    if "enc_msg" in body:
        return _SEALED
    msg = body.get("msg", body)  # a queue's subscriber hands the message on without its envelope
    gathered = Gathered()
    for one in msg[:MESSAGES_MAX] if isinstance(msg, list) else [msg]:
        gathered.add(_message(context, message, one))
    if isinstance(msg, list) and len(msg) > MESSAGES_MAX:
        gathered.problem = gathered.problem or f"too-many: {len(msg)} messages, at most {MESSAGES_MAX}"
    unique = name_of(body.get("id"))[:64] if "msg" in body else ""
    sequence = f"{unique}/{crc32(message.payload):08x}" if unique else None
    return Decoded(gathered.readings, gathered.problem, sequence)


def _message(context: Mapping[str, Any], message: Message, msg: Any) -> Inner:
    if not isinstance(msg, dict):
        return Inner((), "wrong-type: a message is an object")
    kind = msg.get("messageType", msg.get("type"))
    if kind in _SILENT:
        return Inner()
    native = _native(msg)
    if not native:
        return Inner((), "missing: no device name, IMEI or dev_id")
    origin = Origin(context, message, "onenet", _product(msg), native)
    if kind in (1, "1"):
        return _point(origin, msg)
    if kind in (2, "2"):
        state = {"0": "offline", "1": "online"}.get(str(msg.get("status")))
        return _online(origin, state, from_ms(msg.get("at")))
    data = msg.get("data")
    if isinstance(kind, str) and kind.lower() == "lifecycle" and isinstance(data, dict):
        status = data.get("status")
        at = from_ms(data.get("time", msg.get("timestamp")))
        return _online(origin, status if status in ("online", "offline") else None, at)
    if kind == "notify" and isinstance(data, dict) and isinstance(data.get("params"), dict):
        return _notified(origin, data["params"], msg.get("notifyType") == "event")
    alive = spoken(message, native, "heartbeat", True)
    return Inner((alive,), f"unknown-kind: messageType {short(repr(kind))[:64]}")


_SILENT: Final = (7, "7", "reply", "lbsAndWifi", "sceneLog")
"""Answers to commands, places told by radio masts, and the platform's own scenes say nothing of a device's state."""


def _product(msg: Mapping[str, Any]) -> str:
    return name_of(msg.get("productId")) or name_of(msg.get("pid"))


def _native(msg: Mapping[str, Any]) -> str:
    product = _product(msg)
    name = name_of(msg.get("deviceName")) or name_of(msg.get("dev_name"))
    if product and name:
        return f"{product}/{name}"
    return name_of(msg.get("imei")) or name or name_of(msg.get("dev_id")) or name_of(msg.get("deviceId"))


def _online(origin: Origin, state: str | None, at: int | None) -> Inner:
    if state is None:
        alive = spoken(origin.message, origin.native, "heartbeat", True, at)
        return Inner((alive,), "wrong-value: status is neither online nor offline")
    return Inner((spoken(origin.message, origin.native, "availability", state, at),))


def _point(origin: Origin, msg: Mapping[str, Any]) -> Inner:
    """One data point of a data stream."""
    return _values(origin, {name_of(msg.get("ds_id")): msg.get("value")}, from_ms(msg.get("at")))


def _notified(origin: Origin, params: Mapping[str, Any], event: bool) -> Inner:
    """Properties, or events with their output: identifier -> `{"value", "time"}`. Equal times are read together, so
    that a profile sees the whole of what was measured at once."""
    gathered = Gathered()
    for at, values in _by_time(params):
        if not event:
            gathered.add(_values(origin, values, at))
            continue
        for name, value in values.items():
            wrapped = params.get(name)
            serious = isinstance(wrapped, dict) and wrapped.get("eventType") != "info"
            gathered.add(_event(origin, name, value, at, serious))
    return Inner(gathered.readings, gathered.problem)


def _by_time(params: Mapping[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    times: dict[int | None, dict[str, Any]] = {}
    for name, item in params.items():
        wrapped = isinstance(item, dict) and "value" in item
        times.setdefault(from_ms(item.get("time")) if wrapped else None, {})[name] = (
            item["value"] if wrapped else item
        )
    return iter(times.items())


def _event(origin: Origin, name: str, value: Any, at: int | None, serious: bool) -> Inner:
    """An event's output. One that is called after an alarm and says nothing else of it is the alarm itself."""
    found = inner(origin, value if isinstance(value, dict) else {"value": value}, name, at)
    metric = event_of(name)
    if found.profiled or metric is None or not serious:
        return found
    told = any(f"/{metric}/" in r.point for r in found.readings)
    alarm = spoken(origin.message, origin.native, metric, True, at)
    kept = tuple(r for r in found.readings if not r.point.endswith("/heartbeat/"))
    return found if told else Inner((alarm, *kept), None if not kept else found.problem)


def _values(origin: Origin, values: dict[str, Any], at: int | None) -> Inner:
    """Values by the names of their properties or data streams."""
    profile = profile_for(origin, values)
    streams = {name: parts(name) for name in values}
    if profile is not None or not any(streams.values()):
        return inner_by(origin, profile, values, at)
    readings: list[Reading] = []
    left: dict[str, Any] = {}
    problem = None
    for name, value in values.items():
        named = streams[name]
        if named is None:
            left[name] = value
        elif named[2] == RAW and isinstance(value, str) and value:
            product = origin.product[:64] or "unknown"
            problem = problem or f"no-profile: {name} says {short(value)[:64]}; product {product}"
        else:
            unit = values.get(f"{named[0]}_{named[1]}_{UNIT}")
            readings += [
                _reading(origin, m, at) for m in _resource(name, value, unit if isinstance(unit, str) else "")
            ]
    if left:
        rest = inner(origin, left, "", at)
        readings += [r for r in rest.readings if not (readings and r.point.endswith("/heartbeat/"))]
        problem = problem or (rest.problem if len(left) > 1 or not readings else None)
    if not readings:
        readings.append(spoken(origin.message, origin.native, "heartbeat", True, at))
    return Inner(tuple(readings), problem)


def _resource(name: str, value: Any, unit: str) -> list[Meaning]:
    named = parts(name)
    if named is not None and (named[0], named[2]) == BATTERY_STATUS:
        if type(value) is not int or not 0 <= value <= 4:
            return [Meaning("battery_low", "", None)]
        return [Meaning("battery_low", "", value == 4), Meaning("battery_defect", "", value == 3)]
    meant = resource(name)
    return understand(meant, value, unit) if meant is not None else []


def _reading(origin: Origin, meaning: Meaning, at: int | None) -> Reading:
    reading = spoken(origin.message, origin.native, meaning.metric, meaning.value, at, meaning.channel)
    return msgspec.structs.replace(reading, flags=reading.flags | meaning.flags) if meaning.flags else reading
