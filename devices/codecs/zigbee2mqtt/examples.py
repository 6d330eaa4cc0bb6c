"""Worked examples of zigbee2mqtt messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_Z: Final = "zigbee2mqtt"
_IEEE: Final = "0x00158d0001a2b3c4"

# What the bridge's list taught about one device, as it comes back as context.
_LEARNED: Final[dict[str, Any]] = {
    "device:3号楼/2单元/厨房": [
        _IEEE,
        "SMOKE-1",
        {
            "smoke": ["smoke", "", "", True, False, False],
            "voltage": ["voltage", "", "mV", None, None, False],
            "temperature": ["temperature", "", "°F", None, None, False],
            "heat": ["heat", "", "", "ON", "OFF", True],
            "contact_left": ["contact", "left", "", False, True, False],
        },
    ]
}

EXAMPLES: Sequence[Example] = (
    Example(
        "Smoke detector in alarm; the battery is fine, and settings say nothing",
        f"{_Z}/b3-f05-hall",
        b'{"smoke":true,"battery":87,"battery_low":false,"tamper":false,"test":false,"linkquality":114,"sensitivity":"high"}',
        [
            ("b3-f05-hall", "smoke", "", True),
            ("b3-f05-hall", "battery", "", 87),
            ("b3-f05-hall", "battery_low", "", False),
            ("b3-f05-hall", "tamper", "", False),
            ("b3-f05-hall", "test", "", False),
            ("b3-f05-hall", "linkquality", "", 114),
        ],
    ),
    Example(
        "Low battery is never a fire",
        f"{_Z}/b3-f05-hall",
        b'{"smoke":false,"battery_low":true,"battery":4}',
        [
            ("b3-f05-hall", "smoke", "", False),
            ("b3-f05-hall", "battery_low", "", True),
            ("b3-f05-hall", "battery", "", 4),
        ],
    ),
    Example(
        "Pressing its test button raises smoke and test together: two statements",
        f"{_Z}/b3-f05-hall",
        b'{"smoke":true,"test":true}',
        [("b3-f05-hall", "smoke", "", True), ("b3-f05-hall", "test", "", True)],
    ),
    Example(
        "Friendly name with slashes, spaces and Chinese; the name is not learned yet",
        f"{_Z}/3号楼/2单元/客厅 灯",
        b'{"gas":false,"gas_value":3.5}',
        [("3号楼/2单元/客厅 灯", "gas", "", False), ("3号楼/2单元/客厅 灯", "gas_lel", "", 3.5)],
    ),
    Example(
        "A learned device goes by its address, and by its own exposes: unit, endpoint, on and off, settings",
        f"{_Z}/3号楼/2单元/厨房",
        b'{"smoke":true,"voltage":2900,"temperature":212,"heat":"ON","contact_left":false}',
        [
            (_IEEE, "smoke", "", True),
            (_IEEE, "battery_voltage", "", 2.9),
            (_IEEE, "temperature", "", 100.0),
            (_IEEE, "door_open", "left", True),
        ],
        context=_LEARNED,
    ),
    Example(
        "The same device when the bridge starts with what it had cached",
        f"{_Z}/3号楼/2单元/厨房",
        b'{"smoke":false,"last_seen":"2025-11-21T20:00:00+08:00"}',
        [(_IEEE, "smoke", "", False)],
        retained=True,
        context=_LEARNED,
    ),
    Example(
        "Null is an unknown property, never a normal one",
        f"{_Z}/kitchen",
        b'{"smoke":null,"temperature":null}',
        [("kitchen", "smoke", "", None), ("kitchen", "temperature", "", None)],
    ),
    Example(
        "CO: the word is the alarm, the short name the number",
        f"{_Z}/boiler",
        b'{"carbon_monoxide":true,"co":220}',
        [("boiler", "co", "", True), ("boiler", "co_ppm", "", 220)],
    ),
    Example(
        "Water leak",
        f"{_Z}/cellar",
        b'{"water_leak":true,"voltage":3005,"battery":100}',
        [
            ("cellar", "water_leak", "", True),
            ("cellar", "battery_voltage", "", 3.005),
            ("cellar", "battery", "", 100),
        ],
    ),
    Example(
        "SOS button, keypad panic: an action of these names",
        f"{_Z}/bedside",
        b'{"action":"emergency","battery":90}',
        [("bedside", "sos", "", True), ("bedside", "battery", "", 90)],
    ),
    Example(
        "Any other action is a button; the empty one that follows says nothing; key codes are not kept",
        f"{_Z}/keypad",
        b'{"action":"single","action_code":"4711"}',
        [("keypad", "button", "", "single")],
    ),
    Example("The empty action", f"{_Z}/keypad", b'{"action":""}', []),
    Example(
        "A contact that is false is open",
        f"{_Z}/door",
        b'{"contact":false}',
        [("door", "door_open", "", True)],
    ),
    Example(
        "Two endpoints, units converted",
        f"{_Z}/meter",
        b'{"state_l1":"ON","state_l2":"OFF","current_phase_b":1.25,"power":12,"energy":3.5,"voltage":231.5}',
        [
            ("meter", "switch_state", "l1", "ON"),
            ("meter", "switch_state", "l2", "OFF"),
            ("meter", "current", "phase_b", 1250.0),
            ("meter", "power", "", 12),
            ("meter", "energy", "", 3.5),
            ("meter", "voltage", "", 231.5),
        ],
    ),
    Example(
        "A thermostat's heat is no heat alarm",
        f"{_Z}/radiator",
        b'{"heat":"ON","running_state":"heat","max_temperature_limit":30}',
        [],
    ),
    Example("A heat detector's is", f"{_Z}/attic", b'{"heat":true}', [("attic", "heat", "", True)]),
    Example(
        "Silenced at the device, its self-test, its warm-up, its mains",
        f"{_Z}/gas-2",
        b'{"silence":"ON","self_test":"check_success","preheat":true,"ac_status":true,"mains_power_connected":false}',
        [
            ("gas-2", "muted", "", True),
            ("gas-2", "self_test", "", "check_success"),
            ("gas-2", "warmup", "", True),
            ("gas-2", "mains_fault", "", True),
            ("gas-2", "mains_power", "", False),
        ],
    ),
    Example(
        "Faults come as booleans, as words and as lists",
        f"{_Z}/breaker",
        b'{"faults":["surge"],"battery_state":"low"}',
        [("breaker", "fault", "", True), ("breaker", "battery_low", "", True)],
    ),
    Example("No faults", f"{_Z}/breaker", b'{"faults":[]}', [("breaker", "fault", "", False)]),
    Example(
        "A state word under a smoke key",
        f"{_Z}/smoke-9",
        b'{"smoke_state":"detecting","smoke_concentration":2}',
        [("smoke-9", "smoke", "", None), ("smoke-9", "smoke_concentration", "", 2)],
    ),
    Example(
        "A word nobody knows under a smoke key is set aside, and is not normal",
        f"{_Z}/smoke-9",
        b'{"smoke":"wibble"}',
        [("smoke-9", "smoke", "", None)],
        quarantine="unknown-word",
    ),
    Example(
        "What cannot be true is kept and flagged invalid",
        f"{_Z}/boiler",
        b'{"co":-1,"temperature":-300}',
        [("boiler", "co_ppm", "", -1), ("boiler", "temperature", "", -300)],
    ),
    Example(
        "Availability",
        f"{_Z}/door/availability",
        b'{"state":"offline"}',
        [("door", "availability", "", "offline")],
    ),
    Example(
        "Availability of older bridges",
        f"{_Z}/3号楼/门/availability",
        b"online",
        [("3号楼/门", "availability", "", "online")],
        retained=True,
    ),
    Example(
        "The bridge's own state",
        f"{_Z}/bridge/state",
        b'{"state":"online"}',
        [("bridge", "gateway_availability", "", "online")],
    ),
    Example(
        "The bridge's devices: learned, not read",
        f"{_Z}/bridge/devices",
        b'[{"ieee_address":"0x00124b00120144ae","type":"Coordinator","friendly_name":"Coordinator"},'
        b'{"ieee_address":"0x00158d0001a2b3c4","type":"EndDevice","friendly_name":"hall","definition":{"model":"S1",'
        b'"exposes":[{"type":"binary","name":"smoke","property":"smoke","value_on":true,"value_off":false,"access":1}]}}]',
        [("bridge", "inventory", "", 2)],
        retained=True,
    ),
    Example(
        "A device joined",
        f"{_Z}/bridge/event",
        b'{"type":"device_joined","data":{"friendly_name":"0x00158d0001a2b3c4","ieee_address":"0x00158d0001a2b3c4"}}',
        [(_IEEE, "device_joined", "", True)],
    ),
    Example(
        "A device left",
        f"{_Z}/bridge/event",
        b'{"type":"device_leave","data":{"friendly_name":"hall","ieee_address":"0x00158d0001a2b3c4"}}',
        [(_IEEE, "device_left", "", True)],
    ),
    Example("The bridge's log", f"{_Z}/bridge/logging", b'{"level":"info","message":"fire in the hall"}', []),
    Example("A command", f"{_Z}/siren/set", b'{"alarm":"fire"}', []),
    Example("A command without JSON", f"{_Z}/plug/set/state", b"ON", []),
    Example("A question", f"{_Z}/plug/get", b'{"state":""}', []),
    Example("One property alone", f"{_Z}/b3/hall/smoke", b"true", [("b3/hall", "smoke", "", True)]),
    Example("One property alone, a word", f"{_Z}/b3/sos/action", b"emergency", [("b3/sos", "sos", "", True)]),
    Example(
        "One property alone, a number",
        f"{_Z}/cellar/temperature",
        b"12.5",
        [("cellar", "temperature", "", 12.5)],
    ),
    Example("One setting alone", f"{_Z}/lamp/brightness", b"254", []),
    Example("A retained state deleted", f"{_Z}/old-name", b"", []),
    Example("Not JSON", f"{_Z}/hall", b'{"smoke":tru', [], quarantine="not-json"),
    Example("Binary garbage", f"{_Z}/b3/hall", b"\xff\x00\x01", [], quarantine="not-json"),
)
