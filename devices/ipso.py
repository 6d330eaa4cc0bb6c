"""LwM2M resources (`3303_0_5700`: object, instance, resource) and what each says in the house's metrics.

Source: OMA LwM2M registry: object 3 (Device), 4 (Connectivity Monitoring), the IPSO smart objects 3200-3350 and 10242.
Units are those the objects recommend; an object's own unit (resource 5701) outranks them where a message carries it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from devices.terms import Term
from devices.vocabulary import Sense

_DATA_STREAM: Final = re.compile(r"(\d{1,5})[_/](\d{1,5})[_/](\d{1,5})")

# object -> (metric, unit) of its value 5700, or of its state 5500 where the value is a yes or no.
_VALUES: Final = {
    3301: ("illuminance", "lx"),
    3303: ("temperature", "degC"),
    3304: ("humidity", "%"),
    3305: ("power", "W"),
    3315: ("pressure_barometric", "Pa"),
    3316: ("voltage", "V"),
    3317: ("current", "A"),
    3323: ("pressure", "Pa"),
    3328: ("power", "W"),
    3330: ("distance", "m"),
    3331: ("energy", "Wh"),
}
_STATES: Final = {3200: "digital_input", 3302: "presence", 3342: "relay", 3347: "button"}
_RESOURCES: Final = {
    (3, 7): Sense(Term(number="battery_voltage", unit="mV"), unit="mV"),
    (3, 9): Sense(Term(number="battery", unit="%")),
    (4, 2): Sense(Term(number="rssi", unit="dBm")),
}
BATTERY_STATUS: Final = (3, 20)
"""0 normal, 1 charging, 2 charged, 3 damaged, 4 low, 5 not installed, 6 unknown (LwM2M 1.0, Device, resource 20)."""

UNIT: Final = 5701
RAW: Final = 5750
"""Resource 5750 is "application type"; Chinese NB-IoT devices put their own payload there, as text or hexadecimal."""


@lru_cache(maxsize=1024)
def parts(stream: str) -> tuple[int, int, int] | None:
    """Object, instance and resource of a data stream's name, or None for any other name."""
    found = _DATA_STREAM.fullmatch(stream) if len(stream) <= 20 else None
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


@lru_cache(maxsize=1024)
def resource(stream: str) -> Sense | None:
    """What the resource says; None for one that says nothing we keep. An instance but the first is a channel."""
    named = parts(stream)
    if named is None:
        return None
    number, instance, what = named
    channel = str(instance) if instance else ""
    if (fixed := _RESOURCES.get((number, what))) is not None:
        return Sense(fixed.term, channel, fixed.unit)
    if what == 5700 and number in _VALUES:
        metric, unit = _VALUES[number]
        return Sense(Term(number=metric, unit=unit), channel)
    if what == 5500 and number in _STATES:
        return Sense(Term(level=_STATES[number]), channel)
    return None
