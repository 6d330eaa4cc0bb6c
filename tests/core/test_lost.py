"""What partners hear of devices that fall silent, say goodbye, or stand behind a bridge that does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from devices.catalogue import Device
from gateway.core.effect import Publish
from gateway.core.event import Gap
from gateway.core.plan import Plan
from gateway.core.state import freeze, thaw
from gateway.inprocess import Gateway
from tests.core.community import estate

MINUTE, DAY = 60, 24 * 60 * 60


def detectors(count: int = 3) -> Plan:
    """Mains gas detectors and nothing else: each is missed after three minutes."""
    plan = estate()
    devices = {f"sim:g{n}": Device(f"sim:g{n}", "h502", "gas", mains=True) for n in range(count)}
    return replace(plan, catalogue=replace(plan.catalogue, devices=devices))


def said(home: Gateway) -> list[tuple[str, str]]:
    """Type and device of every such message, in order."""
    return [
        (e.topic, e.data["device"])
        for e in home.released
        if isinstance(e, Publish) and e.topic in ("device.lost", "device.returned")
    ]


def data(home: Gateway, topic: str) -> list[dict[str, Any]]:
    return [dict(e.data) for e in home.released if isinstance(e, Publish) and e.topic == topic]


def test_a_silent_device_is_lost_once_and_returns_once() -> None:
    """However many rules miss it in the meantime, partners hear once that it is gone and once that it is back."""
    home = Gateway(detectors(1))
    home.measure("g0", "gas_lel", 1.0)
    heard_at = home.clock.utc_ms()
    home.advance(4 * MINUTE)
    lost = {"device": "sim:g0", "place": "h502", "kind": "gas", "bridge": False, "heard_at": heard_at}
    assert data(home, "device.lost") == [lost]
    home.advance(10 * DAY)
    assert (
        sum(a.state != "NORM" for a in home.alarms.values() if a.device == "sim:g0" and a.metric == "online")
        > 1
    )
    assert data(home, "device.lost") == [lost]
    home.measure("g0", "gas_lel", 1.0)
    home.measure("g0", "gas_lel", 2.0)
    assert said(home) == [("device.lost", "sim:g0"), ("device.returned", "sim:g0")]
    assert data(home, "device.returned") == [{**lost, "heard_at": home.clock.utc_ms()}]


def test_a_will_is_a_loss_and_silence_after_it_no_second_one() -> None:
    """A device that says that it is offline is lost; that it is then silent too is nothing new."""
    home = Gateway(detectors(1))
    home.measure("g0", "availability", "offline")
    home.advance(5 * MINUTE)
    assert said(home) == [("device.lost", "sim:g0")]
    home.measure("g0", "availability", "online")
    assert said(home) == [("device.lost", "sim:g0"), ("device.returned", "sim:g0")]


def test_a_device_that_never_spoke_has_no_last_word() -> None:
    """A placed detector that was never heard is lost too, and nobody makes up when it spoke."""
    home = Gateway(detectors(1))
    home.advance(4 * MINUTE)
    assert [one["heard_at"] for one in data(home, "device.lost")] == [None]


def test_a_bridge_is_one_message_for_everything_behind_it() -> None:
    """Its devices are missed by their alarms; partners hear of the bridge, and an hour after its return of the rest."""
    home = Gateway(detectors(3))
    for n in range(3):
        home.measure(f"g{n}", "gas_lel", 1.0)
    home.measure("bridge", "gateway_availability", "offline")
    home.advance(10 * MINUTE)
    assert said(home) == [("device.lost", "sim:bridge")]
    assert data(home, "device.lost")[0]["bridge"] is True
    assert sum(a.state != "NORM" for a in home.alarms.values() if a.metric == "online") == 3
    home.measure("bridge", "gateway_availability", "online")
    home.measure("g0", "gas_lel", 1.0)
    for _ in range(30):
        home.advance(MINUTE)
        home.measure("g0", "gas_lel", 1.0)
    told = [("device.lost", "sim:bridge"), ("device.returned", "sim:bridge")]
    assert said(home) == told
    for _ in range(31):
        home.advance(MINUTE)
        home.measure("g0", "gas_lel", 1.0)
    assert said(home) == [*told, ("device.lost", "sim:g1"), ("device.lost", "sim:g2")]
    home.measure("g1", "gas_lel", 1.0)
    assert said(home)[-1] == ("device.returned", "sim:g1")


def test_one_lost_before_its_bridge_still_returns() -> None:
    """What partners were told is taken back, whatever happened to the bridge meanwhile."""
    home = Gateway(detectors(1))
    home.advance(4 * MINUTE)
    home.measure("bridge", "gateway_availability", "offline")
    home.advance(2 * MINUTE)
    home.measure("g0", "gas_lel", 1.0)
    assert said(home) == [
        ("device.lost", "sim:g0"), ("device.lost", "sim:bridge"), ("device.returned", "sim:g0"),
    ]  # fmt: skip


def test_a_blind_spell_of_ours_loses_nobody() -> None:
    """While a source's link is down its devices are not missed: that one link is an alarm of our own."""
    home = Gateway(detectors(2))
    home.advance(2 * MINUTE)
    assert said(home) == []
    since = home.engine.stamper.at()
    home.clock.advance(20 * MINUTE * 1000)
    home.engine.submit(Gap("sim", since, since + 20 * MINUTE * 1000, "link down"))
    home.advance(2 * MINUTE)
    assert said(home) == []


@pytest.mark.parametrize("bridge", [False, True])
def test_a_retired_device_neither_is_lost_nor_returns(bridge: bool) -> None:
    """Taking a lost device out of use says nothing; a bridge taken out of use covers for nobody any more."""
    plan = detectors(2)
    home = Gateway(plan)
    if bridge:
        home.measure("bridge", "gateway_availability", "offline")
    home.measure("g1", "gas_lel", 1.0)
    home.advance(2 * MINUTE)
    home.measure("g1", "gas_lel", 1.0)
    home.advance(2 * MINUTE)
    gone = "sim:bridge" if bridge else "sim:g0"
    assert said(home) == [("device.lost", gone)]
    home.engine.replan(replace(plan, retired=(gone,)))
    home.advance(2 * MINUTE)
    assert ("device.returned", gone) not in said(home)
    assert said(home)[-1] == ("device.lost", "sim:g1")


def test_simulated_devices_are_lost_to_nobody() -> None:
    """No partner hears of hardware that does not exist."""
    home = Gateway(estate(simulated=True, gas=True))
    home.advance(4 * MINUTE)
    home.measure("gas", "gas_lel", 1.0)
    assert said(home) == []


def test_a_snapshot_remembers_who_was_told() -> None:
    """Taken anywhere, it holds who is lost and which bridge is out, and is the same bytes again."""
    home = Gateway(detectors(2))
    home.measure("bridge", "gateway_availability", "offline")
    home.advance(5 * MINUTE)
    again = thaw(freeze(home.engine.state))
    assert again.lost == home.engine.state.lost
    assert again.lost
    assert again.source("sim").bridges == ("sim:bridge",)
    assert freeze(again) == freeze(home.engine.state)
