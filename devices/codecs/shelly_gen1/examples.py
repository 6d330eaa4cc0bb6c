"""Worked examples of messages of the first generation: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from devices.codec import Example

_SMOKE: Final = "shellysmoke-D8BFC0AABBCC"
_GAS: Final = "shellygas-A4CF12F45A2C"
_FLOOD: Final = "shellyflood-764FEA"
_DOOR: Final = "shellydw2-73BF8E"
_PLUG: Final = "shellyplug-s-6A6374"
_EM3: Final = "shellyem3-BCFF4DFD1A2B"

EXAMPLES: Sequence[Example] = (
    Example("Smoke", f"shellies/{_SMOKE}/sensor/smoke", b"true", [(_SMOKE, "smoke", "", True)]),
    Example("No smoke", f"shellies/{_SMOKE}/sensor/smoke", b"false", [(_SMOKE, "smoke", "", False)]),
    Example(
        "A word nobody knows about smoke is set aside, and is not normal",
        f"shellies/{_SMOKE}/sensor/smoke",
        b"maybe",
        [(_SMOKE, "smoke", "", None)],
        quarantine="unknown-word",
    ),
    Example(
        "Gas, a little", f"shellies/{_GAS}/sensor/gas", b"mild",
        [(_GAS, "gas", "", True), (_GAS, "gas_level", "", "mild"), (_GAS, "test", "", False)],
    ),
    Example(
        "Gas, none", f"shellies/{_GAS}/sensor/gas", b"none",
        [(_GAS, "gas", "", False), (_GAS, "gas_level", "", "none"), (_GAS, "test", "", False)],
    ),
    Example(
        "The gas detector's test is a test, and says nothing of gas",
        f"shellies/{_GAS}/sensor/gas", b"test", [(_GAS, "test", "", True), (_GAS, "gas_level", "", "test")],
    ),
    Example(
        "A gas detector that does not know yet", f"shellies/{_GAS}/sensor/gas", b"unknown",
        [(_GAS, "gas", "", None), (_GAS, "gas_level", "", None)],
    ),
    Example(
        "Gas detector warming up", f"shellies/{_GAS}/sensor/operation", b"warmup",
        [(_GAS, "warmup", "", True), (_GAS, "fault", "", False)],
    ),
    Example(
        "Concentration, -1 before the sensor is warm",
        f"shellies/{_GAS}/sensor/concentration", b"-1", [(_GAS, "gas_ppm", "", None)],
    ),
    Example("Concentration", f"shellies/{_GAS}/sensor/concentration", b"850", [(_GAS, "gas_ppm", "", 850)]),
    Example(
        "Self-test", f"shellies/{_GAS}/sensor/self_test", b"completed", [(_GAS, "self_test", "", "completed")]
    ),
    Example(
        "Gas valve on its way is neither open nor closed",
        f"shellies/{_GAS}/valve/0/state", b"closing", [(_GAS, "valve_open", "", None)],
    ),
    Example(
        "Gas valve closed", f"shellies/{_GAS}/valve/0/state", b"closed",
        [(_GAS, "valve_open", "", False), (_GAS, "fault", "valve", False)],
    ),
    Example("Water", f"shellies/{_FLOOD}/sensor/flood", b"true", [(_FLOOD, "water_leak", "", True)]),
    Example(
        "Why a sleeping device woke", f"shellies/{_FLOOD}/sensor/act_reasons", b'["sensor","battery"]',
        [(_FLOOD, "wakeup_reason", "", "sensor")],
    ),
    Example("Door", f"shellies/{_DOOR}/sensor/state", b"open", [(_DOOR, "door_open", "", True)]),
    Example("Tilt, not calibrated", f"shellies/{_DOOR}/sensor/tilt", b"-1", [(_DOOR, "angle", "", None)]),
    Example("No reading of temperature", f"shellies/{_DOOR}/sensor/temperature", b"999.00",
            [(_DOOR, "temperature", "", None)]),
    Example(
        "A device known to measure in Fahrenheit", f"shellies/{_DOOR}/sensor/temperature", b"212",
        [(_DOOR, "temperature", "", 100.0)], context={f"unit:{_DOOR}": "F"},
    ),
    Example(
        "A button pressed three times", "shellies/shellybutton1-E8DB84AA1234/input_event/0",
        b'{"event":"SSS","event_cnt":2}', [("shellybutton1-E8DB84AA1234", "button", "", "triple")],
    ),
    Example(
        "Motion: all in one message, dated by its timestamp", "shellies/shellymotionsensor-60A42386E566/status",
        b'{"motion":true,"timestamp":1763759990,"active":true,"vibration":false,"lux":6,"bat":97}',
        [
            ("shellymotionsensor-60A42386E566", "motion", "", True),
            ("shellymotionsensor-60A42386E566", "detection_enabled", "", True),
            ("shellymotionsensor-60A42386E566", "vibration", "", False),
            ("shellymotionsensor-60A42386E566", "illuminance", "", 6),
            ("shellymotionsensor-60A42386E566", "battery", "", 97),
        ],
    ),
    Example(
        "Switched off, for too much was drawn", f"shellies/{_PLUG}/relay/0", b"overpower",
        [(_PLUG, "relay", "", False), (_PLUG, "overpower", "", True)],
    ),
    Example("Watt-minutes", f"shellies/{_PLUG}/relay/0/energy", b"60000", [(_PLUG, "energy", "", 1.0)]),
    Example("Too hot inside", f"shellies/{_PLUG}/overtemperature", b"1", [(_PLUG, "overtemp", "", True)]),
    Example(
        "Three phases: the second", f"shellies/{_EM3}/emeter/1/current", b"2.5", [(_EM3, "current", "1", 2500.0)]
    ),
    Example(
        "Neutral conductor", f"shellies/{_EM3}/emeter_n/current", b"0.31", [(_EM3, "neutral_current", "", 310.0)]
    ),
    Example(
        "A report of a gas detector", f"shellies/{_GAS}/info",
        b'{"wifi_sta":{"connected":true,"rssi":-61},"mqtt":{"connected":true},"unixtime":1763760000,"mac":"A4CF12F45A2C",'
        b'"gas_sensor":{"sensor_state":"normal","self_test_state":"completed","alarm_state":"heavy"},'
        b'"concentration":{"ppm":4200,"is_valid":true},"valves":[{"state":"opened"}]}',
        [
            (_GAS, "gas", "", True), (_GAS, "gas_level", "", "heavy"), (_GAS, "test", "", False),
            (_GAS, "fault", "", False), (_GAS, "warmup", "", False), (_GAS, "self_test", "", "completed"),
            (_GAS, "valve_open", "", True), (_GAS, "fault", "valve", False),
            (_GAS, "sensor_valid", "", True), (_GAS, "gas_ppm", "", 4200), (_GAS, "rssi", "", -61),
        ],
    ),
    Example("Connected", f"shellies/{_SMOKE}/online", b"true", [(_SMOKE, "availability", "", "online")],
            retained=True),
    Example("The last will", f"shellies/{_SMOKE}/online", b"false", [(_SMOKE, "availability", "", "offline")]),
    Example(
        "Announced", "shellies/announce",
        b'{"id":"shellyflood-764FEA","model":"SHWT-1","mac":"C45BBE764FEA","ip":"10.0.0.7","new_fw":false}',
        [(_FLOOD, "device_announce", "", True)],
    ),
    Example("A command", f"shellies/{_PLUG}/relay/0/command", b"on", []),
    Example("A question to all", "shellies/command", b"announce", []),
    Example("A value that cannot be one", f"shellies/{_PLUG}/relay/0/power", b"much", [], quarantine="wrong-value"),
)  # fmt: skip
