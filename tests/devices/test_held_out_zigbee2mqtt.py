"""Properties of Zigbee devices as the public converters publish them: what each says, and which are settings.

Names, values and meanings: zigbee-herdsman-converters, the exposes of its definitions.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codecs import zigbee2mqtt
from devices.reading import METRICS, MetricClass
from tests.devices.reading_rows import rows, said

Rows = list[tuple[str, str, Any]]

STATES: list[tuple[str, Any, Rows]] = [
    # Life safety, one device's word for it after another's.
    ("smoke_state", "alarm", [("smoke", "", True)]),
    ("smoke_state", "detecting", [("smoke", "", None)]),
    ("smoke_alarm_1", True, [("smoke", "1", True)]),
    ("co_state", "normal", [("co", "", False)]),
    ("carbon_monoxide", "ON", [("co", "", True)]),
    ("gas_sensor_state", "alarm", [("gas", "", True)]),
    ("gas_alarm_2", False, [("gas", "2", False)]),
    ("channel_3_leak_detect", "Leak", [("water_leak", "channel_3", True)]),
    ("water_leakage_state", "water_leakage_no", [("water_leak", "", False)]),
    ("current_device_status", "normal_state", [("water_leak", "", False)]),
    ("current_device_status", "water_shortage & water_leakage", [("water_leak", "", True)]),
    ("valve_abnormal_state", "water_shortage_channel_1,water_leakage", [("water_leak", "", True)]),
    ("valve_abnormal_state", "fail_safe", [("water_leak", "", False)]),
    ("action", "sos", [("sos", "", True)]),
    ("action", "panic", [("sos", "", True)]),
    ("action", "recall_1", [("button", "", "recall_1")]),
    ("fall_status", "fall_alarm", [("sos", "", True)]),
    ("fall_status", "normal", [("sos", "", False)]),
    ("fall_status", "fall_warning", []),
    ("fall_down_status", "maybe_fall", []),
    ("overheat_mode", "overheat", [("overtemp", "", True)]),
    ("device_overheated", "Normal", [("overtemp", "", False)]),
    ("overload_protection", "Alarm Active", [("overpower", "", True)]),
    ("temperature_alarm", "upper_alarm", [("temperature_alarm", "", True)]),
    ("alarm_temperature", "below_min_temperature", [("temperature_alarm", "", True)]),
    ("temperature_alarm", "canceled", [("temperature_alarm", "", False)]),
    ("door_state", "error_forced_open", [("door_forced", "", True)]),
    # Faults, tests and the device itself.
    ("alarm_state", "prealarm", [("prealarm", "", True)]),
    ("alarm_status", "tamper", [("tamper", "", True)]),
    ("fault_state", "normal", [("fault", "", False)]),
    ("fault", "leakagecurr_alarm", [("fault", "", True)]),
    ("valve_alarm", True, [("fault", "", True)]),
    ("valve_1_status", "Valve stuck", [("fault", "1", True)]),
    ("tamper_alarm", "ON", [("tamper", "", True)]),
    ("channel_1_battery_low", "Normal", [("battery_low", "channel_1", False)]),
    ("endoflife", "expires_soon", [("end_of_life", "", True)]),
    ("muted", "alarm_muted", [("muted", "", True)]),
    ("preheating", "preheating", [("warmup", "", True)]),
    ("preheating", "normal", [("warmup", "", False)]),
    ("checking_result", "check_failure", [("self_test_result", "", "check_failure")]),
    # Doors, people, valves and levels.
    ("garage_door_contact", False, [("door_open", "", True)]),
    ("opening_state", "tilted", [("door_open", "", True)]),
    ("presence_state", "peaceful", [("presence", "", True)]),
    ("human_motion_state", "none", [("presence", "", False)]),
    ("input_l1", "ON", [("digital_input", "l1", True)]),
    ("valve_state", "CLOSED", [("valve_open", "", False)]),
    ("liquid_state", "low", [("water_level_state", "", "low")]),
    ("liquid_depth", 1.25, [("water_level_depth", "", 1.25)]),
    ("instantaneous_flow_rate", 1.2, [("flow", "", 20.0)]),
    ("power_reactive_phase_b", 12, [("reactive_power", "phase_b", 12)]),
]


def one(key: str, value: Any) -> Rows:
    """What a property says of a device about which nothing else is known."""
    return [row[1:] for row in rows(said(zigbee2mqtt, "zigbee2mqtt/d", json.dumps({key: value})))]


@pytest.mark.parametrize(("key", "value", "wanted"), STATES, ids=lambda given: str(given)[:40])
def test_a_property_means_what_its_maker_says(key: str, value: Any, wanted: Rows) -> None:
    """The name and the value alone are enough, without the bridge's description of the device."""
    assert one(key, value) == wanted


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("over_current_alarm", "ON"),
        ("over_temperature_alarm", "ON"),
        ("temperature_alarm", True),
        ("high_temperature", 60),
        ("high_temperature", 1),
        ("overload_protection", 2300),
        ("pre_alarm", "ON"),
        ("relay_status", "power_on"),
        ("relay_status_l2", "on"),
        ("volume", 80),
        ("volume", "high"),
        ("tilt", 45),
        ("action_zone", 3),
        ("temperature_warning", "low"),
    ],
)
def test_a_setting_is_no_statement(key: str, value: Any) -> None:
    """What a device is set to alarm on, and how loudly, is not an alarm, a reading or a state."""
    assert one(key, value) == []


@pytest.mark.parametrize(
    "name", ["over_current_alarm", "overload_protection", "pre_alarm", "temperature_alarm"]
)
def test_what_can_be_set_alarms_nobody(name: str) -> None:
    """Where the bridge says that a property can be set, no value of it raises an alarm or a fault."""
    exposes = [
        {"type": "binary", "name": name, "property": name, "access": 7, "value_on": "ON", "value_off": "OFF"}
    ]
    listed = [
        {
            "ieee_address": "0x00158d0000000001",
            "friendly_name": "d",
            "type": "Router",
            "definition": {"model": "m", "exposes": exposes},
        }
    ]
    learned = said(zigbee2mqtt, "zigbee2mqtt/bridge/devices", json.dumps(listed)).learned
    context = {entry.key: entry.value for entry in learned}
    for value in ("ON", "OFF", True, "high", 1):
        got = said(zigbee2mqtt, "zigbee2mqtt/d", json.dumps({name: value}), context)
        grave = {MetricClass.ALARM, MetricClass.FAULT}
        assert not [row for row in rows(got) if METRICS[row[1]].klass in grave and row[3] is True], value
