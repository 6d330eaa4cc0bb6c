"""What single vendors' codecs say in ways that no key and no unit can express."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from devices.reading import Flag
from devices.vocabulary import Meaning, number_in

Fields = Mapping[str, Any]
Quirk = Callable[[Fields, int], tuple[Fields, list[Meaning]]]
"""Takes an object and its FPort; gives what is left to read by its keys, and what was understood already."""

_VIBRATES: Final = re.compile(r"R\w*?(D[AB]|MB?A|FA|Q|QA)")  # Netvox' letters for its vibration sensors
_LOW_FLAG_V: Final = 12.8  # bit 7 of Netvox' battery byte says "low"; a codec that leaves it in adds 12.8 V
_CELLS_MAX_V: Final = 4.8  # more than the cells of any Netvox device: then it is what feeds the device


def _netvox(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    if "Cmd" in fields or port == 7:
        return {}, []  # the answer to a command echoes settings
    left = dict(fields)
    meant: list[Meaning] = []
    volt = left.get("Volt")
    if isinstance(volt, str) and volt.endswith("(low battery)"):
        left["Volt"] = number_in(volt.removesuffix("(low battery)").strip())
        meant.append(Meaning("battery_low", "", True))
    elif isinstance(volt, float | int) and not isinstance(volt, bool) and _CELLS_MAX_V < volt < 100:
        del left["Volt"]
        if volt >= _LOW_FLAG_V:
            meant.append(Meaning("battery_voltage", "", volt, int(Flag.INVALID)))
            meant.append(Meaning("battery_low", "", True))
        else:
            meant.append(Meaning("supply_voltage", "", volt))
    model = left.get("Device")
    if "status" in left and isinstance(model, str) and _VIBRATES.fullmatch(model[:32]):
        left["VibrationStatus"] = left.pop("status")
    return left, meant


def _browan(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    if "status" not in fields:
        return fields, []
    left = dict(fields)
    left[f"port{port}_status"] = left.pop("status")  # what it is the status of, only the port says
    return left, []


_PRESSED: Final = {"TRUE": True, "FALSE": False}


def _dragino(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    left = dict(fields)
    meant: list[Meaning] = []
    level = fields.get("Bat_status")
    if isinstance(level, int | float):
        del left["Bat_status"]
        if level in (0, 1, 2, 3):  # ultra low, low, fine, good: its user manuals, "Battery status"
            meant.append(Meaning("battery_low", "", level < 2))
    pressed = fields.get("ALARM_status")
    if isinstance(pressed, str) and pressed in _PRESSED and "Latitude" in fields:
        meant.append(Meaning("sos", "", _PRESSED[pressed]))  # a tracker's alarm is its red button
    return left, meant


_EVENTS: Final[Mapping[object, tuple[int, bool]]] = {
    0x10: (0, False), 0x11: (0, True), 0x20: (1, False), 0x21: (1, True),
    "alarm deactivation": (0, False), "alarm trigger": (0, True),
    "burning alarm deactivation": (1, False), "burning alarm trigger": (1, True),
}  # fmt: skip
_ALARMS: Final = {
    "temperature_alarm": ("temperature_alarm", "fire_detected"),  # the second kind is "burning"
    "tamper_status_alarm": ("tamper", "tamper"),
}
_INDOORS: Final = frozenset(("humidity", "co2", "pm2_5", "tvoc"))
_SOCKET: Final = frozenset(("power", "active_power"))
_GAS_STATES: Final = {"abnormal": True, "normal": False}


def _milesight(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    meant: list[Meaning] = []
    left = dict(fields)
    for key, metrics in _ALARMS.items():
        event = fields.get(key)
        if isinstance(event, dict) and isinstance(event.get("type"), int | float | str):
            kind = _EVENTS.get(event["type"])
            if kind is not None:
                meant.append(Meaning(metrics[kind[0]], "", kind[1]))
    gas = fields.get("state")
    if isinstance(gas, str) and gas in _GAS_STATES:  # sockets are "open" and "close"; gas is normal or not
        meant.append(Meaning("gas", "", _GAS_STATES[gas]))
        del left["state"]
    if "pressure" in fields and _INDOORS & fields.keys():
        _named(left, "pressure", "hPa")  # of the air; pipes are measured in kPa
    current = fields.get("current")
    if "voltage" in fields and _SOCKET & fields.keys() and isinstance(current, int | float):
        # Sockets count milliamperes; current transformers measure amperes.
        _named(left, "current", "mA" if current == current // 1 else "A")
    return left, meant


def _named(fields: dict[str, Any], key: str, unit: str) -> None:
    value = fields.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        fields[key] = {"value": value, "unit": unit}


_MEASURED: Final = {
    "4097": "air temperature", "4098": "air humidity", "4099": "light_intensity", "4193": "light_intensity",
    "4100": "co2", "4197": "longitude", "4198": "latitude",
}  # fmt: skip


def _seeed(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    """SenseCAP: `messages` is a list of lists of measurements, each with its number in the vendor's catalogue."""
    left: dict[str, Any] = {}
    meant: list[Meaning] = []
    messages = fields.get("messages")
    for item in _flat(messages if isinstance(messages, list) else [], 0):
        number, value = str(item.get("measurementId")), item.get("measurementValue")
        if number == "4101":
            left["barometric_pressure"] = {"value": value, "unit": "Pa"}
        elif number in _MEASURED:
            left[_MEASURED[number].removeprefix("air ")] = value
        elif number == "4200" and isinstance(value, list):
            names = [str(e.get("eventName", "")).casefold() for e in value[:16] if isinstance(e, dict)]
            if any("sos" in name for name in names):
                meant.append(Meaning("sos", "", True))
            elif any("press" in name for name in names):
                meant.append(Meaning("button", "", True))
        elif "measurementId" not in item:
            left.update(list(item.items())[:16])
    return left or fields, meant


def _flat(items: list[Any], depth: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for item in items[:64]:
        if isinstance(item, dict):
            found.append(item)
        elif isinstance(item, list) and depth < 2:
            found.extend(_flat(item, depth + 1))
    return found[:64]


def _quandify(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    """CubicMeter: a leak is told by its size, 3 medium and 4 large (its codec's `getLeakState`), volumes in litres."""
    report = fields.get("decoded")
    if not isinstance(report, dict):
        return fields, []
    left = dict(list(report.items())[:64])
    meant: list[Meaning] = []
    leak, error = left.pop("leak_status", None), left.pop("error_code", None)
    if type(leak) is int:
        meant.append(Meaning("water_leak", "", leak in (3, 4)))
    if type(error) is int:
        meant.append(Meaning("backflow", "", True) if error == 384 else Meaning("fault", "", error != 0))
    _named(left, "total_volume", "L")
    for key, name in (
        ("total_volume", "volume"),
        ("battery_recovered", "battery_voltage"),
        ("ambient_temp", "temperature"),
    ):
        if key in left:
            left[name] = left.pop(key)
    return left, meant


QUIRKS: Final[Mapping[str, Quirk]] = {
    "browan": _browan,
    "dragino": _dragino,
    "milesight": _milesight,
    "netvox": _netvox,
    "quandify": _quandify,
    "seeed": _seeed,
}
"""By brand. A brand may stand here without standing in the table of words."""
