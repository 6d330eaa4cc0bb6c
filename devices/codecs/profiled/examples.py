"""What an operator's profiles make of messages that follow no dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from devices.codec import Example
from devices.profile import PROFILES, Profile, Profiles

_SMOKE: Final = {
    "name": "factory-smoke",
    "match": {"topic": "factory/+/smoke"},
    "time": {"at": "/t", "unit": "s"},
    "fields": [
        {"at": "/st", "values": {
            "0": {"smoke": False, "test": False}, "1": {"smoke": True}, "2": {"test": True}, "3": {"fault": True},
            "9": {},
        }},
        {"at": "/bat", "metric": "battery_voltage", "unit": "mV", "no_reading": [0]},
        {"at": "/flags", "bit": 3, "metric": "tamper"},
        {"at": "/ok", "metric": "fault", "inverted": True},
    ],
    "ignore": ["temperature"],
}  # fmt: skip
_BYTES: Final = {
    "name": "factory-gas",
    "match": {"topic": "factory/+/raw/#", "starts": "aa"},
    "fields": [
        {"at": 1, "metric": "gas", "bit": 0},
        {"at": [2, 2], "metric": "gas_lel", "scale": 0.1, "order": "little", "no_reading": [65535]},
        {"at": [4, 2], "type": "int", "metric": "temperature", "scale": 0.1},
    ],
}
_TEXT: Final = {
    "name": "factory-text",
    "match": {"topic": "factory/line"},
    "payload": {"as": "text"},
    "device": [0, 4],
    "fields": [{"at": [5, 2], "values": {"AL": {"water_leak": True}, "OK": {"water_leak": False}}}],
}
_SAVED: Final = {
    "name": "factory-saved",
    "match": {"topic": "factory/+/saved"},
    "device": "/sn",
    "fields": [{"at": "/v", "metric": "battery_voltage"}],
    "records": {"at": "/log", "time": {"at": "/ts"}, "newest": "last",
                "fields": [{"at": "/p", "metric": "pressure", "unit": "MPa"}, {"at": "/a", "metric": "pressure_low"}]},
    "rest": "nothing",
}  # fmt: skip


def _context(*profiles: Mapping[str, Any]) -> Mapping[str, Any]:
    return {PROFILES: Profiles((), (msgspec.convert(p, Profile) for p in profiles))}


_KNOWN: Final = _context(_SMOKE, _BYTES, _TEXT, _SAVED)
_S: Final = "factory/hall-7/smoke"


def _example(
    title: str,
    topic: str,
    payload: bytes,
    readings: Sequence[tuple[str, str, str, Any]],
    quarantine: str | None = None,
) -> Example:
    return Example(title, topic, payload, readings, quarantine, context=_KNOWN)


EXAMPLES: Sequence[Example] = (
    _example(
        "A code that says smoke; the time in seconds; a temperature the profile leaves out",
        _S,
        b'{"st":1,"bat":2900,"t":1763760000,"temperature":99}',
        [("hall-7", "smoke", "", True), ("hall-7", "battery_voltage", "", 2.9)],
    ),
    _example("All well", _S, b'{"st":0}', [("hall-7", "smoke", "", False), ("hall-7", "test", "", False)]),
    _example("A test is a test", _S, b'{"st":2}', [("hall-7", "test", "", True)]),
    _example("A fault is a fault", _S, b'{"st":"3"}', [("hall-7", "fault", "", True)]),
    _example("A code that says nothing", _S, b'{"st":9}', [("hall-7", "heartbeat", "", True)]),
    _example(
        "A code nobody listed is set aside, and smoke is unknown",
        _S,
        b'{"st":7}',
        [("hall-7", "smoke", "", None)],
        "unknown-value",
    ),
    _example(
        "Null is no reading of anything the code can say",
        _S,
        b'{"st":null}',
        [("hall-7", "smoke", "", None), ("hall-7", "test", "", None), ("hall-7", "fault", "", None)],
    ),
    _example("A number that means no reading", _S, b'{"bat":0}', [("hall-7", "battery_voltage", "", None)]),
    _example("A bit of a number", _S, b'{"flags":8}', [("hall-7", "tamper", "", True)]),
    _example("A bit of what has none", _S, b'{"flags":"x"}', [], "unknown-value"),
    _example("The other way round", _S, b'{"ok":true}', [("hall-7", "fault", "", False)]),
    _example(
        "Keys a profile does not name are understood by their words",
        _S,
        b'{"ok":1,"humidity":40}',
        [("hall-7", "fault", "", False), ("hall-7", "humidity", "", 40)],
    ),
    _example(
        "Bytes: a bit, a little-endian number, a signed one",
        "factory/k1/raw/a/b",
        bytes.fromhex("aa01c800ff9c"),
        [("k1/a/b", "gas", "", True), ("k1/a/b", "gas_lel", "", 20), ("k1/a/b", "temperature", "", -10)],
    ),
    _example(
        "Bytes cut short: what is there is read, and the message set aside",
        "factory/k1/raw/a/b",
        bytes.fromhex("aa01"),
        [("k1/a/b", "gas", "", True)],
        "too-short",
    ),
    _example(
        "Bytes that say no reading",
        "factory/k1/raw/a/b",
        bytes.fromhex("aa00ffff0000"),
        [("k1/a/b", "gas", "", False), ("k1/a/b", "gas_lel", "", None), ("k1/a/b", "temperature", "", 0)],
    ),
    _example("Bytes that begin otherwise", "factory/k1/raw/a/b", b"\xbb\x01", [], "no-profile"),
    _example("Text with fixed places", "factory/line", b"D017:AL", [("D017", "water_leak", "", True)]),
    _example("The same, dry", "factory/line", b"D017:OK", [("D017", "water_leak", "", False)]),
    _example(
        "The same, unknown", "factory/line", b"D017:??", [("D017", "water_leak", "", None)], "unknown-value"
    ),
    _example(
        "Saved measurements: the newest counts, the others are history",
        "factory/x/saved",
        b'{"sn":"P-9","v":3.5,"log":[{"ts":1763750000000,"p":0.05,"a":1},{"ts":1763760000000,"p":0.2,"a":0}]}',
        [
            ("P-9", "battery_voltage", "", 3.5),
            ("P-9", "pressure", "", 50),
            ("P-9", "pressure_low", "", True),
            ("P-9", "pressure", "", 200),
            ("P-9", "pressure_low", "", False),
        ],
    ),
    _example("Not JSON", _S, b"st=1", [], "no-profile"),
    _example("A topic no profile names", "factory/hall-7/lamp", b"{}", [], "unknown-topic"),
)
