"""Events of Hikvision access controllers: major and minor number to what they say.

Source: ISAPI developer guide, "Access control event types" (major 1 alarm, 2 exception, 3 operation, 5 event); the
numbers are documented in hexadecimal and sent as decimal. What is not listed says only that there was an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from devices.reading import Value

Said = tuple[tuple[str, Value], ...]

_GRANTED: Final = "01 02 10 22 26 28 2b 2e 36 39 3c 3f 42 45 48 4b 4d 65 69"
_DENIED: Final = (
    "03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 23 24 27 29 2a 2c 2d 2f 30 31 37 38 3a 3b 3d 3e 40 41 43 44 46 47 49 4a 4c"
    " 4e 4f 50 66 67 68 70 71"
)

_CLOSED: Final = (("door_open", False), ("door_forced", False), ("door_held_open", False))


def _pairs(metric: str, both: str) -> dict[int, Said]:
    """`on/off` numbers of one state."""
    found: dict[int, Said] = {}
    for pair in both.split():
        on, _, off = pair.partition("/")
        found[int(on, 16)] = ((metric, True),)
        if off:
            found[int(off, 16)] = ((metric, False),)
    return found


_ALARM: Final[dict[int, Said]] = {
    **_pairs("tamper", "404/405 406/407 40f/410 422/423"),
    **_pairs("alarm_input", "408/409"),
    **_pairs("sos", "40a 41c/41d"),  # duress; emergency button
    **_pairs("fault", "400 401 402/403 415 416/417"),  # cut and short zones, lost readers
    **_pairs("storage_fault", "40d"),
    **_pairs("call_point", "418/419"),
    **_pairs("fire_detected", "424/425"),
    **_pairs("access_denied", "40c"),  # too many wrong cards
}
_EXCEPTION: Final[dict[int, Said]] = {
    **_pairs("battery_low", "403/404 411/412"),
    **_pairs("fault", "27/407 409/40a"),
    **_pairs("storage_fault", "408"),
    **_pairs("overtemp", "42f"),
    0x405: (("mains_fault", True), ("mains_power", False)),
    0x406: (("mains_fault", False), ("mains_power", True)),
}
_EVENT: Final[dict[int, Said]] = {
    **{int(n, 16): (("access_event", True), ("access_granted", True)) for n in _GRANTED.split()},
    **{int(n, 16): (("access_event", True), ("access_denied", True)) for n in _DENIED.split()},
    0x19: (("door_open", True),),
    0x1A: _CLOSED,
    0x1B: (("door_forced", True), ("door_open", True)),
    0x1C: (("door_held_open", True), ("door_open", True)),
    0x25: (("button", "doorbell"),),
    **_pairs("fire_detected", "34/35"),  # the fire relay opened every door, and closed them again
}
_OF: Final[Mapping[int, Mapping[int, Said]]] = {1: _ALARM, 2: _EXCEPTION, 5: _EVENT}


def told(major: int, minor: int) -> Said:
    """What an event says. Nothing is said of operations; of a number not listed, that people came and went."""
    known = _OF.get(major, {}).get(minor)
    if known is not None:
        return known
    return (("access_event", True),) if major == 5 else ()
