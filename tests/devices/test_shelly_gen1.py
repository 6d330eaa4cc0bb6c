"""Shelly, first generation: bare values, no readings, reports, and what stands between device and message."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import shelly_gen1
from devices.codecs.shelly_gen1.report import LEARNED_MAX
from devices.codecs.shelly_gen1.values import SCALARS
from devices.reading import METRICS, MetricClass, split_point
from tests.devices.reading_rows import CLOCK_BAD, INVALID, NOW, RETAINED, code, flags, rows, said

D = "shellyflood-764FEA"


def tell(path: str, body: Any, context: dict[str, Any] | None = None, **more: Any) -> Decoded:
    """One message of the device."""
    payload = body if isinstance(body, bytes | str) else json.dumps(body)
    return said(shelly_gen1, f"shellies/{D}/{path}", payload, context, **more)


def values(decoded: Decoded) -> dict[str, Any]:
    """Values by metric and channel, without the device."""
    return {m + (f"/{c}" if c else ""): v for _, m, c, v in rows(decoded)}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("sensor/flood", "true", {"water_leak": True}),
        ("sensor/smoke", "1", {"smoke": True}),
        ("sensor/smoke", "-1", {"smoke": None}),
        ("sensor/smoke", "unknown", {"smoke": None}),
        ("sensor/gas", "heavy", {"gas": True, "gas_level": "heavy", "test": False}),
        ("sensor/gas", "test", {"test": True, "gas_level": "test"}),
        ("sensor/operation", "fault", {"fault": True, "warmup": False}),
        ("sensor/operation", "unknown", {"fault": None, "warmup": None}),
        ("sensor/self_test", "running", {"self_test": "running"}),
        ("sensor/concentration", "120", {"gas_ppm": 120}),
        ("sensor/state", "close", {"door_open": False}),
        ("sensor/state", "unknown", {"door_open": None}),
        ("sensor/tilt", "90", {"angle": 90}),
        ("sensor/vibration", "1", {"vibration": True}),
        ("sensor/lux", "-1", {"illuminance": None}),
        ("sensor/humidity", "999.0", {"humidity": None}),
        ("sensor/temperature", "-12.5", {"temperature": -12.5}),
        ("sensor/battery", "9", {"battery": 9}),
        ("sensor/error", "1", {"fault": True}),
        ("sensor/charger", "false", {"mains_power": False}),
        ("sensor/motion", "true", {"motion": True}),
        ("valve/0/state", "opening", {"valve_open": None}),
        ("valve/0/state", "opened", {"valve_open": True, "fault/valve": False}),
        ("valve/0/state", "failure", {"valve_open": None, "fault/valve": True}),
        ("relay/1", "on", {"relay/1": True, "overpower/1": False}),
        ("relay/0/power", "-1", {"power": None}),
        ("relay/0/energy", "6000", {"energy": 0.1}),
        ("emeter/0/power", "-1250.5", {"power": -1250.5}),
        ("emeter/2/voltage", "231.1", {"voltage/2": 231.1}),
        ("emeter/0/reactive_power", "12.5", {"reactive_power": 12.5}),
        ("emeter/0/total", "1500", {"energy": 1.5}),
        ("emeter_n/current", "0.5", {"neutral_current": 500.0}),
        ("temperature", "61.3", {"device_temperature": 61.3}),
        ("overtemperature", "0", {"overtemp": False}),
        ("light/0/power", "7.5", {"power": 7.5}),
        ("roller/0/stop_reason", "obstacle", {"obstructed": True, "overpower": False}),
        ("input/2", "1", {"digital_input/2": True}),
        ("ext_temperature/1", "999", {"temperature/1": None}),
        ("adc/0", "12.1", {"voltage": 12.1}),
        ("voltage", "229", {"voltage": 229}),
        ("online", "true", {"availability": "online"}),
    ],
)
def test_bare_values(path: str, text: str, expected: dict[str, Any]) -> None:
    """Every topic of the documentation, in its words and with its numbers for "no reading"."""
    got = tell(path, text)
    assert values(got) == expected
    assert code(got) is None


SILENT = """
    light/0 light/0/status color/0/status emeter/0/pf emeter/0/energy longpush/0 roller/0/pos temperature_f
    temperature_status settings/relay/0
"""


@pytest.mark.parametrize("path", SILENT.split())
def test_topics_that_say_nothing_here(path: str) -> None:
    """Lamps, blinds, power factors and a second unit are understood and not kept."""
    assert tell(path, "1") == Decoded()


@pytest.mark.parametrize(
    "path", ["relay/0/command", "command", "light/0/set", "thermostat/0/command/target_t"]
)
def test_commands_say_nothing(path: str) -> None:
    """A command is no state, whatever word it holds."""
    assert tell(path, "on") == Decoded()


@pytest.mark.parametrize("path", ["status/switch:0", "events/rpc", "rpc", "whatever", "status/sys"])
def test_topics_of_others_are_left_to_others(path: str) -> None:
    """The second generation may live under the same prefix, and is not misread."""
    assert code(tell(path, '{"smoke":true}')) == "unknown-topic"


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("relay/0/power", "much", "wrong-value"),
        ("relay/0", "maybe", "wrong-value"),
        ("sensor/state", "ajar", "wrong-value"),
        ("online", "yes please", "wrong-value"),
        ("sensor/battery", "x" * 300, "wrong-value"),
        ("sensor/battery", b"\xff\xfe", "not-text"),
        ("sensor/act_reasons", "alarm", "not-json"),
        ("sensor/act_reasons", "5", "wrong-type"),
        ("input_event/0", "[1]", "wrong-type"),
        ("info", "[]", "wrong-type"),
        ("info", "{", "not-json"),
        ("announce", "5", "wrong-type"),
    ],
)
def test_what_cannot_be_read_is_set_aside(path: str, body: Any, reason: str) -> None:
    """A value of another kind gives a reason and no reading."""
    got = tell(path, body)
    assert code(got) == reason
    assert not got.readings


@pytest.mark.parametrize("path", ["sensor/smoke", "sensor/flood", "sensor/gas", "overtemperature"])
def test_an_alarm_in_unknown_words_is_not_normal(path: str) -> None:
    """Nobody knows the word: no reading, invalid, and set aside to be seen."""
    got = tell(path, "wibble")
    assert [(v, f) for (*_, v), f in zip(rows(got), (r.flags for r in got.readings), strict=True)] == [
        (None, INVALID)
    ]
    assert code(got) == "unknown-word"


def test_fahrenheit_is_learned_from_a_report() -> None:
    """A device set to Fahrenheit says so in its report alone; its bare values are converted from then on."""
    got = tell("info", {"tmp": {"value": 77.0, "units": "F", "is_valid": True}, "bat": {"value": 80}})
    assert values(got) == {"temperature": 25.0, "battery": 80, "sensor_valid": True}
    assert [(x.key, x.value) for x in got.learned] == [(f"unit:{D}", "F")]
    known = {f"unit:{D}": "F"}
    assert values(tell("sensor/temperature", "212", known)) == {"temperature": 100.0}
    assert tell("info", {"tmp": {"value": 77.0, "units": "F"}}, known).learned == ()
    back = tell("info", {"tmp": {"value": 25.0, "units": "C"}}, known)
    assert [(x.key, x.value) for x in back.learned] == [(f"unit:{D}", None)]
    full = {f"unit:{n}": "F" for n in range(LEARNED_MAX)}
    assert tell("info", {"tmp": {"value": 1, "units": "F"}}, full).learned == ()


def test_a_report_whose_sensor_is_not_valid() -> None:
    """`is_valid` false is no reading, whatever number stands beside it."""
    got = tell(
        "info",
        {"tmp": {"value": 0.0, "units": "C", "is_valid": False}, "hum": {"value": 0, "is_valid": True}},
    )
    assert values(got) == {"temperature": None, "humidity": 0, "sensor_valid": False}


def test_reports_of_each_kind_of_device() -> None:
    """A relay with a meter, an energy meter, a door, a smoke detector: the parts of the HTTP status."""
    relay = tell("info", {
        "relays": [{"ison": True, "overpower": False}, {"ison": False}], "meters": [{"power": 12.5, "total": 60000}],
        "temperature": 51.2, "tmp": {"tC": 51.2, "tF": 124.2, "is_valid": True}, "overtemperature": True,
        "ext_temperature": {"0": {"hwID": "28", "tC": 21.5}, "1": {"tC": 999}}, "inputs": [{"input": 0}],
        "loaderror": 0, "unixtime": NOW // 1000,
    })  # fmt: skip
    assert values(relay) == {
        "relay": True, "relay/1": False, "overpower": False, "power": 12.5, "energy": 1.0, "sensor_valid": True,
        "device_temperature": 51.2, "overtemp": True, "temperature": 21.5, "temperature/1": None,
        "digital_input": False, "fault": False,
    }  # fmt: skip
    assert {r.measured_at for r in relay.readings} == {NOW // 1000 * 1000}
    meter = tell("info", {"emeters": [{"power": 1.5, "reactive": -3, "voltage": 230, "total": 1000, "is_valid": True},
                                      {"power": 5, "is_valid": False}], "emeter_n": {"current": 0.1}})  # fmt: skip
    assert values(meter) == {
        "power": 1.5, "reactive_power": -3, "voltage": 230, "energy": 1.0, "neutral_current": 100.0,
    }  # fmt: skip
    door = tell("info", {"sensor": {"state": "open", "is_valid": True}, "accel": {"tilt": 12, "vibration": 1},
                         "lux": {"value": 9, "is_valid": True}, "act_reasons": ["sensor"]})  # fmt: skip
    assert values(door) == {
        "door_open": True, "angle": 12, "vibration": True, "illuminance": 9, "sensor_valid": True,
        "wakeup_reason": "sensor",
    }  # fmt: skip
    smoke = tell("info", {"smoke": True, "flood": "odd", "bat": {"value": 100, "voltage": 2.9}})
    assert values(smoke) == {"smoke": True, "water_leak": None, "battery": 100, "battery_voltage": 2.9}
    assert code(smoke) == "unknown-word"


def test_motion_is_dated_by_its_own_time() -> None:
    """The motion sensor's timestamp is when it last saw motion: it dates motion, and nothing else."""
    at = NOW // 1000 - 5
    moving = tell("status", {"motion": True, "timestamp": at, "bat": 90, "tmp": {"value": 20, "units": "C"}})
    assert {split_point(r.point)[1]: r.measured_at for r in moving.readings} == {
        "motion": at * 1000, "battery": None, "temperature": None,
    }  # fmt: skip
    still = tell("status", {"motion": False, "timestamp": at})
    assert [r.measured_at for r in still.readings] == [None]
    assert flags(tell("status", {"motion": True, "timestamp": 100})) == {CLOCK_BAD}


@pytest.mark.parametrize(("event", "value"), [("S", "short"), ("L", "long"), ("SS", "double"), ("SL", "short_long"),
                                              ("X", "X"), ("", None), (5, None), (None, None)])  # fmt: skip
def test_presses(event: Any, value: str | None) -> None:
    """How a button was pressed; the empty event of one never pressed is no reading."""
    assert values(tell("input_event/1", {"event": event, "event_cnt": 3})) == {"button/1": value}


def test_probes_in_one_message() -> None:
    """The add-on's probes, by their number, as one object."""
    got = tell("ext_temperatures", {"0": {"hwID": "a", "tC": 20.5}, "2": {"tC": 999}, "x": {"tC": 1}, "1": 5})
    assert values(got) == {"temperature": 20.5, "temperature/2": None}
    assert values(tell("ext_humidities", {"0": {"hwID": "a", "hum": 41.5}})) == {"humidity": 41.5}


def test_announcements() -> None:
    """A device that announces itself is there, on its own topic and on everybody's."""
    assert rows(tell("announce", {"id": "other", "model": "SHWT-1"})) == [(D, "device_announce", "", True)]
    shared = said(shelly_gen1, "shellies/announce", json.dumps({"id": D}))
    assert rows(shared) == [(D, "device_announce", "", True)]
    assert code(said(shelly_gen1, "shellies/announce", b"{}")) == "missing"


def test_retained_and_deleted() -> None:
    """What the broker replays says so; a retained message deleted says nothing."""
    assert flags(tell("sensor/flood", "true", retained=True)) == {RETAINED}
    assert flags(tell("info", {"flood": True}, retained=True)) == {RETAINED}
    assert tell("sensor/flood", b"") == Decoded()
    assert tell("info", b"") == Decoded()


@given(st.sampled_from(sorted(SCALARS)), st.text(max_size=30))
def test_no_text_raises_an_alarm_it_does_not_say(path: str, text: str) -> None:
    """Only the documented words for yes raise an alarm."""
    spoken = text.strip().casefold()
    for reading in tell(path, text.encode("utf-8", "replace")).readings:
        if reading.value is True and METRICS[split_point(reading.point)[1]].klass is MetricClass.ALARM:
            assert spoken in {"true", "on", "yes", "1", "mild", "heavy", "overpower"}
