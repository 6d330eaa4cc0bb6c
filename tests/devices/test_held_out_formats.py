"""Messages of devices that no codec was written from: each means what its format says, through the door all take.

One table a format; rows are `metric`, or `metric/channel`, and the value in the house's unit.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.decode_lines import decode_lines

Case = tuple[str, Any, dict[str, Any]]


def understood(topic: str, payload: Any, form: str = "") -> tuple[dict[str, Any], str | None]:
    """What a message says, and the code of the reason it is set aside with, if any."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    (line,) = decode_lines([json.dumps({"topic": topic, "payload": text, "format": form or None})])
    out = json.loads(line)
    said = {r["metric"] + (f"/{r['channel']}" if r["channel"] else ""): r["value"] for r in out["readings"]}
    return said, out["quarantine"] and out["quarantine"].split(":")[0]


def zigbee(**body: Any) -> dict[str, Any]:
    return {"ZbReceived": {"0x5ADF": {"Device": "0x5ADF", "Name": "Kitchen", **body, "Endpoint": 1}}}


TASMOTA: list[tuple[Any, dict[str, Any]]] = [
    ({"MHZ19B": {"Model": "B", "CarbonDioxide": 589, "Temperature": 27.0}, "ESP32": {"Temperature": 34.4}},
     {"co2_ppm": 589, "temperature": 27.0, "device_temperature": 34.4}),
    ({"PMS5003": {"CF2.5": 11, "PM1": 8, "PM2.5": 11, "PB0.3": 1518}}, {"pm2_5": 11}),
    ({"DS18B20-1": {"Id": "0A", "Temperature": 212}, "DS18B20-2": {"Id": "0B", "Temperature": 32}, "TempUnit": "F"},
     {"temperature/DS18B20-1": 100.0, "temperature/DS18B20-2": 0.0}),
    ({"SR04": {"Distance": 16.7}}, {"distance": 167.0}),
    ({"INA219": {"Voltage": 12.11, "Current": 0.345, "Power": 4.178}},
     {"voltage": 12.11, "current": 345.0, "power": 4.178}),
    ({"HX711": {"Weight": 1.234}}, {}),
    (zigbee(BatteryVoltage=2.9, BatteryPercentage=87), {"battery_voltage": 2.9, "battery": 87}),
    (zigbee(CO=1), {"co": True}),
    (zigbee(Fire=0, LowBattery=1, Tamper=1), {"smoke": False, "battery_low": True, "tamper": True}),
    (zigbee(PersonalAlarm=1), {"sos": True}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), TASMOTA)
def test_tasmota(body: dict[str, Any], said: dict[str, Any]) -> None:
    """Drivers by their keys, units by their neighbours, Zigbee by its attributes."""
    assert understood("tele/hall/SENSOR", {"Time": "2025-11-21T21:19:58", **body}) == (said, None)


SHELLY: list[Case] = [
    ("shellies/shellyflood-C8/sensor/temperature", "999", {"temperature": None}),
    ("shellies/shellysmoke-AB/sensor/smoke", "true", {"smoke": True}),
    ("shellies/shelly1pm-AB/relay/0", "overpower", {"relay": False, "overpower": True}),
    ("shellies/shelly1pm-AB/relay/0/energy", "60000", {"energy": 1.0}),
    ("shellies/shelly1pm-AB/overtemperature", "1", {"overtemp": True}),
    ("shellies/shellydw2-AB/sensor/state", "unknown", {"door_open": None}),
    ("cellar/status/flood:0", {"id": 0, "alarm": True, "mute": False, "errors": ["cable_unplugged"]},
     {"water_leak": True, "muted": False, "fault": True}),
    ("cellar/status/pm1:0", {"id": 0, "voltage": 231.1, "current": 0.2, "apower": 30.1, "aenergy": {"total": 5.2}},
     {"power": 30.1, "voltage": 231.1, "current": 200.0, "energy": 0.0052, "fault": False}),
    ("cellar/status/presencezone:200", {"id": 200, "value": True, "num_objects": 2},
     {"presence/200": True, "person_count/200": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "payload", "said"), SHELLY)
def test_shelly(topic: str, payload: Any, said: dict[str, Any]) -> None:
    """Both generations: bare values by their topics, components by their names."""
    assert understood(topic, payload) == (said, None)


def rtl(model: str, **fields: Any) -> dict[str, Any]:
    return {"time": "2025-11-21 21:20:00", "model": model, "id": 7, **fields}


RADIO: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (rtl("Smoke-GS558", unit=3, learn=0), {"smoke": True}),
    (rtl("Govee-Water", event="Button Press"), {"button": "Button Press"}),
    (rtl("X10-Security", event="PANIC-2", tamper=0, battery_ok=1),
     {"sos": True, "tamper": False, "battery_low": False}),
    (rtl("Honeywell-Security", channel=8, contact_open=1, alarm=0, tamper=0, battery_ok=1),
     {"door_open": True, "alarm_flag": False, "tamper": False, "battery_low": False}),
    (rtl("Acurite-986", temperature_F=50.0, battery_ok=1), {"temperature": 10.0, "battery_low": False}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), RADIO)
def test_rtl_433(body: dict[str, Any], said: dict[str, Any]) -> None:
    """Transmitters that speak only when something is the matter, and those that always do."""
    assert understood("rtl_433/pi/events", body) == (said, None)


THINGS: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({"smokeAlarm": 1, "batteryLevel": 55}, {"smoke": True, "battery": 55}, None),
    ({"coAlarm": 1, "co_level": 35}, {"co": True, "co_ppm": 35}, None),
    ({"waterPressure_kPa": 312, "pipePressureLow": True}, {"pressure": 312, "pressure_low": True}, None),
    ({"pressureMPa": 0.3, "battery_mV": 3300}, {"pressure": 300.0, "battery_voltage": 3.3}, None),
    ({"batteryVoltage": 3600}, {"battery_voltage": 3.6}, None),
    ({"temp1": 20.5, "temp2": 21.5}, {"temperature/1": 20.5, "temperature/2": 21.5}, None),
    ({"residualCurrent": 330, "residualCurrentAlarm": 1}, {"leakage_current": 330, "current_threshold": True}, None),
    ({"externalTemperature": 19.5, "boardTemperature": 33},
     {"temperature/external": 19.5, "device_temperature": 33}, None),
    ({"humidity_rh": 55, "window_open": True}, {"humidity": 55, "door_open": True}, None),
    ({"smoke_density": {"value": 0.2, "unit": "dB/m"}}, {"smoke_obscuration": 0.2}, None),
    ({"smokeChamberDirty": True, "手动报警按钮": 1}, {"fault": True, "call_point": True}, None),
    ({"smoke_state": 2, "temperature": 21}, {"smoke": None, "temperature": 21}, "unknown-code"),
    ({"alarmThreshold": 50, "smokeSensitivity": 2}, {}, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said", "code"), THINGS)
def test_thingsboard(body: dict[str, Any], said: dict[str, Any], code: str | None) -> None:
    """Free keys by their words: units said in camel case, counted sensors, codes nobody knows."""
    assert understood("v1/devices/me/telemetry", body) == (said, code)


def ctwing(service: str = "1", **payload: Any) -> dict[str, Any]:
    return {"messageType": "dataReport", "timestamp": 1763760000000, "productId": "p", "deviceId": "d",
            "IMEI": "869", "serviceId": service, "payload": payload}  # fmt: skip


CARRIER: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    (ctwing(smoke_state=1, battery_value=88, rsrp=-900), {"smoke": True, "battery": 88}, None),
    (ctwing(gas_state=1, gas_value=12.5), {"gas": True, "gas_lel": 12.5}, None),
    (ctwing(temperature_data=23.5, humidity_data=51), {"temperature": 23.5, "humidity": 51}, None),
    (ctwing(cell_voltage=3.4, magnetic_door_state=1), {"battery_voltage": 3.4, "door_open": True}, None),
    (ctwing(water_pressure_state=1, water_pressure_value=0.05), {"pressure": 50.0}, None),
    (ctwing(water_pressure_value=312), {"pressure": 312}, None),
    (ctwing(water_pressure_value="0.35"), {"pressure": 350.0}, None),
    (ctwing(Ua=221.5, Ia=12.1, residualCurrent=230),
     {"voltage/a": 221.5, "current/a": 12100.0, "leakage_current": 230}, None),
    (ctwing("烟感", 烟雾报警=1, 电池电量=90), {"smoke": True, "battery": 90}, None),
    (ctwing(alarm=1), {"alarm_unspecified": True}, None),
    (ctwing(smoke_state=3), {"smoke": None}, "no-profile"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said", "code"), CARRIER)
def test_carriers(body: dict[str, Any], said: dict[str, Any], code: str | None) -> None:
    """A product without a profile by its words; a main's pressure in MPa unless the number is too big for one."""
    assert understood("ctwing", body, "ctwing") == (said, code)


DAHUA = [
    ("FireWarning;action=Start", {"fire_detected": True}),
    ("SmokeDetection;action=Stop", {"smoke_detected_visual": False}),
    ("GasAlarm;action=Start", {"gas": True}),
    ("WaterLeakAlarm;action=Stop", {"water_leak": False}),
    ("SmokingDetection;action=Start", {"trigger": "SmokingDetection"}),
    ("ElectricBicycleInElevator;action=Start", {"ebike_detected": True}),
    ("PassageOccupied;action=Start", {"obstruction": True}),
    ('SensorAlarm;action=Start;data={"SenseMethod":"SmokeSensor"}', {"smoke": True}),
    ('AlarmLocal;action=Start;data={"SenseMethod":"GasSensor"}', {"gas": True}),
]


@pytest.mark.parametrize(("event", "said"), DAHUA)
def test_dahua(event: str, said: dict[str, Any]) -> None:
    """Codes nobody lists by their words and by what hangs on the input; smoking is no smoke."""
    code, _, rest = event.partition(";action=")
    action, _, data = rest.partition(";")
    line = f"Code={code};action={action};index=0{';' + data if data else ''}"
    assert understood("dahua", line, "dahua-event") == (said, None)


ONVIF = [
    ("RuleEngine/Radiometry/TemperatureAlarm", {"AlarmActive": "true"}, {"heat": True}),
    ("UserAlarm/tnshik:FireLaneOccupied", {"State": "true"}, {"obstruction": True}),
    ("RuleEngine/tnshik:FireDetection", {"State": "true"}, {"fire_detected": True}),
    ("Device/HardwareFailure/StorageFailure", {"Failed": "true"}, {"storage_fault": True}),
    ("Door/State/DoorAlarm", {"State": "DoorOpenTooLong"}, {"door_held_open": True, "door_forced": False}),
    ("Monitoring/ProcessorUsage", {"Value": "13"}, {}),
]


@pytest.mark.parametrize(("topic", "data", "said"), ONVIF)
def test_onvif(topic: str, data: dict[str, Any], said: dict[str, Any]) -> None:
    """Properties of the standard and of makers."""
    body = {"UtcTime": "2025-11-21T21:20:00Z", "Source": {"VideoSourceToken": "V1"}, "Data": data}
    assert understood(f"cam7/onvif-ej/{topic}", body) == (said, None)
