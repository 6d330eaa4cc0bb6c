"""The table of subjects the vocabulary knows: key words, the metric each becomes, and what its values may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from devices.reading import Value


class Term(msgspec.Struct, frozen=True):
    """What a subject's values become, by their kind. An empty metric means that such a value says nothing.

    - `bits`: of numbers, 0 and 1 alone answer yes or no. Without it, a subject that has no number metric takes every
      number but 0 as yes.
    - `inverted`: a true value means "no" (zigbee2mqtt `contact`).
    - `any_word`: a word we do not know still means yes (the name of a fault).
    - `alarm_words_only`: on and off say nothing here.
    - `text_first`: words are kept as text before they are read as state.
    - `words`: words that mean something special here, as `(metric, value)`.
    - `whole`: understood with no other words beside it than a channel.
    """

    level: str = ""
    number: str = ""
    unit: str = ""  # of numbers, where neither message, key nor dialect names one; "" = the canonical unit
    text: str = ""
    words: Mapping[str, tuple[str, Value]] = {}
    bits: bool = False
    inverted: bool = False
    any_word: bool = False
    alarm_words_only: bool = False
    text_first: bool = False
    whole: bool = False


_SOS_WORDS: Final = dict.fromkeys(("emergency", "panic", "sos", "help", "求助", "紧急"), ("sos", True))
_ACTION_WORDS: Final = {
    **_SOS_WORDS,
    "fire": ("call_point", True),
}  # the fire key of a keypad, pressed by a person
_BATTERY_LOW: Final = "low critical very_low ultra_low empty battery_low battery_alarm 低"
_BATTERY_FINE: Final = (
    "high medium middle full good usb charged battery_full battery_high battery_medium 高 中"
)
_BATTERY_WORDS: Final = {
    **dict.fromkeys(_BATTERY_LOW.split(), ("battery_low", True)),
    **dict.fromkeys(_BATTERY_FINE.split(), ("battery_low", False)),
}
_LIMIT_WORDS: Final = {"low": ("temperature_alarm", True), "high": ("temperature_alarm", True)}
_WARMUP_WORDS: Final = dict.fromkeys(
    ("preheating", "preheat", "warming_up", "warmup", "预热"), ("warmup", True)
)
_ALARM_WORDS: Final = {
    "prealarm": ("prealarm", True),
    "battery_alarm": ("battery_low", True),
    "tamper": ("tamper", True),
    "error": ("fault", True),
}
_DOOR_WORDS: Final = {"error_forced_open": ("door_forced", True)}
_VALVE_WORDS: Final = {
    "ok": ("fault", False),
    **dict.fromkeys(("stuck", "valve_stuck", "jammed", "blocked"), ("fault", True)),
}
_POWER_WORDS: Final = {
    **dict.fromkeys(("ac_power_on", "power_on", "mains", "usb", "dc", "external"), ("mains_power", True)),
    **dict.fromkeys(("ac_power_off", "power_off", "battery", "lost"), ("mains_power", False)),
}

_ROWS: Final[tuple[tuple[str, Term], ...]] = (
    # Life safety. A number of these is a measurement, never an alarm: thresholds belong to rules.
    ("smoke 烟雾 烟感 烟雾报警", Term("smoke", "smoke_concentration", bits=True)),
    ("smoke_remote interconnect interconnect_smoke remote_smoke", Term("smoke_remote")),
    ("fire flame 火警 火灾 火焰", Term("fire_detected")),
    ("heat heat_detected 感温", Term("heat", alarm_words_only=True)),
    ("floor_heat floor_heating", Term()),
    ("call_point manual_call_point fire_button 手报 手动报警 手动报警按钮 手动火灾报警按钮", Term("call_point")),
    ("gas combustible_gas methane ch4 ch4_gas lpg natural_gas gas_leak gas_leakage 燃气 可燃气体 甲烷 燃气泄漏",
     Term("gas", "gas_ppm", bits=True)),
    ("co 一氧化碳", Term("co", "co_ppm")),
    ("carbon_monoxide", Term("co", "co_ppm", bits=True)),
    (("sos panic emergency emergency_call help personal_alarm sos_button panic_button emergency_button 紧急按钮 "
      "求助 求救 紧急呼叫 一键求助"),
     Term("sos")),
    # Water.
    (("water_leak water_leakage leak flood flooding water water_sensor active_water_leak water_ingress "
      "water_condition_alarm immersion 漏水 水浸 浸水"),
     Term("water_leak", bits=True)),
    ("leakage", Term("water_leak", "leakage_current", bits=True)),
    ("water_level_alarm high_water_alarm", Term("water_level_alarm", bits=True)),
    ("pressure_low low_pressure water_pressure_low pipe_pressure_low 水压低", Term("pressure_low", bits=True)),
    ("hydrant_open", Term("hydrant_open")),
    ("hydrant_tilt", Term("hydrant_tilt")),
    ("hydrant_hit", Term("hydrant_hit")),
    # Security and equipment.
    ("intrusion burglar burglary 入侵", Term("intrusion")),
    ("door_forced forced_open 强行开门", Term("door_forced")),
    ("door_held_open door_held 门未关", Term("door_held_open")),
    (("overtemp over_temperature overtemperature overheat overheated device_overheated emergency_overheat "
      "过热 超温"),
     Term("overtemp", bits=True)),
    ("temperature_high high_temperature high_temp temp_high", Term("temperature_high", bits=True)),
    ("temperature_alarm temperature_alarm_status temp_alarm 温度报警",
     Term("temperature_alarm", words=_LIMIT_WORDS, bits=True)),
    ("overcurrent over_current emergency_overcurrent 过流", Term("overcurrent", bits=True)),
    ("overpower over_power overload 过载", Term("overpower", bits=True)),
    ("leakage_current_alarm residual_current_alarm electric_leakage_alarm 漏电报警 剩余电流报警",
     Term("current_threshold", bits=True)),
    # Faults: any word that is not a normal one names a fault.
    (("fault trouble error malfunction faults fault_code error_code fault_state device_fault sensor_error "
      "sensor_fault 故障 fault_status error_status failure"),
     Term("fault", any_word=True)),
    (("chamber_contaminated chamber_dirty smoke_chamber_contaminated smoke_chamber_dirty fouled_smoke_chamber "
      "smoke_chamber_fouled detector_dirty cable_break cable_broken cable_unplugged"),
     Term("fault")),
    ("battery_defect battery_fault battery_failure", Term("battery_defect")),
    ("mains_fault ac_status ac_fault power_fault power_failure 主电故障", Term("mains_fault")),
    ("obstructed obstacle_detected air_inlet_covered 遮挡", Term("obstructed")),
    ("tamper tampered anti_tear anti_tear_detection box_tamper disassembly disassemble dismantle 防拆 拆卸",
     Term("tamper")),
    ("battery_low low_battery batt_low low_batt low_bat battery_alarm 电池欠压 欠压 低电",
     Term("battery_low", words=_BATTERY_WORDS)),
    ("battery_state battery_status", Term("battery_low", words=_BATTERY_WORDS, alarm_words_only=True, bits=True)),
    ("battery_ok", Term("battery_low", inverted=True)),
    ("end_of_life endoflife eol expired sensor_expired 寿命到期", Term("end_of_life", any_word=True)),
    ("prealarm pre_alarm 预警 预报警", Term("prealarm")),
    ("supervisory", Term("supervisory")),
    # Tests and what people did at the device.
    ("test testing test_in_progress test_button test_button_pressed 测试", Term("test")),
    ("self_test 自检", Term("self_test", text="self_test", text_first=True)),
    ("self_test_result selftest_result 自检结果",
     Term("self_test_result", text="self_test_result", text_first=True)),
    (("mute muted hush hushed silence silenced smoke_alarm_silenced alarm_silenced buzzer_mute "
      "buzzer_manual_mute 消音 静音"),
     Term("muted")),
    ("button button_event press_event 按钮 按键",
     Term("button", text="button", words=_SOS_WORDS, text_first=True)),
    ("action click", Term("button", text="button", words=_ACTION_WORDS, text_first=True, whole=True)),
    # State of the thing and its surroundings.
    ("alarm 报警 告警", Term("alarm_flag", words=_ALARM_WORDS)),
    ("warmup warm_up warming_up preheat preheating 预热", Term("warmup", words=_WARMUP_WORDS)),
    ("mains_power mains_power_connected ac_connected external_power external_power_source power_event 市电",
     Term("mains_power", words=_POWER_WORDS)),
    ("contact 门磁", Term("door_open", inverted=True)),
    (("door door_open window_open door_status magnetic_door door_magnetic door_magnet door_window "
      "opening_state 门"),
     Term("door_open", words=_DOOR_WORDS)),
    ("motion occupancy pir 人体 移动", Term("motion")),
    ("presence 有人", Term("presence")),
    ("occupied", Term("occupied")),
    ("vibration shock 震动 振动", Term("vibration")),
    ("tilt 倾斜", Term("tilt")),
    ("buzzer", Term("buzzer")),
    ("valve valve_open gas_valve water_valve 阀门", Term("valve_open", words=_VALVE_WORDS)),
    ("valve_alarm", Term("fault")),
    ("relay", Term("relay")),
    ("cap_open cover_open 井盖", Term("cap_open")),
    ("state switch power_state", Term(text="switch_state", whole=True)),
    ("gas_level", Term(number="gas_lel", text="gas_level")),
    # Measurements.
    ("temperature temp tmp ambient_temperature local_temperature current_temperature room_temperature 温度",
     Term(number="temperature")),
    (("device_temperature cpu_temperature chip_temperature board_temperature mcu_temperature "
      "internal_temperature 芯片温度"),
     Term(number="device_temperature")),
    ("humidity humi hum relative_humidity 湿度", Term(number="humidity")),
    ("battery batt bat battery_level battery_capacity battery_remaining 电量 电池 电池电量",
     Term("battery_low", "battery", words=_BATTERY_WORDS)),
    ("battery_voltage battery_volt cell_voltage bat_v batv batt_v vbat 电池电压", Term(number="battery_voltage")),
    ("voltage ac_voltage 电压", Term(number="voltage")),
    ("supply_voltage mains_voltage", Term(number="supply_voltage")),
    ("current ac_current 电流", Term(number="current")),
    ("leakage_current residual_current 剩余电流 漏电流", Term(number="leakage_current")),
    ("power active_power 功率", Term(number="power", whole=True)),
    ("active_power_total", Term(number="power")),
    ("reactive_power power_reactive", Term(number="reactive_power")),
    ("energy active_energy 电能", Term(number="energy")),
    ("co_ppm co_level co_concentration carbon_monoxide_value 一氧化碳浓度", Term(number="co_ppm")),
    ("co2 carbon_dioxide 二氧化碳", Term(number="co2_ppm")),
    ("h2s h2_s", Term(number="h2s_ppm")),
    ("nh3", Term(number="nh3_ppm")),
    ("no2", Term(number="no2_ppm")),
    ("gas_ppm", Term(number="gas_ppm")),
    ("gas_lel lel gas_value", Term(number="gas_lel")),
    ("gas_concentration gas_density 燃气浓度", Term(number="gas_concentration")),
    ("smoke_concentration 烟雾浓度", Term(number="smoke_concentration")),
    ("smoke_density smoke_value", Term(number="smoke_density")),
    ("smoke_obscuration smoke_density_dbm obscuration", Term(number="smoke_obscuration")),
    ("pm25 pm2_5 pm_2_5", Term(number="pm2_5")),
    ("illuminance lux luminosity ambient_light 照度", Term(number="illuminance")),
    ("pressure water_pressure pipe_pressure 水压 压力", Term(number="pressure")),
    ("barometer barometric_pressure pressure_barometric air_pressure 气压",
     Term(number="pressure_barometric")),
    ("flow water_flow flow_rate instantaneous_flow_rate 流量", Term(number="flow")),
    ("volume water_consumed water_volume 用水量", Term(number="volume", unit="m3", whole=True)),
    ("water_level liquid_level 水位 液位", Term(number="water_level")),
    ("liquid_level_percent", Term(number="water_level_percent")),
    ("distance target_distance 距离", Term(number="distance")),
    ("angle 角度", Term(number="angle")),
    ("acceleration", Term(number="acceleration")),
    ("linkquality link_quality lqi", Term(number="linkquality")),
    ("rssi signal_strength wifi_signal wifi_rssi wifi_signal_strength 信号强度", Term(number="rssi")),
    ("pulse_count", Term(number="pulse_count")),
)  # fmt: skip

TERMS: Final[dict[str, Term]] = {name: term for names, term in _ROWS for name in names.split()}
"""Subjects by their words, joined with underscores."""

PART_FAULT: Final = Term("fault", bits=True)
"""A fault of a part that its key names (`buzzerFailure`); any other number than 0 and 1 may be a deviation."""

_PART_WORDS: Final = """
    smoke fire heat gas co water temperature temp humidity chamber probe buzzer horn speaker siren sounder led relay
    memory flash eeprom radio rf lora communication comm network modem gps clock rtc adc hardware system ultrasonic
    infrared ir optical pump valve motor heater board circuit loop line wire cable calibration charger charging
"""
PARTS: Final = frozenset(_PART_WORDS.split())
"""Words beside a fault that say what is broken."""

STATE_WORDS: Final = frozenset(
    ("state", "status", "sensor", "event", "flag", "is", "local", "device", "状态")
)
"""Words beside a subject that change nothing."""

CODE_WORDS: Final = frozenset(("state", "status", "event", "flag", "状态"))
"""Those of them that make a whole number a code: `smoke_state: 2` is no density of smoke."""

LEVEL_WORDS: Final = frozenset((
    "alarm", "alarms", "alert", "warning", "warn", "detected", "detect", "detector", "active", "triggered",
    "报警", "告警",
))  # fmt: skip
"""Words that make the subject a yes or no: a number beside them is a setting, not a measurement."""

NUMBER_WORDS: Final = frozenset(
    ("value", "measured", "measurement", "concentration", "reading", "data", "in", "值", "浓度")
)
"""Words that make the subject a number."""

CHANNELS: Final = re.compile(
    r"\d{1,3}|[a-z]{1,2}\d{1,2}|chn\d{1,2}|wire\d?|[abcxyz]|left|right|center|centre|top|bottom|front|back|up|down|phase|channel|input"
    r"|zone|probe|port|floor|air|ds|total|external|cable|路"
)
"""Words that say which of several: endpoints, phases, axes, inputs."""

RANGES: Final[dict[str, tuple[float, float]]] = {
    **dict.fromkeys(("battery", "humidity", "flood_level", "water_level_percent"), (0.0, 100.0)),
    **dict.fromkeys(
        ("temperature", "device_temperature"), (-273.15, 3000.0)
    ),  # absolute zero; GB/T 26875.3 table 6
    **dict.fromkeys(
        ("co_ppm", "co2_ppm", "gas_ppm", "h2s_ppm", "nh3_ppm", "no2_ppm", "smoke_concentration", "pm2_5"),
        (0.0, 1e6),
    ),
    # A detector driven past its scale reads over 100 %LEL and means it; below nothing there is nothing.
    **dict.fromkeys(("gas_lel", "gas_concentration"), (0.0, 1e4)),
    **dict.fromkeys(("smoke_density", "smoke_obscuration", "vaping_index"), (0.0, 1e6)),
    **dict.fromkeys(("leakage_current", "current_max"), (0.0, 1e9)),
    **dict.fromkeys(("pressure", "pressure_barometric"), (-101.325, 1e6)),  # gauges end at vacuum
    **dict.fromkeys(("voltage", "supply_voltage", "battery_voltage"), (-1e6, 1e6)),
    **dict.fromkeys(("illuminance", "distance", "pulse_count", "life_remaining", "link_margin"), (0.0, 1e12)),
    "linkquality": (0.0, 255.0),  # IEEE 802.15.4: one byte
    "rssi": (-200.0, 60.0),
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "confidence": (0.0, 100.0),
}
"""What can be true of a metric, in its canonical unit. Outside, the reading is kept and flagged, never judged."""

SIBLINGS: Final[dict[str, tuple[str, ...]]] = {
    "battery": ("battery_voltage",),
    "gas_concentration": ("gas_ppm",),
    "gas_lel": ("gas_ppm", "volume"),
    "gas_ppm": ("gas_lel", "volume"),
    "leakage_current": ("volume",),
    "smoke_concentration": ("smoke_obscuration",),
    "smoke_density": ("smoke_obscuration", "smoke_concentration"),
    "smoke_obscuration": ("smoke_concentration",),
    "water_level": ("water_level_percent", "pressure"),
}
"""What a number is instead when its unit says so: a battery in mV is its voltage, gas in m3 a meter's reading."""
