"""Worked examples of Theengs and OpenMQTTGateway messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_BT: Final = "home/TheengsGateway/BTtoMQTT"
_OMG: Final = "home/OpenMQTTGateway"
_DOOR: Final = "3C:2E:F5:AA:BB:CC"
_TH: Final = "58:2D:34:33:AA:DF"

EXAMPLES: Sequence[Example] = (
    Example(
        "A door", f"{_BT}/3C2EF5AABBCC",
        b'{"id":"3C:2E:F5:AA:BB:CC","rssi":-67,"brand":"Shelly","model":"ShellyBLU Door/Window","model_id":"SBDW-002C",'
        b'"type":"CTMO","acts":true,"cont":true,"packet":93,"batt":100,"lux":87,"open":true,"rot":40.6,'
        b'"mac":"3C:2E:F5:AA:BB:CC"}',
        [
            (_DOOR, "rssi", "", -67), (_DOOR, "battery", "", 100), (_DOOR, "illuminance", "", 87),
            (_DOOR, "door_open", "", True), (_DOOR, "angle", "", 40.6),
        ],
    ),
    Example(
        "Motion", f"{_BT}/60EFABAABBCC",
        b'{"id":"60:EF:AB:AA:BB:CC","brand":"Shelly","model":"ShellyBLU Motion","model_id":"SBMO-003Z","type":"CTMO",'
        b'"packet":5,"batt":100,"lux":36,"motion":false}',
        [
            ("60:EF:AB:AA:BB:CC", "battery", "", 100), ("60:EF:AB:AA:BB:CC", "illuminance", "", 36),
            ("60:EF:AB:AA:BB:CC", "motion", "", False),
        ],
    ),
    Example(
        "A climate sensor, in both units", f"{_OMG}/BTtoMQTT/582D3433AADF",
        b'{"id":"58:2D:34:33:AA:DF","mac_type":0,"rssi":-79,"distance":11.2,"brand":"Xiaomi","model":"Mi Jia round",'
        b'"model_id":"LYWSDCGQ","type":"THB","tempc":26,"tempf":78.8,"hum":61.4}',
        [(_TH, "rssi", "", -79), (_TH, "temperature", "", 26), (_TH, "humidity", "", 61.4)],
    ),
    Example("Only Fahrenheit", f"{_OMG}/BTtoMQTT/582D3433AADF", b'{"id":"58:2D:34:33:AA:DF","type":"THB","tempf":212}',
            [(_TH, "temperature", "", 100.0)]),
    Example("Numbers as text, no id: the topic names the device", f"{_OMG}/BTtoMQTT/582D3433AADF",
            b'{"hum":"52.6","tempc":"19.2","tempf":"66.56"}',
            [(_TH, "humidity", "", 52.6), (_TH, "temperature", "", 19.2)]),
    Example("Low battery", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"THB","tempc":21.2,"hum":55,"batt_low":true}',
            [("AA:BB:CC:DD:EE:FF", "temperature", "", 21.2), ("AA:BB:CC:DD:EE:FF", "humidity", "", 55),
             ("AA:BB:CC:DD:EE:FF", "battery_low", "", True)]),
    Example("A leak, by the common vocabulary", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"UNIQ","leak":true,"batt":80}',
            [("AA:BB:CC:DD:EE:FF", "water_leak", "", True), ("AA:BB:CC:DD:EE:FF", "battery", "", 80)]),
    Example("Air pressure", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"ACEL","pres":1013.5,"volt":2.899,"accx":-0.98}',
            [("AA:BB:CC:DD:EE:FF", "pressure", "", 101.35), ("AA:BB:CC:DD:EE:FF", "battery_voltage", "", 2.899),
             ("AA:BB:CC:DD:EE:FF", "acceleration", "x", -0.98)]),
    Example("Presence, under the same key", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"CTMO","pres":1,"lux":14}',
            [("AA:BB:CC:DD:EE:FF", "presence", "", True), ("AA:BB:CC:DD:EE:FF", "illuminance", "", 14)]),
    Example("A button; 0 is not pressed", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"BTN","batt":100,"button1":0,"button2":2}',
            [("AA:BB:CC:DD:EE:FF", "battery", "", 100), ("AA:BB:CC:DD:EE:FF", "button", "2", 2)]),
    Example("A tank, in centimetres and inches", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"UNIQ","lvl_cm":62.3919125,"lvl_in":24.56374508,"batt":99}',
            [("AA:BB:CC:DD:EE:FF", "water_level", "", 623.919125), ("AA:BB:CC:DD:EE:FF", "battery", "", 99)]),
    Example("Probes", f"{_BT}/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","type":"BBQ","tempc1":23,"tempf1":73.4,"tempc2":115,"tempf2":239}',
            [("AA:BB:CC:DD:EE:FF", "temperature", "1", 23), ("AA:BB:CC:DD:EE:FF", "temperature", "2", 115)]),
    Example("Encrypted: the gateway needs the key", f"{_BT}/3C2EF5AABBCC",
            b'{"id":"3C:2E:F5:AA:BB:CC","rssi":-70,"brand":"Shelly","model_id":"SBDW_002C_ENCR","type":"CTMO","encr":2,'
            b'"cipher":"38efaf00d122b4979064e971a7","ctr":"ed16c164","mic":"4dc481fd"}', [], quarantine="encrypted"),
    Example("A phone passing by", f"{_BT}/4512A0B0C0D0",
            b'{"id":"45:12:A0:B0:C0:D0","rssi":-88,"brand":"Apple","model_id":"APPLEDEVICE","type":"RMAC"}', []),
    Example("How loud, and no more", f"{_OMG}/BTtoMQTT/45E174126E00",
            b'{"id":"45:e1:74:12:6e:00","rssi":-89,"distance":21.51847,"servicedata":"fe00"}', []),
    Example("A bare radio code", f"{_OMG}/433toMQTT", b'{"value":1315156,"protocol":1,"length":24,"delay":317}', [],
            quarantine="raw-code"),
    Example("LoRa, with the gateway's time", f"{_OMG}/LORAtoMQTT/AABBCCDDEEFF",
            b'{"id":"AA:BB:CC:DD:EE:FF","rssi":-16,"snr":9.25,"pferror":-3598,"packetSize":9,"tempc":"55.3",'
            b'"UTCtime":"2025-11-21T21:20:00Z"}',
            [("AA:BB:CC:DD:EE:FF", "rssi", "", -16), ("AA:BB:CC:DD:EE:FF", "temperature", "", 55.3)]),
    Example("The gateway itself", f"{_OMG}/SYStoMQTT",
            b'{"uptime":744,"version":"v1.7.0","freemem":92256,"rssi":-66,"SSID":"estate","ip":"10.0.0.5","tempc":51.1,'
            b'"modules":["BT"]}',
            [(_OMG, "heartbeat", "", True), (_OMG, "rssi", "", -66), (_OMG, "device_temperature", "", 51.1)]),
    Example("Its will", f"{_OMG}/LWT", b"offline", [(_OMG, "gateway_availability", "", "offline")], retained=True),
    Example("A wired thermometer has its own address", f"{_OMG}/CLIMAtoMQTT/ds1820/0x28616411907650bc",
            b'{"temp":81.5,"unit":"F","type":"DS18B20","res":"12bit","addr":"0x28616411907650bc"}',
            [("0x28616411907650bc", "temperature", "", 27.5)]),
    Example("A wired climate sensor is the gateway's", f"{_OMG}/CLIMAtoMQTT/htu",
            b'{"tempc":25.34064,"tempf":77.61314,"hum":56.53052}',
            [(f"{_OMG}/htu", "temperature", "", 25.34064), (f"{_OMG}/htu", "humidity", "", 56.53052)]),
    Example("A wired sensor of presence", f"{_OMG}/HCSR501toMQTT", b'{"presence":"true"}',
            [(_OMG, "presence", "", True)]),
    Example("A command", f"{_OMG}/commands/MQTTtoBT/config", b'{"interval":0}', []),
    Example("Cut short", f"{_BT}/AABBCCDDEEFF", b'{"id":"AA:', [], quarantine="not-json"),
)  # fmt: skip
