"""Bluetooth devices behind a Shelly: what a BTHome object measures, and the scripts that pass whole adverts on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.codec import Decoded, Message
from devices.codecs.shelly_gen2.components import INVALID, level
from devices.reading import METRICS, Flag, MetricClass, Reading, device_id, point_id
from devices.vocabulary import Meaning, quantity, short

# bthome.io/format, version 2: object id -> metric and the unit its (already scaled) value is in; "" is a yes or no.
# Objects that are missing here (weather, scales, texts) say nothing the house keeps.
OBJECTS: Final[Mapping[int, tuple[str, str]]] = {
    0x01: ("battery", "%"), 0x02: ("temperature", "C"), 0x03: ("humidity", "%"), 0x04: ("pressure", "hPa"),
    0x05: ("illuminance", "lx"), 0x09: ("pulse_count", "1"), 0x0A: ("energy", "kWh"), 0x0B: ("power", "W"),
    0x0C: ("voltage", "V"), 0x0D: ("pm2_5", "ug/m3"), 0x10: ("mains_power", ""), 0x11: ("door_open", ""),
    0x12: ("co2_ppm", "ppm"), 0x15: ("battery_low", ""), 0x17: ("co", ""), 0x1A: ("door_open", ""),
    0x1B: ("door_open", ""), 0x1C: ("gas", ""), 0x1D: ("heat", ""), 0x20: ("water_leak", ""),
    0x21: ("motion", ""), 0x23: ("occupied", ""), 0x25: ("presence", ""), 0x26: ("fault", ""),
    0x29: ("smoke", ""), 0x2B: ("tamper", ""), 0x2C: ("vibration", ""), 0x2D: ("door_open", ""),
    0x2E: ("humidity", "%"), 0x3A: ("button", "1"), 0x3D: ("pulse_count", "1"), 0x3E: ("pulse_count", "1"),
    0x3F: ("angle", "deg"), 0x40: ("distance", "mm"), 0x41: ("distance", "m"), 0x43: ("current", "A"),
    0x45: ("temperature", "C"), 0x47: ("volume", "L"), 0x49: ("flow", "m3/h"), 0x4A: ("voltage", "V"),
    0x4B: ("volume", "m3"), 0x4C: ("volume", "m3"), 0x4D: ("energy", "kWh"), 0x4E: ("volume", "L"),
    0x4F: ("volume", "L"), 0x51: ("acceleration", "m/s2"), 0x57: ("temperature", "C"),
    0x58: ("temperature", "C"), 0x5C: ("power", "W"), 0x5D: ("current", "A"),
}  # fmt: skip

WEATHER: Final = frozenset((0x44, 0x46, 0x5E, 0x5F))
"""Wind, ultraviolet, its direction, rain: a device that has one of these stands in the rain, and wet is its nature."""

MOISTURE: Final = 0x20

_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(:?[0-9a-fA-F]{2}){5}")


def mac(text: Any) -> str | None:
    """A MAC address in lower case with colons, however it was written; None for anything else."""
    if not isinstance(text, str) or not _MAC.fullmatch(text):
        return None
    plain = text.replace(":", "").lower()
    return ":".join(plain[i : i + 2] for i in range(0, 12, 2))


def measured(object_id: int, index: int, value: Any) -> Meaning | None:
    """The value of one object; `index` tells several of one kind apart."""
    known = OBJECTS.get(object_id)
    channel = str(index) if 0 < index < 1000 else ""
    if known is None:
        return None
    metric, unit = known
    if value is None:
        return Meaning(metric, channel, None) if metric != "button" else None
    if not unit:
        return level(metric, channel, bool(value) if value in (0, 1) else value)
    if type(value) is not int and type(value) is not float:
        return None
    return quantity(metric, channel, value, "" if unit == "1" else unit)


# The names under which the maker's scripts (`ble-shelly-blu.js`, `ble-shelly-blu-mqtt.js`) write the objects.
_NAMES: Final[Mapping[str, int]] = {
    "battery": 0x01, "temperature": 0x45, "humidity": 0x2E, "illuminance": 0x05, "pressure": 0x04, "door": 0x1A,
    "window": 0x2D, "motion": 0x21, "moisture": 0x20, "vibration": 0x2C, "rotation": 0x3F, "distance_mm": 0x40,
    "distance_m": 0x41, "smoke": 0x29, "gas": 0x1C, "carbon_monoxide": 0x17, "tamper": 0x2B, "voltage": 0x0C,
    "occupancy": 0x23, "presence": 0x25, "problem": 0x26, "battery_low": 0x15, "heat": 0x1D,
}  # fmt: skip
_WEATHER_NAMES: Final = frozenset(("speed", "wind_speed", "direction", "uv_index", "rain", "precipitation"))
_PRESSES: Final = {
    1: "single_push",
    2: "double_push",
    3: "triple_push",
    4: "long_push",
    128: "hold",
    254: "hold",
}
_INDEXED: Final = 8  # values of one kind in an advert: a four-button switch has four


def advert(message: Message, body: Mapping[str, Any], address: Any, at: int | None = None) -> Decoded:
    """A whole advert as a script passes it on: an object of named values, several of a kind as a list."""
    name = mac(body.get("address")) or mac(address)
    if name is None:
        return Decoded(quarantine="missing: the advert names no device")
    flags = int(Flag.RETAINED) if message.retained else 0
    device = device_id(message.source, name)
    readings = [
        Reading(point_id(device, m.metric, m.channel), m.value, at, flags | m.flags) for m in _values(body)
    ]
    odd = next((r for r in readings if r.value is None and r.flags & INVALID), None)
    if body.get("encryption") is True:
        return Decoded(readings, "encrypted: the advert needs its key in the gateway")
    return Decoded(readings, f"unknown-word: {odd.point[-64:]} is neither yes nor no" if odd else None)


def _values(body: Mapping[str, Any]) -> Iterator[Meaning]:
    outdoors = not _WEATHER_NAMES.isdisjoint(body)
    for key, object_id in _NAMES.items():
        if key not in body or (object_id == MOISTURE and outdoors):
            continue
        given = body[key]
        for index, value in enumerate(given[:_INDEXED] if isinstance(given, list) else [given]):
            meant = measured(object_id, index, value)
            if meant is not None:
                yield meant
    pressed = body.get("button")
    for index, value in enumerate(pressed[:_INDEXED] if isinstance(pressed, list) else [pressed]):
        if type(value) is int and value:  # 0: not pressed
            yield Meaning("button", str(index) if index else "", _PRESSES.get(value, short(str(value))))
    rssi = body.get("rssi")
    if type(rssi) is int or type(rssi) is float:
        yield quantity("rssi", "", rssi)


def virtual(role: str, unit: str, value: Any) -> Meaning | None:
    """A virtual component in one of the roles the maker documents for devices built on its modules."""
    known = _ROLES.get(role)
    if known is None:
        return None
    metric, default = known
    if value is None:
        return Meaning(metric, "", None)
    if not default:
        alarm = METRICS[metric].klass is MetricClass.ALARM
        return (
            Meaning(metric, "", value) if type(value) is bool else level(metric, "", value) if alarm else None
        )
    if type(value) is not int and type(value) is not float:
        return None
    return quantity(metric, "", value, unit or default)


_ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "current_temperature": ("temperature", "C"),
    "current_humidity": ("humidity", "%"),
    "water_temperature": ("temperature", "C"),
    "water_pressure": ("pressure", "kPa"),
    "energy_charge": ("energy", "kWh"),
    "has_power": ("mains_power", ""),
}
"""Roles of the maker's partners' devices (thermostats, water valves, chargers)."""
