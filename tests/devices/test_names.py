"""Names that people give: the subject at their end, the place before it, and what they must not be taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.names import NAME_MAX, meaning_of


@pytest.mark.parametrize(
    ("name", "metric", "channel"),
    [
        ("smoke", "smoke", ""),
        ("kitchen_smoke", "smoke", "kitchen"),
        ("Kitchen smoke alarm", "smoke", "kitchen"),
        ("Cellar water leak", "water_leak", "cellar"),
        ("boiler-room-gas-alarm", "gas", "boiler_room"),
        ("hall_co_alarm", "co", "hall"),
        ("front_door", "door_open", "front"),
        ("door_tamper", "tamper", "door"),
        ("smoke_detector_battery_low", "battery_low", "smoke"),
        ("bedside_panic_button", "sos", "bedside"),
        ("manual call point", "call_point", ""),
        ("attic_heat_alarm", "heat", "attic"),
        ("厨房烟雾报警", "smoke", "厨房"),
        ("3号楼燃气泄漏", "gas", "3号楼"),
        ("烟雾测试", "test", "烟雾"),
    ],
)
def test_a_subject_stands_at_the_end_and_its_place_before_it(name: str, metric: str, channel: str) -> None:
    """The words before what is measured say which one of several it is."""
    found = meaning_of(name)
    assert found is not None
    assert (found.term.level, found.channel) == (metric, channel)


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("outside_temperature", "temperature"),
        ("hall_co_ppm", "co_ppm"),
        ("pump_room_water_pressure", "pressure"),
        ("smoke_detector_battery", "battery"),
        ("wifi_signal", "rssi"),
        ("泵房水压", "pressure"),
    ],
)
def test_numbers_too(name: str, metric: str) -> None:
    """Measurements are named in the same way."""
    found = meaning_of(name)
    assert found is not None
    assert found.term.number == metric


@pytest.mark.parametrize(
    "name",
    [
        "water_heater", "hot_water", "gas_boiler", "city_gas", "gas_meter", "smoke_machine", "fire_place", "heat_pump",
        "camp fire", "no_smoke", "max_temperature", "temperature_threshold", "target_humidity",
        "smoke_test_reminder", "last_gas_alarm", "燃气热水器", "无烟雾", "温度上限", "", "x" * (NAME_MAX + 1),
        "a sentence of far more than twelve words that ends with the word smoke at its very last smoke",
    ],
)  # fmt: skip
def test_what_only_sounds_like_it_says_nothing(name: str) -> None:
    """Appliances, settings, statistics and denials are no measuring points."""
    assert meaning_of(name) is None


@given(st.text(max_size=200))
def test_any_name_gets_an_answer(name: str) -> None:
    """A channel never holds a slash, and never more than 64 characters."""
    found = meaning_of(name)
    assert found is None or ("/" not in found.channel and len(found.channel) <= 64)
