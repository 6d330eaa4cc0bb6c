"""The Things Stack's normalized payload: one schema for every vendor, for the few things it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.instants import from_iso
from devices.lorawan.brands import dialect_of
from devices.terms import Term
from devices.vocabulary import Meaning, Sense, understand

_MEASUREMENTS_MAX: Final = 64  # an uplink of 242 bytes, the most LoRaWAN carries, holds about 40

_PATHS: Final[Mapping[tuple[str, ...], Sense]] = {
    ("air", "temperature"): Sense(Term(number="temperature")),
    ("air", "relativeHumidity"): Sense(Term(number="humidity")),
    ("air", "pressure"): Sense(Term(number="pressure_barometric", unit="hPa")),
    ("air", "co2"): Sense(Term(number="co2_ppm")),
    ("air", "lightIntensity"): Sense(Term(number="illuminance")),
    ("water", "leak"): Sense(Term("water_leak")),
    ("water", "temperature", "current"): Sense(Term(number="temperature"), "water"),
    ("metering", "water", "total"): Sense(Term(number="volume", unit="L")),
    ("action", "motion", "detected"): Sense(Term("motion")),
    ("action", "contactState"): Sense(Term("door_open")),
    ("position", "latitude"): Sense(Term(number="latitude")),
    ("position", "longitude"): Sense(Term(number="longitude")),
}
"""The device repository's schema (lib/payload.json), as far as it speaks of what we keep. Its `battery` is in volts,
which the vendors' normalizers do not keep to; it is not read."""


def normalized(payload: Any) -> Iterator[tuple[Meaning, int | None]]:
    """What a normalized payload says, each with its own time or None: a list of measurements, or a single one."""
    for item in payload[:_MEASUREMENTS_MAX] if isinstance(payload, list) else [payload]:
        if not isinstance(item, dict):
            continue
        at = from_iso(item.get("time"))
        for path, meant in _PATHS.items():
            value: Any = item
            for step in path:
                value = value.get(step) if isinstance(value, dict) else None
            if value is not None:
                for one in understand(meant, value, "", dialect_of("")):
                    yield one, at
