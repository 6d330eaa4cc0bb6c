"""MEOKON wireless terminals: hydrants, pipes, levels, leaks and gas, hex frames on `GIOT-GW/UL/<number>`.

Each frame brings one record that repeats its values, as in the maker's note. Awkward on purpose: hex in capitals for
every other device, a battery that comes in steps of 5 %, mains devices whose battery count means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any, Final, NamedTuple

from devices.codecs.meokon.frame import Packet, encode
from devices.simulator.dialects import Saying, Wire
from devices.simulator.dialects._plain import Plain, digits


class Type(NamedTuple):
    """A row of table 2: its number, the layout of a record, the metric of each value (our units in one count), and what
    its alarm bits are (table 3)."""

    number: int
    layout: str
    values: Sequence[tuple[str, float]]
    alarms: dict[str, int]


_TYPES: Final = {
    "hydrant": Type(58, "hhhh", (("pressure", 1), ("angle", 1), ("flow", 0.6), ("temperature", 0.1)),
                    {"pressure_low": 0x01, "hydrant_open": 0x80}),
    "pressure": Type(0, "h", (("pressure", 0.1),), {"pressure_low": 0x01}),
    "water_level": Type(10, "h", (("water_level", 1),), {"water_level_alarm": 0x02}),
    "water_leak": Type(20, "h", (("", 1),), {"water_leak": 0x01}),
    "gas": Type(31, "H", (("gas_lel", 0.1),), {"gas": 0x01}),
}  # fmt: skip
KINDS: Final[Sequence[str] | None] = tuple(_TYPES)

_BATTERY_LOW: Final = 0x04
_SETTINGS: Final = 8  # bytes of alarm settings, which say nothing
_BATTERY_ALONE, _MAINS_ALONE = 0x20, 0xC0


class Spoken(Plain):
    """Each terminal for itself; nobody says that one is there or gone."""

    stamps = True
    kinds = KINDS
    bad = (b"a55a0000", b"a55a00zz", b"\x00\xff\xfe", b"A55A00002953485250323530393031323034")

    def can(self, kind: str, metric: str) -> bool:
        return metric in _TYPES[kind].alarms or metric == "battery_low"

    def native(self, name: str) -> str:
        return f"SHSM{int(digits(self.site, name, 12), 16) % 10**8:08}"

    def report(self, saying: Saying) -> Sequence[Wire]:
        row = _TYPES[self.kind[saying.name]]
        fields, at = saying.fields, (saying.ts or 0) // 1000
        found: dict[str, Any] = {}
        counts = []
        for metric, unit in row.values:
            count = round(fields.get(metric, 0) / unit)
            counts.append(count)
            if metric in fields:
                found[metric] = count * unit
        bits = 0
        for metric, bit in (*row.alarms.items(), ("battery_low", _BATTERY_LOW)):
            found[metric] = bool(fields.get(metric))
            bits |= bit if found[metric] else 0
        battery = _MAINS_ALONE
        if "battery" in fields:
            battery = _BATTERY_ALONE | round(fields["battery"] / 5)
            found["battery"] = round(fields["battery"] / 5) * 5
        signal = found["rssi"] = fields.get("rssi", -71)
        record = pack(">" + row.layout, *counts)
        rest = bytes(_SETTINGS) + record + pack(">I", at) + record
        number = self.native(saying.name)
        frame = encode(Packet(number.encode(), battery, signal, 60, 1, row.number, bits, rest)).hex()
        text = frame.upper() if int(number[-1]) % 2 else frame
        return (Wire(f"GIOT-GW/UL/{number}", text.encode(), False, found, at * 1000),)
