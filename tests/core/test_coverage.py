"""Places left without a working detector: when that is an alarm, and whose."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from devices.catalogue import Catalogue, Device
from gateway.core.compiled import Compiled
from gateway.core.coverage import Guard
from gateway.core.effect import IncidentDoc, Publish
from gateway.core.plan import Plan
from gateway.core.state import freeze, thaw
from gateway.core.step import bind
from gateway.inprocess import Gateway
from tests.core.community import DEVICES, estate


@pytest.fixture
def home() -> Gateway:
    return Gateway(estate())


def unguarded(home: Gateway) -> dict[str, str]:
    """Guarded places whose alarm stands, with its state."""
    found = {a.subject: a.state for a in home.alarms.values() if a.rule == "gateway.unguarded"}
    return {subject: state for subject, state in found.items() if state != "NORM"}


def doc_of(home: Gateway, place: str) -> IncidentDoc:
    return next(
        d
        for d in home.docs.values()
        if any(a.place == place and a.rule == "gateway.unguarded" for a in d.alarms)
    )


def said(home: Gateway) -> list[dict[str, object]]:
    return [dict(e.data) for e in home.released if isinstance(e, Publish) and e.topic == "coverage.changed"]


def with_devices(plan: Plan, *devices: Device, **marks: dict[str, bool]) -> Plan:
    """The plan with other devices, and places marked."""
    places = {k: replace(p, **marks.get(k, {})) for k, p in plan.catalogue.places.items()}
    catalogue = Catalogue(places, {d.id: d for d in devices}, plan.catalogue.sources)
    return replace(plan, catalogue=catalogue)


def test_one_detector_down_is_no_loss_of_the_floor(home: Gateway) -> None:
    """While another detector of the floor works, a fault is that detector's alone."""
    home.measure("corridor", "fault", True)
    assert unguarded(home) == {}
    assert said(home) == []


def test_the_last_detector_gone_is_a_p2_of_the_floor(home: Gateway) -> None:
    """The floor is unguarded when its last detector fails, and guarded again when any one is back."""
    home.measure("corridor", "fault", True)
    home.measure("kitchen", "obstructed", True)
    assert set(unguarded(home)) == {"fire/f5"}
    doc = doc_of(home, "f5")
    assert (doc.priority, doc.hazard) == (2, "coverage")
    home.measure("kitchen", "obstructed", False)
    assert unguarded(home) == {"fire/f5": "RTNUN"}
    assert said(home) == [
        {"place": "f5", "class": "fire", "installed": 2, "working": 0},
        {"place": "f5", "class": "fire", "installed": 2, "working": 1},
    ]


def test_silence_counts_and_speech_ends_it(home: Gateway) -> None:
    """Detectors that say nothing protect nobody: after their time the places they guard are unguarded."""
    for name in ("kitchen", "corridor", "upstairs", "other"):
        home.measure(name, "smoke", False)
    home.advance(26 * 3600)
    assert set(unguarded(home)) >= {"fire/f5", "fire/f6", "fire/b2"}
    home.measure("corridor", "smoke", False)
    assert unguarded(home)["fire/f5"] == "RTNUN"
    assert unguarded(home)["fire/f6"] == "UNACK"


def test_two_reasons_are_one_detector(home: Gateway) -> None:
    """A detector with two faults works again when both are gone, not when one is."""
    home.measure("upstairs", "fault", True)
    home.measure("upstairs", "obstructed", True)
    home.measure("upstairs", "fault", False)
    assert unguarded(home) == {"fire/f6": "UNACK"}
    home.measure("upstairs", "obstructed", False)
    assert unguarded(home) == {"fire/f6": "RTNUN"}


def test_out_of_service_is_unguarded_too(home: Gateway) -> None:
    """A detector that a person switched off for a work order leaves its floor unguarded until it is back."""
    home.measure("upstairs", "smoke", True)
    home.measure("upstairs", "smoke", False)
    assert unguarded(home) == {}
    (alarm,) = [a for a in home.alarms if "sim:upstairs/smoke" in a]
    until = home.clock.utc_ms() + 3_600_000
    assert home.act("wang", "out_of_service", alarm, until_ms=until, order="w1", second="zhao").ok
    assert unguarded(home) == {"fire/f6": "UNACK"}
    home.advance(3601)
    assert unguarded(home) == {"fire/f6": "RTNUN"}


def test_marked_places_are_guarded_on_their_own() -> None:
    """A household that needs help and an escape route may not be left without a detector, whatever the floor has."""
    plan = estate()
    home = Gateway(with_devices(plan, *DEVICES, h502={"needs_help": True}))
    home.measure("kitchen", "fault", True)
    assert set(unguarded(home)) == {"fire/h502"}


def test_a_simulated_estate_tells_no_partner() -> None:
    """Simulated detectors raise the alarm like any other, marked, and nothing is published."""
    home = Gateway(estate(simulated=True))
    home.measure("upstairs", "fault", True)
    assert set(unguarded(home)) == {"fire/f6"}
    assert doc_of(home, "f6").mode == "simulated"
    assert said(home) == []


def test_a_new_plan_is_judged_anew(home: Gateway) -> None:
    """A detector added to an unguarded floor guards it; one that is taken away ends its place's alarm."""
    home.measure("upstairs", "fault", True)
    home.measure("other", "fault", True)
    assert set(unguarded(home)) == {"fire/b2", "fire/f6"}
    more = [d for d in DEVICES if d.id != "sim:other"] + [Device("sim:second", "h601", "heat")]
    home.engine.replan(with_devices(estate(), *more))
    home.measure("corridor", "smoke", False)
    assert unguarded(home) == {"fire/b2": "RTNUN", "fire/f6": "RTNUN"}


def test_a_snapshot_knows_what_was_impaired(home: Gateway) -> None:
    """What is counted follows from the alarms: a thawed state goes on counting where the live one was."""
    home.measure("corridor", "fault", True)
    thawed = thaw(freeze(home.engine.state))
    bind(thawed, Compiled(estate()))
    live = home.engine.state.impaired
    assert (thawed.impaired.alarms, thawed.impaired.count) == (live.alarms, live.count)
    assert live.count == {"fire/f5": 1}


def test_where_floors_are_unknown_the_building_stands_for_them() -> None:
    """Devices straight in a building guard it as a whole; kinds that guard nothing are in no ward."""
    guard = Guard(estate().catalogue)
    assert sorted(guard.wards) == ["fire/b2", "fire/f5", "fire/f6", "hydrant/b2"]
    assert "sim:sos" not in guard.of


# -- what speaks through a bridge -------------------------------------------------------------------------------

PANEL = "sim:000000000379"
PARTS = tuple(Device(f"{PANEL}/1.1.0002000{n}", "f5", "smoke") for n in range(3))
ZIGBEE = Device("sim:0x00158d0001a2b3c4", "f6", "smoke", report_period_s=3600)
LORA = Device("sim:lora-1", "b2", "smoke", via="sim:lora-gateway", report_period_s=3600)


def behind() -> Gateway:
    """Detectors behind a transmission device, a Zigbee bridge without a place, and a gateway the catalogue names."""
    return Gateway(with_devices(estate(), Device(PANEL, "b1", "transmission"), *PARTS, ZIGBEE, LORA))


def test_a_bridge_that_is_away_takes_its_devices_with_it() -> None:
    """At once, as one alarm of the bridge and those of the places; back again, they are guarded again."""
    home = behind()
    home.measure("bridge", "gateway_availability", "offline")
    home.measure("lora-gateway", "gateway_availability", "offline")
    home.advance(61)
    assert set(unguarded(home)) == {"fire/f6", "fire/b2"}
    away = [a for a in home.alarms.values() if a.rule == "health-bridge-offline"]
    assert sorted(a.device for a in away) == ["sim:bridge", "sim:lora-gateway"]
    data = freeze(home.engine.state)
    again = thaw(data)
    bind(again, home.engine.plan)
    assert again.impaired.away == home.engine.state.impaired.away
    assert again.impaired.count == home.engine.state.impaired.count
    home.measure("bridge", "gateway_availability", "online")
    home.measure("lora-gateway", "gateway_availability", "online")
    assert set(unguarded(home).values()) == {"RTNUN"}


def test_a_silent_transmission_device_is_one_alarm() -> None:
    """Its components have no heartbeat of their own: never silent by themselves, unguarded as soon as it is."""
    home = behind()
    home.measure(PANEL.removeprefix("sim:"), "heartbeat", True)
    home.advance(95)
    assert set(unguarded(home)) == {"fire/f5"}
    home.advance(30 * 3600)
    silent = {a.device for a in home.alarms.values() if a.rule == "health-device-silent"}
    assert silent.isdisjoint({d.id for d in PARTS})


def test_what_speaks_through_an_absent_bridge_is_not_told_one_by_one() -> None:
    """While the bridge's own alarm stands its devices' silence is no news; silent after its return, it is."""
    home = behind()
    home.measure("0x00158d0001a2b3c4", "smoke", False)
    home.measure("bridge", "gateway_availability", "offline")
    home.advance(8 * 3600)
    assert not [a for a in home.alarms.values() if a.device == ZIGBEE.id and a.metric == "online"]
    home.measure("bridge", "gateway_availability", "online")
    home.advance(700)
    assert [a.rule for a in home.alarms.values() if a.device == ZIGBEE.id] == ["health-device-silent"]


def test_a_point_taken_out_of_service_says_nothing_of_what_is_behind() -> None:
    """A fault of a transmission device is its own; only that it is away reaches further."""
    home = behind()
    home.measure(PANEL.removeprefix("sim:"), "fault", True)
    assert unguarded(home) == {}
