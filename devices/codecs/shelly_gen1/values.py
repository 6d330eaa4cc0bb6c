"""What a first-generation Shelly says on topics of one value each, and how such a value is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Message
from devices.reading import Flag, Reading, Value, device_id, point_id
from devices.vocabulary import HUGE, Meaning, number_in, quantity, short
from devices.words import switch

INVALID: Final = int(Flag.INVALID)
_json: Final = msgspec.json.Decoder()

Read = Callable[[str, str], Sequence[Meaning] | None]
"""Reads a value's text, given the unit learned of the device; None for a text that cannot be such a value."""

_NOTHING: Final = frozenset(("unknown", "null", "nan", "-1", "", "undefined"))

# Energy counters of relays and lamps count watt-minutes.
WATT_MINUTES: Final = 1 / 60_000


def unit_key(name: str) -> str:
    """The context key that remembers a device's unit of temperature."""
    return f"unit:{name}"


def answer(name: str, said: Iterable[Meaning], message: Message, at: int | None = None) -> Decoded:
    """The readings of what a device said. An alarm nobody could read is set aside besides."""
    flags = int(Flag.RETAINED) if message.retained else 0
    device = device_id(message.source, name)
    odd = None
    readings = []
    for each in said:
        if each.value is None and each.flags & INVALID:
            odd = f"unknown-word: {each.metric} says {short(message.payload.decode('utf-8', 'replace'))[:64]}"
        readings.append(
            Reading(point_id(device, each.metric, each.channel), each.value, at, flags | each.flags)
        )
    return Decoded(readings, odd)


def level(metric: str, said: Any) -> Meaning | None:
    """A yes or no in any of the ways firmwares write it; no reading for -1; None for what is neither."""
    if type(said) is bool:
        return Meaning(metric, "", said)
    if type(said) is int or type(said) is float:
        return Meaning(metric, "", said != 0 if said >= 0 else None)
    if type(said) is not str:
        return None
    text = said.strip().casefold()
    return Meaning(metric, "", None) if text in _NOTHING else _switched(metric, text)


def _switched(metric: str, text: str) -> Meaning | None:
    value = switch(text)
    return None if value is None else Meaning(metric, "", value)


def _level(metric: str, *, alarm: bool = False) -> Read:
    def read(text: str, unit: str) -> Sequence[Meaning] | None:
        said = level(metric, text)
        if said is not None:
            return (said,)
        return (Meaning(metric, "", None, INVALID),) if alarm else None

    return read


def _number(metric: str, unit: str = "", *, nothing: tuple[float, ...] = (), factor: float = 1.0) -> Read:
    def read(text: str, learned: str) -> Sequence[Meaning] | None:
        value = number_in(text)
        if value is None:
            return (Meaning(metric, "", None),) if text.casefold() in _NOTHING else None
        if value in nothing:
            return (Meaning(metric, "", None),)
        given = learned if metric == "temperature" and learned else unit
        return (quantity(metric, "", scaled(value, factor), given),)

    return read


def scaled(value: float, factor: float) -> float:
    """The number times a factor, without the crumbs of binary fractions; what is too big to store stays too big."""
    return round(value * factor, 9) if factor != 1.0 and -HUGE < value < HUGE else value


def gas(text: str, unit: str = "") -> Sequence[Meaning] | None:
    """`none`, `mild`, `heavy`, `test` or `unknown`: a test is no alarm, and during one nothing is known of gas."""
    word = text.casefold()
    if word == "test":
        return (Meaning("test", "", True), Meaning("gas_level", "", word))
    if word in _NOTHING:
        return (Meaning("gas", "", None), Meaning("gas_level", "", None))
    if word not in {"none", "mild", "heavy"}:
        return (Meaning("gas", "", None, INVALID),)
    return (Meaning("gas", "", word != "none"), Meaning("gas_level", "", word), Meaning("test", "", False))


def operation(text: str, unit: str = "") -> Sequence[Meaning] | None:
    """`warmup`, `normal`, `fault` or `unknown`: what the gas sensor is doing."""
    word = text.casefold()
    if word in _NOTHING:
        return (Meaning("fault", "", None), Meaning("warmup", "", None))
    if word not in {"warmup", "normal", "fault"}:
        return None
    return (Meaning("fault", "", word == "fault"), Meaning("warmup", "", word == "warmup"))


def valve(text: str, unit: str = "") -> Sequence[Meaning] | None:
    """Only `opened` and `closed` are positions; a valve on its way, unplugged or broken is in neither."""
    word = text.casefold()
    if word in {"opened", "closed"}:
        return (Meaning("valve_open", "", word == "opened"), Meaning("fault", "valve", False))
    if word in {"opening", "closing", "checking", "not_connected", "unknown"}:
        return (Meaning("valve_open", "", None),)
    return (Meaning("valve_open", "", None), Meaning("fault", "valve", True)) if word == "failure" else None


def door(text: str, unit: str = "") -> Sequence[Meaning] | None:
    """`open` or `close`."""
    word = text.casefold()
    if word in {"open", "close", "closed"}:
        return (Meaning("door_open", "", word == "open"),)
    return (Meaning("door_open", "", None),) if word in _NOTHING else None


def _relay(text: str, unit: str) -> Sequence[Meaning] | None:
    """`on`, `off`, or `overpower`: switched off by the device, for too much was drawn."""
    word = text.casefold()
    if word not in {"on", "off", "overpower"}:
        return None
    return (Meaning("relay", "", word == "on"), Meaning("overpower", "", word == "overpower"))


def _stopped(text: str, unit: str) -> Sequence[Meaning] | None:
    word = text.casefold()
    if word not in {"normal", "safety_switch", "obstacle", "overpower"}:
        return None
    return (Meaning("obstructed", "", word == "obstacle"), Meaning("overpower", "", word == "overpower"))


def _online(text: str, unit: str) -> Sequence[Meaning] | None:
    value = switch(text)
    return None if value is None else (Meaning("availability", "", "online" if value else "offline"),)


def _self_test(text: str, unit: str) -> Sequence[Meaning] | None:
    return (Meaning("self_test", "", None if text.casefold() in _NOTHING else short(text)),)


_POWER: Final = _number("power", "W", nothing=(-1,))
_ENERGY: Final = _number("energy", factor=WATT_MINUTES, nothing=(-1,))

SCALARS: Final[Mapping[str, Read]] = {
    "online": _online,
    "sensor/smoke": _level("smoke", alarm=True),
    "sensor/flood": _level("water_leak", alarm=True),
    "sensor/gas": gas,
    "sensor/operation": operation,
    "sensor/self_test": _self_test,
    "sensor/concentration": _number("gas_ppm", "ppm", nothing=(-1,)),
    "sensor/state": door,
    "sensor/motion": _level("motion"),
    "sensor/vibration": _level("vibration"),
    "sensor/active": _level("detection_enabled"),
    "sensor/tilt": _number("angle", "deg", nothing=(-1,)),
    "sensor/lux": _number("illuminance", "lx", nothing=(-1,)),
    "sensor/temperature": _number("temperature", "C", nothing=(999,)),
    "sensor/humidity": _number("humidity", "%", nothing=(999, -1)),
    "sensor/battery": _number("battery", "%", nothing=(-1,)),
    "sensor/error": _level("fault"),
    "sensor/charger": _level("mains_power"),
    "sensor/ext_power": _level("mains_power"),
    "sensor/extInput": _level("digital_input"),
    "valve/state": valve,
    "relay": _relay,
    "relay/power": _POWER,
    "relay/energy": _ENERGY,
    "light/power": _POWER,
    "light/energy": _ENERGY,
    "roller/power": _POWER,
    "roller/energy": _ENERGY,
    "roller/stop_reason": _stopped,
    "power": _POWER,
    "energy": _ENERGY,
    "emeter/power": _number("power", "W"),  # below nothing: a roof that feeds in
    "emeter/reactive_power": _number("reactive_power", "VAR"),
    "emeter/voltage": _number("voltage", "V", nothing=(-1,)),
    "emeter/current": _number("current", "A", nothing=(-1,)),
    "emeter/total": _number("energy", "Wh", nothing=(-1,)),
    "emeter_n/current": _number("neutral_current", "A", nothing=(-1,)),
    "voltage": _number("voltage", "V", nothing=(-1,)),
    "adc": _number("voltage", "V", nothing=(-1,)),
    "temperature": _number("device_temperature", "C", nothing=(999,)),
    "overtemperature": _level("overtemp", alarm=True),
    "overload": _level("overpower", alarm=True),
    "loaderror": _level("fault"),
    "input": _level("digital_input"),
    "ext_switch": _level("digital_input"),
    "ext_temperature": _number("temperature", "C", nothing=(999,)),
    "ext_humidity": _number("humidity", "%", nothing=(999, -1)),
}
"""Topics by what they are about (the index taken out). Topics absent here say nothing the house keeps."""

PRESSES: Final = {
    "S": "short",
    "SS": "double",
    "SSS": "triple",
    "L": "long",
    "SL": "short_long",
    "LS": "long_short",
}
JSON: Final = frozenset((
    "input_event", "sensor/act_reasons", "ext_temperatures", "ext_humidities",
))  # fmt: skip


def said_json(kind: str, channel: str, text: str, name: str, message: Message) -> Decoded:
    """The topics below a device that carry an object or a list."""
    try:
        body = _json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return Decoded(quarantine=f"not-json: {error}")
    said: list[Meaning] = []
    if kind == "input_event" and isinstance(body, dict):
        said = [Meaning("button", channel, press(body.get("event")))]
    elif kind == "sensor/act_reasons" and isinstance(body, list):
        said = [*reasons(body)]
    elif isinstance(body, dict):
        said = [*external(body)]
    else:
        return Decoded(quarantine=f"wrong-type: {kind} of another shape")
    return answer(name, said, message)


def press(event: Any) -> Value:
    """How a button was pressed, None for the empty event of a button not pressed since it started."""
    return PRESSES.get(event, short(event)) or None if isinstance(event, str) else None


def reasons(body: Sequence[Any]) -> Iterable[Meaning]:
    """Why the device woke: the first reason of its list."""
    if body and isinstance(body[0], str):
        yield Meaning("wakeup_reason", "", None if body[0] == "unknown" else short(body[0]))


def external(body: Mapping[str, Any]) -> Iterable[Meaning]:
    """Probes of an add-on by their number: `{"0": {"hwID": ..., "tC": 21.5}}`, `{"0": {"hwID": ..., "hum": 40}}`."""
    for number, probe in list(body.items())[:8]:  # an add-on takes three probes, the UNI five
        if not isinstance(probe, Mapping) or not (number.isascii() and number.isdecimal()):
            continue
        channel = "" if int(number[:4]) == 0 else number[:4]
        for key, metric, unit in (("tC", "temperature", "C"), ("hum", "humidity", "%")):
            value = probe.get(key)
            if type(value) is int or type(value) is float:
                yield (
                    Meaning(metric, channel, None) if value == 999 else quantity(metric, channel, value, unit)
                )
