"""Theengs and OpenMQTTGateway: properties by type, both units, persons left alone, a gateway's own state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import theengs
from devices.codecs.theengs.properties import KEYS_MAX
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

MAC = "AA:BB:CC:DD:EE:FF"
GATE = "home/TheengsGateway"


def tell(topic: str, body: Any, **more: Any) -> Decoded:
    """One message."""
    payload = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return said(theengs, topic, payload, **more)


def heard(fields: dict[str, Any], **more: Any) -> Decoded:
    """One device as a gateway decoded it."""
    return tell(f"{GATE}/BTtoMQTT/AABBCCDDEEFF", {"id": MAC, **fields}, **more)


def values(decoded: Decoded) -> dict[str, Any]:
    """Values by metric and channel, without the device."""
    return {m + (f"/{c}" if c else ""): v for _, m, c, v in rows(decoded)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "CTMO", "open": False, "batt": 100, "brand": "Otio/BeeWi", "model_id": "BSDOO"},
         {"door_open": False, "battery": 100}),
        ({"type": "CTMO", "open": True, "volt": 3.079, "model": "SE MAG"},
         {"door_open": True, "battery_voltage": 3.079}),
        ({"type": "CTMO", "motion": True, "lux": 132}, {"motion": True, "illuminance": 132}),
        ({"type": "CTMO", "pres": True}, {"presence": True}),
        ({"type": "WCVR", "open": 30, "motion": False, "batt": 60, "lightlevel": 2}, {"battery": 60}),
        ({"type": "THB", "tempc": -2.6, "tempf": 27.3, "hum": 63.5, "batt": 48, "extprobe": True},
         {"temperature": -2.6, "humidity": 63.5, "battery": 48}),
        ({"type": "THBX", "tempc": 23.9, "tempc2_dp": 10.8, "tempf2_dp": 51.4}, {"temperature": 23.9}),
        ({"type": "AIR", "tempc": 26.3, "hum": 17, "pres": 803.2, "co2": 844, "batt": 98},
         {"temperature": 26.3, "humidity": 17, "pressure": 80.32, "co2_ppm": 844, "battery": 98}),
        ({"type": "AIR", "pm25": 7, "for": 0.08}, {"pm2_5": 7}),
        ({"type": "TIRE", "tempc": 16, "pres": 1.9, "count": 3, "alarm": True},
         {"temperature": 16, "pressure": 190.0, "alarm_flag": True}),
        ({"type": "UNIQ", "lvl_in": 10}, {"water_level": 254.0}),
        ({"type": "UNIQ", "model": "Smoke Detector", "alarm": True, "lowbatt": True},
         {"smoke": True, "battery_low": True}),
        ({"type": "UNIQ", "smoke": True, "tamper": False}, {"smoke": True, "tamper": False}),
        ({"type": "UNIQ", "water_leak": 1}, {"water_leak": True}),
        ({"type": "ENRG", "volt": 231.5, "current": 0.5, "power": 100, "energy": 1.5},
         {"voltage": 231.5, "current": 500.0, "power": 100, "energy": 1.5}),
        ({"type": "ENRG", "avg": 2.376, "avgu": "kW", "sum": 21.2928, "sumu": "kWh", "batt": 70, "lowbatt": False},
         {"battery": 70, "battery_low": False, "energy": 21.2928, "power": 2376.0}),
        ({"type": "ENRG", "avg": 0.9, "avgu": "m³", "sum": 8.07, "sumu": "m³"}, {"volume": 8.07}),
        ({"type": "THB", "volt": 3.034, "power": 1, "open": 1}, {"battery_voltage": 3.034, "door_open": True}),
        ({"type": "BBQ", "tempf6": 212}, {"temperature/6": 100.0}),
        ({"type": "BTN", "button": 1, "packet": 29}, {"button": 1}),
        ({"type": "BTN", "button": 0}, {}),
        ({"type": "ACEL", "accx": 1.5, "accz": -9.8, "flag_tilt": True, "uptime": 5},
         {"acceleration/x": 1.5, "acceleration/z": -9.8, "tilt": True}),
        ({"type": "PLANT", "moi": 66, "fer": 10, "lux": 0}, {"illuminance": 0}),
        ({"type": "TRACK", "batt": 100, "device": "HolyIoT Beacon Tracker", "button": 2},
         {"battery": 100, "button": 2}),
        ({"type": "BODY", "bpm": 70, "batt": 97}, {}),
        ({"type": "SCALE", "weight": 61.75, "unit": "kg"}, {}),
        ({"type": "RMAC", "device": "Apple device", "rssi": -60}, {}),
        ({"rssi": -89, "distance": 21.5, "servicedata": "fe00"}, {}),
        ({"tempc": "19.2", "hum": "52.6"}, {"temperature": 19.2, "humidity": 52.6}),
        ({"tempc": "nan"}, {}),
        ({"open": "open", "motion": 7}, {}),
    ],
)  # fmt: skip
def test_properties(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """What the decoder writes for each kind of device, in one unit, and no person's body or phone."""
    assert values(heard(fields)) == expected


@pytest.mark.parametrize(
    ("topic", "fields", "name"),
    [
        ("4C33A6603C79", {}, "4C:33:A6:60:3C:79"),
        ("4c:33:a6:60:3c:79", {"id": "4C:33:A6:60:3C:79"}, "4C:33:A6:60:3C:79"),
        (
            "1de4b189115e45f6b44e509352269977",
            {"id": "1de4b189115e45f6b44e509352269977"},
            "1de4b189115e45f6b44e509352269977",
        ),
    ],
)
def test_a_device_has_one_name_whoever_hears_it(topic: str, fields: dict[str, Any], name: str) -> None:
    """Its MAC in one spelling, from its id or from the topic."""
    assert rows(tell(f"a/b/c/BTtoMQTT/{topic}", {**fields, "hum": 5})) == [(name, "humidity", "", 5)]


@pytest.mark.parametrize(
    ("time", "at", "flag"),
    [
        ({"UTCtime": "2025-11-21T21:20:00Z"}, NOW - 500, 0),
        ({"unixtime": 1763760000}, NOW - 500, 0),
        ({"unixtime": 100}, 100_000, CLOCK_BAD),
        ({"UTCtime": "soon", "unixtime": "x"}, None, 0),
        ({}, None, 0),
    ],
)
def test_the_gateways_time(time: dict[str, Any], at: int | None, flag: int) -> None:
    """Where the gateway is set to write its time, that is when it heard."""
    got = heard({"open": True, **time})
    assert [(r.measured_at, r.flags) for r in got.readings] == [(at, flag)]


def test_encrypted_adverts_and_raw_codes_are_set_aside() -> None:
    """A door behind a key nobody gave, a remote without a decoder: said plainly, and nothing made of them."""
    locked = heard({"rssi": -70, "encr": 2, "cipher": "38ef", "ctr": "ed", "mic": "4d", "type": "CTMO"})
    assert (code(locked), locked.readings) == ("encrypted", [])
    for module in ("433", "RF2", "SRFB", "Pilight"):
        assert code(tell(f"home/OMG/{module}toMQTT", {"value": 1315156})) == "raw-code"
    assert code(tell("home/OMG/LORAtoMQTT", {"rssi": -121, "hex": "C0FFEE"})) == "raw-code"


@pytest.mark.parametrize(
    ("topic", "fields", "expected"),
    [
        ("LORAtoMQTT/AABBCCDDEEFF", {"id": MAC, "rssi": -16, "snr": 9.2, "tempc": "55.3"},
         [(MAC, "rssi", "", -16), (MAC, "temperature", "", 55.3)]),
        ("LORAtoMQTT", {"from": "123ABC", "to": "000000", "message": "help", "type": "WiPhone"}, []),
        ("SYStoMQTT", {"uptime": 5, "rssi": -60}, [("home/OMG", "heartbeat", "", True), ("home/OMG", "rssi", "", -60)]),
        ("GPIOInputtoMQTT", {"gpio": "HIGH"}, [("home/OMG", "digital_input", "", True)]),
        ("ONOFFtoMQTT", {"cmd": 0}, [("home/OMG", "relay", "", False)]),
        ("HCSR501toMQTT", {"presence": "false"}, [("home/OMG", "presence", "", False)]),
        ("HCSR04toMQTT", {"distance": 12, "direction": "static"}, [("home/OMG", "distance", "", 120.0)]),
        ("C37_YL83_HMRDtoMQTT", {"analog": 3, "detected": "true"}, [("home/OMG", "water_leak", "", True)]),
        ("RN8209toMQTT", {"volt": 230, "current": 1},
         [("home/OMG", "voltage", "", 230), ("home/OMG", "current", "", 1000)]),
        ("DHTtoMQTT/dht1", {"temp": 21, "hum": 51},
         [("home/OMG/dht1", "temperature", "", 21), ("home/OMG/dht1", "humidity", "", 51)]),
        ("CLIMAtoMQTT/bme", {"tempc": 25, "pa": 101325.0}, [("home/OMG/bme", "temperature", "", 25),
                                                             ("home/OMG/bme", "pressure", "", 101.325)]),
        ("CLIMAtoMQTT/ds1820/0x28", {"temp": 212, "unit": "F", "addr": "0x28"}, [("0x28", "temperature", "", 100.0)]),
        ("IRtoMQTT", {"value": 1}, []),
        ("2GtoMQTT", {"message": "smoke!", "phone": "1"}, []),
    ],
)  # fmt: skip
def test_modules(topic: str, fields: dict[str, Any], expected: list[Any]) -> None:
    """LoRa, the gateway itself, and what is wired to it; messages between persons are nobody's reading."""
    assert rows(tell(f"home/OMG/{topic}", fields)) == expected


def test_wills() -> None:
    """A gateway's will is the gateway's; Tasmota's, in other letters, is left to others."""
    assert rows(tell(f"{GATE}/LWT", b"online", retained=True)) == [
        (GATE, "gateway_availability", "", "online")
    ]
    assert code(tell("tele/plug/LWT", b"Online")) == "unknown-topic"


@pytest.mark.parametrize(
    "topic", ["home/OMG/RTL_433toMQTT/Acme/1", "home/x", "BTtoMQTT/AABB", "home/OMG/BTtoMQTTx"]
)
def test_other_topics_are_left_to_others(topic: str) -> None:
    """Only `<gateway>/<module>toMQTT` is claimed, and of that not the format of rtl_433."""
    assert code(tell(topic, {"open": True, "id": MAC})) == "unknown-topic"


def test_odd_messages() -> None:
    """Commands say nothing, other shapes give a reason, and properties are read up to the bound."""
    assert tell("home/OMG/commands/MQTTtoBT/config", {"interval": 0}) == Decoded()
    assert tell(f"{GATE}/BTtoMQTT/x", b"") == Decoded()
    assert code(tell(f"{GATE}/BTtoMQTT/x", [1])) == "wrong-type"
    assert code(tell(f"{GATE}/BTtoMQTT/x", b"{")) == "not-json"
    assert code(tell(f"{GATE}/BTtoMQTT", {"open": True})) == "missing"
    full = heard({"open": True, **{f"temperature_{n}": n for n in range(KEYS_MAX)}})
    assert (code(full), values(full)["door_open"]) == ("too-many", True)
    odd = heard({"smoke": "wibble"})
    assert (flags(odd), code(odd)) == ({INVALID}, "unknown-word")
    assert flags(heard({"open": True}, retained=True)) == {RETAINED}
