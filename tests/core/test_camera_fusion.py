"""What a camera may do beside a sensor: ask a person to look, and confirm; never silence, delay or lower anything."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.catalogue import Device
from gateway.core.effect import Notify
from gateway.core.plan import Plan
from gateway.inprocess import Gateway
from tests.core.community import estate

CAMERAS = (Device("sim:cam1", "b1", "camera"), Device("sim:cam2", "b1", "camera"))


def _plan() -> Plan:
    plan = estate()
    devices = {**plan.catalogue.devices, **{d.id: d for d in CAMERAS}}
    return msgspec.structs.replace(plan, catalogue=msgspec.structs.replace(plan.catalogue, devices=devices))


@pytest.fixture
def home() -> Gateway:
    return Gateway(_plan())


def _called(home: Gateway) -> list[tuple[str, str]]:
    return [(e.person, e.reason) for e in home.released if isinstance(e, Notify) and e.priority == 1]


def test_a_flame_that_a_camera_may_see_is_a_check(home: Gateway) -> None:
    """P3, unverified, nobody called out; a second camera does not make it more."""
    home.measure("cam1", "possible_flame", True)
    home.measure("cam2", "possible_flame", True)
    home.advance(60)
    assert {(d.priority, d.hazard, d.verdict) for d in home.docs.values()} == {(3, "fire", "unverified")}
    assert _called(home) == []


@pytest.mark.parametrize("camera_first", [True, False])
def test_within_two_minutes_of_a_detector_it_confirms(home: Gateway, camera_first: bool) -> None:
    """Whichever comes first: the detector's own alarm is a P1 at once, and with the camera it is confirmed."""
    first, second = (("cam1", "possible_flame"), ("kitchen", "smoke"))[:: 1 if camera_first else -1]
    home.measure(*first, True)
    home.advance(100)
    home.measure(*second, True)
    fire = [d for d in home.docs.values() if d.priority == 1]
    assert [d.verdict for d in fire] == ["confirmed_by_devices"]
    assert ("li", "called") in _called(home)
    assert ("zhou", "confirmed") in _called(home)


def test_a_flame_long_before_confirms_nothing(home: Gateway) -> None:
    """Three minutes after the last flame the detector stands for itself."""
    home.measure("cam1", "possible_flame", True)
    home.measure("cam1", "possible_flame", False)
    home.advance(180)
    home.measure("kitchen", "smoke", True)
    assert [d.verdict for d in home.docs.values() if d.priority == 1] == ["unverified"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("cam1", "cam2")),
            st.sampled_from(
                (
                    "possible_flame",
                    "camera_tamper",
                    "camera_online",
                    "view_reliable",
                    "obstruction",
                    "stream_slow",
                )
            ),
            st.booleans(),
            st.integers(0, 90),
        ),
        max_size=8,
    ),
    st.booleans(),
)
def test_whatever_cameras_say_the_household_is_called_at_once(
    says: list[tuple[str, str, bool, int]], taken: bool
) -> None:
    """Whatever cameras said before, and though somebody took their check: a detector's alarm is a P1 at that instant
    and the household is called; whatever they say after it ends nothing."""
    home = Gateway(_plan())
    for device, metric, value, wait in says:
        home.measure(device, metric, value)
        home.advance(wait)
    if taken:
        for name in list(home.docs):
            home.act("wang", "take", name)
    before = len(_called(home))
    home.measure("kitchen", "smoke", True)
    assert ("li", "called") in _called(home)[before:]
    for device, metric, _value, _wait in says:
        home.measure(device, metric, False)
    assert any(d.priority == 1 and d.handling != "closed" for d in home.docs.values())
