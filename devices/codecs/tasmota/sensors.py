"""Tasmota's SENSOR and STATE objects: one object a sensor, units in neighbours, inputs and counters beside them.

Key names and units are those of the firmware's drivers (D_JSON_* and their `ResponseAppend` formats). Keys of other
origin (names an owner gave to inputs, Zigbee plug-ins, scripts) are understood by the vocabulary alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from devices.codecs.tasmota.parts import Part, Words, numbered
from devices.codecs.tasmota.zigbee import bridged, is_bridged
from devices.names import meaning_of
from devices.vocabulary import Dialect, Meaning, Sense, clean_channel, number_in, quantity, sense, understand

KEYS_MAX: Final = 256
"""Keys read of one object; the richest driver writes some forty."""

_META: Final = frozenset(("Time", "Epoch", "TempUnit", "PressureUnit", "SpeedUnit", "Id", "mac", "Model")) | {
    "ZbState", "ZbInfo", "ZbResponse",
}  # fmt: skip

# What the drivers write, and the metric it is; units where they are not the canonical one. Distance is centimetres in
# all but the laser rangers (VL53Lxx, TOF10120), CO2 and the gases of MQ and MiCS sensors are ppm.
_NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "Temperature": ("temperature", ""),
    "Humidity": ("humidity", ""),
    "Pressure": ("pressure", ""),
    "Illuminance": ("illuminance", ""),
    "Distance": ("distance", "cm"),
    "CarbonDioxide": ("co2_ppm", ""),
    "PM2.5": ("pm2_5", ""),
    "CO": ("co_ppm", ""),
    "NH3": ("nh3_ppm", ""),
    "NO2": ("no2_ppm", ""),
    "CH4": ("gas_ppm", ""),
    "MQ": ("gas_ppm", ""),
    "MQX": ("gas_ppm", ""),
    "Voltage": ("voltage", ""),
    "Current": ("current", "A"),
    "Power": ("power", ""),
    "Battery": ("battery", ""),
    "RSSI": ("rssi", ""),
}
_ENERGY: Final[Mapping[str, tuple[str, str]]] = {
    "Total": ("energy", "kWh"),
    "TotalTariff": ("energy", "kWh"),
    "Energy": ("energy", "kWh"),
    "Power": ("power", ""),
    "ReactivePower": ("reactive_power", ""),
    "Voltage": ("voltage", ""),
    "Current": ("current", "A"),
}
# MQ-7 measures carbon monoxide; 2, 4, 5, 6, 8 and 9 combustible gases; the others (3, 131, 135) neither.
_MQ: Final = re.compile(r"MQ(\d+)_(\d+)")
_MQ_METRIC: Final = {"7": "co_ppm", **dict.fromkeys(("2", "4", "5", "6", "8", "9"), "gas_ppm")}
_SEVERAL: Final = re.compile(r".+[-_](?:0x)?[0-9A-Fa-f]{1,2}")
_INDEX: Final = re.compile(r"(.*?)(\d+)")
_CHIP: Final = re.compile(r"ESP32.*|CPU")
_MAC: Final = re.compile(r"[0-9A-Fa-f]{12}")
_LASER: Final = ("VL53", "TOF")
# BME680's Gas is a resistance in kOhm, a light sensor's Light a percentage.
_OTHER: Final = frozenset(("Gas", "Light", "DewPoint", "SeaPressure"))
_DIALECT: Final = Dialect(units={"pressure": "hPa", "current": "A", "distance": "cm"})


def sensors(
    context: Mapping[str, Any], base: str, last: str, fields: Mapping[str, Any], words: Words
) -> tuple[list[Part], str | None]:
    """Everything a SENSOR object says of the device and of the devices behind it, and a reason to set it aside."""
    units = _dialect(str(fields.get("TempUnit") or ""), str(fields.get("PressureUnit") or ""))
    if last != "SENSOR" or is_bridged(fields):
        return bridged(context, base, fields)
    parts: list[Part] = []
    problem: str | None = None
    for key, value in list(fields.items())[:KEYS_MAX]:
        if key in _META:
            continue
        if type(value) is not dict:
            parts += [Part(base, "", m) for m in _beside(key, value, words, units)]
        elif key in {"ZbReceived", "LwReceived", "LwDecoded"} or is_bridged(value):
            found, why = bridged(context, base, {key: value} if key[:2] not in {"Zb", "Lw"} else value)
            parts, problem = parts + found, problem or why
        elif type(mac := value.get("mac")) is str and _MAC.fullmatch(mac):
            parts += [Part(mac.upper(), "", m) for m in _object(key, value, units)]
        else:
            channel = _several(key)
            for meant in _object(key, value, units):
                if channel:
                    name = f"{channel}_{meant.channel}" if meant.channel else channel
                    meant = Meaning(meant.metric, name, meant.value, meant.flags)  # noqa: PLW2901 - the same, named
                parts.append(Part(base, key, meant))
    return parts, problem


def state(base: str, fields: Mapping[str, Any], words: Words) -> list[Part]:
    """What a STATE object says: that the device lives, its relays, its signal in dBm, its supply."""
    parts = [Meaning("heartbeat", "", True)] if "Uptime" in fields or "UptimeSec" in fields else []
    wifi = fields.get("Wifi")
    signal = wifi.get("Signal") if isinstance(wifi, dict) else None
    for metric, number in (("rssi", signal), ("supply_voltage", fields.get("Vcc"))):
        if type(number) is int or type(number) is float:
            parts.append(quantity(metric, "", number))
    for key, value in list(fields.items())[:KEYS_MAX]:
        parts += relay(key, value, words)
    return [Part(base, "", m) for m in parts]


def relay(key: str, value: Any, words: Words) -> list[Meaning]:
    """A relay's state: `POWER`, `POWER1` to `POWER32`."""
    if not key.startswith("POWER") or type(value) is not str or not (key == "POWER" or key[5:].isdecimal()):
        return []
    level = words.level(value)
    channel = numbered(int(key[5:] or 1)) if len(key) <= 8 else key[5:][:16]
    return [] if level is None else [Meaning("switch_state", channel, "ON" if level else "OFF")]


def contact(key: str, value: str, words: Words) -> list[Meaning]:
    """An input that is on or off: by the name its owner gave it, else as the n-th digital input."""
    level = words.level(value)
    if level is None:
        return []
    meant = _input(key)
    return [Meaning("digital_input", meant, level)] if isinstance(meant, str) else understand(meant, level)


@lru_cache(maxsize=4096)
def _input(key: str) -> Sense | str:
    """What an input's name says that on means, or its channel where it says nothing; a contact's is wiring."""
    index = _INDEX.fullmatch(key)
    if index and index[1].casefold() in {"switch", "input"}:
        return numbered(int(index[2][:4]))
    meant = meaning_of(key)  # a name people gave: "Kitchen smoke"
    if meant is None or not meant.term.level or (meant.term.inverted and meant.term.level == "door_open"):
        return clean_channel(key)
    return Sense(meant.term, meant.channel, meant.unit, meant.levels, False)


@lru_cache(maxsize=1024)
def _several(name: str) -> str:
    """The channel of a sensor that says by its name that it is one of several: `DS18B20-2`, `BME280-77`."""
    return clean_channel(name) if _SEVERAL.fullmatch(name) else ""


@lru_cache(maxsize=64)
def _dialect(temperature: str, pressure: str) -> Dialect:
    said = {"temperature": temperature[:8], "pressure": pressure[:8]}
    return Dialect(units={**_DIALECT.units, **{metric: unit for metric, unit in said.items() if unit}})


def _beside(key: str, value: Any, words: Words, units: Dialect) -> list[Meaning]:
    """A value that stands beside the sensor objects: an input, or something a script published."""
    if type(value) is str and words.level(value) is not None:
        return contact(key, value, words)
    return _item("", key, value, units)


def _object(name: str, values: Mapping[str, Any], units: Dialect) -> list[Meaning]:
    if name == "ENERGY":
        return _energy(values, 1)
    found: list[Meaning] = []
    for key, value in list(values.items())[:KEYS_MAX]:
        if key in _META or key in _OTHER:
            continue
        if name == "COUNTER":
            found += _counter(key, value)
        elif type(value) is dict:
            if key.startswith("CTEnergy"):
                index = _INDEX.fullmatch(key)
                found += _energy(value, int(index[2][:4]) if index else 1)
        elif key in {"UID", "Uid"}:
            if value:
                found.append(Meaning("access_event", "", True))  # the card's number is its holder's, not kept
        else:
            found += _item(name, key, value, units)
    return found


def _energy(values: Mapping[str, Any], first: int) -> list[Meaning]:
    """Energy meters: a number, or a list or an object with one for each phase or tariff."""
    found: list[Meaning] = []
    for key, value in list(values.items())[:KEYS_MAX]:
        meant = _ENERGY.get(key)
        if meant is not None:
            each = list(value.values()) if type(value) is dict else value if type(value) is list else [value]
            for index, one in enumerate(each[:8], first):
                found += _measured(meant[0], numbered(index), one, meant[1], _DIALECT)
    return found


def _counter(key: str, value: Any) -> list[Meaning]:
    """`C1` counts pulses; with CounterType 1 it is a time between two, which has decimals."""
    if key[:1] == "C" and key[1:].isdecimal() and len(key) <= 4 and type(value) is int:
        return [quantity("pulse_count", numbered(int(key[1:])), value)]
    return []


@lru_cache(maxsize=8192)
def _known(name: str, key: str) -> tuple[str, str, str] | Sense | None:
    """What a key in this sensor object is: metric, channel and unit of a driver's key, or the vocabulary's word."""
    mq = _MQ.fullmatch(key)
    if mq is not None:
        metric = _MQ_METRIC.get(mq[1])
        return (metric, numbered(int(mq[2][:4])), "") if metric else None
    index = _INDEX.fullmatch(key) if key not in _NUMBERS else None
    known = _NUMBERS.get(key) or (_NUMBERS.get(index[1]) if index else None)
    if known is None:
        return sense(key)
    metric, unit = known
    if metric == "temperature" and _CHIP.fullmatch(name):
        metric = "device_temperature"
    if metric == "distance" and name.startswith(_LASER):
        unit = "mm"
    return metric, numbered(int(index[2][:4])) if index else "", unit


def _item(name: str, key: str, value: Any, units: Dialect) -> list[Meaning]:
    known = _known(name, key)
    if known is None:
        return []
    if isinstance(known, Sense):
        return understand(known, value, dialect=units)
    metric, channel, unit = known
    if metric == "device_temperature":
        unit = units.units.get("temperature", "")
    if type(value) is not list:
        return _measured(metric, channel, value, unit, units)
    found: list[Meaning] = []
    for index, one in enumerate(value[:8] if metric in {"voltage", "current", "power"} else [], 1):
        found += _measured(metric, channel or numbered(index), one, unit, units)
    return found


def _measured(metric: str, channel: str, value: Any, unit: str, units: Dialect) -> list[Meaning]:
    """A driver's number; null says that the sensor could not be read."""
    number = number_in(value) if type(value) is str else value
    if type(number) is int or type(number) is float:
        return [quantity(metric, channel, number, unit, units)]
    return [Meaning(metric, channel, None)] if value is None else []
