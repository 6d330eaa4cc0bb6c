"""ESPHome: names that people gave, units that are not said, and what is left to discovery."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded
from devices.codecs import esphome
from tests.devices.reading_rows import INVALID, RETAINED, code, flags, rows, said

N = "b3-boiler"


def state(component: str, name: str, payload: bytes, what: str = "state", **more: Any) -> Decoded:
    """One state of one object."""
    return said(esphome, f"{N}/{component}/{name}/{what}", payload, **more)


def one(component: str, name: str, payload: bytes) -> tuple[str, str, Any] | None:
    """The only statement of a state, or None."""
    found = [(m, c, v) for _, m, c, v in rows(state(component, name, payload))]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "metric", "channel"),
    [
        ("smoke", "smoke", ""), ("smoke_detector", "smoke", ""), ("lobby_smoke_alarm", "smoke", "lobby"),
        ("gas_leak", "gas", ""), ("kitchen_gas_alarm", "gas", "kitchen"), ("carbon_monoxide", "co", ""),
        ("water_leak", "water_leak", ""), ("flood", "water_leak", ""), ("heat_alarm", "heat", ""),
        ("sos", "sos", ""), ("bedside_sos_button", "sos", "bedside"), ("fire_alarm", "fire_detected", ""),
        ("door", "door_open", ""), ("hall_motion", "motion", "hall"), ("tamper", "tamper", ""),
        ("battery_low", "battery_low", ""), ("panel_fault", "fault", "panel"), ("mains_power", "mains_power", ""),
        ("manual_call_point", "call_point", ""), ("node_status", "online", ""), ("contact", "contact_state", ""),
    ],
)  # fmt: skip
def test_binary_sensors_by_their_names(name: str, metric: str, channel: str) -> None:
    """ON is what the name says; OFF is explicitly not."""
    assert one("binary_sensor", name, b"ON") == (metric, channel, True)
    assert one("binary_sensor", name, b"OFF") == (metric, channel, False)


def test_a_test_and_a_low_battery_are_no_alarm() -> None:
    """Conditions stay apart, whatever the room is called."""
    assert one("binary_sensor", "smoke_alarm_test", b"ON") in {None, ("test", "smoke", True)}
    assert one("binary_sensor", "smoke_detector_battery_low", b"ON") == ("battery_low", "smoke", True)


@pytest.mark.parametrize("name", ["zone_7b_input", "heat", "gas_boiler", "hot_water", "beer", "temperature"])
def test_names_that_say_nothing_certain_are_left_to_discovery(name: str) -> None:
    """A boiler's demand, hot water and inputs with numbers are nobody's alarm until somebody says what they are."""
    assert code(state("binary_sensor", name, b"ON")) == "unknown-topic"
    assert not state("binary_sensor", name, b"ON").readings


@pytest.mark.parametrize(
    ("name", "payload", "reading"),
    [
        ("temperature", b"-3.25", ("temperature", "", -3.25)),
        ("attic_humidity", b"61", ("humidity", "attic", 61)),
        ("battery_level", b"88", ("battery", "", 88)),
        ("battery_voltage", b"3.7", ("battery_voltage", "", 3.7)),
        ("gas_lel", b"12.5", ("gas_lel", "", 12.5)),
        ("co_concentration", b"35", ("co_ppm", "", 35)),
        ("methane", b"1", ("gas_ppm", "", 1)),
        ("smoke", b"1", ("smoke_concentration", "", 1)),
        ("smoke_obscuration", b"0.13", ("smoke_obscuration", "", 0.13)),
        ("co2", b"612", ("co2_ppm", "", 612)),
        ("pm_2_5", b"12", ("pm2_5", "", 12)),
        ("charger_power", b"2300", ("power", "charger", 2300)),
        ("water_level_cm", b"42", ("water_level", "", 420.0)),
        ("hydrant_pressure_bar", b"4.1", ("pressure", "hydrant", 410.0)),
        ("pressure", b"1013.25", ("pressure", "", 101.325)),
        ("distance", b"1.5", ("distance", "", 1500.0)),
        ("temperature", b"nan", ("temperature", "", None)),
        ("gas_lel", b"NaN", ("gas_lel", "", None)),
        ("smoke_state", b"normal", ("smoke", "", False)),
        ("smoke_state", b"unknown", ("smoke", "", None)),
    ],
)
def test_sensors_in_the_units_the_components_publish(
    name: str, payload: bytes, reading: tuple[str, str, Any]
) -> None:
    """Numbers are measurements, 0 and 1 too; `nan` is no reading; text sensors speak the vocabulary's words."""
    assert one("sensor", name, payload) == reading


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("hydrant_pressure", b"0.42"),
        ("pressure", b"4.2"),
        ("flow", b"3"),
        ("water_level", b"7"),
        ("uptime", b"9"),
        ("door", b"1"),
    ],
)
def test_numbers_without_a_unit_are_not_guessed_at(name: str, payload: bytes) -> None:
    """A pipe's pressure may be in any unit; a wrong one would be an alarm or hide one."""
    assert code(state("sensor", name, payload)) == "unknown-topic"


def test_impossible_numbers_are_kept_and_flagged() -> None:
    """Below nothing there is nothing."""
    assert flags(state("sensor", "gas_lel", b"-4")) == {INVALID}


@pytest.mark.parametrize(
    ("component", "name", "payload", "reading"),
    [
        ("switch", "relay", b"ON", ("switch_state", "", "ON")),
        ("switch", "relay_2", b"OFF", ("switch_state", "2", "OFF")),
        ("switch", "gas_cut_off", b"ON", ("switch_state", "gas_cut_off", "ON")),
        ("switch", "hall_buzzer", b"ON", ("buzzer", "hall", True)),
        ("valve", "valve", b"open", ("valve_open", "", True)),
        ("valve", "riser", b"opening", ("valve_open", "riser", True)),
        ("valve", "valve", b"unknown", ("valve_open", "", None)),
        ("lock", "front", b"JAMMED", ("fault", "front", True)),
        ("lock", "front", b"LOCKED", ("fault", "front", False)),
        ("cover", "garage_door", b"open", ("door_open", "garage", True)),
        ("cover", "blind", b"open", None),
        ("event", "button", b'{"event_type":"emergency"}', ("sos", "", True)),
        ("event", "sos_button", b'{"event_type":"release"}', None),
        ("alarm_control_panel", "p", b"disarmed", ("intrusion", "", False)),
        ("alarm_control_panel", "p", b"pending", None),
        ("light", "lamp", b'{"state":"ON"}', None),
        ("number", "smoke_threshold", b"3", None),
    ],
)
def test_other_components(
    component: str, name: str, payload: bytes, reading: tuple[str, str, Any] | None
) -> None:
    """Actuators report their state; comfort and settings say nothing."""
    assert one(component, name, payload) == reading


@pytest.mark.parametrize(
    ("component", "payload"),
    [
        ("switch", b"MAYBE"),
        ("valve", b"ajar"),
        ("lock", b"lost"),
        ("event", b"[]"),
        ("event", b"{"),
        ("alarm_control_panel", b"x"),
    ],
)
def test_words_a_component_does_not_have(component: str, payload: bytes) -> None:
    """Then it is not ESPHome that speaks."""
    assert code(state(component, "relay", payload)) == "unknown-topic"


@pytest.mark.parametrize("topic", [f"{N}/switch/relay/command", f"a/{N}/valve/v/position/command"])
def test_commands_say_nothing(topic: str) -> None:
    """Somebody's command is not the device's state."""
    assert said(esphome, topic, b"ON") == Decoded()


@pytest.mark.parametrize(
    "topic",
    [
        N,
        f"{N}/binary_sensor",
        f"{N}/binary_sensor/smoke",
        "/status",
        "a/b/c/d/status",
        f"{N}/button/x/state",
    ],
)
def test_other_topics_are_not_ours(topic: str) -> None:
    """Anything of another shape is somebody else's."""
    assert code(said(esphome, topic, b"ON")) == "unknown-topic"


def test_birth_and_will() -> None:
    """The prefix is the device, with two levels too; replayed by the broker it says so."""
    got = said(esphome, f"estate/{N}/status", b"offline", retained=True)
    assert rows(got) == [(f"estate/{N}", "availability", "", "offline")]
    assert flags(got) == {RETAINED}
    assert code(said(esphome, f"{N}/status", b"fine")) == "unknown-topic"
    assert code(said(esphome, f"{N}/debug", b"not a log line")) == "unknown-topic"


@given(st.sampled_from(["smoke", "kitchen_gas_alarm", "co", "sos", "flood"]), st.binary(max_size=12))
def test_only_on_is_an_alarm(name: str, payload: bytes) -> None:
    """Whatever else a binary sensor's topic holds, a word of alarm apart, is never an alarm and never normal."""
    got = state("binary_sensor", name, payload)
    values = {r.value for r in got.readings}
    if payload.strip() not in {b"ON", b"OFF"}:
        assert got.quarantine or values <= {None, True, False}
