"""What zigbee2mqtt's property names mean where they do not speak for themselves, and which of them are settings.

Source: zigbee-herdsman-converters, the exposes of all its definitions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from devices.reading import METRICS, Condition, Hazard, MetricClass
from devices.terms import Term
from devices.vocabulary import Dialect, Sense, channelled, sense


def _need(key: str) -> Sense:
    found = sense(key)
    assert found is not None, key
    return found


BATTERY_VOLTAGE: Final = _need("battery_voltage").term
"""What a voltage is in a device that lives on a battery."""

_BEYOND: Final = ("over_temperature", "below_min_temperature", "upper_alarm", "lower_alarm", "high", "low")
_LIMIT: Final = Term(
    "temperature_alarm",
    words={
        **dict.fromkeys(_BEYOND, ("temperature_alarm", True)),
        **dict.fromkeys(("off", "none", "normal", "cancel", "canceled"), ("temperature_alarm", False)),
    },
)
_FALL: Final = Term(
    "sos",
    words={
        **dict.fromkeys(("fall", "fall_alarm"), ("sos", True)),
        **dict.fromkeys(("none", "normal"), ("sos", False)),
    },
    alarm_words_only=True,
)
_STILL: Final = ("peaceful", "small_movement", "large_movement", "stationary", "static", "small", "large")
_PRESENCE: Final = Term("presence", words=dict.fromkeys(_STILL, ("presence", True)))

DIALECT: Final = Dialect(
    # The units the converters use; a device's exposes outrank them.
    units={
        "current": "A",
        "distance": "m",
        "flow": "m3/h",
        "water_level": "cm",
        "leakage_current": "mA",
    },
    senses={
        "smoke_level": _need("smoke_obscuration"),
        "garage_door_contact": _need("contact"),
        "overheat_mode": _need("overheat"),
        "overload_protection": _need("overload"),
        "power_alarm_active": _need("overpower"),
        "input": Sense(Term("digital_input")),
        "pir_detection": _need("pir"),
        **dict.fromkeys(("presence_state", "human_motion_state"), Sense(_PRESENCE)),
        **dict.fromkeys(
            ("checking_result", "test_alarm_result", "halo_test_result"), _need("self_test_result")
        ),
        "ntc_condition_alarm": Sense(Term("temperature_alarm")),
        **dict.fromkeys(("alarm_temperature", "ntc_alarm"), Sense(_LIMIT)),
        "liquid_depth": Sense(Term(number="water_level_depth")),
        "liquid_state": Sense(Term(text="water_level_state")),
        # A fall detector's own alarm: a person who cannot press a button. Its warnings say "maybe".
        **dict.fromkeys(("fall_status", "fall_down_status"), Sense(_FALL)),
        # The same words with another meaning here: what a relay does after a power cut, a cover's slats, a siren's
        # loudness, the zone a keypad was asked to arm.
        "relay_status": Sense(Term()),
        "tilt": Sense(Term("tilt", bits=True)),
        "volume": Sense(Term()),
        "action_zone": Sense(Term()),
    },
)

VALVE_STATES: Final = frozenset(("current_device_status", "valve_abnormal_state"))
"""Water valves name all that is wrong with them in one text: "water_shortage,water_leakage"."""

_ENDPOINT: Final = re.compile(r"(\w{1,48})_(l?\d{1,2})", re.ASCII)


@lru_cache(maxsize=8192)
def sense_of(key: str) -> Sense | None:
    """What a property's name means; `input_l1` is the `input` of endpoint `l1`."""
    own = DIALECT.senses.get(key)
    if own is None and (cut := _ENDPOINT.fullmatch(key)) is not None and cut[1] in DIALECT.senses:
        own = channelled(DIALECT.senses[cut[1]], cut[2])
    return own or sense(key)


def is_setting(term: Term, value: Any) -> bool:
    """Whether a property that can be set is no statement: alarms and faults are nothing one sets, numbers may be."""
    if not term.level or (term.number and type(value) in {int, float}):
        return False
    return METRICS[term.level].klass in {MetricClass.ALARM, MetricClass.FAULT}


def arms(key: str, term: Term, value: Any) -> bool:
    """Whether a property that nobody described says by its form what a device is set to alarm on, not that it alarms.

    A breaker is delivered with `over_current_alarm: "ON"`, and `high_temperature: 60` is where its alarm begins. What
    such devices state they state as JSON booleans and in words; `temperature_alarm` in words alone.
    """
    if not term.level or (METRICS[term.level].hazard is not Hazard.EQUIPMENT and not _foretells(term)):
        return False
    if type(value) is str:
        return value.upper() in {"ON", "OFF"}
    if type(value) is bool:
        return key == "temperature_alarm"
    return type(value) in {int, float} and not term.number


def _foretells(term: Term) -> bool:
    return METRICS[term.level].condition is Condition.PREALARM
