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


def _dragino(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    level = fields.get("Bat_status")
    if level is None:
        return fields, []
    left = {key: value for key, value in fields.items() if key != "Bat_status"}
    # 0 ultra low, 1 low, 2 fine, 3 good: its user manuals, "Battery status"
    known = isinstance(level, int | float) and level in (0, 1, 2, 3)
    return left, [Meaning("battery_low", "", level < 2)] if known else []


_EVENTS: Final = {
    0x10: (0, False), 0x11: (0, True), 0x20: (1, False), 0x21: (1, True)
}  # fmt: skip
_ALARMS: Final = {
    "temperature_alarm": ("temperature_alarm", "fire_detected"),  # the second kind is "burning"
    "tamper_status_alarm": ("", "tamper"),
}


def _milesight(fields: Fields, port: int) -> tuple[Fields, list[Meaning]]:
    meant: list[Meaning] = []
    for key, metrics in _ALARMS.items():
        event = fields.get(key)
        if isinstance(event, dict) and "type" in event:
            kind = event["type"]
            kind = _EVENTS.get(int(kind)) if isinstance(kind, int | float) and abs(kind) < 256 else None
            if kind is not None and metrics[kind[0]]:
                meant.append(Meaning(metrics[kind[0]], "", kind[1]))
    return fields, meant


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


QUIRKS: Final[Mapping[str, Quirk]] = {
    "browan": _browan,
    "dragino": _dragino,
    "milesight": _milesight,
    "netvox": _netvox,
    "seeed": _seeed,
}
"""By brand. A brand may stand here without standing in the table of words."""
