"""RPC frames of a second-generation Shelly: notifications, answers, and what they teach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from devices.codec import Ask, Decoded, Learned, Message
from devices.codecs.shelly_gen2.blu import MOISTURE, OBJECTS, WEATHER, advert, mac, measured, virtual
from devices.codecs.shelly_gen2.components import INVALID, event, recognised, split, status
from devices.instants import clock_flags, from_ms
from devices.outcome import result
from devices.reading import METRICS, Flag, MetricClass, Reading, device_id, point_id
from devices.vocabulary import Meaning, quantity, short

LEARNED_MAX: Final = 8192
"""Prefixes and dynamic components remembered of one source; a gateway takes some fifty Bluetooth devices."""

COMPONENTS_MAX: Final = 256
"""Components read of one message: a device with every dynamic component it may have stays below."""

EVENTS_MAX: Final = 64

ASKER: Final = "csg"
"""Whom answers are for: they come on `csg/rpc`."""

_VIRTUAL: Final = frozenset(("boolean", "number", "enum", "text", "object"))
_UNSURE: Final = Decoded(quarantine="unknown-topic: no frame of a Shelly of the second generation")

Entry = list[Any]
"""What is remembered of a dynamic component: `[MAC, object id, index]`, `[MAC]` or `["", role, unit]`."""


class Said(msgspec.Struct):
    """What one message says: of whom, what, when. `others` are statements about Bluetooth devices, with their time."""

    device: str
    meanings: list[Meaning]
    at: int | None = None
    others: list[tuple[str, int | None, Meaning]] = []
    learned: dict[str, Any] = {}
    asks: list[Ask] = []
    problem: str | None = None


def prefix_key(prefix: str) -> str:
    """The context key that remembers who speaks under a prefix."""
    return f"device:{prefix}"


def component_key(device: str, component: str) -> str:
    """The context key that remembers what a dynamic component is."""
    return f"{component}@{device}"


def settle(said: Said, message: Message) -> Decoded:
    """The readings of what was said; of two statements for one point an active alarm wins, else the later one."""
    flags = int(Flag.RETAINED) if message.retained else 0
    found: dict[str, Reading] = {}
    rows = [(said.device, said.at, m) for m in said.meanings] + said.others
    for device, at, meant in rows:
        point = point_id(device_id(message.source, device), meant.metric, meant.channel)
        there = found.get(point)
        if there is not None and there.value is True and _alarm(meant.metric) and meant.value is not True:
            continue
        if meant.value is None and meant.flags & INVALID:
            said.problem = said.problem or f"unknown-word: {meant.metric} is neither yes nor no"
        bad = clock_flags(at, message.now) if at is not None else 0
        found[point] = Reading(point, meant.value, at, flags | bad | meant.flags)
    learned = [Learned(key, value) for key, value in said.learned.items()]
    return Decoded(list(found.values()), said.problem, learned=learned, asks=said.asks)


def _alarm(metric: str) -> bool:
    return METRICS[metric].klass is MetricClass.ALARM


def seconds(value: Any) -> int | None:
    """UTC milliseconds of a Unix time in seconds with a fraction; None for anything else, and for a clock never set."""
    if (type(value) is int or type(value) is float) and 0 < value < 1e12:
        return from_ms(round(value * 1000))
    return None


def _outcome(body: dict[str, Any]) -> str:
    """What became of a command: questions of ours have numbers, commands have texts for ids."""
    error = body.get("error")
    why = error.get("message") if isinstance(error, dict) else error
    return result(body["id"][:64], str(why) if "error" in body else None)


def component(
    context: Mapping[str, Any], message: Message, prefix: str, name: str, body: dict[str, Any]
) -> Decoded:
    """`<prefix>/status/<component>`: the whole status of one component."""
    number = name.partition(":")[2]
    if number and body.get("id", int(number)) != int(number):
        return _UNSURE
    if (name == "sys" and "mac" not in body) or (name == "wifi" and "sta_ip" not in body):
        return _UNSURE
    said = Said(context.get(prefix_key(prefix), prefix), [])
    _one(context, said, prefix, name, body, whole=True)
    return settle(said, message)


def frame(context: Mapping[str, Any], message: Message, body: dict[str, Any], prefix: str) -> Decoded:
    """One frame. `prefix` is what the topic of a notification begins with, empty for any other topic."""
    source, method = body.get("src"), body.get("method")
    if not isinstance(source, str) or not 0 < len(source) <= 200:
        return _UNSURE
    said = Said(source, [])
    if prefix and prefix != source and context.get(prefix_key(prefix)) != source:
        _learn(context, said, prefix_key(prefix), source)
    if type(body.get("id")) is str and body.get("dst") == ASKER and ("result" in body or "error" in body):
        said.meanings.append(Meaning("command_result", "", _outcome(body)))
    if "result" in body:
        _answer(context, said, body["result"])
    elif isinstance(method, str) and method.startswith("Notify"):
        params = body.get("params")
        if not isinstance(params, dict):
            return Decoded(quarantine="wrong-type: a notification has params")
        said.at = seconds(params.get("ts"))
        _notice(context, said, message, method, params, prefix or source)
    elif "error" not in body and not isinstance(method, str):
        return _UNSURE
    return settle(said, message)


def _notice(
    context: Mapping[str, Any],
    said: Said,
    message: Message,
    method: str,
    params: dict[str, Any],
    prefix: str,
) -> None:
    if method == "NotifyEvent":
        _events(context, said, message, params.get("events"))
        return
    if len(params) > COMPONENTS_MAX:
        said.problem = f"too-many: {len(params)} components, at most {COMPONENTS_MAX}"
    whole = method == "NotifyFullStatus"
    for name, body in list(params.items())[:COMPONENTS_MAX]:
        if isinstance(body, dict) and _named(name):
            _one(context, said, prefix, name, body, whole=whole)


def _named(name: str) -> bool:
    kind, _, number = name.partition(":")
    return (
        0 < len(kind) <= 32
        and kind.isascii()
        and (not number or (number.isascii() and number.isdecimal() and len(number) <= 5))
    )


def _one(
    context: Mapping[str, Any], said: Said, prefix: str, name: str, body: dict[str, Any], *, whole: bool
) -> None:
    """One component's status, of the device itself or of one behind it."""
    kind, _ = split(name)
    if kind == "bthomesensor":
        _sensor(context, said, prefix, name, body)
    elif kind == "bthomedevice":
        _device(context, said, name, body)
    elif kind in _VIRTUAL:
        entry = _entry(context, said, name)
        if entry is not None and len(entry) == 3 and "value" in body:  # ["", role, unit]
            meant = virtual(str(entry[1]), str(entry[2]), body["value"])
            said.meanings += [meant] if meant is not None else []
    else:
        said.meanings += status(name, body, whole=whole)


def _sensor(context: Mapping[str, Any], said: Said, prefix: str, name: str, body: dict[str, Any]) -> None:
    """One sensor of a Bluetooth device. What it measures must have been learned, else it is asked for."""
    if "value" not in body:
        return  # a press of a button comes as an event
    entry = _entry(context, said, name)
    if entry is None or len(entry) != 3 or not isinstance(entry[1], int):
        said.problem = said.problem or f"unknown-component: {name} has not said what it measures; asked"
        number = body.get("id")
        if type(number) is int and prefix:
            question = {
                "id": number, "src": ASKER, "method": "BTHomeSensor.GetConfig", "params": {"id": number},
            }  # fmt: skip
            said.asks.append(Ask(f"{prefix}/rpc", msgspec.json.encode(question)))
        return
    address, object_id, index = entry
    if object_id == MOISTURE and _outdoors(context, address):
        return
    meant = measured(object_id, index if isinstance(index, int) else 0, body["value"])
    if meant is not None:
        said.others.append((address, seconds(body.get("last_updated_ts")) or said.at, meant))


def _outdoors(context: Mapping[str, Any], address: str) -> bool:
    """Whether a device measures the weather, so that being wet says nothing of a leak."""
    return any(
        isinstance(e, list) and len(e) == 3 and e[0] == address and e[1] in WEATHER for e in context.values()
    )


def _device(context: Mapping[str, Any], said: Said, name: str, body: dict[str, Any]) -> None:
    """A Bluetooth device as such: its battery and how well it is heard. Unlearned it is a channel of the gateway."""
    entry = _entry(context, said, name)
    at = seconds(body.get("last_updated_ts")) or said.at
    channel = "" if entry else name
    for key, metric in (("battery", "battery"), ("rssi", "rssi")):
        value = body.get(key)
        if type(value) is int or type(value) is float:
            meant = quantity(metric, channel, value)
            said.others.append((entry[0] if entry else said.device, at, meant))
    if "errors" in body:
        errors = body["errors"]
        meant = Meaning("fault", channel, bool(errors))
        said.others.append((entry[0] if entry else said.device, at, meant))


def _entry(context: Mapping[str, Any], said: Said, name: str) -> Entry | None:
    key = component_key(said.device, name)
    entry = said.learned.get(key) or context.get(key)
    return entry if isinstance(entry, list) and entry else None


def _events(context: Mapping[str, Any], said: Said, message: Message, events: Any) -> None:
    if not isinstance(events, list):
        said.problem = "wrong-type: a NotifyEvent has a list of events"
        return
    for each in events[:EVENTS_MAX]:
        if not isinstance(each, dict):
            continue
        name, happened = each.get("component"), each.get("event")
        if not isinstance(name, str) or not isinstance(happened, str) or not _named(name):
            continue
        at = seconds(each.get("ts")) or said.at
        data = each.get("data")
        if happened == "shelly-blu" and isinstance(data, dict):
            heard = advert(message, data, None)
            said.problem = said.problem or heard.quarantine
            said.others += _again(heard, at, message)
            continue
        entry = _entry(context, said, name) if name.startswith("bthome") else None
        for meant in event(name, happened, each.get("idx")):
            said.others.append((entry[0] if entry else said.device, at, _without(meant, entry)))
    if len(events) > EVENTS_MAX:
        said.problem = f"too-many: {len(events)} events, at most {EVENTS_MAX}"


def _without(meant: Meaning, entry: Entry | None) -> Meaning:
    """A button of a Bluetooth device known by its address does not go by the gateway's number for it."""
    if entry is None:
        return meant
    index = entry[2] if len(entry) == 3 and isinstance(entry[2], int) else 0
    channel = meant.channel if len(meant.channel) < 3 else str(index) if index else ""
    return Meaning(meant.metric, channel, meant.value, meant.flags)


def _again(heard: Decoded, at: int | None, message: Message) -> Iterator[tuple[str, int | None, Meaning]]:
    for reading in heard.readings:
        device, metric, channel = reading.point.rsplit("/", 2)
        meant = Meaning(metric, channel, reading.value, reading.flags & INVALID)
        yield device.removeprefix(f"{message.source}:"), at, meant


def _answer(context: Mapping[str, Any], said: Said, result: Any) -> None:
    """An answer: a status or a configuration, of one component or of all. It does not say to which question."""
    if not isinstance(result, dict):
        return
    listed = result.get("components")
    if isinstance(listed, list):
        items = [i for i in listed[:COMPONENTS_MAX] if isinstance(i, dict) and isinstance(i.get("key"), str)]
        for item in items:  # configurations first: they say what the values mean
            _configured(context, said, item["key"], item.get("config"))
        for item in items:
            if isinstance(item.get("status"), dict) and _named(item["key"]):
                _one(context, said, "", item["key"], item["status"], whole=True)
        return
    objects = result.get("objects")
    if isinstance(objects, list):
        _objects(context, said, result.get("id"), objects)
        return
    if any(isinstance(v, dict) and (":" in k or k == "sys") for k, v in result.items()):
        for name, body in list(result.items())[:COMPONENTS_MAX]:
            if isinstance(body, dict) and _named(name):
                _configured(context, said, name, body)
                if "name" not in body:
                    _one(context, said, "", name, body, whole=True)
        return
    if "obj_id" in result or "addr" in result:
        kind = "bthomesensor" if "obj_id" in result else "bthomedevice"
        _configured(context, said, f"{kind}:{result.get('id')}", result)
        return
    name = recognised(said.device, result)
    if name is not None:
        said.meanings += status(name, result, whole=True)


def _objects(context: Mapping[str, Any], said: Said, number: Any, objects: list[Any]) -> None:
    """`BTHomeDevice.GetKnownObjects`: which component stands for which object of a device."""
    entry = _entry(context, said, f"bthomedevice:{number}")
    for each in objects[:COMPONENTS_MAX]:
        if entry and isinstance(each, dict) and isinstance(each.get("component"), str):
            _configured(context, said, each["component"], {"addr": entry[0], **each})


def _configured(context: Mapping[str, Any], said: Said, name: str, config: Any) -> None:
    """Learns what a dynamic component is from its configuration."""
    if not isinstance(config, dict) or not _named(name) or ":" not in name:
        return
    kind = name.partition(":")[0]
    address = mac(config.get("addr"))
    entry: Entry | None = None
    if kind == "bthomesensor" and address:
        object_id, index = config.get("obj_id"), config.get("idx")
        if type(object_id) is int and (object_id in OBJECTS or object_id in WEATHER or 0 <= object_id < 256):
            entry = [address, object_id, index if type(index) is int and 0 <= index < 1000 else 0]
    elif kind == "bthomedevice" and address:
        entry = [address]
    elif kind in _VIRTUAL and isinstance(config.get("role"), str):
        entry = ["", short(config["role"])[:64], _unit(config)]
    if entry is not None and context.get(component_key(said.device, name)) != entry:
        _learn(context, said, component_key(said.device, name), entry)


def _unit(config: Mapping[str, Any]) -> str:
    meta = config.get("meta")
    ui = meta.get("ui") if isinstance(meta, dict) else None
    unit = ui.get("unit") if isinstance(ui, dict) else None
    return unit[:16] if isinstance(unit, str) else ""


def _learn(context: Mapping[str, Any], said: Said, key: str, value: Any) -> None:
    if key in context or len(context) + len(said.learned) < LEARNED_MAX:
        said.learned[key] = value
