"""Zigbee2Tasmota: devices behind a Tasmota bridge, in all envelopes that SetOption83, 89, 100, 118, 119 and 125 make.

A sensor of the IAS zone cluster says what it guards by the name of its bit (`Fire`, `Water`, `Contact`), which the
bridge knows from the zone type it read at joining; the rest of the zone status (tamper, battery, trouble, mains, test)
stands in `ZoneStatusChange`, or in the raw command `0500!00` (ZCL 8.2.2.2.1.3, little endian).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from devices.codecs.tasmota.parts import Part, numbered
from devices.vocabulary import Dialect, Meaning, Sense, quantity, sense, short, understand

DEVICES_MAX: Final = 64
"""Devices in one message; a bridge sends one, an answer to `ZbStatus` some dozens."""

KEYS_MAX: Final = 128

_SHORT: Final = re.compile(r"0x[0-9A-Fa-f]{4}")
_IEEE: Final = re.compile(r"0x[0-9A-Fa-f]{16}")
_ENDPOINT: Final = re.compile(r"_\d{1,3}$")
_RAW: Final = re.compile(r"[0-9A-Fa-f]{4,16}")
_META: Final = frozenset(
    ("Device", "Name", "Endpoint", "Group", "ModelId", "Manufacturer", "IEEEAddr", "SeaPressure")
)

# The bridge's names for the first bit of a zone, by zone type. `Fire` is the zone of smoke detectors (zigbee2mqtt says
# smoke); `CIE` is a zone of no type: an alarm bit, and no word of what.
_ZONES: Final = {
    "Fire": "smoke",
    "Water": "water_leak",
    "CO": "co",
    "PersonalAlarm": "sos",
    "Panic": "sos",
    "Contact": "door_open",
    "Occupancy": "motion",
    "Movement": "vibration",
    "GlassBreak": "intrusion",
    "CIE": "alarm_flag",
}
# ZCL 8.2.2.2.1.2 table 8-5.
_ZONE_TYPES: Final = {
    0x000D: "motion",
    0x0015: "door_open",
    0x0028: "smoke",
    0x002A: "water_leak",
    0x002B: "co",
    0x002C: "sos",
    0x002D: "vibration",
    0x010F: "sos",
    0x0115: "sos",
    0x021D: "sos",
    0x0226: "intrusion",
}
# `Config` of ZbStatus and ZbInfo: "A01.3" is an alarm on endpoint 1 of the bridge's alarm type 3.
_ALARM_TYPES: Final = {
    "1": "motion",
    "2": "door_open",
    "3": "smoke",
    "4": "water_leak",
    "5": "co",
    "6": "sos",
    "7": "vibration",
    "8": "sos",
    "9": "intrusion",
}
# Bits of the zone status besides the two alarms (ZCL 8.2.2.2.1.3 table 8-6).
_BITS: Final = (
    (0x0004, "tamper"),
    (0x0008, "battery_low"),
    (0x0040, "fault"),
    (0x0080, "mains_fault"),
    (0x0100, "test"),
    (0x0200, "battery_defect"),
)
# Other attributes by the firmware's attribute table: metric and unit.
_NUMBERS: Final = {
    "Temperature": ("temperature", "degC"),
    "LocalTemperature": ("temperature", "degC"),
    "CurrentTemperature": ("device_temperature", "degC"),
    "Humidity": ("humidity", ""),
    "Pressure": ("pressure", "hPa"),
    "Illuminance": ("illuminance", ""),
    "FlowRate": ("flow", "m3/h"),
    "CO2": ("co2_ppm", "ppm"),
    "BatteryPercentage": ("battery", ""),
    "Battery": ("battery", ""),
    "BatteryVoltage": ("battery_voltage", "V"),
    "RMSVoltage": ("voltage", "V"),
    "ActivePower": ("power", "W"),
    "LinkQuality": ("linkquality", ""),
    "SmokeDensity": ("smoke_density", ""),
    "GasDensity": ("gas_concentration", "%LEL"),
}
_DOOR: Final = {
    0: ("door_open", True),
    1: ("door_open", False),
    2: ("fault", True),
    3: ("door_forced", True),
}
_SHAKEN: Final = {"vibrate": "vibration", "drop": "vibration", "tilt": "tilt"}
_DIALECT: Final = Dialect(units={"current": "A"})


def is_bridged(fields: Mapping[str, Any]) -> bool:
    """Whether an object is that of one Zigbee device: it names its short address."""
    device = fields.get("Device")
    return type(device) is str and _SHORT.fullmatch(device) is not None


def bridged(
    context: Mapping[str, Any], base: str, devices: Mapping[str, Any]
) -> tuple[list[Part], str | None]:
    """What devices behind the bridge say, by key (short address or name), and a reason to set the message aside."""
    if "Device" in devices and is_bridged(devices):
        devices = {"": devices}
    parts: list[Part] = []
    problem: str | None = None
    for key, values in list(devices.items())[:DEVICES_MAX]:
        if type(values) is not dict:
            continue
        native, zone = _identity(context, base, key, values)
        meanings, why = _attributes(values, zone)
        parts += [Part(native, "", m) for m in meanings]
        problem = problem or why
    return parts, problem


def joined(base: str, fields: Mapping[str, Any]) -> list[Part]:
    """`ZbState` 30: a device connected or came back."""
    said = fields.get("ZbState")
    if isinstance(said, dict) and said.get("Status") == 30 and type(address := said.get("IEEEAddr")) is str:
        return [Part(address, "", Meaning("device_joined", "", True))] if _IEEE.fullmatch(address) else []
    return []


def known_devices(base: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a message of the bridge tells of its devices: context key -> `[IEEE address, what it guards]`."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if key == "ZbState" and isinstance(value, dict):
            _remember(found, base, value.get("ShortAddr"), value)
        elif key == "ZbInfo" or key.startswith("ZbStatus"):
            listed = value if isinstance(value, list) else [value]
            for item in listed[:DEVICES_MAX]:
                inner = item if isinstance(item, dict) else {}
                for one in [inner] if "Device" in inner else list(inner.values())[:DEVICES_MAX]:
                    if isinstance(one, dict):
                        _remember(found, base, one.get("Device"), one)
    return found


def _remember(found: dict[str, Any], base: str, address: Any, about: Mapping[str, Any]) -> None:
    ieee = about.get("IEEEAddr")
    if type(address) is not str or type(ieee) is not str:
        return
    if _SHORT.fullmatch(address) and _IEEE.fullmatch(ieee):
        found[_key(base, address)] = [ieee, _zone(about)]


def _zone(about: Mapping[str, Any]) -> str:
    kind = about.get("ZoneType")
    if type(kind) is int and kind in _ZONE_TYPES:
        return _ZONE_TYPES[kind]
    config = about.get("Config")
    for item in config if isinstance(config, list) else []:
        if type(item) is str and item[:1] == "A" and "." in item:
            return _ALARM_TYPES.get(item[-1], "")
    return ""


def _key(base: str, address: str) -> str:
    return f"tasmota-zb:{base}:{address.casefold()}"


def _identity(context: Mapping[str, Any], base: str, key: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The native name of a device, and what its zone guards where that was learned."""
    address, name = values.get("Device"), values.get("Name")
    told = address if type(address) is str else "", name if type(name) is str else ""
    native, own_name, remembered = _called(base, key, *told)
    known = context.get(remembered)
    if known is None:
        return native, ""
    return native if own_name else known[0], known[1]


@lru_cache(maxsize=4096)
def _called(base: str, key: str, address: str, name: str) -> tuple[str, bool, str]:
    """What a device is called, whether its owner called it so, and the key of what is remembered of it."""
    if not _SHORT.fullmatch(address):
        address = key if _SHORT.fullmatch(key) else ""
    name = name or ("" if _SHORT.fullmatch(key) else key)
    # With SetOption89 the topic ends in the device itself; what remains is the bridge.
    bridge, _, tail = base.rpartition("/")
    tail = tail.casefold()
    own = {address[2:].casefold(), name.casefold(), re.sub("[ /#+]", "", name.casefold())} - {""}
    if not {tail, _ENDPOINT.sub("", tail)} & own:
        bridge = base
    called = name or address or "zigbee"
    return (f"{bridge}/{called}" if bridge else called)[:255], bool(name), _key(bridge, address)


def _attributes(values: Mapping[str, Any], zone: str) -> tuple[list[Meaning], str | None]:
    meanings: list[Meaning] = []
    status = _status(values)
    kind = values.get("ZoneType")
    zone = _ZONE_TYPES.get(kind, zone) if type(kind) is int else zone
    for key, value in list(values.items())[:KEYS_MAX]:
        if key not in _META:
            meanings += _attribute(key, value, values, status)
    if status is None:
        return meanings, None
    meanings += _bits(status)
    if any(_plain(key)[0] in _ZONES for key in values):
        return meanings, None
    if zone:
        return [*meanings, Meaning(zone, "", bool(status & 1))], None
    flag = Meaning("alarm_flag", "", bool(status & 3))
    return [
        *meanings,
        flag,
    ], "unknown-zone: a zone's alarm bits, and what it guards is not known (ZbInfo tells)"


@lru_cache(maxsize=1024)
def _bits(status: int) -> tuple[Meaning, ...]:
    return tuple(Meaning(metric, "", bool(status & bit)) for bit, metric in _BITS)


def _status(values: Mapping[str, Any]) -> int | None:
    """The zone status: decoded by the bridge, or the raw command's first two bytes."""
    for key in ("ZoneStatusChange", "ZoneStatus"):
        if type(values.get(key)) is int and 0 <= values[key] <= 0xFFFF:
            status: int = values[key]
            return status
    raw = values.get("0500!00")
    if type(raw) is str and _RAW.fullmatch(raw):
        return int(raw[2:4] + raw[:2], 16)
    return None


@lru_cache(maxsize=4096)
def _plain(key: str) -> tuple[str, str]:
    """A key without the endpoint that SetOption101 (or a second indicator) adds, and the channel that makes."""
    base = key.rstrip("0123456789")
    if key in _NUMBERS or base == key or base not in {*_NUMBERS, *_ZONES, "Power"}:
        return key, ""
    return base, numbered(int(key[len(base) :][:4]))


@lru_cache(maxsize=4096)
def _vocabulary(key: str) -> Sense | None:
    return None if ("/" in key or "!" in key or "<" in key) else sense(key)


def _attribute(key: str, value: Any, values: Mapping[str, Any], status: int | None) -> Iterator[Meaning]:
    """What one attribute or decoded command says."""
    base, channel = _plain(key)
    level = bool(value) if type(value) in {bool, int} else None
    if base == "CO2" and "CO" in values and status is not None:
        if level is not None:
            yield Meaning(
                "gas", "", level
            )  # the second indicator of a CO zone: combined detectors' gas alarm
    elif base in _ZONES:
        if base == "Fire" and channel and status is not None and status & 3 == 2:
            yield Meaning(
                "test", "", True
            )  # the second indicator alone is the test button of Xiaomi's detectors
        elif level is not None or value is None:
            yield Meaning(_ZONES[base], channel, level)
    elif base in _NUMBERS or key == "Voltage":
        metric, unit = _NUMBERS.get(base, ("battery_voltage" if "Battery" in values else "voltage", "V"))
        if type(value) is int or type(value) is float:
            yield quantity(metric, channel, value, unit)
        elif value is None:
            yield Meaning(metric, channel, None)
    elif base == "Power":
        if value == 2 and type(value) is int:
            yield Meaning("button", channel, "toggle")
        elif level is not None:
            yield Meaning("switch_state", channel, "ON" if level else "OFF")
    else:
        yield from _other(key, value)


def _other(key: str, value: Any) -> Iterator[Meaning]:
    if key == "DoorState" and type(value) is int and value in _DOOR:
        metric, said = _DOOR[value]
        yield Meaning(metric, "", said)
    elif key == "AqaraVibrationMode" and type(value) is str and value in _SHAKEN:
        yield Meaning(_SHAKEN[value], "", True)
    elif key == "Reachable" and type(value) is bool:
        yield Meaning("availability", "", "online" if value else "offline")
    elif key in {"Click", "click", "action"} and type(value) is str and value:
        yield Meaning("button", "", short(value))
    elif (meant := _vocabulary(key)) is not None:
        yield from understand(meant, value, dialect=_DIALECT)
