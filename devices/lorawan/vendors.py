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


_LEVELS: Final[Mapping[str, tuple[str, Any]]] = {
    "high": ("digital_input", True),
    "low": ("digital_input", False),
}
_PINS: Final[Mapping[str, tuple[str, Any]]] = {"h": ("digital_input", True), "l": ("digital_input", False)}
_LIMIT: Final = _words(
    "temperature_alarm",
    "threshold_alarm, temperature_threshold_alarm, mutation_alarm, temperature_mutation_alarm, high_temperature_alarm",
    "threshold_alarm_release, temperature_threshold_alarm_release, threshold_release, alarm_release",
)

# A badge that a lone worker wears: pressed, or lying still.
_LONE: Final[Mapping[str, tuple[str, Any]]] = {
    **dict.fromkeys(("sos", "mandown"), ("sos", True)),
    "alert": ("alarm_flag", True),
}
_LONE_EVENTS: Final[Mapping[str, tuple[str, Any]]] = {
    **dict.fromkeys(("sos_start", "mandown_start"), ("sos", True)),
    **dict.fromkeys(("sos_stop", "mandown_stop"), ("sos", False)),
    "alert_start": ("alarm_flag", True),
    "alert_stop": ("alarm_flag", False),
}

COMMON: Final = Brand(
    units={"current": "A", "current_max": "A", "pressure_barometric": "hPa"},
    terms={
        "average_amps": Term(number="current", unit="A"),
        "maximum_amps": Term(number="current_max", unit="A"),
        "current_max": Term(number="current_max"),
        "max_current": Term(number="current_max"),
        "dig_in": Term("digital_input"),
        **{f"dig_in{n}": Sense(Term("digital_input"), str(n)) for n in range(1, 5)},
        "digital": Term("digital_input"),
        "digital_in": Term("digital_input"),
        "digital_input": Term("digital_input"),
        "digital_output": Term("relay"),
        "gpio": Term("digital_input", words=_LEVELS),
        "gpio_in": Term("digital_input", words=_LEVELS),
        "gpio_input": Term("digital_input", words=_LEVELS),
        "gpio_out": Term("relay", words=_LEVELS),
        "gpio_output": Term("relay", words=_LEVELS),
        "external_digital": Sense(Term("digital_input"), "external"),
        "flood_level": Term(number="flood_level"),
        "latitude": Term(number="latitude"),
        "latitude_deg": Term(number="latitude"),
        "lat": Term(number="latitude"),
        **dict.fromkeys(("lon", "lng"), Term(number="longitude")),
        "longitude": Term(number="longitude"),
        "longitude_deg": Term(number="longitude"),
        "life_remain": Term(number="life_remaining"),
        "life_remaining": Term(number="life_remaining"),
        "light_intensity": Term(number="illuminance"),
        "loop_current": Term(number="loop_current"),
        "low_power": Term("power_low"),
        "power_low": Term("power_low"),
        "mounted": Term("mounted"),
        "open": Term("door_open"),
        "press_event": Term(number="button", text="button"),
        "pulse": Term(number="pulse_count"),
        "total_pulse": Term(number="pulse_count"),
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
_SWITCHED: Final = Term(
    number="contact_state", words={"on": ("relay", True), "off": ("relay", False)}
)  # in words it is a plug's own switch

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
            **{f"di{n}_status": Sense(Term("digital_input", words=_PINS), str(n)) for n in (1, 2, 3)},
            **{f"ro{n}_status": Sense(Term("relay"), str(n)) for n in (1, 2)},
            **{f"aci_{n}_ma": Sense(Term(number="loop_current", unit="mA"), str(n)) for n in (1, 2)},
        },
    ),
    "ellenex": Brand(units={"pressure": "bar", "water_level": "m"}, terms={"level": Term(number="water_level")}),
    "elsys": Brand(
        units={"pressure": "hPa"},
        terms={
            "light": Term(number="illuminance"),
            "occupancy": Term("occupied"),
            **dict.fromkeys(("water", "waterleak"), Term("water_leak")),  # 0 is dry, and 1 to 255 wet
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
        units={"pressure": "kPa", "water_level": "cm", "distance": "mm", "voltage": "V", "energy": "Wh"},
        terms={
            "alarm": Term("alarm_flag", words={
                "power_on": ("mains_power", True), "power_off": ("mains_power", False),
                "power_down": ("mains_power", False),
                "device_fault": ("fault", True), "device_fault_recovered": ("fault", False),
                "sensor_failure": ("fault", True), "sensor_recover": ("fault", False),
                "device_will_be_invalid_soon": ("end_of_life", True), "device_invalid": ("end_of_life", True),
                "sensor_about_to_fail": ("end_of_life", True), "sensor_failed": ("end_of_life", True),
            }),
            "button": Term("button", text="button", text_first=True),
            "button_event_status": Term("button", text="button", text_first=True),
            "button_status": Term("button", text="button", text_first=True),
            "current_threshold_alarm": Term("current_threshold"),
            "current_over_range_alarm": Term("overcurrent"),
            "depth": Term(number="water_level"),
            "geofence_status": Term(text="geofence"),
            "install": Term("mounted"),
            "level": Term(number="water_level"),
            "current_sensor_status": Sense(_READ, "current"),
            "life_remain": Term(number="life_remaining", unit="s"),
            **dict.fromkeys(("magnet", "magnet_status"), Term("door_open")),
            **{f"magnet_chn_{n}": Sense(Term("door_open"), f"chn{n}") for n in (1, 2)},
            **{f"temperature_chn_{n}_alarm": Sense(_LIMIT, f"chn{n}") for n in (1, 2)},
            "occupancy": Term("occupied"),
            "occupancy_status": Term("occupied"),
            "position": _words("tilt", "tilt", "normal"),
            "power_consumption": Term(number="energy"),
            "power_sum": Term(number="energy"),
            "press": Term("button", text="button", text_first=True),
            "socket_status": Term("relay"),
            "temperature_sensor_status": Sense(_READ, "temperature"),
            "total_current": Term(),  # ampere hours
            "tamper_status": _words("tamper", "uninstalled, uninstall, triggered", "installed, install, normal"),
            **{f"threshold_{axis}": Sense(Term("tilt"), axis) for axis in "xyz"},
        },
    ),
    "moko": Brand(
        terms={
            "batterylevle": Term(number="battery"),
            "dev_status": Term("sos", words={"none": ("sos", False), **_LONE}, alarm_words_only=True),
            "event_type": Term("sos", words={**_LONE, **_LONE_EVENTS}, alarm_words_only=True),
            "pack_type": Term(words={"low_battery": ("battery_low", True)}),
        },
    ),
    "netvox": Brand(
        units={"current": "mA", "energy": "Wh"},
        terms={
            "alarm": Term("sos"),
            "co": Term(number="co_ppm"),
            "disassembled_alarm": Term("tamper"),
            "doorbell": Term("button"),
            **dict.fromkeys(("high_current_alarm", "high_curren_alarm"), Term("current_threshold")),
            "incense_smoke_alarm": Term("smoke"),
            "occupy": Term("occupied"),
            "on_off": _SWITCHED,
            "shock_tamper_alarm": Term("tamper"),
            "vibration_status": Term("vibration"),
            "power_off_alarm": _words("mains_power", "no_alarm", "alarm"),
            "status": _RAW,
            "vol": Term(number="voltage"),
            "volt": Term(number="battery_voltage"),
            "supply_volt": Term(number="supply_voltage"),
            "water": Term(),  # in the soil
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
    "quandify": Brand(),
    "seeed": Brand(),
    "sensative": Brand(
        terms={
            "flood": Term(number="flood_level"),
            "door_report": Term("door_open"),
            "tamper_report": Term("tamper"),
            "temp_alarm_high_alarm": Term("temperature_alarm"),
            "temp_alarm_low_alarm": Term("temperature_alarm"),
        },
    ),
    "tektelic": Brand(terms={"input_voltage": Term()}),  # what a soil probe answers, in no unit of a meter
    "yobiiq": Brand(
        terms={
            "channel_state": Term("relay"),
            "internal_circuit_temperature": Term(number="temperature"),
            "internal_circuit_humidity": Term(number="humidity"),
        },
    ),
}  # fmt: skip
"""Vendors whose keys or units do not speak for themselves. A vendor not listed is read by the common words alone."""
