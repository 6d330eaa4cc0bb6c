"""A zigbee2mqtt device's state: a flat object of properties, or one property alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Decoded, Learned, Message
from devices.codecs.zigbee2mqtt.bridge import Entry, Row
from devices.codecs.zigbee2mqtt.dialect import (
    BATTERY_VOLTAGE,
    DIALECT,
    VALVE_STATES,
    arms,
    is_setting,
    sense_of,
)
from devices.instants import clock_flags, from_iso, from_ms
from devices.reading import GRAVE, Flag, Reading, point_id
from devices.vocabulary import Meaning, Sense, channelled, clean_channel, riddle, understand

KEYS_MAX: Final = 256  # the richest model exposes 122 properties

_SKIPPED: Final = frozenset(("last_seen", "elapsed", "device", "update"))
_MAINS: Final = frozenset(("power", "current", "energy"))
_BATTERY: Final = frozenset(("battery", "battery_low", "battery_state"))
_json: Final = msgspec.json.Decoder()


def state(
    device: str,
    entry: Entry | None,
    fields: Mapping[str, Any],
    message: Message,
    learned: Sequence[Learned] = (),
) -> Decoded:
    """Readings of a device's state object; keys nobody knows are settings and say nothing."""
    at, flags = _when(fields.get("last_seen"), message)
    rows: Mapping[str, Row] = entry[2] if entry else {}
    problem = None if len(fields) <= KEYS_MAX else f"too-many: {len(fields)} keys, at most {KEYS_MAX}"
    found: dict[str, Reading] = {}
    for key, value in list(fields.items())[:KEYS_MAX]:
        if key in _SKIPPED:
            continue
        for meant in _property(key, value, rows.get(key), fields):
            if meant.value is None and meant.flags:
                problem = problem or riddle(key, value, meant)
            point = point_id(device, meant.metric, meant.channel)
            there = found.get(point)
            # Two properties may mean one thing (illuminance, illuminance_lux): the first counts, a grave yes over both.
            if there is None or (meant.value is True and there.value is not True and meant.metric in GRAVE):
                found[point] = Reading(point, meant.value, at, flags | meant.flags)
    return Decoded(tuple(found.values()), problem, learned=learned)


def attribute(device: str, entry: Entry | None, name: str, message: Message) -> Decoded:
    """The reading of one property published alone (`output: attribute`): JSON, or text without quotes."""
    try:
        text = message.payload.decode()
    except UnicodeDecodeError as error:
        return Decoded(quarantine=f"not-json: {error}")
    try:
        value = _json.decode(message.payload)
    except (msgspec.DecodeError, RecursionError):
        value = text  # `ON`, `single`
    if not text.isprintable():
        return Decoded(quarantine="not-json: binary data")
    return state(device, entry, {name: value}, message)


def _when(last_seen: Any, message: Message) -> tuple[int | None, int]:
    """`last_seen` as ISO 8601 or as Unix milliseconds, and the flags that hold for the whole message."""
    flags = int(Flag.RETAINED) if message.retained else 0
    at = from_iso(last_seen) if isinstance(last_seen, str) else from_ms(last_seen)
    return at, flags if at is None else flags | clock_flags(at, message.now)


def _property(key: str, value: Any, row: Row | None, fields: Mapping[str, Any]) -> list[Meaning]:
    if key == "smoke_level" and fields.get("smoke_unit") != "dB/m":
        return []  # the unit stands in a neighbour; %/ft does not convert without knowing the aerosol
    if key in VALVE_STATES and type(value) is str:
        return [Meaning("water_leak", "", "water_leakage" in value)] if value else []
    meant = sense_of(row[0] if row else key)
    if meant is None:
        return []
    unit = ""
    if row is not None:
        _, endpoint, unit, on, off, settable = row
        if endpoint:
            meant = channelled(meant, clean_channel(endpoint))
        if settable and is_setting(meant.term, value):
            return []  # what one can set is a setting or a siren
        if (
            on is not None
            and meant.term.level
            and not meant.term.text_first
            and isinstance(value, bool | str)
        ):
            for given, level in ((on, True), (off, False)):
                if type(given) is type(value) and given == value:
                    # value_on is what the property is about: for a contact it is "open", which is false.
                    return [Meaning(meant.term.level, meant.channel, level)]
    elif arms(key, meant.term, value):
        return []
    if meant.term.number in {"voltage", "pressure"} and isinstance(value, int | float):
        meant, unit = _guessed(meant, value, unit, fields)
    return understand(meant, value, unit, DIALECT)


def _guessed(meant: Sense, value: float, unit: str, fields: Mapping[str, Any]) -> tuple[Sense, str]:
    """Voltage and pressure are written in two units each; without exposes the size of the number tells which."""
    if meant.term.number == "pressure":
        # Air: kPa ends at 110 and hPa begins at 300. Pipes are exposed in kPa or bar, with their unit.
        return meant, unit or ("hPa" if value > 300 else "kPa")
    unit = unit or ("mV" if abs(value) >= 1000 else "V")
    battery = unit == "mV" or (bool(_BATTERY & fields.keys()) and not _MAINS & fields.keys())
    return Sense(BATTERY_VOLTAGE, meant.channel) if battery else meant, unit
