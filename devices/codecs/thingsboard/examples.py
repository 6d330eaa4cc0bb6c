"""Worked examples of ThingsBoard messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_ME: Final = "v1/devices/me"
_GATE: Final = "v1/gateway"
_H: Final = "Hydrant 017"

EXAMPLES: Sequence[Example] = (
    Example(
        "A device's telemetry", f"{_ME}/telemetry", b'{"smoke":false,"temperature":23.4,"battery":87}',
        [("me", "smoke", "", False), ("me", "temperature", "", 23.4), ("me", "battery", "", 87)],
    ),
    Example(
        "With the device's time", f"{_ME}/telemetry",
        b'{"ts":1763760000000,"values":{"gas_alarm":true,"gas_lel":21.5}}',
        [("me", "gas", "", True), ("me", "gas_lel", "", 21.5)],
    ),
    Example(
        "A batch: every value, oldest first", f"{_ME}/telemetry",
        b'[{"ts":1763760060000,"values":{"pressure":95}},{"ts":1763760000000,"values":{"pressure":310}}]',
        [("me", "pressure", "", 310), ("me", "pressure", "", 95)],
    ),
    Example("The short topic", "v2/t", b'{"water_leak":true}', [("me", "water_leak", "", True)]),
    Example("Values in Chinese words", "v2/t", '{"烟雾":"报警"}'.encode(), [("me", "smoke", "", True)]),
    Example("Values as text", "v2/t", b'{"temp":"42.5","smoke":"0"}',
            [("me", "temperature", "", 42.5), ("me", "smoke", "", False)]),
    Example(
        "A test, a fault, a low battery: none of them an alarm", f"{_ME}/telemetry",
        b'{"smoke_state":"test","fault":"sensor","low_battery":true,"tamper":1}',
        [("me", "test", "", True), ("me", "fault", "", True), ("me", "battery_low", "", True),
         ("me", "tamper", "", True)],
    ),
    Example(
        "A word nobody knows about smoke is set aside, and is not normal", f"{_ME}/telemetry",
        b'{"smoke":"wibble"}', [("me", "smoke", "", None)], quarantine="unknown-word",
    ),
    Example("No reading", f"{_ME}/telemetry", b'{"co_ppm":null}', [("me", "co_ppm", "", None)]),
    Example("Thresholds and settings say nothing", f"{_ME}/telemetry",
            b'{"temperature_alarm_limit":60,"smokeSensitivity":"high","interval":30}', []),
    Example(
        "A gateway speaks for many: the device is the channel too", f"{_GATE}/telemetry",
        b'{"Hydrant 017":[{"ts":1763760000000,"values":{"pressure":310,"battery":3.6}}],'
        b'"Smoke 3-2":[{"ts":1763760000000,"values":{"smoke":true,"temperature":41.5}}]}',
        [
            (_H, "pressure", _H, 310), (_H, "battery_voltage", _H, 3.6),
            ("Smoke 3-2", "smoke", "Smoke 3-2", True), ("Smoke 3-2", "temperature", "Smoke 3-2", 41.5),
        ],
    ),
    Example(
        "Two probes of one device", f"{_GATE}/telemetry", b'{"Pump":{"temperature_1":21,"temperature_2":22}}',
        [("Pump", "temperature", "Pump_1", 21), ("Pump", "temperature", "Pump_2", 22)],
    ),
    Example("A device connected", f"{_GATE}/connect", b'{"device":"Hydrant 017","type":"hydrant"}',
            [(_H, "device_joined", "", True), (_H, "availability", "", "online")]),
    Example("It went", f"{_GATE}/disconnect", b'{"device":"Hydrant 017"}', [(_H, "availability", "", "offline")]),
    Example("Attributes tell of equipment, and never raise an alarm", f"{_ME}/attributes",
            b'{"smoke":true,"battery":51,"firmware":"1.2"}', [("me", "battery", "", 51)]),
    Example("A shared attribute sent down", f"{_GATE}/attributes", b'{"device":"Hydrant 017","data":{"gas":true}}', []),
    Example("A command", f"{_ME}/rpc/request/17", b'{"method":"setValve","params":{"open":true}}', []),
    Example("A command to a gateway's device", f"{_GATE}/rpc",
            b'{"device":"Hydrant 017","data":{"id":1,"method":"alarm","params":{"smoke":true}}}', []),
    Example("The connector's sample", "sensor/SN-001/data", b'{"sensorModel":"Thermometer","temp":"42.5","hum":"61"}',
            [("SN-001", "temperature", "", 42.5), ("SN-001", "humidity", "", 61)]),
    Example("The device named inside", "sensor/data", b'{"serialNumber":"SN-002","smoke":"on"}',
            [("SN-002", "smoke", "", True)]),
    Example("The connector's device connected", "sensor/SN-001/connect", b"{}",
            [("SN-001", "device_joined", "", True), ("SN-001", "availability", "", "online")]),
    Example("Bytes of a converter of the site's own", "sensor/raw_data", b"AM12\x01\x02\x03\x04", []),
    Example("Not JSON", f"{_ME}/telemetry", b'{"smoke":tru', [], quarantine="not-json"),
    Example("Not an object", f"{_GATE}/telemetry", b"[1]", [], quarantine="wrong-type"),
)  # fmt: skip
