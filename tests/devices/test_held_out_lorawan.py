"""Objects of LoRaWAN devices as the public codecs of their vendors make them, through both network servers.

Keys, words and units: TheThingsNetwork/lorawan-devices, chirpstack-device-profiles, Milesight SensorDecoders.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import chirpstack, ttn
from devices.reading import Flag
from tests.devices.reading_rows import rows, said

Rows = set[tuple[str, str, Any]]
EUI = "0102030405060708"

OBJECTS: list[tuple[str, int, dict[str, Any], Rows]] = [
    # Gas, smoke, fire, carbon monoxide.
    ("milesight-iot", 85, {"state": "abnormal", "valve": "close", "relay": "open"},
     {("gas", "", True), ("valve_open", "", False), ("relay", "", True)}),
    ("milesight-iot", 85, {"state": "normal", "alarm": "power down"}, {("gas", "", False), ("mains_power", "", False)}),
    ("milesight-iot", 85, {"alarm": "sensor failure"}, {("fault", "", True)}),
    ("milesight-iot", 85, {"alarm": "sensor about to fail"}, {("end_of_life", "", True)}),
    ("milesight-iot", 85, {"vaping_index": 9, "temperature_alarm": {"type": "burning alarm trigger"},
                           "tamper_status_alarm": {"type": "alarm trigger"}, "buzzer": "normal"},
     {("vaping_index", "", 9), ("fire_detected", "", True), ("tamper", "", True), ("buzzer", "", False)}),
    ("milesight-iot", 85, {"humidity": 50, "temperature_alarm": {"type": "alarm deactivation"}},
     {("humidity", "", 50), ("temperature_alarm", "", False)}),
    ("milesight-iot", 85, {"humidity": 57.9, "temperature_alarm": {"type": "over range error"}, "buzzer": "triggered"},
     {("humidity", "", 57.9), ("buzzer", "", True)}),
    ("netvox", 6, {"Device": "RA02C", "Volt": 3, "COAlarm": "Alarm", "HighTempAlarm": "No Alarm"},
     {("battery_voltage", "", 3), ("co", "", True), ("temperature_high", "", False)}),
    ("netvox", 6, {"Device": "RA02A", "FireAlarm": "NoAlarm", "HighTempAlarm": "NoAlarm"},
     {("fire_detected", "", False), ("temperature_high", "", False)}),
    ("decentlab", 1, {"ch4_gas": {"unit": "ppm", "value": 500}}, {("gas_ppm", "", 500)}),
    # Water.
    ("radio-bridge", 2, {"Type": "WATER", "Water": {"Event": "Water Present", "Relative": 30}},
     {("water_leak", "", True)}),
    ("radio-bridge", 2, {"Type": "WATER", "Water": {"Event": "Water Not Present", "Relative": 3}},
     {("water_leak", "", False)}),
    ("elsys", 5, {"waterleak": 17, "pulse1": 42}, {("water_leak", "", True), ("pulse_count", "1", 42)}),
    ("aquascope", 10, {"leak": 1, "remote": 0, "battery": 100}, {("water_leak", "", True), ("battery", "", 100)}),
    ("dragino", 2, {"WATER_LEAK_STATUS": "NO LEAK", "ALARM": "TRUE", "TDC": "NO"},
     {("water_leak", "", False), ("alarm_flag", "", True)}),
    ("strega-sprl", 11, {"Valve": "Open", "Battery": "3.6", "Tamper": 0, "Leakage": 1},
     {("valve_open", "", True), ("battery_voltage", "", 3.6), ("tamper", "", False), ("water_leak", "", True)}),
    ("netvox", 6, {"Device": "R718PA", "Soil_VWC": 0.4, "water": 1, "Volt": 3}, {("battery_voltage", "", 3)}),
    # People who call.
    ("moko", 1, {"pack_type": "event", "batterylevle": "90%", "event_type": "sos_start"},
     {("battery", "", 90.0), ("sos", "", True)}),
    ("moko", 6, {"dev_status": "mandown", "lat": 22.5, "lon": 114.1},
     {("sos", "", True), ("latitude", "", 22.5), ("longitude", "", 114.1)}),
    ("moko", 5, {"pack_type": "low_battery", "dev_status": "downlink_fix"}, {("battery_low", "", True)}),
    ("dragino", 2, {"ALARM_status": "TRUE", "Latitude": 1.5, "Longitude": 2.5, "LON": "ON"},
     {("sos", "", True), ("alarm_flag", "", True), ("latitude", "", 1.5), ("longitude", "", 2.5)}),
    # Doors, hands, positions.
    ("radio-bridge", 2, {"Type": "DOOR/WINDOW", "DoorWindow": {"Event": "Open"}}, {("door_open", "", True)}),
    ("milesight-iot", 85, {"temperature_chn1": 25.1, "magnet_chn1": "opened",
                           "temperature_chn1_alarm": "threshold alarm"},
     {("temperature", "chn1", 25.1), ("door_open", "chn1", True), ("temperature_alarm", "chn1", True)}),
    ("milesight-iot", 85, {"tilt": "tilt", "distance": 2116}, {("tilt", "", True), ("distance", "", 2116)}),
    ("milesight-iot", 85, {"press": "short"}, {("button", "", "short")}),
    ("milesight-iot", 85, {"geofence_status": "outside", "tamper_status": "uninstall", "temperature_alarm": "abnormal"},
     {("geofence", "", "outside"), ("tamper", "", True), ("temperature_alarm", "", True)}),
    ("digital-matter", 1, {"latitudeDeg": -31.9, "longitudeDeg": 115.8, "digIn1": True, "batV": 4.04, "tempC": 23},
     {("latitude", "", -31.9), ("longitude", "", 115.8), ("digital_input", "1", True),
      ("battery_voltage", "", 4.04), ("temperature", "", 23)}),
    # Power, and what a number is when nobody names its unit.
    ("milesight-iot", 85, {"voltage": 220.2, "power": 10, "factor": 50, "power_sum": 500, "current": 100},
     {("voltage", "", 220.2), ("power", "", 10), ("energy", "", 0.5), ("current", "", 100)}),
    ("milesight-iot", 85, {"current_chn1": 25, "current_chn1_alarm": {"current_over_range_alarm": "yes"}},
     {("current", "chn1", 25000.0), ("overcurrent", "", True)}),
    ("milesight-iot", 85, {"co2": 1255, "pressure": 1004.7}, {("co2_ppm", "", 1255), ("pressure", "", 100.47)}),
    ("milesight-iot", 85, {"battery": 92, "pressure": 10}, {("battery", "", 92), ("pressure", "", 10)}),
    ("milesight-iot", 85, {"digital_input_2": "off", "digital_output_1": "on", "pulse_count_1": 22, "gpio_1": "high"},
     {("digital_input", "2", False), ("relay", "1", True), ("pulse_count", "1", 22), ("digital_input", "1", True)}),
    ("mclimate", 2, {"energy_kWh": 5.5, "power_W": 1497, "acVoltage_V": 231, "acCurrent_mA": 6482, "relayState": "ON"},
     {("energy", "", 5.5), ("power", "", 1497), ("voltage", "", 231), ("current", "", 6482), ("relay", "", True)}),
    ("netvox", 6, {"Device": "R809A", "OnOff": "ON", "Energy": 100, "Vol": 230, "Power": 90},
     {("relay", "", True), ("energy", "", 0.1), ("voltage", "", 230), ("power", "", 90)}),
    ("vutility", 3, {"voltageL1": 1023.5, "currentL1": 12, "maxCurrentL1": 20},
     {("voltage", "l1", 1023.5), ("current", "l1", 12000.0), ("current_max", "l1", 20000.0)}),
    ("dragino", 2, {"DI1_status": "H", "RO2_status": "ON", "ACI1_mA": 4.2},
     {("digital_input", "1", True), ("relay", "2", True), ("loop_current", "1", 4.2)}),
    # Faults.
    ("adeunis", 1, {"bytes": {"status": {"hardwareError": True, "lowBattery": False}}},
     {("fault", "", True), ("battery_low", "", False)}),
    ("dragino", 2, {"BatV": 2.9, "Bat_status": "Ultra Low"}, {("battery_voltage", "", 2.9), ("battery_low", "", True)}),
]  # fmt: skip


def by_ttn(make: str, port: int, fields: dict[str, Any]) -> Decoded:
    """The object in The Things Stack's envelope."""
    body = {
        "end_device_ids": {"device_id": "d", "dev_eui": EUI},
        "uplink_message": {
            "f_port": port,
            "f_cnt": 1,
            "decoded_payload": fields,
            "version_ids": {"brand_id": make, "model_id": "m"},
        },
    }
    return said(ttn, "v3/a@t/devices/d/up", json.dumps(body))


def by_chirpstack(make: str, port: int, fields: dict[str, Any]) -> Decoded:
    """The object in ChirpStack's envelope, where only the profile's name tells who made the device."""
    body = {
        "deviceInfo": {"devEui": EUI, "deviceName": "d", "deviceProfileName": f"{make} m"},
        "fPort": port,
        "fCnt": 1,
        "object": fields,
    }
    return said(chirpstack, f"application/a/device/{EUI}/event/up", json.dumps(body))


def _named(given: Any) -> str | None:
    """A name that is the same in every process: of sets, whose order is not, pytest counts."""
    return None if isinstance(given, set) else str(given)[:60]


@pytest.mark.parametrize(("make", "port", "fields", "wanted"), OBJECTS, ids=_named)
def test_an_object_means_what_its_maker_says(
    make: str, port: int, fields: dict[str, Any], wanted: Rows
) -> None:
    """Every reading, by either server, and nothing beside them; nobody has to look at the message."""
    for decoded in (by_ttn(make, port, fields), by_chirpstack(make, port, fields)):
        assert {row[1:] for row in rows(decoded)} == wanted
        assert decoded.quarantine is None


@pytest.mark.parametrize(
    ("make", "port", "fields"),
    [
        ("netvox", 7, {"Cmd": "GetAlarmThresholdRsp", "Device": "RA02C", "AlarmThreshold": 60}),
        ("netvox", 6, {"Device": "RA02C", "SWver": 1.0, "HWver": 21, "Datecode": "20200811"}),
        (
            "laird",
            1,
            {"msgType": "Laird_Advanced_Config", "tempAlarmLimitHigh": 80, "tempAlarmsEnabled": "True"},
        ),
        ("dragino", 4, {"Alarm_Timer": 42058, "Stop_Timer": 0, "TDC": 851968}),
        ("milesight-iot", 85, {"temperature_alarm_settings": {"enable": "enable", "threshold_max": 60}}),
    ],
)
def test_settings_and_answers_say_nothing(make: str, port: int, fields: dict[str, Any]) -> None:
    """What a device was told, or tells of its make, is no reading."""
    assert rows(by_ttn(make, port, fields)) == []
    assert rows(by_chirpstack(make, port, fields)) == []


def test_stored_leaks_are_recorded_only() -> None:
    """A leak from a device's memory is old news: its time is its own and it calls nobody out."""
    fields = {"history": [{"timestamp": 1_700_000_000, "leakage_status": "leak"}]}
    for decoded in (by_ttn("milesight-iot", 85, fields), by_chirpstack("milesight-iot", 85, fields)):
        (reading,) = decoded.readings
        assert reading.value is True
        assert reading.measured_at == 1_700_000_000_000
        assert reading.flags & Flag.HISTORICAL
