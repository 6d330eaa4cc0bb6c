"""The tables of GB/T 26875.3-2011 that say what components, status bits and analog types mean in the house's metrics.

Sources: table 4 (systems), table 5 (components), figures 6, 7, 9, 14 and 15 (bits), table 6 (analog types).

What is decided here:

- A component's fire bit is the alarm of its kind: 感烟 is smoke, 感温 heat, 手动报警按钮 a call point, 可燃气体 gas;
  every other kind that sets it, one left to its maker too, reports a fire.
- 屏蔽 (b3) is no fault, for nothing is broken, and not 监管 (b4) either: somebody took a part out of the watch. It is a
  `supervisory` condition of a channel of its own, `disabled`, which a rule treats as lost protection.
- 主电故障 is `mains_fault`, the house's one word for it; 备电故障 and a component's 电源故障 are `panel_power_fault`.
- 启动, 反馈 and 延时 say what a part does (a pump runs, a damper has closed, a release counts down): statuses.
- b0 says 1 正常运行 and 0 测试. Devices in the field send a fire as 0x0002, b0 clear (public captures of three makers),
  so b0 = 0 means test only where no other bit is set, and never takes anything back from a fire.
"""

from __future__ import annotations

from typing import Final

import msgspec

FIRE: Final = 0x0002  # b1 of every state
TEST_BIT: Final = 0x0001  # b0, clear in a test

_ALARMS: Final[dict[int, str]] = {
    **dict.fromkeys((10, 11, 12, 13, 74), "gas"),  # 可燃气体探测器 and its kinds; 74 气体探测器
    **dict.fromkeys((23, 24), "call_point"),  # 手动火灾报警按钮, 消火栓按钮
    **dict.fromkeys(range(30, 38), "heat"),  # 感温, its point, line and fibre kinds
    **dict.fromkeys(range(40, 45), "smoke"),  # 感烟, ionisation, photoelectric, beam, aspirating
}

RESIDUAL_CURRENT: Final = frozenset((16, 17))
"""Components whose current (analog type 9) leaks: 电气火灾监控报警器, 剩余电流式电气火灾监控探测器."""


def alarm_of(kind: int) -> str:
    """The metric of a component's fire bit, by its type of table 5."""
    return _ALARMS.get(kind, "fire_detected")


class Bits(msgspec.Struct, frozen=True):
    """What the bits of one kind of state mean: `(bit, metric, channel)` rows, and all bits that are defined."""

    rows: tuple[tuple[int, str, str], ...]
    known: int


def _bits(*rows: tuple[int, str, str]) -> Bits:
    return Bits(
        tuple((1 << n, metric, channel) for n, metric, channel in rows), sum(1 << n for n, *_ in rows)
    )


_COMMON: Final = (
    (2, "fault", ""),
    (3, "supervisory", "disabled"),
    (4, "supervisory", ""),
    (5, "relay", ""),
    (6, "relay", "feedback"),
    (7, "relay", "delay"),
)

PART_BITS: Final = _bits(*_COMMON, (8, "panel_power_fault", ""))
"""Figure 7, b2-b8. b9-b15 are reserved."""

SYSTEM_BITS: Final = _bits(
    *_COMMON,
    (8, "mains_fault", ""),
    (9, "panel_power_fault", "backup"),
    (10, "fault", "bus"),
    (11, "manual_mode", ""),
    (12, "configuration_changed", ""),
    (13, "reset", ""),
)
"""Figure 6, b2-b13; b13 = 1 is 复位 (the print says 1 twice). b14 and b15 are reserved."""

DEVICE_BITS: Final = _bits(
    (2, "fault", ""),
    (3, "mains_fault", ""),
    (4, "panel_power_fault", "backup"),
    (5, "fault", "link"),
    (6, "fault", "line"),
)
"""Figure 14, b2-b6: 与监控中心信道故障 is the link to us, 监测连接线路故障 the line to the panel. b7 is reserved."""

OPERATIONS: Final = (
    (0x01, "reset"),
    (0x02, "muted"),
    (0x04, "call_point"),
    (0x10, "self_test"),
    (0x40, "test"),
)
"""Figures 9 and 15 without b3 and b5: what a set bit says was done. A bit that is clear says nothing."""

ENDED: Final = 0x08 | 0x01
"""b3 警情消除 and b0 复位: what was raised by hand (b2) is over."""

CONFIRMED: Final = 0x20
"""b5: 确认 at a panel, 查岗应答 (somebody answered the duty check) at a transmission device."""


class Quantity(msgspec.Struct, frozen=True, gc=False):
    """One row of table 6: the metric, what one count is worth in its unit, and the counts that are valid."""

    metric: str
    times: int
    by: int
    low: int
    high: int


QUANTITIES: Final[dict[int, Quantity]] = {
    1: Quantity("pulse_count", 1, 1, 0, 32000),  # events
    2: Quantity("water_level", 10, 1, 0, 32000),  # height, 0.01 m, in mm
    3: Quantity("temperature", 1, 10, -2730, 32000),  # 0.1 degC
    4: Quantity("pressure", 100, 1, 0, 32000),  # 0.1 MPa, in kPa
    5: Quantity("pressure", 1, 10, 0, 32000),  # 0.1 kPa
    6: Quantity("gas_lel", 1, 10, 0, 1000),  # 0.1 %LEL
    7: Quantity("seconds", 1, 1, 0, 32000),  # s
    8: Quantity("voltage", 1, 10, 0, 32000),  # 0.1 V
    9: Quantity("current", 100, 1, 0, 32000),  # 0.1 A, in mA
    10: Quantity("flow", 6, 1, 0, 32000),  # 0.1 L/s, in L/min
    11: Quantity(
        "air_flow_m3_min", 1, 10, 0, 32000
    ),  # 0.1 m3/min of air, which no metric of the table measures
    12: Quantity("air_speed_m_s", 1, 1, 0, 20),  # m/s
}
"""Table 6. 0 and 13-127 are reserved, 128-255 left to the maker: a count without its unit is no measurement."""
