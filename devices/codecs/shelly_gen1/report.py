"""What a first-generation Shelly says all at once: `info`, the motion sensor's `status`, `announce`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Learned, Message
from devices.codecs.shelly_gen1.values import (
    INVALID,
    WATT_MINUTES,
    answer,
    door,
    external,
    gas,
    level,
    operation,
    reasons,
    scaled,
    unit_key,
    valve,
)
from devices.instants import clock_flags, from_ms
from devices.reading import METRICS, MetricClass, Reading
from devices.vocabulary import Meaning, quantity, short

LEARNED_MAX: Final = 4096
"""Devices remembered to measure in Fahrenheit: more than one broker of an estate has."""

_MANY: Final = 8  # relays, meters, inputs of one device: the richest has four
_json: Final = msgspec.json.Decoder()


def announce(message: Message, name: str) -> Decoded:
    """A device says that it is there: `{"id", "model", "mac", "ip", "fw_ver"}`."""
    body = _object(message)
    if isinstance(body, Decoded):
        return body
    given = body.get("id")
    name = name or (given if isinstance(given, str) else "")
    if not 0 < len(name) <= 200:
        return Decoded(quarantine="missing: the announcement names no device")
    return answer(name, (Meaning("device_announce", "", True),), message)


def report(context: Mapping[str, Any], message: Message, name: str) -> Decoded:
    """Readings of a whole report; parts nobody knows (clouds, actions, settings) say nothing."""
    body = _object(message)
    if isinstance(body, Decoded):
        return body
    at = from_ms(_seconds(body.get("unixtime")))
    flags = clock_flags(at, message.now) if at is not None else 0
    found: dict[tuple[str, str], Meaning] = {}
    for said in _all(body):
        there = found.get((said.metric, said.channel))
        # `relays` and `meters` both tell of overpower: what is active counts.
        if there is None or (said.value is True and METRICS[said.metric].klass is MetricClass.ALARM):
            found[said.metric, said.channel] = said
    decoded = answer(name, found.values(), message, at)
    readings = [
        _at_motion(Reading(r.point, r.value, r.measured_at, r.flags | flags), body, message)
        for r in decoded.readings
    ]
    return Decoded(readings, decoded.quarantine, learned=_units(context, body, name))


def _object(message: Message) -> dict[str, Any] | Decoded:
    if not message.payload:
        return Decoded()
    try:
        body = _json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    return body if isinstance(body, dict) else Decoded(quarantine="wrong-type: a report is an object")


def _seconds(value: Any) -> Any:
    return value * 1000 if type(value) is int and 0 < value < 1 << 40 else None


def _at_motion(reading: Reading, body: Mapping[str, Any], message: Message) -> Reading:
    """The motion sensor's `timestamp` is when it last saw motion, so it dates motion and nothing else."""
    at = from_ms(_seconds(body.get("timestamp")))
    if at is None or reading.value is not True or not reading.point.endswith("/motion/"):
        return reading
    return Reading(reading.point, True, at, reading.flags | clock_flags(at, message.now))


def _units(context: Mapping[str, Any], body: Mapping[str, Any], name: str) -> Sequence[Learned]:
    tmp = body.get("tmp")
    unit = tmp.get("units") if isinstance(tmp, dict) else None
    key = unit_key(name)
    if unit == "F" and context.get(key) != "F" and len(context) < LEARNED_MAX:
        return (Learned(key, "F"),)
    return (Learned(key, None),) if unit == "C" and key in context else ()


_LEVELS: Final = (
    ("smoke", "smoke"),
    ("flood", "water_leak"),
    ("motion", "motion"),
    ("vibration", "vibration"),
    ("tamper", "tamper"),
    ("active", "detection_enabled"),
    ("charger", "mains_power"),
    ("ext_power", "mains_power"),
    ("sensor_error", "fault"),
    ("overtemperature", "overtemp"),
    ("overload", "overpower"),
    ("loaderror", "fault"),
)


def _all(body: Mapping[str, Any]) -> Iterator[Meaning]:
    yield from _sensors(body)
    yield from _gas(body)
    yield from _climate(body)
    yield from _electrical(body)
    wifi = body.get("wifi_sta")
    if isinstance(wifi, dict) and wifi.get("connected") is not False:
        yield from _number("rssi", "", wifi.get("rssi"), "dBm", nothing=(0,))


def _sensors(body: Mapping[str, Any]) -> Iterator[Meaning]:
    for key, metric in _LEVELS:
        if key in body:
            yield from _level(metric, body[key])
    sensor = body.get("sensor")
    if isinstance(sensor, dict):
        if isinstance(sensor.get("state"), str):
            yield from door(sensor["state"]) or ()
        for key, metric in (
            ("motion", "motion"),
            ("vibration", "vibration"),
            ("active", "detection_enabled"),
        ):
            if key in sensor:
                yield from _level(metric, sensor[key])
    accel = body.get("accel")
    if isinstance(accel, dict):
        yield from _number("angle", "", accel.get("tilt"), "deg", nothing=(-1,))
        if "vibration" in accel:
            yield from _level("vibration", accel["vibration"])
    given = body.get("act_reasons")
    if isinstance(given, list):
        yield from reasons(given)


def _gas(body: Mapping[str, Any]) -> Iterator[Meaning]:
    gases = body.get("gas_sensor")
    if isinstance(gases, dict):
        for key, read in (("alarm_state", gas), ("sensor_state", operation)):
            if isinstance(gases.get(key), str):
                yield from read(gases[key]) or ()
        if isinstance(gases.get("self_test_state"), str):
            yield Meaning("self_test", "", short(gases["self_test_state"]))
    for index, each in _listed(body.get("valves")):
        if isinstance(each.get("state"), str):
            for said in valve(each["state"]) or ():
                yield Meaning(said.metric, said.channel or index, said.value, said.flags)


_BLOCKS: Final = (
    # block, where its number stands, metric, unit, no reading
    ("hum", "value", "humidity", "%", (999, -1)),
    ("lux", "value", "illuminance", "lx", (-1,)),
    ("bat", "value", "battery", "%", (-1,)),
    ("bat", "voltage", "battery_voltage", "V", (-1,)),
    ("concentration", "ppm", "gas_ppm", "ppm", (-1,)),
)


def _climate(body: Mapping[str, Any]) -> Iterator[Meaning]:
    """Blocks of one quantity each, some plain numbers in the motion sensor's short form."""
    valid = [b["is_valid"] for k in ("tmp", "hum", "lux", "sensor", "concentration")
             if isinstance(b := body.get(k), dict) and isinstance(b.get("is_valid"), bool)]  # fmt: skip
    if valid:
        yield Meaning("sensor_valid", "", all(valid))
    tmp = body.get("tmp")
    if isinstance(tmp, dict):
        # A switch has `tmp` too: its own, beside what says whether that is too high.
        metric = "device_temperature" if "overtemperature" in body else "temperature"
        unit = "F" if tmp.get("units") == "F" else "C"
        value = tmp.get("value", tmp.get("tC"))
        if tmp.get("is_valid") is False:
            yield Meaning(metric, "", None)
        else:
            yield from _number(metric, "", value, unit if "value" in tmp else "C", nothing=(999,))
    for key, inner, metric, unit, nothing in _BLOCKS:
        block = body.get(key)
        if not isinstance(block, dict):
            block = {"value": block}
        if block.get("is_valid") is False:
            yield Meaning(metric, "", None)
        else:
            yield from _number(metric, "", block.get(inner), unit, nothing=nothing)
    for key in ("ext_temperature", "ext_humidity"):
        if isinstance(body.get(key), dict):
            yield from external(body[key])


def _electrical(body: Mapping[str, Any]) -> Iterator[Meaning]:
    for index, relay in _listed(body.get("relays")):
        if isinstance(relay.get("ison"), bool):
            yield Meaning("relay", index, relay["ison"])
        if isinstance(relay.get("overpower"), bool):
            yield Meaning("overpower", index, relay["overpower"])
    for index, meter in _listed(body.get("meters")):
        if meter.get("is_valid") is not False:
            yield from _number("power", index, meter.get("power"), "W", nothing=(-1,))
            yield from _number("energy", index, meter.get("total"), factor=WATT_MINUTES, nothing=(-1,))
    for index, meter in _listed(body.get("emeters")):
        if meter.get("is_valid") is False:
            continue
        for key, metric, unit in (
            ("power", "power", "W"), ("reactive", "reactive_power", "VAR"), ("voltage", "voltage", "V"),
            ("current", "current", "A"), ("total", "energy", "Wh"),
        ):  # fmt: skip
            yield from _number(metric, index, meter.get(key), unit)
    neutral = body.get("emeter_n")
    if isinstance(neutral, dict) and neutral.get("is_valid") is not False:
        yield from _number("neutral_current", "", neutral.get("current"), "A", nothing=(-1,))
    for index, each in _listed(body.get("inputs")):
        yield from _level("digital_input", each.get("input"), index)
    for index, each in _listed(body.get("adcs")):
        yield from _number("voltage", index, each.get("voltage"), "V", nothing=(-1,))
    yield from _number("voltage", "", body.get("voltage"), "V", nothing=(-1,))


def _listed(blocks: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The blocks of a list with their channel; the first has none."""
    if isinstance(blocks, list):
        for index, block in enumerate(blocks[:_MANY]):
            if isinstance(block, dict):
                yield str(index) if index else "", block


def _level(metric: str, value: Any, channel: str = "") -> Iterator[Meaning]:
    said = level(metric, value)
    if said is not None:
        yield Meaning(metric, channel, said.value)
    elif value is not None and METRICS[metric].klass is MetricClass.ALARM:
        yield Meaning(metric, channel, None, INVALID)


def _number(
    metric: str,
    channel: str,
    value: Any,
    unit: str = "",
    *,
    nothing: tuple[float, ...] = (),
    factor: float = 1.0,
) -> Iterator[Meaning]:
    if type(value) is not int and type(value) is not float:
        return
    if value in nothing:
        yield Meaning(metric, channel, None)
    else:
        yield quantity(metric, channel, scaled(value, factor), unit)
