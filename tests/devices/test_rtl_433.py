"""rtl_433: what decoders of safety devices send, in one object and value by value, and what must raise nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import rtl_433
from devices.codecs.rtl_433 import KEYS_MAX
from devices.reading import METRICS, MetricClass, split_point
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said


def tell(body: Any, topic: str = "rtl_433/attic/events", **more: Any) -> Decoded:
    """One transmission."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return said(rtl_433, topic, payload, **more)


def values(decoded: Decoded) -> dict[str, Any]:
    """Values by metric and channel, without the device."""
    return {m + (f"/{c}" if c else ""): v for _, m, c, v in rows(decoded)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "Govee-Water", "id": 1, "event": "Water Leak"}, {"water_leak": True}),
        ({"model": "Govee-Water", "id": 1, "event": "Post Leak", "detect_wet": 0}, {"water_leak": False}),
        ({"model": "Govee-Water", "id": 1, "event": "Unknown", "leak_num": 3}, {}),
        ({"model": "Govee-Water", "id": 1, "event": "Heartbeat"}, {"heartbeat": True}),
        ({"model": "Govee-Contact", "id": 1, "event": "Open"}, {"door_open": True}),
        ({"model": "Fineoffset-WH55", "id": "030CF", "channel": 1, "battery_ok": 0.8, "raw_value": 1282, "alarm": 1},
         {"water_leak": True, "battery": 80.0}),
        ({"model": "Fineoffset-WH55", "id": "030CF", "battery_ok": 1.0, "alarm": 0},
         {"water_leak": False, "battery": 100.0, "battery_low": False}),
        ({"model": "Cavius-Security", "id": 1, "message": "Warning/Water detected"}, {"water_leak": True}),
        ({"model": "Cavius-Security", "id": 1, "message": "Battery low"}, {"battery_low": True}),
        ({"model": "Cavius-Security", "id": 1, "message": "Pairing"}, {}),
        ({"model": "Cavius-Security", "id": 1, "message": "Unknown"}, {}),
        ({"model": "Visonic-Powercode", "id": "6f4770", "tamper": 1, "alarm": 1, "battery_ok": 1,
          "else": 0, "restore": 1,
          "supervised": 1, "spidernet": 0, "repeater": 0}, {"tamper": True, "alarm_flag": True, "battery_low": False}),
        ({"model": "Kerui-Security", "id": 5, "cmd": 14, "opened": 1, "state": "open"}, {"door_open": True}),
        ({"model": "Kerui-Security", "id": 5, "cmd": 11, "tamper": 1, "state": "tamper"}, {"tamper": True}),
        ({"model": "Kerui-Security", "id": 5, "cmd": 15, "battery_ok": 0, "state": "battery"}, {"battery_low": True}),
        ({"model": "Kerui-Security", "id": 5, "cmd": 5, "water": 1, "state": "water"}, {"water_leak": True}),
        ({"model": "X10-Security", "id": "a", "event": "DS10A DOOR/WINDOW CLOSED"}, {"door_open": False}),
        ({"model": "X10-Security", "id": "a", "event": "MS10A MOTION TRIPPED"}, {"motion": True}),
        ({"model": "X10-Security", "id": "a", "event": "MS10A MOTION READY"}, {"motion": False}),
        ({"model": "X10-Security", "id": "a", "event": "KR10A KEY-FOB DISARM"}, {"button": "KR10A KEY-FOB DISARM"}),
        ({"model": "SimpliSafe-Sensor", "id": "1", "seq": 1, "state": 1, "extradata": "Contact Open"},
         {"door_open": True}),
        ({"model": "SimpliSafe-Sensor", "id": "1", "seq": 1, "state": 3, "extradata": "Alarm Off"},
         {"alarm_flag": False}),
        ({"model": "SimpliSafe-Keypad", "id": "1", "seq": 1, "extradata": "Keypad Panic Button"}, {"sos": True}),
        ({"model": "Chuango-Security", "id": 9, "cmd": "Low Battery", "cmd_id": 13}, {"battery_low": True}),
        ({"model": "Chuango-Security", "id": 9, "cmd": "Test", "cmd_id": 0}, {"test": True}),
        ({"model": "Chuango-Security", "id": 9, "cmd": "24H Zone", "cmd_id": 11}, {"alarm_unspecified": True}),
        ({"model": "Chuango-Security", "id": 9, "cmd": "Normal Zone", "cmd_id": 7}, {"alarm_flag": True}),
        ({"model": "Chuango-Security", "id": 9, "cmd": "?", "cmd_id": 15}, {}),
        ({"model": "Interlogix-Security", "subtype": "contact", "id": "a1", "battery_ok": 0, "switch1": "OPEN",
          "switch2": "CLOSED", "raw_message": "02"},
         {"battery_low": True, "digital_input/1": True, "digital_input/2": False}),
        ({"model": "Risco-RWX95P", "id": 9, "counter": 4, "motion": 1, "battery_ok": 1},
         {"motion": True, "battery_low": False}),
        ({"model": "ERT-SCM", "id": 9, "physical_tamper": 3, "ert_type": 12, "encoder_tamper": 0,
          "consumption_data": 77},
         {"tamper": True, "tamper/encoder": False, "volume_index": 77}),
        ({"model": "Acme-Smoke", "id": 1, "battery_ok": 1, "event": "Alarm"}, {"battery_low": False, "smoke": True}),
        ({"model": "Acme-Smoke", "id": 1, "event": "Smoke alarm off"}, {"smoke": False}),
        ({"model": "Acme-CO", "id": 1, "alarm": 1}, {"co": True}),
        ({"model": "Acme-TH", "id": 1, "battery": "LOW", "temperature_C": 1}, {"battery_low": True, "temperature": 1}),
        ({"model": "Generic-Remote", "id": 30847, "cmd": 205, "tristate": "Z1X0"}, {"button": 205}),
        ({"model": "Acme-Air", "id": 1, "pm2_5_ug_m3": 9, "co2_ppm": 750, "light_lux": 30},
         {"pm2_5": 9, "co2_ppm": 750, "illuminance": 30}),
        ({"model": "Acme-Power", "id": 1, "power_W": 12.5, "energy_kWh": 2, "voltage_V": 230, "current_A": 0.5},
         {"power": 12.5, "energy": 2, "voltage": 230, "current": 500.0}),
        ({"model": "Acme-Pipe", "id": 1, "pressure_kPa": 310, "pressure_psi": 5}, {"pressure": 310}),
        ({"model": "Acme-Weather", "id": 1, "setpoint_C": 60, "rain_mm": 3, "wind_avg_m_s": 2, "storm_dist": 9,
          "moisture": 40, "uv": 3}, {}),
    ],
)  # fmt: skip
def test_what_decoders_send(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """The fields and words of the decoders of safety devices, each as what it is."""
    assert values(tell(fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"model": "Smoke-GS558", "id": 3, "unit": 1, "learn": 0, "code": "6b3060"}, {"smoke": True}),
        ({"model": "Smoke-GS558", "id": 3, "unit": 1, "learn": 1, "code": "6b3060"}, {}),
        ({"time": "@0.04s", "model": "DY-SQ100B-WaterLeak-EV1527", "count": 1, "num_rows": 1,
          "len": 24, "data": "0f0065"},
         {"water_leak": True}),
        ({"model": "Kitchen-smoke", "rows": [{"len": 24, "data": "0f0065"}], "codes": ["{24}0f0065"]}, {"smoke": True}),
        ({"model": "Generic-Motion", "code": "80042"}, {"motion": True}),
        ({"model": "Acme-Smoke", "id": 3, "battery_ok": 1}, {"battery_low": False}),
        ({"model": "Acme-Smoke", "id": 3, "heartbeat": 1}, {"heartbeat": True}),
        ({"model": "Water-Meter", "id": 3}, {}),
        ({"model": "Gas-Meter", "id": 3}, {}),
        ({"model": "Acme-TH", "id": 3}, {}),
    ],
)  # fmt: skip
def test_devices_that_transmit_only_when_it_happens(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """A smoke detector that says nothing but itself smokes; one that reports its battery does not, nor does a meter."""
    assert values(tell(fields)) == expected


@pytest.mark.parametrize(
    ("topic", "text", "expected"),
    [
        ("Govee-Water/34004/event", "Water Leak", [("Govee-Water/34004", "water_leak", "", True)]),
        ("Nexus-TH/2/42/temperature_C", "20.50", [("Nexus-TH/2/42", "temperature", "", 20.5)]),
        ("Nexus-TH/2/42/battery_ok", "1", [("Nexus-TH/2/42", "battery_low", "", False)]),
        ("Govee-Water/34004/battery_ok", "0.95", [("Govee-Water/34004", "battery", "", 95.0)]),
        ("Bresser-Leakage/1/8/alarm", "1", [("Bresser-Leakage/1/8", "water_leak", "", True)]),
        ("Honeywell-Security/8/6f/alarm", "1", [("Honeywell-Security/8/6f", "alarm_flag", "", True)]),
        ("Smoke-GS558/3/learn", "0", [("Smoke-GS558/3", "smoke", "", True)]),
        ("Smoke-GS558/3/learn", "1", []),
        ("Smoke-GS558/3/code", "6b3060", []),
        ("Interlogix-Security/contact/a1/switch1", "OPEN",
         [("Interlogix-Security/contact/a1", "digital_input", "1", True)]),
        ("TPMS/Toyota/fb26/pressure_kPa", "220", []),
        ("Nexus-TH/2/42/time", "2025-11-21 21:20:00", []),
    ],
)  # fmt: skip
def test_values_one_by_one(topic: str, text: str, expected: list[Any]) -> None:
    """The default device topics name the device as the object does, and mean the same."""
    assert rows(tell(text.encode(), f"rtl_433/attic/devices/{topic}")) == expected


def test_a_device_has_one_name_on_both_topics() -> None:
    """The object's device is the topic's device, odd signs replaced as rtl_433 replaces them."""
    name = "LaCrosse-TX_141/a_b/3/77"
    got = tell({"model": "LaCrosse-TX/141", "subtype": "a b", "channel": 3, "id": 77, "temperature_C": 1})
    assert rows(got) == [(name, "temperature", "", 1)]
    assert rows(tell(b"1", f"rtl_433/attic/devices/{name}/temperature_C")) == [(name, "temperature", "", 1)]


@pytest.mark.parametrize(
    ("time", "at", "flag"),
    [
        ("1763760000", NOW - 500, 0),
        ("1763760000.250000", NOW - 250, 0),
        (1763760000, NOW - 500, 0),
        ("2025-11-21T21:20:00.250+0000", NOW - 250, 0),
        ("2025-11-21T21:20:00Z", NOW - 500, 0),
        ("2025-11-21 21:20:00", None, 0),
        ("@1.5s", None, 0),
        (5, 5000, CLOCK_BAD),
        (-1, None, 0),
        ([], None, 0),
    ],
)
def test_times(time: Any, at: int | None, flag: int) -> None:
    """Unix times and times with a zone are moments; a local time is none."""
    got = tell({"model": "Acme-Smoke", "id": 1, "time": time, "alarm": 1})
    assert [(r.measured_at, r.flags) for r in got.readings] == [(at, flag)]


@pytest.mark.parametrize("text", ["Disarm Pin: 4711", "PIN 1234", "pin"])
def test_a_pin_is_never_kept(text: str) -> None:
    """What a keypad sends in clear does not reach a reading."""
    assert rows(tell({"model": "SimpliSafe-Keypad", "id": "1", "extradata": text})) == []
    assert rows(tell(text.encode(), "rtl_433/a/devices/SimpliSafe-Keypad/1/extradata")) == []


@pytest.mark.parametrize("topic", ["rtl_433/attic/events", "rtl_433", "home/rtl_433", "estate/rtl_433/attic/events",
                                   "home/OMG/RTL_433toMQTT", "home/OMG/RTL_433toMQTT/Acme/1"])  # fmt: skip
def test_where_transmissions_come(topic: str) -> None:
    """The default topic, a pipe's, one below a prefix, and OpenMQTTGateway's."""
    assert values(tell({"model": "Acme-Leak", "id": 1, "alarm": 1}, topic)) == {"water_leak": True}


def test_what_is_no_transmission() -> None:
    """Statistics say nothing, the will is the receiver's, and other topics are left to others."""
    assert tell({"enabled": 7}, "rtl_433/attic/states") == Decoded()
    assert tell({"src": "SDR", "lvl": 3}) == Decoded()
    assert rows(tell(b"online", "rtl_433/attic/availability", retained=True)) == [
        ("rtl_433/attic", "gateway_availability", "", "online")
    ]
    assert code(tell(b"maybe", "rtl_433/attic/availability")) == "wrong-value"
    assert code(tell({"model": "x"}, "rtl433/attic/events")) == "unknown-topic"
    assert code(tell([1])) == "wrong-type"
    assert code(tell(b"{")) == "not-json"
    assert code(tell(b"\xff", "rtl_433/a/devices/x/1/alarm")) == "not-text"
    assert code(tell({"senderid": 5, "text": "Fire alarm"})) == "missing"
    assert tell(b"", "rtl_433/a/devices/x/1/alarm") == Decoded()


def test_flags_and_bounds() -> None:
    """Retained is a flag, an alarm of another kind of value is invalid, and fields are read up to the bound."""
    assert flags(tell({"model": "Acme-Leak", "id": 1, "alarm": 1}, retained=True)) == {RETAINED}
    odd = tell({"model": "Acme-Leak", "id": 1, "alarm": "maybe"})
    assert ([r.flags for r in odd.readings], code(odd)) == ([INVALID], "unknown-word")
    full = tell({"model": "Acme-Leak", "alarm": 1, **{f"temperature_{n}_C": n for n in range(KEYS_MAX)}})
    assert (code(full), values(full)["water_leak"]) == ("too-many", True)


@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(st.text(max_size=20), st.integers(), st.floats()), max_size=6
    )
)
def test_a_device_that_is_being_paired_raises_nothing(fields: dict[str, Any]) -> None:
    """Whatever else it says, learning is no alarm."""
    got = tell({**fields, "model": "Acme-Smoke-Leak-Panic", "learn": 2})
    assert not any(METRICS[split_point(r.point)[1]].klass is MetricClass.ALARM for r in got.readings)
