"""Keys, words, units and numbers: what vendors' language means, and what it must never be taken for."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devices.reading import METRICS, Flag, MetricClass
from devices.terms import RANGES, SIBLINGS, TERMS
from devices.units import convert, known, scale, symbol
from devices.vocabulary import Dialect, clean_channel, number_in, riddle, sense, short, understand
from devices.words import Said, said, switch

INVALID = int(Flag.INVALID)


def mean(key: str, value: Any, unit: str = "", dialect: Dialect | None = None) -> list[tuple[Any, ...]]:
    """What a key and a value mean, as `(metric, channel, value)` rows, with flags where there are any."""
    found = sense(key)
    got = understand(found, value, unit, dialect or Dialect()) if found else []
    return [(m.metric, m.channel, m.value, *([int(m.flags)] if m.flags else [])) for m in got]


def test_every_term_speaks_of_metrics_of_the_table() -> None:
    """No term, special word, range or sibling names a metric that is not there."""
    for term in TERMS.values():
        for metric in (term.level, term.number, term.text, *(m for m, _ in term.words.values())):
            assert not metric or metric in METRICS
        if term.number:
            assert METRICS[term.number].klass is MetricClass.MEASUREMENT
    assert set(RANGES) <= set(METRICS)
    assert {m for pair in SIBLINGS.items() for m in (pair[0], *pair[1])} <= set(METRICS)


def test_every_condition_metric_is_its_own_word() -> None:
    """Canonical names of measurements that have a unit are understood as themselves, wherever the table has a term."""
    for name, metric in METRICS.items():
        if name in TERMS and metric.klass is MetricClass.MEASUREMENT:
            assert mean(name, 1.5, metric.unit or "") == [(name, "", 1.5)]
        if name in TERMS and metric.klass is MetricClass.ALARM:
            assert mean(name, True) == [(name, "", True)]


@pytest.mark.parametrize(
    ("key", "value", "meaning"),
    [
        ("smoke", True, ("smoke", "", True)),
        ("SmokeAlarm", "Alarm", ("smoke", "", True)),
        ("smokeAlarm", "Smoke Alarm non-activated", ("smoke", "", False)),
        ("smoke_state", "normal", ("smoke", "", False)),
        ("smoke", 1, ("smoke", "", True)),
        ("smoke", 35, ("smoke_concentration", "", 35)),
        ("烟感", "报警", ("smoke", "", True)),
        ("烟感状态", "报警", None),
        ("燃气浓度", 12, ("gas_concentration", "", 12)),
        ("gas_alarm_1", True, ("gas", "1", True)),
        ("methane_detected", "yes", ("gas", "", True)),
        ("WATER_LEAK_STATUS", 0, ("water_leak", "", False)),
        ("WaterLeak_2", "NoLeak", ("water_leak", "2", False)),
        ("channel_3_leak_detect", "Leak", ("water_leak", "channel_3", True)),
        ("co", 0, ("co_ppm", "", 0)),
        ("co", True, ("co", "", True)),
        ("carbon_monoxide", 1, ("co", "", True)),
        ("lowBatteryAlarm", "Alarm", ("battery_low", "", True)),
        ("batteryLevel", "Critical", ("battery_low", "", True)),
        ("battery", 55, ("battery", "", 55)),
        ("BAT_V", 3.6, ("battery_voltage", "", 3.6)),
        ("battery_mv", 3000, ("battery_voltage", "", 3.0)),
        ("battery_ok", 1, ("battery_low", "", False)),
        ("temperatureCelsius", 20, ("temperature", "", 20)),
        ("temp_f", 212, ("temperature", "", 100.0)),
        ("pressure_mpa", 0.3, ("pressure", "", 300.0)),
        ("humidity_percentage", "61", ("humidity", "", 61)),
        ("contact", False, ("door_open", "", True)),
        ("contact", "closed", ("door_open", "", False)),
        ("powerEvent", "AC Power Off", ("mains_power", "", False)),
        ("faults", ["surge"], ("fault", "", True)),
        ("faults", [], ("fault", "", False)),
        ("fault_code", 3, ("fault", "", True)),
        ("muted", "alarm_muted", ("muted", "", True)),
        ("action", "panic", ("sos", "", True)),
        ("state_l1", "ON", ("switch_state", "l1", "ON")),
        ("voltage_phase_b", 230, ("voltage", "phase_b", 230)),
        ("temperature", {"value": 300, "unit": "K"}, ("temperature", "", 26.85)),
        ("heat", True, ("heat", "", True)),
        ("gas", {"value": 7, "unit": "%LEL"}, ("gas_lel", "", 7)),
    ],
)
def test_a_vendors_words_in_ours(key: str, value: Any, meaning: tuple[Any, ...] | None) -> None:
    """Keys and values in the spellings of a dozen dialects become canonical metrics."""
    assert mean(key, value) == ([meaning] if meaning else [])


@pytest.mark.parametrize(
    "key",
    [
        "temperature_calibration",
        "max_temperature",
        "alarm_time",
        "test_mode",
        "power_on_behavior",
        "enable_gas",
        "beeper_on_leak",
        "smoke_sensitivity",
        "battery_type",
        "tamper_last_changed",
        "linkage_alarm",
        "",
        "x" * 65,
        "update",
        "alarm_volume",
    ],
)
def test_settings_are_no_readings(key: str) -> None:
    """A key with a word that is neither subject, state, unit nor channel is not understood at all."""
    assert sense(key) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("heat", "ON"),
        ("heat", "OFF"),
        ("high_temperature", 45),
        ("humidity_alarm", 80),
        ("current_value", 21.0),
        ("action", ""),
        ("temperature", True),
        ("temperature", "warm"),
        ("temperature", [1]),
        ("update", {}),
        ("battery_state", "charging"),
        ("temperature", {"value": {"value": 1}}),
        ("temperature", {}),
    ],
)
def test_what_must_not_be_understood(key: str, value: Any) -> None:
    """A thermostat's heat is no fire, a threshold no measurement, a word no number."""
    assert mean(key, value, "°C" if key == "current_value" else "") == []


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("test", "test"),
        ("自检", "test"),
        ("fault", "fault"),
        ("故障", "fault"),
        ("pre_alarm", "prealarm"),
        ("silenced", "muted"),
        ("low_battery", "battery_low"),
        ("tamper", "tamper"),
        ("expired", "end_of_life"),
    ],
)
def test_a_smoke_key_that_says_something_else(text: str, metric: str) -> None:
    """Test, fault, hush and low battery under a smoke key are those conditions: neither a fire nor normal."""
    assert mean("smoke", text) == [(metric, "", True)]


@pytest.mark.parametrize("value", [None, "unknown", "NoSensor", "nan", "n/a", "未知", "detecting"])
def test_no_reading_is_never_normal(value: Any) -> None:
    """What says that there is no reading becomes None, for alarms as for numbers."""
    assert mean("smoke", value) == [("smoke", "", None)]
    assert mean("nh3", None if value is None else "NoSensor") == [("nh3_ppm", "", None)]


def test_an_unknown_word_under_an_alarm_key_is_flagged() -> None:
    """A word nobody knows is no reading, flagged, so that it can be set aside; under a status key it says nothing."""
    assert mean("smoke", "wibble") == [("smoke", "", None, INVALID)]
    assert mean("motion", "wibble") == []
    assert mean("fault", "wibble") == [("fault", "", True)]


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("battery", 101, 101),
        ("gas_lel", -0.1, -0.1),
        ("temperature", -273.16, -273.16),
        ("humidity", -1, -1),
        ("co_ppm", -1, -1),
        ("pressure", -200, -200),
        ("temperature", 10**400, None),
        ("temperature", 1e300, None),
        ("linkquality", 256, 256),
    ],
)
def test_what_cannot_be_true_is_kept_and_flagged(key: str, value: Any, kept: Any) -> None:
    """The reading is there for people to see, and carries the flag that keeps rules away from it."""
    assert [m[2:] for m in mean(key, value)] == [(kept, INVALID)]


def test_a_dialect_names_its_numbers_for_nothing() -> None:
    """Where a vendor writes -1 or 999 for no reading, only its own dialect says so."""
    shelly = Dialect(no_reading={"battery": (-1,), "temperature": (999,)})
    assert mean("battery", -1, dialect=shelly) == [("battery", "", None)]
    assert mean("temperature", 999.0, dialect=shelly) == [("temperature", "", None)]
    assert mean("battery", -1) == [("battery", "", -1, INVALID)]
    assert mean("temperature", math.nan) == mean("temperature", math.inf) == [("temperature", "", None)]
    assert mean("water_leak", math.nan) == [], "only 0 and 1 answer yes or no there"
    assert mean("fire", math.nan) == [("fire_detected", "", None)]


def test_a_dialect_names_its_units() -> None:
    """The message's unit outranks the key's, the key's the dialect's, the dialect's the canonical one."""
    amperes = Dialect(units={"current": "A"})
    assert mean("current", 2.6, dialect=amperes) == [("current", "", 2600.0)]
    assert mean("current_ma", 2.6, dialect=amperes) == [("current", "", 2.6)]
    assert mean("current_ma", 2.6, "kV", amperes) == []
    assert mean("current", 2.6, "mA", amperes) == [("current", "", 2.6)]
    assert mean("current", 5, "furlong") == [("current", "", 5, INVALID)]


@pytest.mark.parametrize(
    ("value", "unit", "canonical", "expected"),
    [
        (0, "°F", "degC", -17.7777777778),
        (1, "bar", "kPa", 100),
        (1, "MPa", "kPa", 1000),
        (0.3, "%LEL", "%LEL", 0.3),
        (3, "LEL %", "%LEL", 3),
        (2.6, "A", "mA", 2600),
        (3000, "mV", "V", 3),
        (1, "m³/h", "L/min", 16.6666666667),
        (5, "cm", "mm", 50),
        (21.5, "°C", "degC", 21.5),
        (60, "KPA", "kPa", 60),
        (30.436875, "day", "month", 1),
        (1, "kWh", "mA", None),
        (1, "furlong", "kPa", None),
        (0.5, "m", "mm", 500),
    ],
)
def test_units(value: float, unit: str, canonical: str, expected: float | None) -> None:
    """Units convert into the canonical one, exactly where nothing changes; what does not fit is no number at all."""
    assert convert(value, unit, canonical) == expected
    assert (scale(unit, canonical) is None) is (expected is None)


def test_every_canonical_unit_is_known() -> None:
    """Every unit of the metric table is in the table of units and has a way to be written."""
    units = {m.unit for m in METRICS.values() if m.unit}
    assert all(known(u) for u in units)
    assert all(convert(1.5, u, u) == 1.5 for u in units)
    assert symbol("degC") == "°C"
    assert symbol(None) is None


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("Local smoke Alarm activated", Said.ACTIVE),
        ("Remote smoke Alarm activated", Said.ACTIVE),
        ("Smoke Alarm non-activated", Said.NORMAL),
        ("Smoke test off", Said.NORMAL),
        ("Local smoke test was done", Said.TEST),
        ("Smoke sensor fault", Said.FAULT),
        ("no leak", Said.NORMAL),
        ("Product removed from its base just now", Said.TAMPER),
        ("battery is very low", Said.LOW_BATTERY),
        ("火警", Said.ACTIVE),
        ("正常", Said.NORMAL),
        ("alarm, not muted", Said.ACTIVE),
        ("烟雾报警解除", Said.NORMAL),
        ("火警未解除", Said.ACTIVE),
        ("当前无火警", Said.NORMAL),
        ("探测器火警", Said.ACTIVE),
        ("电池欠压报警", Said.LOW_BATTERY),
        ("燃气泄漏测试", Said.TEST),
        ("防拆报警", Said.TAMPER),
        ("传感器故障报警", Said.FAULT),
        ("午饭", None),
        ("smoke alarm, battery ok", Said.ACTIVE),
        ("lunch", None),
        ("", None),
        ("!!", None),
        ("a " * 20, None),
        ("Alarm Active", Said.ACTIVE),
        ("prealarm set", Said.PREALARM),
        ("buzzer muted by user", Said.HUSH),
        ("sensor expired", Said.END_OF_LIFE),
    ],
)
def test_words_and_sentences(text: str, meaning: Said | None) -> None:
    """Words and short sentences say what a person would read in them."""
    assert said(text) == meaning


def test_switches() -> None:
    """Only the spellings of a boolean are booleans."""
    assert [switch(t) for t in ("TRUE", " on ", "1", "False", "off", "0", "alarm")] == [
        True,
        True,
        True,
        False,
        False,
        False,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5", 12.5),
        ("-1", -1),
        ("1.2e1", 12.0),
        (".5", 0.5),
        ("+3", 3),
        ("nan", None),
        ("0x10", None),
        ("1_0", None),
        ("١", None),
        ("", None),
        ("1 2", None),
        ("9" * 40, None),
        ("1e999", math.inf),
    ],
)
def test_numbers_in_texts(text: str, number: float | None) -> None:
    """Only what is written as a decimal number is one."""
    assert number_in(text) == number


def test_texts_fit_into_readings() -> None:
    """Texts are cut and cleaned; channels hold no slash."""
    assert short("a\tb" + "x" * 300) == "a b" + "x" * 252
    assert clean_channel("a/b\n") == "a_b "
    assert len(clean_channel("x" * 99)) == 64


@pytest.mark.parametrize(
    ("key", "value", "meaning"),
    [
        ("co_alarm", 1, ("co", "", True)),
        ("co_alarm", 0, ("co", "", False)),
        ("co_alarm_2", "1", ("co", "2", True)),
        ("CO_Detected", 1.0, ("co", "", True)),
        ("co_state", 1, ("co", "", True)),
        ("smoke_state", 1, ("smoke", "", True)),
        ("gas_status", 0, ("gas", "", False)),
        ("battery_alarm_status", 1, ("battery_low", "", True)),
        ("fault_state", 3, ("fault", "", True)),
        ("smoke_state", 2, ("smoke", "", None, INVALID)),
        ("smoke_status", "2", ("smoke", "", None, INVALID)),
        ("gas_status", 3, ("gas", "", None, INVALID)),
        ("co_alarm", 35, ("co", "", None, INVALID)),
        ("co_alarm", -1, ("co", "", None, INVALID)),
        ("sos_state", 2, ("sos", "", None, INVALID)),
        ("smoke_state", math.inf, ("smoke", "", None)),
        ("co_alarm_concentration", 35, None),
        ("temperature_state", 2, None),
        ("pressure_status", 1, None),
        ("battery_status", 100, None),
        ("temperature_state", 21.5, ("temperature", "", 21.5)),
        ("co_sensor", 12, ("co_ppm", "", 12)),
        ("smoke_value", 2, ("smoke_density", "", 2)),
    ],
)
def test_codes_are_no_measurements(key: str, value: Any, meaning: tuple[Any, ...] | None) -> None:
    """Beside a word of state or alarm a whole number is a code: 0 and 1 answer, and what nobody knows is not normal."""
    assert mean(key, value) == ([meaning] if meaning else [])


def test_a_code_with_a_unit_is_a_measurement() -> None:
    """Who names a unit measures."""
    assert mean("gas_status", {"value": 7, "unit": "%LEL"}) == [("gas_lel", "", 7)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [(2, "unknown-code: smoke_state says 2"), ("7", "unknown-code: smoke_state says 7"),
     ("wibble", "unknown-word: smoke_state says wibble"), ({"value": 2}, "unknown-code: smoke_state says 2"),
     (10**400, "unknown-word: smoke_state says something else"), (1, None), ("normal", None), (None, None)],
)  # fmt: skip
def test_what_nobody_knows_is_set_aside(value: Any, reason: str | None) -> None:
    """A word or code on an alarm's key that nobody knows gives the reason to look at it."""
    found = sense("smoke_state")
    assert found is not None
    (meant,) = understand(found, value)
    assert riddle("smoke_state", value, meant) == reason
