"""How the vendors of LoRaWAN devices write: the units they leave out and the keys only they use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from devices.terms import Term
from devices.vocabulary import Sense


class Brand(msgspec.Struct, frozen=True):
    """One vendor's way of writing.

    `terms` are keyed by a key's words joined with underscores, the group's words before it where they belong together.
    `units` are those of numbers whose unit is nowhere said. `key_channels`: of a metric that comes in several, the
    whole key is the channel. `batteries_in_volts`: a battery's number is its voltage.
    """

    units: Mapping[str, str] = {}
    terms: Mapping[str, Term | Sense] = {}
    key_channels: bool = False
    batteries_in_volts: bool = False


_YES: Final = re.compile(r"\s*,\s*")


def _words(metric: str, yes: str = "", no: str = "", **more: str) -> Term:
    """A term whose words are listed: `yes` and `no` say so of `metric`, `more` names other metrics that become true."""
    said: dict[str, tuple[str, Any]] = {}
    for text, meant in (
        (yes, (metric, True)),
        (no, (metric, False)),
        *((t, (m, True)) for m, t in more.items()),
    ):
        said.update(dict.fromkeys((w for w in _YES.split(text.strip()) if w), meant))
    return Term(metric, words=said)


_LIMIT: Final = _words(
    "temperature_alarm",
    "threshold_alarm, temperature_threshold_alarm, mutation_alarm, temperature_mutation_alarm, high_temperature_alarm",
    "threshold_alarm_release, temperature_threshold_alarm_release, threshold_release, alarm_release",
)

COMMON: Final = Brand(
    units={"current": "A", "current_max": "A", "pressure_barometric": "hPa"},
    terms={
        "average_amps": Term(number="current", unit="A"),
        "maximum_amps": Term(number="current_max", unit="A"),
        "current_max": Term(number="current_max"),
        "max_current": Term(number="current_max"),
        "digital": Term("digital_input"),
        "digital_in": Term("digital_input"),
        "digital_input": Term("digital_input"),
        "external_digital": Sense(Term("digital_input"), "external"),
        "flood_level": Term(number="flood_level"),
        "latitude": Term(number="latitude"),
        "longitude": Term(number="longitude"),
        "life_remain": Term(number="life_remaining"),
        "life_remaining": Term(number="life_remaining"),
        "light_intensity": Term(number="illuminance"),
        "loop_current": Term(number="loop_current"),
        "low_power": Term("power_low"),
        "power_low": Term("power_low"),
        "mounted": Term("mounted"),
        "open": Term("door_open"),
        "press_event": Term(number="button", text="button"),
        "reason": Term(text="reason"),
        "reed": Term(number="contact_state"),
        "reed_state": Term(number="contact_state"),
        "relay_output_status": Term("relay"),
        "relay_status": Term("relay"),
        "sensor_valid": Term("sensor_valid"),
        "smoke_test": Term("test"),
        "smoke_sensor_status": Term("smoke", words={"ok": ("fault", False)}),  # the sensor's health, not the air's
        "temperature_alarm": _LIMIT,
        "temperature_ext": Sense(Term(number="temperature"), "external"),
        "external_temperature": Sense(Term(number="temperature"), "external"),
        "vaping_index": Term(number="vaping_index"),
        "vdd": Term(number="battery_voltage", unit="mV"),
        "water_depth": Term(number="water_level_depth"),
        "water_level_depth": Term(number="water_level_depth"),
        "waterleak": Term("water_leak", bits=True),
    },
)  # fmt: skip
"""What many vendors write, and what no vendor contradicts."""

_SENSOR_FAULT: Final = _words(
    "fault", "smoke_sensor_fault, t_humidity_sensor_fault", "smoke_sensor_ok, t_humidity_sensor_ok"
)
_READ: Final = _words("fault", "read_failed, over_range_alarm", "normal")
_RAW: Final = Term(number="contact_state")  # normally open or closed is the installer's choice

BRANDS: Final[dict[str, Brand]] = {
    "": COMMON,
    "b-meters": Brand(
        terms={
            "value": Term(number="volume_index"),
            "alarm_reverse_flow": Term("backflow"),
            "alarm_burst": Sense(Term("fault"), "burst"),
            "alarm_wrong_installation": Sense(Term("fault"), "installation"),
        },
    ),
    "browan": Brand(
        terms={
            "port100_status": Term("door_open"),
            "port102_status": Term("motion"),
            "port106_status": Term("water_leak"),
            "port147_status": Term("sos"),
            "mot_motionst": Term("motion"),
            "temperature_board": Term(number="device_temperature"),
        },
        batteries_in_volts=True,
    ),
    "dragino": Brand(
        terms={
            "temp_c_sht": Term(number="temperature"),
            "temp_c_sht_31": Term(number="temperature"),
            "temp_c_sht_41": Term(number="temperature"),
            "temp_c1": Term(number="temperature"),
            "hum_sht": Term(number="humidity"),
            "hum_sht_31": Term(number="humidity"),
            "hum_sht_41": Term(number="humidity"),
            "idc_intput_ma": Term(number="loop_current", unit="mA"),
            "idc_input_ma": Term(number="loop_current", unit="mA"),
            "water_deep_cm": Term(number="water_level_depth", unit="cm"),
            "door_open_status": Term("door_open"),
        },
    ),
    "ellenex": Brand(units={"pressure": "bar", "water_level": "m"}, terms={"level": Term(number="water_level")}),
    "elsys": Brand(
        units={"pressure": "hPa"},
        terms={
            "light": Term(number="illuminance"),
            "occupancy": Term("occupied"),
            "water": Term("water_leak", bits=True),
        },
    ),
    "keller": Brand(
        units={"pressure": "bar", "pressure_barometric": "bar"},
        terms={
            "p1": Term(number="pressure"),
            "p2": Sense(Term(number="pressure"), "2"),
            "p_baro": Term(number="pressure_barometric"),
            "tob_1": Term(number="temperature"),
            "tob_2": Sense(Term(number="temperature"), "2"),
        },
    ),
    "mclimate": Brand(terms={"status": Term("door_open"), "thermistor_properly_connected": Term("sensor_valid")}),
    "milesight": Brand(
        units={"pressure": "kPa", "water_level": "cm", "distance": "mm", "voltage": "V"},
        terms={
            "alarm": Term("alarm_flag", words={
                "power_on": ("mains_power", True), "power_off": ("mains_power", False),
                "device_fault": ("fault", True), "device_fault_recovered": ("fault", False),
                "device_will_be_invalid_soon": ("end_of_life", True), "device_invalid": ("end_of_life", True),
            }),
            "button": Term("button", text="button", text_first=True),
            "button_event_status": Term("button", text="button", text_first=True),
            "button_status": Term("button", text="button", text_first=True),
            "current_threshold_alarm": Term("current_threshold"),
            "current_over_range_alarm": Term("overcurrent"),
            "depth": Term(number="water_level"),
            "install": Term("mounted"),
            "level": Term(number="water_level"),
            "current_sensor_status": Sense(_READ, "current"),
            "life_remain": Term(number="life_remaining", unit="s"),
            "magnet_status": Term("door_open"),
            "occupancy": Term("occupied"),
            "occupancy_status": Term("occupied"),
            "position": _words("tilt", "tilt", "normal"),
            "power_consumption": Term(number="energy", unit="Wh"),
            "socket_status": Term("relay"),
            "temperature_sensor_status": Sense(_READ, "temperature"),
            "total_current": Term(),  # ampere hours
            "tamper_status": _words("tamper", "uninstalled, triggered", "installed, normal"),
            **{f"threshold_{axis}": Sense(Term("tilt"), axis) for axis in "xyz"},
        },
    ),
    "netvox": Brand(
        units={"current": "mA"},
        terms={
            "alarm": Term("sos"),
            "co": Term(number="co_ppm"),
            "disassembled_alarm": Term("tamper"),
            "doorbell": Term("button"),
            "incense_smoke_alarm": Term("smoke"),
            "occupy": Term("occupied"),
            "on_off": _RAW,
            "shock_tamper_alarm": Term("tamper"),
            "vibration_status": Term("vibration"),
            "power_off_alarm": _words("mains_power", "no_alarm", "alarm"),
            "status": _RAW,
            "volt": Term(number="battery_voltage"),
            "supply_volt": Term(number="supply_voltage"),
            "warning_status": _words("buzzer", "warning", "no_warning"),
        },
        key_channels=True,
    ),
    "nexelec": Brand(
        terms={
            "anti_tear_detection_status": _words(
                "tamper",
                "product_removed_from_its_based_just_now, magnetic_base_not_detected",
                "product_installed_on_its_base_just_now, magnetic_base_detected",
            ),
            "rmg_lifetime": Term(number="life_remaining", unit="month"),
            "smoke_alarm_hush": _words(
                "muted",
                "smoke_alarm_stopped_following_central_button_press, smoke_alarm_stopped_following_a_remote_silence",
                "smoke_alarm_stopped_because_no_smoke_anymore",
            ),
            "smoke_local_product_test": _words(
                "test", "local_smoke_test_was_done, remote_smoke_test_was_done", "smoke_test_off"
            ),
            "smoke_sensor_status": _SENSOR_FAULT,
            "temp_hum_sensor_status": Sense(_SENSOR_FAULT, "temp_hum"),
        },
    ),
    "seeed": Brand(),
    "sensative": Brand(
        terms={
            "flood": Term(number="flood_level"),
            "temp_alarm_high_alarm": Term("temperature_alarm"),
            "temp_alarm_low_alarm": Term("temperature_alarm"),
        },
    ),
    "yobiiq": Brand(
        terms={
            "channel_state": Term("relay"),
            "internal_circuit_temperature": Term(number="temperature"),
            "internal_circuit_humidity": Term(number="humidity"),
        },
    ),
}  # fmt: skip
"""Vendors whose keys or units do not speak for themselves. A vendor not listed is read by the common words alone."""
