"""Worked examples of rtl_433 messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_E: Final = "rtl_433/attic/events"
_D: Final = "rtl_433/attic/devices"
_WATER: Final = "Govee-Water/34004"

EXAMPLES: Sequence[Example] = (
    Example(
        "A leak: the event says so", _E,
        b'{"time":"2025-11-21T21:20:00.250+00:00","model":"Govee-Water","id":34004,"event":"Water Leak","detect_wet":1,'
        b'"code":"218b04040750","mic":"PARITY"}',
        [(_WATER, "water_leak", "", True)],
    ),
    Example(
        "Its button, dry", _E,
        b'{"time":"2025-11-21 21:20:00","model":"Govee-Water","id":34004,"event":"Button Press","detect_wet":0}',
        [(_WATER, "button", "", "Button Press"), (_WATER, "water_leak", "", False)],
    ),
    Example(
        "Its battery, a level between 0 and 1", _E,
        b'{"time":"1763760000","model":"Govee-Water","id":34004,"battery_ok":0.950,"battery_mV":2940,'
        b'"event":"Battery Report"}',
        [(_WATER, "battery", "", 95.0), (_WATER, "battery_voltage", "", 2.94)],
    ),
    Example("The same, one value alone", f"{_D}/Govee-Water/34004/event", b"Water Leak",
            [(_WATER, "water_leak", "", True)]),
    Example(
        "A smoke detector that sends nothing but itself, for it smokes", _E,
        b'{"time":"2025-11-21 21:20:00","model":"Smoke-GS558","id":3075,"unit":14,"learn":0,"code":"6b3060"}',
        [("Smoke-GS558/3075", "smoke", "", True)],
    ),
    Example(
        "The same while it is being paired", _E,
        b'{"time":"2025-11-21 21:20:00","model":"Smoke-GS558","id":3075,"unit":14,"learn":1,"code":"6b3060"}', [],
    ),
    Example(
        "Fire", _E, b'{"model":"Cavius-Security","id":22154,"net_id":3371,"battery_ok":1,"message":"Fire alarm"}',
        [("Cavius-Security/22154", "battery_low", "", False), ("Cavius-Security/22154", "fire_detected", "", True)],
    ),
    Example(
        "A test alarm is a test", _E, b'{"model":"Cavius-Security","id":22154,"message":"Test alarm"}',
        [("Cavius-Security/22154", "test", "", True)],
    ),
    Example(
        "Muted is muted", _E, b'{"model":"Cavius-Security","id":22154,"message":"Alarm muted"}',
        [("Cavius-Security/22154", "muted", "", True)],
    ),
    Example(
        "An alarm of what the name says", _E,
        b'{"model":"Bresser-Leakage","id":"80025288","channel":1,"battery_ok":1,"alarm":1}',
        [
            ("Bresser-Leakage/1/80025288", "water_leak", "", True),
            ("Bresser-Leakage/1/80025288", "battery_low", "", False),
        ],
    ),
    Example(
        "A door contact of a maker's whole range: its alarm bit is a flag", _E,
        b'{"model":"Honeywell-Security","id":"6f3a1","channel":8,"event":"a0","state":"open","contact_open":1,'
        b'"reed_open":0,"alarm":1,"tamper":0,"battery_ok":1,"heartbeat":0}',
        [
            ("Honeywell-Security/8/6f3a1", "door_open", "", True),
            ("Honeywell-Security/8/6f3a1", "contact_state", "reed", False),
            ("Honeywell-Security/8/6f3a1", "alarm_flag", "", True),
            ("Honeywell-Security/8/6f3a1", "tamper", "", False),
            ("Honeywell-Security/8/6f3a1", "battery_low", "", False),
            ("Honeywell-Security/8/6f3a1", "heartbeat", "", False),
        ],
    ),
    Example(
        "A panic key", _E, b'{"model":"X10-Security","id":"5d00","code":"88","event":"KR15A PANIC"}',
        [("X10-Security/5d00", "sos", "", True)],
    ),
    Example(
        "A keypad's PIN is not kept", _E,
        b'{"model":"SimpliSafe-Keypad","id":"1TQ7C","seq":13,"extradata":"Disarm Pin: 4711"}', [],
    ),
    Example(
        "A contact, its polarity in its name", _E,
        b'{"model":"DSC-Security","id":3456789,"closed":0,"event":1,"tamper":0,"battery_ok":0,"esn":"34bf15"}',
        [
            ("DSC-Security/3456789", "door_open", "", True), ("DSC-Security/3456789", "tamper", "", False),
            ("DSC-Security/3456789", "battery_low", "", True),
        ],
    ),
    Example("Motion", _E, b'{"model":"Kerui-Security","id":68105,"cmd":10,"motion":1,"state":"motion"}',
            [("Kerui-Security/68105", "motion", "", True)]),
    Example("A sensor of motion that sends nothing but itself", _E, b'{"model":"Generic-Motion","code":"80042"}',
            [("Generic-Motion", "motion", "", True)]),
    Example(
        "A thermometer", _E,
        b'{"time":"2025-11-21 21:20:00","model":"Nexus-TH","id":42,"channel":2,"battery_ok":1,"temperature_C":20.5,'
        b'"humidity":83}',
        [("Nexus-TH/2/42", "battery_low", "", False), ("Nexus-TH/2/42", "temperature", "", 20.5),
         ("Nexus-TH/2/42", "humidity", "", 83)],
    ),
    Example("Fahrenheit, one value alone", f"{_D}/Acurite-986/1R/1369/temperature_F", b"212.0",
            [("Acurite-986/1R/1369", "temperature", "", 100.0)]),
    Example("A second probe", f"{_D}/ThermoPro-TP12/97/temperature_2_C", b"58.5",
            [("ThermoPro-TP12/97", "temperature", "2", 58.5)]),
    Example(
        "A tank", _E, b'{"model":"Oil-SonicSmart","id":1234,"depth_cm":87,"temperature_C":9.5}',
        [("Oil-SonicSmart/1234", "water_level", "", 870.0), ("Oil-SonicSmart/1234", "temperature", "", 9.5)],
    ),
    Example(
        "A water meter", _E,
        b'{"model":"Neptune-R900","id":1544,"nouse":0,"backflow":1,"consumption":7711,"leak":3,"leaknow":0}',
        [("Neptune-R900/1544", "backflow", "", True), ("Neptune-R900/1544", "volume_index", "", 7711),
         ("Neptune-R900/1544", "water_leak", "", False)],
    ),
    Example("Tyres are no equipment of an estate", _E,
            b'{"type":"TPMS","model":"Toyota","id":"fb26ac5a","pressure_kPa":220.1,"temperature_C":26.0}', []),
    Example("What says who sent", f"{_D}/Govee-Water/34004/mic", b"PARITY", []),
    Example("The receiver's statistics", "rtl_433/attic/states", b'{"enabled":7,"frames":{"count":23}}', []),
    Example("The receiver's will", "rtl_433/attic/availability", b"offline",
            [("rtl_433/attic", "gateway_availability", "", "offline")]),
    Example("Through OpenMQTTGateway", "home/OMG_lilygo/RTL_433toMQTT/Govee-Water/34004",
            b'{"model":"Govee-Water","id":34004,"event":"Water Leak","protocol":"Govee","rssi":-71,"duration":1244}',
            [(_WATER, "water_leak", "", True)]),
    Example("Cut short", _E, b'{"model":"Govee-Water","ev', [], quarantine="not-json"),
)  # fmt: skip
