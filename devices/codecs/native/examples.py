"""Worked examples of the native contract: its tests, its reference page and what a maker copies from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_D: Final = "yangguang/b3-u1-f05-502-kitchen-smoke"
_T: Final = f"community/{_D}"

EXAMPLES: Sequence[Example] = (
    Example(
        "Telemetry of a smoke detector; every name is a metric of the table",
        f"{_T}/telemetry",
        b'{"v":1,"ts":1763760000000,"id":"a17","smoke":false,"temperature":23.4,"humidity":41,"battery":87,"rssi":-71}',
        [
            (_D, "smoke", "", False),
            (_D, "temperature", "", 23.4),
            (_D, "humidity", "", 41),
            (_D, "battery", "", 87),
            (_D, "rssi", "", -71),
        ],
    ),
    Example(
        "Without ts our own time counts",
        "community/yangguang/hydrant-07/telemetry",
        b'{"v":1,"pressure":312.5}',
        [("yangguang/hydrant-07", "pressure", "", 312.5)],
    ),
    Example(
        "A batch, oldest first, each with its own time",
        "community/yangguang/hydrant-07/telemetry",
        b'[{"v":1,"ts":1763760000000,"pressure":310},{"v":1,"ts":1763760060000,"pressure":95,"hydrant_open":true}]',
        [
            ("yangguang/hydrant-07", "pressure", "", 310),
            ("yangguang/hydrant-07", "pressure", "", 95),
            ("yangguang/hydrant-07", "hydrant_open", "", True),
        ],
    ),
    Example(
        "Null is no reading, never normal",
        f"{_T}/telemetry",
        b'{"v":1,"smoke":null}',
        [(_D, "smoke", "", None)],
    ),
    Example(
        "Unknown keys are kept as status; where the name had to change, the channel keeps the maker's",
        f"{_T}/telemetry",
        b'{"v":1,"firmware":"1.4.2","Chamber-Temp":3,"\xe5\xa4\x87\xe6\xb3\xa8":"ok","net":{"apn":"iot"}}',
        [
            (_D, "firmware", "", "1.4.2"),
            (_D, "chamber_temp", "Chamber-Temp", 3),
            (_D, "unknown", "备注", "ok"),
            (_D, "net", "", '{"apn":"iot"}'),
        ],
    ),
    Example(
        "What cannot be true is kept and flagged invalid",
        "community/yangguang/gas-12/telemetry",
        b'{"v":1,"gas_lel":-3,"temperature":-300}',
        [("yangguang/gas-12", "gas_lel", "", -3), ("yangguang/gas-12", "temperature", "", -300)],
    ),
    Example(
        "A value of the wrong type is set aside, the rest is understood",
        f"{_T}/telemetry",
        b'{"v":1,"temperature":"23.4","battery":90}',
        [(_D, "battery", "", 90)],
        quarantine="wrong-type",
    ),
    Example(
        "A mistyped alarm is raised all the same",
        f"{_T}/telemetry",
        b'{"v":1,"smoke":1}',
        [(_D, "smoke", "", True)],
        quarantine="wrong-type",
    ),
    Example(
        "Fire alarm",
        f"{_T}/event",
        b'{"v":1,"ts":1763760000000,"id":"e1","type":"alarm","data":{"hazard":"fire"}}',
        [(_D, "fire_detected", "", True)],
    ),
    Example(
        "Fire alarm over",
        f"{_T}/event",
        b'{"v":1,"ts":1763760300000,"id":"e2","type":"alarm_clear","data":{"hazard":"fire"}}',
        [(_D, "fire_detected", "", False)],
    ),
    Example(
        "Gas alarm with what was measured, of one of several sensors",
        "community/yangguang/gas-12/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"gas","channel":"kitchen","value":22,"unit":"%LEL"}}',
        [("yangguang/gas-12", "gas", "kitchen", True), ("yangguang/gas-12", "gas_lel", "kitchen", 22)],
    ),
    Example(
        "CO alarm in ppm",
        "community/yangguang/co-3/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"co","value":180,"unit":"ppm"}}',
        [("yangguang/co-3", "co", "", True), ("yangguang/co-3", "co_ppm", "", 180)],
    ),
    Example(
        "Heat alarm, its temperature in Fahrenheit",
        "community/yangguang/heat-1/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"heat","value":149,"unit":"\xc2\xb0F"}}',
        [("yangguang/heat-1", "heat", "", True), ("yangguang/heat-1", "temperature", "", 65.0)],
    ),
    Example(
        "Water supply: low pressure by the metric's own name, in MPa",
        "community/yangguang/hydrant-07/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"pressure_low","value":0.06,"unit":"MPa"}}',
        [("yangguang/hydrant-07", "pressure_low", "", True), ("yangguang/hydrant-07", "pressure", "", 60.0)],
    ),
    Example(
        "Leak",
        "community/yangguang/leak-1/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"water"}}',
        [("yangguang/leak-1", "water_leak", "", True)],
    ),
    Example(
        "SOS: every message is a new press",
        "community/yangguang/sos-1/event",
        b'{"v":1,"id":"77","type":"alarm","data":{"hazard":"sos"}}',
        [("yangguang/sos-1", "sos", "", True)],
    ),
    Example(
        "Intrusion",
        "community/yangguang/gate-1/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"intrusion","channel":"north"}}',
        [("yangguang/gate-1", "intrusion", "north", True)],
    ),
    Example(
        "Fire lane blocked",
        "community/yangguang/cam-2/event",
        b'{"v":1,"type":"alarm","data":{"hazard":"obstruction"}}',
        [("yangguang/cam-2", "obstruction", "", True)],
    ),
    Example(
        "An alarm that does not say of what is taken for the worst",
        f"{_T}/event",
        b'{"v":1,"type":"alarm","data":{}}',
        [(_D, "alarm_unspecified", "", True)],
        quarantine="unknown-hazard",
    ),
    Example("Pre-alarm", f"{_T}/event", b'{"v":1,"type":"prealarm"}', [(_D, "prealarm", "", True)]),
    Example("Fault", f"{_T}/event", b'{"v":1,"type":"fault"}', [(_D, "fault", "", True)]),
    Example("Fault over", f"{_T}/event", b'{"v":1,"type":"fault_clear"}', [(_D, "fault", "", False)]),
    Example("Supervisory", f"{_T}/event", b'{"v":1,"type":"supervisory"}', [(_D, "supervisory", "", True)]),
    Example(
        "Somebody pressed the test button", f"{_T}/event", b'{"v":1,"type":"test"}', [(_D, "test", "", True)]
    ),
    Example("Hushed at the device", f"{_T}/event", b'{"v":1,"type":"hush"}', [(_D, "muted", "", True)]),
    Example(
        "The end of a hush",
        f"{_T}/event",
        b'{"v":1,"type":"hush","data":{"value":false}}',
        [(_D, "muted", "", False)],
    ),
    Example(
        "Low battery is never a fire",
        f"{_T}/event",
        b'{"v":1,"type":"low_battery","data":{"hazard":"fire","value":2.4,"unit":"V"}}',
        [(_D, "battery_low", "", True), (_D, "battery_voltage", "", 2.4)],
    ),
    Example("Tamper", f"{_T}/event", b'{"v":1,"type":"tamper"}', [(_D, "tamper", "", True)]),
    Example("End of life", f"{_T}/event", b'{"v":1,"type":"end_of_life"}', [(_D, "end_of_life", "", True)]),
    Example("Restart", f"{_T}/event", b'{"v":1,"type":"restart"}', [(_D, "restart", "", True)]),
    Example(
        "An event nobody knows", f"{_T}/event", b'{"v":1,"type":"lunch"}', [], quarantine="unknown-event"
    ),
    Example(
        "Came online (retained; the will says offline)",
        f"{_T}/status",
        b"online",
        [(_D, "availability", "", "online")],
        retained=True,
    ),
    Example(
        "The will, as JSON", f"{_T}/status", b'{"state":"offline"}', [(_D, "availability", "", "offline")]
    ),
    Example(
        "Our own command is no reading", f"{_T}/command", b'{"id":"c1","name":"hush","args":{},"expires":1}'
    ),
    Example(
        "Its answer is one, with what the device says of itself now",
        f"{_T}/result",
        b'{"id":"c1","ok":true,"state":{"valve_open":false},"error":null}',
        [(_D, "command_result", "", "c1 ok"), (_D, "valve_open", "", False)],
    ),
    Example(
        "A command that failed",
        f"{_T}/result",
        b'{"id":"c1","ok":false,"state":null,"error":"jammed"}',
        [(_D, "command_result", "", "c1 failed jammed")],
    ),
    Example("Not JSON", f"{_T}/telemetry", b"temperature=21", [], quarantine="not-json"),
    Example("NaN is no JSON", f"{_T}/telemetry", b'{"v":1,"temperature":NaN}', [], quarantine="not-json"),
    Example("No such topic", "community/yangguang/telemetry", b'{"v":1}', [], quarantine="unknown-topic"),
)
