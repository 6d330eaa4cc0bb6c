"""Worked examples of ESPHome messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_N: Final = "b3-boiler"

EXAMPLES: Sequence[Example] = (
    Example("Smoke", f"{_N}/binary_sensor/smoke/state", b"ON", [(_N, "smoke", "", True)]),
    Example("No smoke", f"{_N}/binary_sensor/smoke/state", b"OFF", [(_N, "smoke", "", False)]),
    Example(
        "An object named for its room; replayed by the broker",
        f"{_N}/binary_sensor/kitchen_smoke_alarm/state",
        b"ON",
        [(_N, "smoke", "kitchen", True)],
        retained=True,
    ),
    Example(
        "A prefix of two levels",
        "estate/b3-cellar/binary_sensor/water_leak/state",
        b"ON",
        [("estate/b3-cellar", "water_leak", "", True)],
    ),
    Example("Gas leak", f"{_N}/binary_sensor/gas_leak/state", b"ON", [(_N, "gas", "", True)]),
    Example(
        "Carbon monoxide, alarm and number",
        f"{_N}/binary_sensor/co_alarm/state",
        b"OFF",
        [(_N, "co", "", False)],
    ),
    Example(
        "A number of gas is a measurement, 1 ppm too",
        f"{_N}/sensor/carbon_monoxide/state",
        b"1",
        [(_N, "co_ppm", "", 1)],
    ),
    Example("An SOS button", f"{_N}/binary_sensor/sos_button/state", b"ON", [(_N, "sos", "", True)]),
    Example(
        "A contact: which side is open is wiring",
        f"{_N}/binary_sensor/front_door_contact/state",
        b"ON",
        [(_N, "contact_state", "front_door", True)],
    ),
    Example(
        "A door sensor says that the door is open",
        f"{_N}/binary_sensor/front_door/state",
        b"ON",
        [(_N, "door_open", "front", True)],
    ),
    Example("Temperature", f"{_N}/sensor/temperature/state", b"21.5", [(_N, "temperature", "", 21.5)]),
    Example("nan is no reading", f"{_N}/sensor/temperature/state", b"nan", [(_N, "temperature", "", None)]),
    Example(
        "Current is published in amperes",
        f"{_N}/sensor/charger_current/state",
        b"1.25",
        [(_N, "current", "charger", 1250.0)],
    ),
    Example("Signal", f"{_N}/sensor/wifi_signal/state", b"-63", [(_N, "rssi", "", -63)]),
    Example(
        "Air pressure is published in hPa",
        f"{_N}/sensor/pressure/state",
        b"1006.1",
        [(_N, "pressure", "", 100.61)],
    ),
    Example(
        "A pipe's pressure with its unit in the name",
        f"{_N}/sensor/hydrant_pressure_mpa/state",
        b"0.31",
        [(_N, "pressure", "hydrant", 310.0)],
    ),
    Example(
        "A pipe's pressure without a unit is no reading anybody could rely on",
        f"{_N}/sensor/hydrant_pressure/state",
        b"0.31",
        [],
        quarantine="unknown-topic",
    ),
    Example("A text sensor", f"{_N}/sensor/smoke_state/state", b"alarm", [(_N, "smoke", "", True)]),
    Example(
        "A word nobody knows under a smoke key is set aside, and is not normal",
        f"{_N}/sensor/smoke_state/state",
        b"wibble",
        [(_N, "smoke", "", None)],
        quarantine="unknown-word",
    ),
    Example("A relay", f"{_N}/switch/relay/state", b"ON", [(_N, "switch_state", "", "ON")]),
    Example("A siren", f"{_N}/switch/buzzer/state", b"ON", [(_N, "buzzer", "", True)]),
    Example("A valve", f"{_N}/valve/gas_valve/state", b"closed", [(_N, "valve_open", "", False)]),
    Example("Its position and its commands", f"{_N}/valve/gas_valve/command", b"OPEN", []),
    Example(
        "An event",
        f"{_N}/event/hall_button/state",
        b'{"event_type":"double_press"}',
        [(_N, "button", "hall_button", "double_press")],
    ),
    Example(
        "Pressing what is called panic button",
        f"{_N}/event/panic_button/state",
        b'{"event_type":"press"}',
        [(_N, "sos", "", True)],
    ),
    Example(
        "An alarm panel",
        f"{_N}/alarm_control_panel/house/state",
        b"triggered",
        [(_N, "intrusion", "", True)],
    ),
    Example(
        "What a thermostat measures",
        f"{_N}/climate/hall/current_temperature/state",
        b"19.5",
        [(_N, "temperature", "hall", 19.5)],
    ),
    Example("What it is set to", f"{_N}/climate/hall/target_temperature/state", b"21", []),
    Example("A setting", f"{_N}/number/smoke_threshold/state", b"400", []),
    Example("Birth", f"{_N}/status", b"online", [(_N, "availability", "", "online")], retained=True),
    Example("Last will", f"{_N}/status", b"offline", [(_N, "availability", "", "offline")]),
    Example("Log", f"{_N}/debug", b"\x1b[0;32m[I][app:102]: smoke alarm ON\x1b[0m", []),
    Example(
        "A node tells where it is",
        f"esphome/discover/{_N}",
        b'{"ip":"192.0.2.7","name":"b3-boiler","version":"2025.4.0","mac":"a4cf12aabbcc"}',
        [(_N, "discovery", "", True)],
        retained=True,
    ),
    Example(
        "A name that says nothing is left to discovery",
        f"{_N}/binary_sensor/zone_7b_input/state",
        b"ON",
        [],
        quarantine="unknown-topic",
    ),
    Example("Somebody else's status", "pump/status", b'{"on":true}', [], quarantine="unknown-topic"),
)
