"""The object a vendor's codec made of an uplink, turned into readings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.alarm_names import EVENT_KEYS, condition, joined, named
from devices.instants import clock_flags, from_iso
from devices.lorawan.brands import dialect_of, meaning_of
from devices.lorawan.normalized import normalized as measurements
from devices.lorawan.quirks import QUIRKS
from devices.lorawan.texts import TEXT_MAX, spoken
from devices.lorawan.vendors import BRANDS
from devices.names import settings_group
from devices.reading import GRAVE, Flag, Reading, point_id, split_point
from devices.terms import TERMS
from devices.vocabulary import Meaning, Sense, number_in, riddle, short, understand

KEYS_MAX: Final = 256
"""Values read of one object; the richest public codec gives about 120."""

DEPTH_MAX: Final = 4
"""How deep objects nest in it: `data.history[0].temperature.value`."""

ELEMENTS_MAX: Final = 64
"""Elements read of one list; an uplink of 242 bytes, the most LoRaWAN carries, holds about 40 measurements."""

_HISTORICAL: Final = int(Flag.HISTORICAL)

_STORED: Final = re.compile(r"(^|_)(history|histories|datalog|data_log|logs?|records|stored|buffered)(_|$)")
_TIMES: Final = ("timestamp", "time", "date", "ts")
_BOOKKEEPING: Final = re.compile(
    r"ver(sion)?$|version|serial|^sn$|date|time|device|model|manufacturer|product|codec|class|config|interval|cmd|"
    r"status|reboot|reset|sync|count|payload|type|port|raw|enable|setting|threshold|^id$|hardware|firmware|uptime",
    re.IGNORECASE,
)
_GUESSED: Final = frozenset(("battery", "battery_voltage", "pressure", "pressure_barometric", "voltage"))
_MAINS: Final = frozenset(("power", "current", "energy", "active_power", "power_factor"))
_BATTERY_VOLTAGE: Final = TERMS["battery_voltage"]


class Uplink(msgspec.Struct, frozen=True):
    """What the envelope says of the object: whose it is, when, on which port, and flags for all its readings.

    `at` is UTC ms or None, `now` the time of arrival (0: unknown), `brand` as `brand_of` gives it.
    """

    device: str
    brand: str = ""
    port: int = 0
    at: int | None = None
    flags: int = 0
    now: int = 0


class _Found:
    """Readings by point, an active alarm or fault over anything else said of the same point."""

    __slots__ = ("at", "brand", "device", "left", "now", "problem", "rows")

    def __init__(self, uplink: Uplink) -> None:
        self.device, self.brand, self.at, self.now = uplink.device, uplink.brand, uplink.at, uplink.now
        self.left = KEYS_MAX
        self.problem: str | None = None
        self.rows: dict[object, Reading] = {}

    def put(self, meant: Meaning, at: int | None, flags: int) -> None:
        point = _point(self.device, meant.metric, meant.channel)
        key = point if at == self.at else (point, at)  # stored measurements of one point stand side by side
        there = self.rows.get(key)
        if there is None or (meant.value is True and there.value is not True and meant.metric in GRAVE):
            self.rows[key] = Reading(point, meant.value, at, flags | meant.flags)


@lru_cache(maxsize=65_536)
def _point(device: str, metric: str, channel: str) -> str:
    return point_id(device, metric, channel)


def readings(
    uplink: Uplink, fields: Mapping[str, Any], normalized: Any = None
) -> tuple[list[Reading], str | None]:
    """Everything a decoded object says, and why somebody must look at it (`code: words`), or None.

    `normalized` is the same message in the schema of The Things Stack, or None: it adds what the object did not say.
    """
    found = _Found(uplink)
    left = fields
    quirk = QUIRKS.get(uplink.brand)
    if quirk is not None:
        left, meant = quirk(fields, uplink.port)
        for one in meant:
            found.put(one, uplink.at, uplink.flags)
    _walk(found, "", left, uplink.at, uplink.flags, 0)
    if normalized is not None:
        metrics = {split_point(reading.point)[1] for reading in found.rows.values()}
        for one, at in measurements(normalized):
            if one.metric not in metrics:
                found.put(one, at or uplink.at, uplink.flags)
    problem = found.problem
    if found.left < 0:
        problem = problem or f"too-many: more than {KEYS_MAX} values"
    if problem is None and not found.rows:
        strange = [key for key in left if not _BOOKKEEPING.search(key)]
        if strange:
            problem = f"unknown-keys: none of {', '.join(short(k)[:32] for k in strange[:6])} is known"
    return list(found.rows.values()), problem


def _walk(
    found: _Found, group: str, fields: Mapping[str, Any], at: int | None, flags: int, depth: int
) -> None:  # fmt: skip
    found.left -= len(fields)
    brand = found.brand
    for key, value in fields.items() if found.left >= 0 else list(fields.items())[: found.left]:
        kind = type(value)
        if kind is str and (number := _numeral(brand, group, key, value)) is not None:
            _one(found, group, key, number, fields, at, flags)
        elif kind is str:
            for one in spoken(brand, group, key, value) if len(value) <= TEXT_MAX else ():
                if one.value is None and one.flags:
                    found.problem = found.problem or riddle(key, value, one)
                found.put(one, at, flags)
        elif kind is list:
            _list(found, group, key, value, at, flags, depth)
        elif kind is dict and ("value" not in value or isinstance(value["value"], dict | list)):
            if depth < DEPTH_MAX and not settings_group(key):
                stored = _STORED.search(joined(key)) is not None
                _walk(found, key, value, at, flags | (_HISTORICAL if stored else 0), depth + 1)
        else:
            _one(found, group, key, value, fields, at, flags)


def _one(
    found: _Found, group: str, key: str, value: Any, fields: Mapping[str, Any], at: int | None, flags: int
) -> None:  # fmt: skip
    """A number, a yes or no, a null, or `{"value": ..., "unit": ...}`."""
    brand = found.brand
    meant = meaning_of(brand, group, key)
    if meant is None:
        return
    unit = ""
    kind = type(value)
    if kind is dict:
        unit = value.get("unit") or value.get("units") or ""
        value, unit = value["value"], unit if type(unit) is str else ""
        kind = type(value)
    term = meant.term
    if term.number in _GUESSED and (kind is float or kind is int) and not (unit or meant.unit or term.unit):
        meant, unit = _guessed(meant, value, brand, fields)
    for one in understand(meant, value, unit, dialect_of(brand)):
        if one.value is None and one.flags:
            found.problem = found.problem or riddle(key, value, one)
        found.put(one, at, flags)


def _numeral(brand: str, group: str, key: str, text: str) -> float | None:
    """The number a text consists of, under a key whose unit only the number's size tells."""
    meant = meaning_of(brand, group, key) if text[:1].isdigit() else None
    return number_in(text) if meant is not None and meant.term.number in _GUESSED else None


def _list(
    found: _Found, group: str, key: str, items: Sequence[Any], at: int | None, flags: int, depth: int
) -> None:  # fmt: skip
    """Stored measurements, objects of sensors, or the names of alarms and faults."""
    stored = _STORED.search(joined(key)) is not None
    if len(items) > ELEMENTS_MAX:
        found.problem = found.problem or f"too-many: {len(items)} elements, at most {ELEMENTS_MAX}"
    for item in items[:ELEMENTS_MAX]:
        if isinstance(item, dict) and depth < DEPTH_MAX and not settings_group(key) and found.left > 0:
            when, old = at, flags
            if stored:
                when = _moment(item)
                old |= _HISTORICAL | (clock_flags(when, found.now) if when is not None else 0)
            _walk(found, "" if stored else key, item, when, old, depth + 1)
        elif isinstance(item, str) and joined(key) in EVENT_KEYS:
            one = named(joined(key), item) or condition(item)
            if one is not None:
                found.put(one, at, flags)
    if items and isinstance(items[0], dict | list):
        return
    meant = meaning_of(found.brand, group, key)
    if meant is not None and meant.term.any_word:
        for one in understand(meant, items):
            found.put(one, at, flags)


def _moment(item: Mapping[str, Any]) -> int | None:
    """When a stored element was measured: seconds or milliseconds since 1970, or ISO 8601."""
    for key in _TIMES:
        value = item.get(key)
        if isinstance(value, str):
            at = from_iso(value)
            if at is not None:
                return at
        elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e14:
            return int(value if value > 1e11 else value * 1000)  # 1e11 s is the year 5138
    return None


def _guessed(meant: Sense, value: float, brand: str, fields: Mapping[str, Any]) -> tuple[Sense, str]:
    """The unit of a battery, a voltage or a pressure that nobody names, by the number's size and its neighbours."""
    metric = meant.term.number
    if metric == "battery":
        # Per cent are whole and end at 100; cells have 1 to 5 V, or 1000 to 5000 mV.
        if value >= 1000:
            return meant, "mV"
        volts = BRANDS[brand].batteries_in_volts or (0 < value < 5 and value != int(value))
        return meant, "V" if volts else ""
    if metric == "voltage":
        if meant.channel:
            return meant, ""  # a device has one battery, and several inputs or phases
        if abs(value) >= 1000:
            return Sense(_BATTERY_VOLTAGE, meant.channel), "mV"
        if 0 <= value <= 5 and not _MAINS & {k.casefold() for k in fields}:
            return Sense(_BATTERY_VOLTAGE, meant.channel), "V"
    elif metric == "battery_voltage":
        return meant, "mV" if value >= 1000 else ""
    elif metric not in dialect_of(brand).units:
        return meant, "hPa" if value > 300 else "kPa"  # air: kPa ends at 110 and hPa begins at 300
    return meant, ""
