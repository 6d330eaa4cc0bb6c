"""What MEOKON's types measure, and what their alarm bits mean: tables 2 and 3 of its protocol, as data.

Sources: the V3.0 note (types 0-2, 24 and 34, the alarm bits), and the whole of table 2 as a public Java platform reads
V3.3 (class `MkV3Type`). Types 45, 82, 85, 94, 95, 97, 98, 103 and 104 stand in neither; 46 is left out, for 0.001 mm a
count cannot be what a level meter of several metres sends. What the house has no metric for (pH, conductivity, noise,
raw counts of a converter) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

import msgspec

from devices.reading import METRICS
from devices.units import scale

LOW, HIGH, BATTERY, SENSOR, HARDWARE, LOW_2, HIGH_2, THIRD = (1 << n for n in range(8))
"""The alarm bits of table 3."""

Point = tuple[str, str]
"""A metric and its channel."""


class Field(msgspec.Struct, frozen=True, gc=False):
    """One value of a record. `bits` > 0: so many inputs or outputs, one bit each, from the lowest."""

    metric: str  # "" where the house keeps no such thing
    channel: str
    factor: float = 1.0  # canonical value = count * factor + offset
    offset: float = 0.0
    bits: int = 0


class Type(msgspec.Struct, frozen=True):
    """A row of table 2: how a record is laid out, its fields, and what each alarm bit says."""

    layout: Struct
    fields: tuple[Field, ...]
    alarms: tuple[tuple[int, Point], ...]


def _field(spec: str) -> Iterator[tuple[str, Field]]:
    """`metric[.channel][*bits] format [count unit]`, format as in `struct`, count in the unit: `pressure h 0.001 MPa`.

    A channel `1-4` stands for four such values in a row.
    """
    name, layout, *rest = spec.split()
    first, dash, last = name.rpartition(".")[2].partition("-")
    if dash and first:
        for number in range(int(first), int(last) + 1):
            yield from _field(spec.replace(f"{first}-{last}", str(number)))
        return
    name, _, bits = name.partition("*")
    metric, _, channel = name.partition(".")
    if metric == "-":
        yield layout, Field("", "")
        return
    count, unit = float(rest[0]) if rest else 1.0, rest[1] if len(rest) > 1 else ""
    factor, offset = count, 0.0
    if unit:
        scaled = scale(unit, METRICS[metric].unit or "")
        assert scaled is not None, spec
        factor, offset = float(f"{count * scaled[0]:.12g}"), scaled[1]
    yield layout, Field(metric, channel, factor, offset, int(bits or 0))


_BOTH: Final[dict[str, str]] = {"gas_lel": "gas", "gas_ppm": "gas", "angle": "tilt"}
"""Where either limit says one thing: 低报 and 高报 of a gas detector are its two steps, and both are gas."""

_HIGHS: Final[dict[str, str]] = {
    "temperature": "temperature_high",
    "current": "overcurrent",
    "power": "overpower",
}


def _limits(metric: str, channel: str) -> tuple[Point, Point]:
    """What "below its lower limit" and "above its upper limit" are, of a sensor."""
    sided = [f"{channel}_{side}" if channel else side for side in ("low", "high")]
    named = [f"{metric or 'sensor'}_{side}" for side in sided]
    if metric in _BOTH:
        return (_BOTH[metric], channel), (_BOTH[metric], channel)
    if metric in {"water_level", "distance"}:
        return ("water_level_alarm", sided[0]), ("water_level_alarm", sided[1])
    lows = {"pressure": ("pressure_low", channel), "temperature": ("temperature_alarm", sided[0])}
    high = (_HIGHS[metric], channel) if metric in _HIGHS else ("equipment_alarm", named[1])
    return lows.get(metric, ("equipment_alarm", named[0])), high


_COMMON: Final = (
    (BATTERY, ("battery_low", "")),
    (SENSOR, ("fault", "sensor")),
    (HARDWARE, ("fault", "hardware")),
)
_HYDRANT: Final = {LOW_2: ("hydrant_hit", ""), HIGH_2: ("hydrant_tilt", ""), THIRD: ("hydrant_open", "")}
_AIR: Final = {BATTERY: ("fault", "device"), THIRD: ("tamper", "")}  # on the mains; its box was opened

# Types whose bits mean something of their own: the notes under table 3.
_OWN: Final[dict[int, dict[int, Point]]] = {
    20: {LOW: ("water_leak", ""), HIGH: ("water_leak", "")},  # 水浸
    24: _HYDRANT,  # 消火栓: 放水, 倾斜, 撞击
    34: {THIRD: ("hydrant_open", "")},  # 消火栓压力: 放水
    36: {LOW: ("water_leak", ""), LOW_2: ("hydrant_hit", ""), HIGH_2: ("cap_open", "")},  # 消防栓闷盖
    37: {LOW: ("cap_open", ""), HIGH: ("cap_open", "")},  # 井盖状态仪
    39: {LOW_2: ("vibration", "")},  # 温度异动
    40: {THIRD: ("cap_open", "")},  # 井盖液位
    58: _HYDRANT,  # 消火栓流量
    67: {LOW: ("water_leak", ""), LOW_2: ("vibration", ""), HIGH_2: ("tilt", "")},  # 智能井盖
    79: _AIR,
    96: _AIR,
    99: {LOW: ("gas", ""), HIGH: ("gas", "")},  # 可燃有毒气体
    105: _AIR,
}
_NO_HIGH: Final = frozenset((36, 67))  # their b1 says nothing

# A type, how many sensors have limits (报警组个数), and the values of a record in order.
_ROWS: Final = """
0   1 pressure h 0.1 kPa
1   1 pressure h 0.001 MPa
2   1 pressure h 0.01 bar
3   1 pressure h 0.1 psi
4   1 pressure h 1 Pa
5   1 pressure h 1 mbar
6   1 pressure h 0.01 kgf/cm2
7   1 pressure h 0.01 mmHg
8   1 water_level h 0.01 m
9   1 water_level h 0.1 cm
10  1 water_level h 1 mm
11  1 temperature h 0.1 degC
12  1 temperature h 0.1 degF
13  1 humidity h 0.1 %
14  1 current h 0.1 A
15  1 voltage h 0.1 V
16  2 pressure h 0.001 MPa; pressure.difference h 0.1 kPa
17  2 pressure h 0.001 MPa; temperature h 0.1 degC
18  2 humidity h 0.1 %; temperature h 0.1 degC
19  1 - h
20  1 - h
21  2 pressure.in h 1 kPa; pressure.out h 1 kPa
22  1 pressure h 10 Pa
23  1 angle h 1 deg
24  2 pressure h 0.001 MPa; angle h 1 deg
25  2 temperature.1-2 h 0.1 degC
26  1 - h
27  1 flow f 1 m3/h; - f; volume.forward I 1 m3; volume.net I 1 m3
28  1 digital_input*16 H
29  1 water_level.probe h 0.01 m; water_level.ultrasonic h 0.01 m; water_level h 0.01 m
30  1 water_level h 0.01 m
31  1 gas_lel H 0.1 %LEL
32  1 longitude d 1 deg; latitude d 1 deg
33  2 water_level h 0.01 m; pressure h 0.001 MPa
34  1 pressure h 0.001 MPa
35  1 pressure.difference h 0.1 kPa
36  1 - h; - h
37  1 - h
38  2 water_level h 0.01 m; temperature h 0.1 degC
39  1 temperature h 0.1 degC; - h
40  1 water_level h 0.01 m
41  1 - h
42  1 distance h 0.01 m
43  1 digital_input*32 I
44  1 - h; - h; - h
47  1 - h
48  1 - h
49  2 water_level h 0.01 m; angle h 1 deg
50  1 pressure.1-2 h 0.001 MPa; temperature.1-2 h 0.1 degC; flow h 0.01 m3/h
51  1 - h
52  1 - i
53  1 volume I 0.01 m3
54  1 - h; - h; temperature h 0.1 degC
55  1 - h; - h; temperature h 0.1 degC
56  1 - h; temperature h 0.1 degC; - h
57  1 - h
58  1 pressure h 0.001 MPa; angle h 1 deg; flow h 0.01 L/s; temperature h 0.1 degC
59  1 pulse_count H
60  1 energy I 0.01 kWh; voltage.a H 0.1 V; voltage.b H 0.1 V; voltage.c H 0.1 V; \
    current.a H 0.01 A; current.b H 0.01 A; current.c H 0.01 A; power H 0.001 kW; - H
61  1 pressure H 0.01 MPa
62  2 - i; temperature i 0.1 degC
63  1 water_level H 0.001 m
64  2 - i; temperature i 0.1 degC
65  1 temperature.1-3 h 0.1 degC
66  2 pressure.1 h 0.001 MPa; pressure.2 h 0.01 kPa
67  1 - h; angle h 1 deg
68  2 - h; temperature h 0.1 degC
69  2 - i; temperature i 0.1 degC
70  1 distance i 0.01 mm
71  1 - h; - h; - h; - h; temperature h 0.1 degC
72  1 temperature h 0.1 degC; humidity h 0.1 %; - h; pm2_5 h 1 ug/m3; - h; \
    co2_ppm h 1 ppm; - h; - h
73  1 flow.standard f 1 m3/h; flow.working f 1 m3/h; volume.standard d 1 m3; volume.working d 1 m3; \
    temperature f 1 degC; pressure f 1 kPa; - h
74  1 - h; water_level h 0.001 m; temperature h 0.1 degC
75  1 illuminance h 1 lx
76  1 illuminance H 1 lx
77  1 gas_ppm h 1 ppm
78  1 temperature h 0.1 degC; humidity h 0.1 %; - h; pm2_5 h 1 ug/m3; - h; \
    co2_ppm h 1 ppm; - h; - h
79  1 temperature h 0.1 degC; humidity h 0.1 %; - h; pm2_5 h 1 ug/m3; - h; \
    h2s_ppm h 0.01 ppm; nh3_ppm h 0.1 ppm; - h
80  1 temperature h 0.01 degC
81  1 gas_ppm h 1 ppm
83  1 humidity h 0.1 %; temperature h 0.1 degC; - h
84  1 water_level i 0.001 m
86  2 - i; temperature i 0.1 degC
87  2 - h; temperature h 0.1 degC
88  1 pressure.1-3 h 0.001 MPa; temperature h 0.1 degC; flow h 0.01 m3/h
89  1 flow f 1 m3/h; - f; volume.forward i 1 m3; volume.net i 1 m3; volume.day i 0.1 m3; \
    longitude d 1 deg; latitude d 1 deg
90  2 water_level.1 h 0.01 m; water_level.2 h 0.01 m
91  1 temperature.1-8 h 0.1 degC
92  1 temperature.1-4 h 0.1 degC
93  1 water_level h 0.01 m; humidity h 0.1 %; temperature h 0.1 degC
96  1 temperature h 0.1 degC; humidity h 0.1 %; - h; pm2_5 h 1 ug/m3; - h; \
    co2_ppm h 1 ppm; co_ppm h 1 ppm; - h
99  1 - h; - h; - h
100 1 digital_input*16 H; loop_current.1-8 H 0.01 mA; relay*16 H
101 1 - h; digital_input*8 H; relay*4 H
102 1 buzzer*1 h
105 1 temperature h 0.1 degC; humidity h 0.1 %; - h; pm2_5 h 1 ug/m3; - h; \
    co2_ppm h 1 ppm; co_ppm h 1 ppm; nh3_ppm h 0.1 ppm
106 1 temperature h 0.1 degC; - h; - h; - h; \
    acceleration.x h 0.1 m/s2; acceleration.y h 0.1 m/s2; acceleration.z h 0.1 m/s2; - h; - h; - h; vibration*1 h
"""


def _type(row: str) -> tuple[int, Type]:
    number, groups, specs = row.split(None, 2)
    kind = int(number)
    read = [field for spec in specs.split(";") for field in _field(spec)]
    fields = tuple(field for _, field in read)
    bits: dict[int, Point] = dict(_COMMON)
    low, high = _limits(fields[0].metric, fields[0].channel)
    bits[LOW] = low
    if kind not in _NO_HIGH:
        bits[HIGH] = high
    if groups == "2":
        bits[LOW_2], bits[HIGH_2] = _limits(fields[1].metric, fields[1].channel)
    bits |= _OWN.get(kind, {})
    layout = Struct(">" + "".join(layout for layout, _ in read))
    return kind, Type(layout, fields, tuple(sorted(bits.items())))


TYPES: Final[dict[int, Type]] = dict(_type(row) for row in _ROWS.strip().splitlines())
"""Every type whose records can be read, by its number."""

UNKNOWN: Final[tuple[tuple[int, Point], ...]] = (
    *_COMMON,
    *((bit, ("equipment_alarm", "")) for bit in (LOW, HIGH, LOW_2, HIGH_2, THIRD)),
)
"""Of a type nobody knows, any alarm bit but those that all types share is an alarm of some equipment."""
