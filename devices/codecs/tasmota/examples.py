"""Worked examples of Tasmota messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_D: Final = "tasmota_49A3BC"
_ZB: Final = "zb-b3"
_IEEE: Final = "0x00158D00036B50AE"
_LEARNED: Final[dict[str, Any]] = {
    "tasmota:烟感网关": ["在线", "离线", "关", "开", "切换", "保持"],
    f"tasmota-zb:{_ZB}:0x8f20": [_IEEE, "smoke"],
}

EXAMPLES: Sequence[Example] = (
    Example(
        "Temperature and humidity; the dew point is reckoned and not kept",
        f"tele/{_D}/SENSOR",
        b'{"Time":"2025-02-03T04:05:06","AM2301":{"Temperature":20.5,"Humidity":48.2,"DewPoint":9.2},"TempUnit":"C"}',
        [(_D, "temperature", "", 20.5), (_D, "humidity", "", 48.2)],
    ),
    Example(
        "FullTopic with the prefix after the device, in an answer to a question",
        f"{_D}/stat/STATUS10",
        b'{"StatusSNS":{"Time":"2025-02-03T04:05:06","DHT11":{"Temperature":68},"TempUnit":"F"}}',
        [(_D, "temperature", "", 20.0)],
    ),
    Example(
        "A sensor that cannot be read says null, which is no reading",
        f"tele/{_D}/SENSOR",
        b'{"DHT11":{"Temperature":null,"Humidity":null,"DewPoint":null},"TempUnit":"C"}',
        [(_D, "temperature", "", None), (_D, "humidity", "", None)],
    ),
    Example(
        "Several thermometers go by their names, the chip's own is its own",
        f"tele/{_D}/SENSOR",
        b'{"DS18B20-1":{"Id":"01191ED79190","Temperature":4.5},"DS18B20-2":{"Id":"01191ED79191","Temperature":61},'
        b'"ESP32":{"Temperature":53.3},"TempUnit":"C"}',
        [
            (_D, "temperature", "DS18B20-1", 4.5),
            (_D, "temperature", "DS18B20-2", 61),
            (_D, "device_temperature", "", 53.3),
        ],
    ),
    Example(
        "Air pressure in the unit the neighbour names; BME680's Gas is a resistance, not gas",
        f"tele/{_D}/SENSOR",
        b'{"BME680":{"Temperature":21.4,"Humidity":40,"Pressure":750,"Gas":1.0},"PressureUnit":"mmHg","TempUnit":"C"}',
        [(_D, "temperature", "", 21.4), (_D, "humidity", "", 40), (_D, "pressure", "", 99.9917905612)],
    ),
    Example(
        "Gas sensors: MQ-2 combustible gas, MQ-7 carbon monoxide; thresholds are never applied here",
        f"tele/{_D}/SENSOR",
        b'{"ANALOG":{"MQ2_1":412.3,"MQ7_2":35}}',
        [(_D, "gas_ppm", "", 412.3), (_D, "co_ppm", "2", 35)],
    ),
    Example(
        "Carbon monoxide of 1 ppm is a measurement, not an alarm bit",
        f"tele/{_D}/SENSOR",
        b'{"MGS":{"NH3":0.5,"CO":1,"NO2":0.1,"C3H8":900,"CH4":1,"H2":1,"C2H5OH":1}}',
        [
            (_D, "nh3_ppm", "", 0.5),
            (_D, "co_ppm", "", 1),
            (_D, "no2_ppm", "", 0.1),
            (_D, "gas_ppm", "", 1),
        ],
    ),
    Example(
        "Distances: ultrasonic rangers say centimetres, laser rangers millimetres",
        f"tele/{_D}/SENSOR",
        b'{"SR04":{"Distance":16.75},"VL53L0X":{"Distance":230}}',
        [(_D, "distance", "SR04", 167.5), (_D, "distance", "VL53L0X", 230)],
    ),
    Example(
        "An energy meter; the first of several phases has no channel",
        f"tele/{_D}/SENSOR",
        b'{"ENERGY":{"TotalStartTime":"2024-01-01T00:00:00","Total":[1.2,3.4],"TotalTariff":[0.4,0.8],"Yesterday":1,'
        b'"Power":[3712,0],"ApparentPower":3745,"Factor":0.99,"Voltage":228,"Current":[16.281,0.0]}}',
        [
            (_D, "energy", "", 1.2),
            (_D, "energy", "2", 3.4),
            (_D, "power", "", 3712),
            (_D, "power", "2", 0),
            (_D, "voltage", "", 228),
            (_D, "current", "", 16281.0),
            (_D, "current", "2", 0.0),
        ],
    ),
    Example(
        "Energy by phase as an object",
        f"tele/{_D}/SENSOR",
        b'{"ENERGY":{"Total":{"Phase1":1.2,"Phase2":3.4}}}',
        [(_D, "energy", "", 1.2), (_D, "energy", "2", 3.4)],
    ),
    Example(
        "Inputs are inputs: on may mean open or closed; one that has a telling name is what it says",
        f"tele/{_D}/SENSOR",
        b'{"Time":"2025-02-03T04:05:06","Switch1":"ON","Switch2":"OFF","Water leak":"OFF","Pump_room":"ON"}',
        [
            (_D, "digital_input", "", True),
            (_D, "digital_input", "2", False),
            (_D, "water_leak", "", False),
            (_D, "digital_input", "Pump_room", True),
        ],
    ),
    Example(
        "An input called Smoke, with time and zone",
        f"tele/{_D}/SENSOR",
        b'{"Time":"2025-11-21T21:20:00+00:00","Smoke":"ON"}',
        [(_D, "smoke", "", True)],
    ),
    Example("Pulses", f"tele/{_D}/SENSOR", b'{"COUNTER":{"C1":17,"C2":0.25}}', [(_D, "pulse_count", "", 17)]),
    Example(
        "Bluetooth sensors heard by an ESP32 are devices of their own",
        f"tele/{_D}/SENSOR",
        b'{"ATC1a2b3c":{"mac":"a4c1381a2b3c","Temperature":21.2,"Humidity":45,"Battery":88,"RSSI":-71},"TempUnit":"C"}',
        [
            ("A4C1381A2B3C", "temperature", "", 21.2),
            ("A4C1381A2B3C", "humidity", "", 45),
            ("A4C1381A2B3C", "battery", "", 88),
            ("A4C1381A2B3C", "rssi", "", -71),
        ],
    ),
    Example(
        "A card was read; its number is its holder's and not kept",
        f"tele/{_D}/SENSOR",
        b'{"PN532":{"UID":"94D8FC5F","Data":""}}',
        [(_D, "access_event", "", True)],
    ),
    Example(
        "The device lives, its relays and its signal",
        f"tele/{_D}/STATE",
        b'{"Time":"2025-02-03T04:05:06","Uptime":"12T03:04:05","POWER1":"OFF","POWER2":"ON","Wifi":{"RSSI":42,"Signal":-79}}',
        [
            (_D, "heartbeat", "", True),
            (_D, "rssi", "", -79),
            (_D, "switch_state", "", "OFF"),
            (_D, "switch_state", "2", "ON"),
        ],
    ),
    Example("A relay alone", f"stat/{_D}/POWER", b"ON", [(_D, "switch_state", "", "ON")]),
    Example("A button", f"stat/{_D}/RESULT", b'{"Button1":{"Action":"HOLD"}}', [(_D, "button", "", "hold")]),
    Example(
        "A detached switch, and one that is a button",
        f"stat/{_D}/RESULT",
        b'{"Switch2":{"Action":"ON"},"lift":{"Action":"HOLD"}}',
        [(_D, "digital_input", "2", True), (_D, "button", "lift", "hold")],
    ),
    Example(
        "The switch of older firmware",
        f"stat/{_D}/SWITCH1",
        b'{"STATE":"ON"}',
        [(_D, "digital_input", "", True)],
    ),
    Example(
        "The echo of a setting says nothing", f"stat/{_D}/RESULT", b'{"PowerHigh":2000,"TempOffset":1}', []
    ),
    Example(
        "The same with SetOption4, under the command's name",
        f"stat/{_D}/TELEPERIOD",
        b'{"TelePeriod":300}',
        [],
    ),
    Example("A command", f"cmnd/{_D}/POWER", b"ON", []),
    Example(
        "A rule publishes under a telling name",
        "stat/leak_sensor/LEAK",
        b"ON",
        [("leak_sensor", "water_leak", "", True)],
    ),
    Example(
        "A 433 MHz code received: recorded, what it means is known to its owner",
        f"tele/{_D}/RESULT",
        b'{"RfReceived":{"Sync":12320,"Low":410,"High":1220,"Data":"3EE538","RfKey":4}}',
        [(_D, "button", "", 4), (_D, "trigger", "", "3EE538")],
    ),
    Example(
        "A meter's own limit passed",
        f"tele/{_D}/MARGINS",
        b'{"Time":"2025-02-03T04:05:06","MARGINS":{"PowerHigh":"ON","VoltageLow":"OFF"}}',
        [(_D, "overpower", "", True)],
    ),
    Example("Last will", f"tele/{_D}/LWT", b"Offline", [(_D, "availability", "", "offline")], retained=True),
    Example(
        "Last will in the words of a localised firmware",
        "烟感网关/tele/LWT",
        "在线".encode(),
        [("烟感网关", "availability", "", "online")],
        context=_LEARNED,
    ),
    Example(
        "A device describes itself",
        "tasmota/discovery/00000049A3BC/config",
        b'{"mac":"00000049A3BC","ofln":"Offline","onln":"Online","state":["OFF","ON","TOGGLE","HOLD"],'
        b'"t":"tasmota_49A3BC","ft":"%topic%/%prefix%/","tp":["cmnd","stat","tele"],"ver":1}',
        [(_D, "discovery", "", True)],
        retained=True,
    ),
    Example("A description removed", "tasmota/discovery/00000049A3BC/config", b"", [], retained=True),
    Example(
        "Zigbee smoke detector in alarm, its tamper and battery bits with it",
        f"tele/{_ZB}/SENSOR",
        b'{"ZbReceived":{"0x4F2E":{"Device":"0x4F2E","Name":"b3-f05-hall","0500!00":"0900000000",'
        b'"ZoneStatusChange":9,"Fire":1,"BatteryLow":1,"Endpoint":1,"LinkQuality":99}}}',
        [
            (f"{_ZB}/b3-f05-hall", "smoke", "", True),
            (f"{_ZB}/b3-f05-hall", "battery_low", "", True),
            (f"{_ZB}/b3-f05-hall", "linkquality", "", 99),
            (f"{_ZB}/b3-f05-hall", "tamper", "", False),
            (f"{_ZB}/b3-f05-hall", "fault", "", False),
            (f"{_ZB}/b3-f05-hall", "mains_fault", "", False),
            (f"{_ZB}/b3-f05-hall", "test", "", False),
            (f"{_ZB}/b3-f05-hall", "battery_defect", "", False),
        ],
    ),
    Example(
        "Zigbee contact, carbon monoxide and call button of devices without names; SetOption83 and 100",
        f"tele/{_ZB}/SENSOR",
        b'{"0x1A2B":{"Device":"0x1A2B","Contact":1},"boiler":{"Device":"0x1A2C","CO":1},"0x1A2D":{"Device":"0x1A2D",'
        b'"PersonalAlarm":1}}',
        [
            (f"{_ZB}/0x1A2B", "door_open", "", True),
            (f"{_ZB}/boiler", "co", "", True),
            (f"{_ZB}/0x1A2D", "sos", "", True),
        ],
    ),
    Example(
        "The device's own topic, no address in the message; SetOption89, 118 and 119",
        f"tele/{_ZB}/8F20/ZbReceived",
        b'{"Device":"0x8F20","Water":0,"BatteryPercentage":100,"Temperature":21.01,"Pressure":1004,"SeaPressure":1010}',
        [
            (_IEEE, "water_leak", "", False),
            (_IEEE, "battery", "", 100),
            (_IEEE, "temperature", "", 21.01),
            (_IEEE, "pressure", "", 100.4),
        ],
        context=_LEARNED,
    ),
    Example(
        "Only the raw command, of a device whose zone is known",
        f"tele/{_ZB}/SENSOR",
        b'{"ZbReceived":{"0x8F20":{"0500!00":"010000FF0000","LinkQuality":70}}}',
        [
            (_IEEE, "smoke", "", True),
            (_IEEE, "linkquality", "", 70),
            (_IEEE, "tamper", "", False),
            (_IEEE, "battery_low", "", False),
            (_IEEE, "fault", "", False),
            (_IEEE, "mains_fault", "", False),
            (_IEEE, "test", "", False),
            (_IEEE, "battery_defect", "", False),
        ],
        context=_LEARNED,
    ),
    Example(
        "Only the raw command, and nobody knows what it guards: set aside, its other bits kept",
        f"tele/{_ZB}/SENSOR",
        b'{"ZbReceived":{"0x099F":{"0500!00":"010000FF0000"}}}',
        [
            (f"{_ZB}/0x099F", "alarm_flag", "", True),
            (f"{_ZB}/0x099F", "tamper", "", False),
            (f"{_ZB}/0x099F", "battery_low", "", False),
            (f"{_ZB}/0x099F", "fault", "", False),
            (f"{_ZB}/0x099F", "mains_fault", "", False),
            (f"{_ZB}/0x099F", "test", "", False),
            (f"{_ZB}/0x099F", "battery_defect", "", False),
        ],
        quarantine="unknown-zone",
    ),
    Example(
        "A Zigbee device joins: its address is learned",
        f"tele/{_ZB}/SENSOR",
        b'{"ZbState":{"Status":30,"IEEEAddr":"0x00158D00036B50AE","ShortAddr":"0x8F20","PowerSource":false}}',
        [(_IEEE, "device_joined", "", True)],
    ),
    Example("Not JSON", f"tele/{_D}/SENSOR", b'{"Temperature":', [], quarantine="not-json"),
    Example("No word for it", f"tele/{_D}/LWT", b"Perhaps", [], quarantine="wrong-value"),
    Example("Somebody else's topic", f"tele/{_D}/zones/kitchen", b"ON", [], quarantine="unknown-topic"),
)
