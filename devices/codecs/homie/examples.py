"""Worked examples of Homie messages: its tests and its reference page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from devices.codec import Example

_G: Final = "homie/5/gas-b1"
_LEARNED: Final[dict[str, Any]] = {
    "homie:homie/5/gas-b1": [
        {"detector": "gas", "kitchen": "smoke", "hall": "smoke"},
        {
            "detector/alarm": ["boolean", "", False, "Alarm", False, ""],
            "detector/concentration": ["float", "%", False, "LEL", False, ""],
            "detector/valve": ["enum", "", True, "Valve", True, ""],
            "detector/siren-alarm": ["boolean", "", True, "", False, ""],
            "detector/since": ["datetime", "", False, "", False, ""],
            "kitchen/smoke": ["boolean", "", False, "", False, "kitchen"],
            "hall/smoke": ["boolean", "", False, "", False, "hall"],
        },
    ],
    "homie:pump-2": [
        {"pipe": "pressure"},
        {"pipe/value": ["float", "psi", False, "", False, ""]},
    ],
    "homie:estate/5/meter": [{}, {"line/power": ["float", "kW", False, "", False, ""]}],
}

EXAMPLES: Sequence[Example] = (
    Example(
        "A device of version 5 describes itself",
        f"{_G}/$description",
        b'{"homie":"5.0","name":"Boiler room gas","version":7,"nodes":{"detector":{"type":"gas","properties":{'
        b'"alarm":{"name":"Alarm","datatype":"boolean","format":"clear,gas"},'
        b'"concentration":{"name":"LEL","datatype":"float","unit":"%","format":"0:100"}}}}}',
        [("gas-b1", "discovery", "", "gas")],
        retained=True,
    ),
    Example(
        "`alarm` of a node of type gas is a gas alarm",
        f"{_G}/detector/alarm",
        b"true",
        [("gas-b1", "gas", "", True)],
        context=_LEARNED,
    ),
    Example(
        "Per cent of a combustible gas is per cent of its explosive limit; beyond its range is still a reading",
        f"{_G}/detector/concentration",
        b"1.204e2",
        [("gas-b1", "gas_lel", "", 120.4)],
        context=_LEARNED,
    ),
    Example(
        "A valve",
        f"{_G}/detector/valve",
        b"closed",
        [("gas-b1", "valve_open", "", False), ("gas-b1", "fault", "", False)],
        context=_LEARNED,
    ),
    Example(
        "A valve that is broken",
        f"{_G}/detector/valve",
        b"fault",
        [("gas-b1", "fault", "", True)],
        context=_LEARNED,
    ),
    Example("Where it is going is not where it is", f"{_G}/detector/valve/$target", b"closed", []),
    Example("A command", f"{_G}/detector/valve/set", b"open", []),
    Example(
        "A siren that can be switched is no alarm",
        f"{_G}/detector/siren-alarm",
        b"true",
        [],
        context=_LEARNED,
    ),
    Example("A date is no reading", f"{_G}/detector/since", b"2025-11-22T05:19:58Z", [], context=_LEARNED),
    Example(
        "Two nodes that mean the same are told apart",
        f"{_G}/kitchen/smoke",
        b"false",
        [("gas-b1", "smoke", "kitchen", False)],
        context=_LEARNED,
    ),
    Example(
        "A device that did not describe itself yet; replayed by the broker",
        "homie/5/smoke-07/chamber/smoke",
        b"true",
        [("smoke-07", "smoke", "", True)],
        retained=True,
    ),
    Example(
        "Its obscuration",
        "homie/5/smoke-07/chamber/obscuration",
        b"0.131",
        [("smoke-07", "smoke_obscuration", "", 0.131)],
    ),
    Example(
        "A press of its test button is a test",
        "homie/5/smoke-07/chamber/test",
        b"true",
        [("smoke-07", "test", "", True)],
    ),
    Example(
        "Booleans are lower case; anything else is ignored",
        "homie/5/smoke-07/chamber/smoke",
        b"TRUE",
        [],
        quarantine="wrong-value",
    ),
    Example(
        "An alarm's word nobody knows is not normal",
        "homie/5/smoke-07/chamber/smoke",
        b"wibble",
        [("smoke-07", "smoke", "", None)],
        quarantine="unknown-word",
    ),
    Example("Nothing there", "homie/5/smoke-07/chamber/smoke", b"", []),
    Example(
        "Another root, of a device that described itself",
        "estate/5/meter/line/power",
        b"3.5",
        [("estate/meter", "power", "", 3500.0)],
        context=_LEARNED,
    ),
    Example(
        "Another root of which nothing is known",
        "estate/5/unknown/line/power",
        b"3.5",
        [],
        quarantine="unknown-topic",
    ),
    Example("Ready", f"{_G}/$state", b"ready", [("gas-b1", "availability", "", "online")], retained=True),
    Example("Last will", f"{_G}/$state", b"lost", [("gas-b1", "availability", "", "offline")]),
    Example("Sleeping", f"{_G}/$state", b"sleeping", [("gas-b1", "availability", "", "sleeping")]),
    Example("No state", f"{_G}/$state", b"READY", [], quarantine="wrong-value"),
    Example(
        "An alert of the device",
        f"{_G}/$alert/battery-low",
        b"Replace the battery",
        [("gas-b1", "battery_low", "", True)],
    ),
    Example(
        "Any other alert is a fault, whatever its text says, until it is taken back",
        f"{_G}/$alert/chamber",
        b"smoke chamber is dirty",
        [("gas-b1", "fault", "chamber", True)],
    ),
    Example("An alert taken back", f"{_G}/$alert/chamber", b"", [("gas-b1", "fault", "chamber", False)]),
    Example("A log line", f"{_G}/$log/warn", b"fire in the hall", []),
    Example("A broadcast", "homie/5/$broadcast/alert", b"Intruder detected", []),
    Example(
        "Version 4: a node's type, learned",
        "homie/pump-2/pipe/$type",
        b"pressure",
        [],
        retained=True,
    ),
    Example(
        "Version 4: a value in the unit that was learned",
        "homie/pump-2/pipe/value",
        b"60",
        [("pump-2", "pressure", "", 413.68543759)],
        context=_LEARNED,
    ),
    Example(
        "Version 4: trouble is a state",
        "homie/pump-2/$state",
        b"alert",
        [("pump-2", "availability", "", "online"), ("pump-2", "fault", "", True)],
    ),
    Example("Version 3: statistics", "homie/pump-2/$stats/battery", b"80", [("pump-2", "battery", "", 80)]),
    Example("A boiler's firmware", "homie/pump-2/$fw/version", b"1.0.0", []),
)
