"""The words devices use for their state, in English and Chinese, and what each says."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final


class Said(StrEnum):
    """What a word says of the thing it is about. UNKNOWN says that there is no reading, which is never normal."""

    ACTIVE = "active"
    NORMAL = "normal"
    UNKNOWN = "unknown"
    TEST = "test"
    PREALARM = "prealarm"
    FAULT = "fault"
    HUSH = "hush"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    END_OF_LIFE = "end_of_life"


_WORDS: Final[dict[Said, str]] = {
    Said.ACTIVE: """
        true on yes y 1 active activated activate alarm alarms alarmed alarming alert alarm_on on_alarm
        alarm_active critical critical_alarm warning_alarm detected detect triggered trigger trip tripped
        open opened opening present presence occupied motion move leak leaking leakage leaked wet flood
        flooded water smoke fire flame heat overheat overheated gas co carbon_monoxide mild heavy high_alarm
        upper_alarm lower_alarm pressed push pushed press emergency panic sos help connected enabled set
        forced raining water_leakage_yes local_smoke_alarm remote_smoke_alarm interconnect_smoke
        interconnect_carbon_monoxide tilt tilted water_present abnormal
        是 有 开 打开 开启 启动 报警 告警 警报 火警 火灾 动作 触发 激活 异常 烟雾 有烟 烟雾报警 燃气报警
        泄漏 泄露 燃气泄漏 漏水 浸水 水浸 溢水 求助 求救 紧急 按下 有人 超限 超标 高温报警
    """,
    Said.NORMAL: """
        false off no n 0 normal ok okay none clear cleared canceled cancelled cancel idle inactive
        deactivated safe good quiet dry no_leak noleak not_detected no_alarm alarm_off no_error no_fault
        not_triggered nomotion no_motion close closed closing released unpressed not_pressed disconnected
        disabled water_leakage_no standby ready no_smoke no_gas no_fire unmuted not_muted recovered restored
        fault_clear alarm_clear stop normal_operation no_rain no_water
        vacant unoccupied not_present water_not_present absent normal_state
        否 无 关 关闭 正常 解除 恢复 已恢复 消除 未触发 未报警 无报警 无烟 无漏水 干燥 安全 无人 监视
        正常监视
    """,
    Said.UNKNOWN: """
        unknown unavailable null nil na n_a nan inf undefined invalid not_available no_sensor nosensor
        no_reading not_connected detecting checking initializing initialising init warmup warming warming_up
        preheat undetermined
        未知 无效 无数据 检测中 预热
    """,
    Said.TEST: """
        test testing self_test selftest alarm_test test_alarm in_test test_mode on_test
        测试 自检 试验 检测测试 测试报警 模拟报警
    """,
    Said.PREALARM: """
        prealarm pre_alarm pre_smoke pre_warning prewarning early_warning
        预警 预报警
    """,
    Said.FAULT: """
        fault faulty error err failure failed fail malfunction trouble defect defective broken sensor_fault
        serious_fault probe_fault power_fault sensor_error device_fault comm_fault short_circuit
        open_circuit
        故障 传感器故障 失效 损坏
    """,
    Said.HUSH: """
        hush hushed mute muted silence silenced silent alarm_muted fault_muted low_battery_muted
        endoflife_muted warning_muted
        消音 静音
    """,
    Said.LOW_BATTERY: """
        low_battery battery_low low_batt very_low_battery
        电池欠压 欠压 低电 低电量 电量低 电池低电
    """,
    Said.TAMPER: """
        tamper tampered tampering removed disassembled torn
        防拆 防拆报警 拆除 拆动 被拆
    """,
    Said.END_OF_LIFE: """
        end_of_life endoflife eol expired expires_soon lifetime_expired
        寿命到期 到期 过期
    """,
}

_EXACT: Final = {word: said for said, words in _WORDS.items() for word in words.split()}

# In a whole sentence a denial stands right before what it denies: "non-activated", "not detected", "no leak".
_DENIALS: Final = frozenset(("no", "non", "not", "un", "without"))
_OTHERS: Final = frozenset(("battery", "power", "sensor", "device", "link"))  # "smoke alarm, battery ok"
_ENDS: Final = frozenset(
    (
        "off",
        "cleared",
        "clear",
        "normal",
        "ok",
        "inactive",
        "deactivated",
        "deactivation",
        "restored",
        "ended",
        "release",
        "released",
        "recovered",
        "resolved",
    )
)
_ALARMING: Final = """
    activated active alarm alert detected triggered on fire smoke leak gas panic sos emergency leaking alarming overheat
"""
_ACTIVE: Final = frozenset(_ALARMING.split())
_PARTS: Final = (
    (Said.TEST, frozenset(("test", "testing"))),
    (
        Said.FAULT,
        frozenset(("fault", "faulty", "error", "failure", "failed", "malfunction", "defect", "trouble")),
    ),
    (Said.PREALARM, frozenset(("prealarm", "prewarning"))),
    (Said.TAMPER, frozenset(("tamper", "tampered", "removed", "disassembled"))),
    (Said.HUSH, frozenset(("muted", "silenced", "hushed", "hush"))),
    (Said.END_OF_LIFE, frozenset(("expired",))),
)

_SPLIT: Final = re.compile(r"[^\w]+|_+")
HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Between the words of `lowBattery` and `COAlarm`."""


def normal(text: str) -> str:
    """The text as the tables have it: lower case, words joined by single underscores."""
    return "_".join(part for part in _SPLIT.split(text.strip().casefold()) if part)


# Chinese is written without spaces; the first sign found decides, so that "报警未解除" is an alarm and "报警解除" none.
_CHINESE: Final = tuple(
    (meaning, re.compile(sign))
    for meaning, sign in (
        (Said.ACTIVE, "未(解除|恢复|消除|复位|排除)"),
        (Said.NORMAL, "解除|恢复|消除|正常|(未|无|没有).{0,3}(报警|告警|火警|触发|泄漏|泄露|漏水|异常|烟)"),
        (Said.TEST, "测试|自检|试验|模拟"),
        (Said.PREALARM, "预警|预报警"),
        (Said.TAMPER, "防拆|拆除|被拆"),
        (Said.LOW_BATTERY, "欠压|低电|电量低"),
        (Said.HUSH, "消音|静音"),
        (Said.END_OF_LIFE, "到期|过期"),
        (Said.FAULT, "故障|失效|损坏"),
        (Said.ACTIVE, "报警|告警|警报|火警|火灾|泄漏|泄露|漏水|触发|异常|求助|求救|超限|超标"),
        (Said.UNKNOWN, "未知|无效"),
    )
)


@lru_cache(maxsize=4096)
def said(text: str) -> Said | None:
    """What a word or a vendor's short sentence says; None for one we do not know.

    A sentence that both denies and affirms is read as affirming: "alarm, not muted" is an alarm.
    """
    words = normal(text)
    exact = _EXACT.get(words)
    if exact is not None or not words:
        return exact
    if not text.islower():
        words = normal(HUMP.sub("_", text))  # `NoAlarm`
        exact = _EXACT.get(words)
        if exact is not None:
            return exact
    parts = words.split("_")
    if len(parts) > 12 or len(words) > 120:
        return None  # a paragraph is not a state
    return _sentence(parts) or next((meaning for meaning, sign in _CHINESE if sign.search(words)), None)


def _sentence(parts: list[str]) -> Said | None:
    denied = {b for a, b in pairwise(parts) if a in _DENIALS}
    present = set(parts) - denied
    if denied & (_ACTIVE | {"leakage", "water", "motion", "activation"}):
        return Said.NORMAL
    if parts[-1] in _ENDS and not present & _OTHERS:
        return Said.NORMAL
    for meaning, words in _PARTS:
        if present & words:
            return meaning
    if "battery" in present and present & {"low", "critical"}:
        return Said.LOW_BATTERY
    return Said.ACTIVE if present & _ACTIVE else None


def switch(text: str) -> bool | None:
    """The boolean that a wire format wrote as text (`true`, `OFF`, `1`), which is not yet a statement of state."""
    return _SWITCHES.get(text.strip().casefold())


_SWITCHES: Final = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}
