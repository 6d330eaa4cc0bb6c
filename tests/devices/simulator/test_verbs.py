"""Each verb does to devices what it says, and the truth knows."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from devices.simulator import SCENARIOS, SimulatedSite, What
from devices.simulator.hardware import KINDS
from devices.simulator.unit import STORED_MAX
from devices.simulator.world import KEEPALIVE_MS, REPEAT_MS
from tests.devices.simulator.hearing import agree

KITCHEN = "b1-u1-f05-502-kitchen-smoke"
GAS = "b1-u1-f05-502-kitchen-gas"
HYDRANT = "b1-yard-hydrant"


@pytest.fixture
def site() -> SimulatedSite:
    """A site whose devices have all reported once."""
    made = SimulatedSite(11)
    made.advance(3)
    return made


def said(site: SimulatedSite, device: str, metric: str) -> list[Any]:
    """All values a device said of one metric, in order."""
    found = []
    for label in site.truth.of(device):
        for _, readings in label.rows or ((None, label.readings),):
            if readings and metric in readings:
                found.append(readings[metric])
    return found


def climbs(values: list[float]) -> bool:
    """Whether numbers only go up."""
    return all(a < b for a, b in pairwise(values)) and len(values) > 2


@pytest.mark.parametrize(
    ("verb", "kind", "metric", "number"),
    [
        ("smoke", "smoke", "smoke", "smoke_obscuration"),
        ("heat", "heat", "heat", "temperature"),
        ("gas", "gas", "gas", "gas_lel"),
        ("co", "co", "co", "co_ppm"),
    ],
)
def test_numbers_climb_before_the_alarm(
    site: SimulatedSite, verb: str, kind: str, metric: str, number: str
) -> None:
    """The number rises report by report and stands at the set point when the alarm bit comes, once."""
    [device] = site.find(kind, count=1)
    before = len(said(site, device, number))
    site.do(verb, device)
    site.advance(59)
    values = said(site, device, number)[before:]
    alarms = site.truth.of(device, What.ALARM)
    assert [label.verb for label in alarms] == [verb]
    assert alarms[0].readings is not None
    peak = alarms[0].readings[number]
    assert climbs([v for v in values if v <= peak])
    assert peak >= 0.9 * KINDS[kind].onsets[metric].set_point  # type: ignore[union-attr]  # these have an onset


def test_an_alarm_is_repeated_until_it_is_cleared(site: SimulatedSite) -> None:
    """A battery detector that reports once a day still says each minute that it burns."""
    site.smoke(KITCHEN, ramp_s=0)
    site.advance(5 * REPEAT_MS / 1000)
    assert len(site.truth.of(KITCHEN, What.ALARM)) == 1
    assert len(site.truth.of(KITCHEN, What.REPEAT)) == 5
    site.clear(KITCHEN, over_s=10)
    site.advance(300)
    assert len(site.truth.of(KITCHEN, What.CLEAR)) == 1
    assert len(site.truth.of(KITCHEN, What.REPEAT)) == 5
    assert said(site, KITCHEN, "smoke")[-1] is False
    assert said(site, KITCHEN, "smoke_obscuration")[-1] < 0.03


def test_a_second_alarm_after_a_clear_is_a_new_one(site: SimulatedSite) -> None:
    """Onsets are counted one by one."""
    for _ in range(3):
        site.smoke(KITCHEN, ramp_s=0)
        site.clear(KITCHEN, over_s=0)
        site.advance(1)
    assert len(site.truth.of(KITCHEN, What.ALARM)) == len(site.truth.of(KITCHEN, What.CLEAR)) == 3


def test_every_sos_press_is_new() -> None:
    """Two presses are two alarms with two ids; reports say nothing of a press."""
    button = "b1-bedroom-sos"
    site = SimulatedSite(1, devices=[button])
    site.sos(button)
    site.sos(button)
    site.advance(2 * 86_400)
    presses = site.truth.of(button, What.ALARM)
    assert len({label.sequence for label in presses}) == 2
    assert said(site, button, "sos") == [True, True]


def test_conditions_of_several_devices_do_not_mix(site: SimulatedSite) -> None:
    """Heat at one and carbon monoxide at another alarm each for itself."""
    [heat], [co] = site.find("heat", count=1), site.find("co", count=1)
    site.heat(heat, ramp_s=5)
    site.co(co, ramp_s=10)
    site.advance(20)
    assert [(x.device, x.verb) for x in site.truth.of(what=What.ALARM)] == [(heat, "heat"), (co, "co")]


def test_a_call_point_needs_no_smoke(site: SimulatedSite) -> None:
    """It alarms at once."""
    [point] = site.find("call_point", count=1)
    site.call_point(point)
    site.advance(0)
    assert [label.readings for label in site.truth.of(point, What.ALARM)] == [{"call_point": True}]


def test_a_test_press_is_no_alarm(site: SimulatedSite) -> None:
    """It begins and ends, and the alarm bit stays false, unless it is one of the models that ring."""
    site.press_test(KITCHEN)
    site.advance(60)
    assert said(site, KITCHEN, "test") == [True, False]
    assert site.truth.of(KITCHEN, What.ALARM) == []
    other = "b1-u1-f05-corridor-smoke"
    site.press_test(other, rings=True)
    site.advance(60)
    assert [label.verb for label in site.truth.of(other, What.ALARM)] == ["press_test"]
    assert said(site, other, "smoke")[-1] is False


def test_conditions_are_different_things(site: SimulatedSite) -> None:
    """Hush, tamper and an empty battery come as what they are, and go."""
    site.hush(KITCHEN)
    site.tamper(KITCHEN, restore_s=30)
    site.low_battery(KITCHEN, percent=7)
    site.advance(700)
    assert (said(site, KITCHEN, "muted")[0], said(site, KITCHEN, "muted")[-1]) == (True, False)
    assert (said(site, KITCHEN, "tamper")[0], said(site, KITCHEN, "tamper")[-1]) == (True, False)
    assert said(site, KITCHEN, "battery")[-1] == 7
    assert site.truth.of(KITCHEN, What.ALARM) == []
    site.new_battery(KITCHEN)
    site.advance(86_400)
    assert said(site, KITCHEN, "battery_low")[-1] is False
    assert said(site, KITCHEN, "battery")[-1] == 100
    with pytest.raises(ValueError, match="runs on mains"):
        site.low_battery(GAS)


def test_drawn_water_lowers_the_pressure(site: SimulatedSite) -> None:
    """Pressure falls with the flow, and both come back."""
    still = said(site, HYDRANT, "pressure")[0]
    site.draw_water(HYDRANT, flow=800, seconds=60)
    site.advance(60)
    assert max(said(site, HYDRANT, "flow")) == 800
    assert min(said(site, HYDRANT, "pressure")) < still - 70
    site.advance(600)
    assert said(site, HYDRANT, "flow")[-1] == 0
    assert abs(said(site, HYDRANT, "pressure")[-1] - still) < 25
    assert said(site, HYDRANT, "hydrant_open")[-1] is False


def test_pressure_goes_where_it_is_told(site: SimulatedSite) -> None:
    """And stays there until cleared."""
    site.pressure(HYDRANT, 80)
    site.advance(1000)
    assert all(abs(v - 80) < 8 for v in said(site, HYDRANT, "pressure")[-2:])
    site.clear(HYDRANT)
    site.advance(1000)
    assert said(site, HYDRANT, "pressure")[-1] > 200


def test_a_parked_car_becomes_an_obstruction(site: SimulatedSite) -> None:
    """After its time, not at once."""
    [camera] = site.find("camera", count=1)
    site.park(camera, after_s=20)
    site.advance(19)
    assert site.truth.of(camera, What.ALARM) == []
    assert said(site, camera, "vehicle_count")[-1] == 1
    site.advance(1)
    assert [label.readings for label in site.truth.of(camera, What.ALARM)] == [{"obstruction": True}]


def test_the_dead_are_silent() -> None:
    """Nothing more from a dead device but the will of one on mains, after one and a half keepalives."""
    site = SimulatedSite(11, devices=[KITCHEN, GAS])
    site.advance(3)
    site.smoke(KITCHEN, ramp_s=0)
    site.advance(1)
    site.die([KITCHEN, GAS])
    before = site.truth.total
    site.advance(KEEPALIVE_MS * 1.5 / 1000 - 1)
    assert [
        label.n for device in (KITCHEN, GAS) for label in site.truth.of(device) if label.n >= before
    ] == []
    site.advance(2 * 86_400)
    wills = [label for device in (KITCHEN, GAS) for label in site.truth.of(device) if label.n >= before]
    assert [(label.device, label.what, label.readings) for label in wills] == [
        (GAS, What.WILL, {"availability": "offline"})
    ]
    site.revive(GAS)
    site.advance(125)
    assert said(site, GAS, "availability") == ["online", "offline", "online"]
    assert len([x for x in site.truth.of(GAS, What.REPORT) if x.n > wills[0].n]) >= 2


def test_what_a_cut_off_device_knew_comes_late(site: SimulatedSite) -> None:
    """Nothing while cut; then all of it, the oldest first, with the times it was measured."""
    since = site.world.utc()
    site.cut_uplink([GAS, KITCHEN], seconds=600)
    site.smoke(KITCHEN)
    before = site.truth.total
    site.advance(599)
    gone = [x for d in (GAS, KITCHEN) for x in site.truth.of(d) if x.n >= before]
    assert {x.what for x in gone} == {What.WILL}
    site.advance(2)
    late = site.truth.of(GAS, What.LATE)
    assert len(late) == 1
    times = [at for at, _ in late[0].rows]
    assert len(times) == 10
    assert times == sorted(t for t in times if t is not None)
    assert all(since <= (t or 0) < since + 600_000 for t in times)
    kitchen = site.truth.of(KITCHEN, What.LATE)
    measured = [at for x in kitchen for at, _ in (x.rows or ((x.measured_at, {}),))]
    assert measured == sorted(t for t in measured if t is not None)
    assert {k: v for x in kitchen for k, v in (x.readings or {}).items() if k == "smoke"} == {"smoke": True}


def test_what_is_stored_is_bounded() -> None:
    """A device cut off for a week keeps its newest messages and no more."""
    site = SimulatedSite(11, devices=[GAS])
    site.cut_uplink(GAS)
    site.advance(7 * 86_400)
    assert len(site.world.units[GAS].stored or ()) == STORED_MAX
    site.restore_uplink()
    site.advance(1)
    assert sum(len(x.rows) for x in site.truth.of(GAS, What.LATE)) == STORED_MAX


def test_a_zigbee_bridge_stores_nothing() -> None:
    """The bridge is said to be offline by its will; back again it introduces itself and everybody is as they are."""
    site = SimulatedSite(2, dialect="zigbee2mqtt", devices=30)
    sent = site.advance(3)
    site.cut_uplink(seconds=300)
    sent += site.advance(299)
    assert [x.readings for x in site.truth if x.what is What.WILL] == [{"gateway_availability": "offline"}]
    before = site.truth.total
    sent += site.advance(10)
    assert {x.what for x in site.truth if x.n >= before} == {What.BRIDGE, What.STATUS, What.REPORT}
    assert {x.device for x in site.truth.of(what=What.REPORT) if x.n >= before} == {
        u.name for u in site.devices
    }
    agree(site, sent)


def test_late_batches_and_late_alarms(site: SimulatedSite) -> None:
    """`replay_late` sends the past in one message, oldest first, and an alarm of that time if asked."""
    site.replay_late(GAS, minutes=30)
    site.replay_late(KITCHEN, minutes=10, alarm="smoke")
    sent = site.advance(0)
    [batch] = site.truth.of(GAS, What.LATE)
    assert len(batch.rows) == 30
    assert len(msgspec.json.decode(sent[0].payload)) == 30
    alarm = site.truth.of(KITCHEN, What.LATE)[0]
    assert alarm.readings == {"smoke": True}
    assert alarm.measured_at == site.world.utc() - 600_000
    with pytest.raises(ValueError, match="stores nothing"):
        site.replay_late(site.find("sos", count=1))


def test_duplicates_are_the_same_bytes(site: SimulatedSite) -> None:
    """Each says which message it repeats."""
    site.smoke(KITCHEN, ramp_s=0)
    [first] = site.advance(0)
    site.duplicate(KITCHEN, times=3)
    again = site.advance(0)
    assert [m[1:] for m in again] == [first[1:]] * 3
    [alarm] = site.truth.of(KITCHEN, What.ALARM)
    assert [label.of for label in site.truth.of(KITCHEN, What.DUPLICATE)] == [alarm.n] * 3


def test_clocks_can_be_wrong(site: SimulatedSite) -> None:
    """By any number of seconds, or back at the year 2000; when it was sent stays true."""
    site.skew_clock(KITCHEN, 3600)
    site.skew_clock(GAS)
    site.smoke(KITCHEN, ramp_s=0)
    site.gas(GAS, ramp_s=0)
    site.advance(0)
    [smoke], [gas] = site.truth.of(KITCHEN, What.ALARM), site.truth.of(GAS, What.ALARM)
    assert smoke.measured_at == smoke.at + 3_600_000
    assert gas.measured_at == 946_684_800_000


def test_a_flood_is_counted(site: SimulatedSite) -> None:
    """So many a second, for so long."""
    site.flood(KITCHEN, per_s=50, seconds=10)
    site.advance(60)
    assert site.truth.counts[What.FLOOD] == 500


def test_garbage_disturbs_nobody(site: SimulatedSite) -> None:
    """It is labelled, and the device goes on as before."""
    site.garbage(GAS)
    before = site.truth.counts[What.REPORT]
    sent = site.advance(300)
    assert site.truth.counts[What.GARBAGE] == len(
        [m for m in sent if b'"ts"' not in m.payload and GAS in m.topic]
    )
    assert site.truth.counts[What.REPORT] > before


def test_who_can_be_asked_for_in_three_ways(site: SimulatedSite) -> None:
    """By name, by names, by a question; the answer is who it was."""
    assert site.smoke(KITCHEN) == (KITCHEN,)
    assert site.gas([GAS]) == (GAS,)
    assert site.tamper(lambda h: h.kind == "smoke" and "f05" in h.place) == site.find("smoke", "f05")


def test_mistakes_are_named(site: SimulatedSite) -> None:
    """Wrong names, wrong kinds and wrong stories say what would be right."""
    with pytest.raises(KeyError, match="did you mean b1-u1-f05-502-kitchen-smoke"):
        site.smoke("b1-u1-f05-502-kitchen-smok")
    with pytest.raises(ValueError, match=r"\(gas\) cannot raise smoke"):
        site.smoke(GAS)
    with pytest.raises(ValueError, match="does not measure flow"):
        site.draw_water(GAS)
    with pytest.raises(ValueError, match="no device of the site fits"):
        site.smoke(lambda _: False)
    with pytest.raises(ValueError, match="kitchen_fire"):
        site.play("kitchen_fyre")
    with pytest.raises(ValueError, match="no dialect"):
        SimulatedSite(1, dialect="klingon")
    with pytest.raises(ValueError, match="no kind"):
        SimulatedSite(1, devices=["b1-toaster"])
    with pytest.raises(ValueError, match="the same name"):
        SimulatedSite(1, devices=["b1-smoke", "b1-smoke"])
    with pytest.raises(ValueError, match="no zigbee2mqtt devices of kind panel"):
        SimulatedSite(1, dialect="zigbee2mqtt", devices=["control-panel"])
    with pytest.raises(ValueError, match="at least one"):
        SimulatedSite(1, devices=0)
    with pytest.raises(ValueError, match="native name"):
        SimulatedSite(1, devices=["b1 smoke-smoke"])


def test_batteries_fall_slowly() -> None:
    """Two to five hundredths of a percent a day: years, not weeks, and never below nothing."""
    site = SimulatedSite(1, devices=["b1-a-smoke", "b1-b-heat"], truth=10)
    site.advance(3)
    first = said(site, "b1-a-smoke", "battery")[0]
    site.advance(365 * 86_400)
    assert 6 <= first - said(site, "b1-a-smoke", "battery")[-1] <= 19


def test_truth_is_bounded_where_asked() -> None:
    """The newest labels stay, the counts stay exact, and nothing else of a long life is kept."""
    site = SimulatedSite(1, devices=30, truth=100)
    sent = sum(1 for _ in site.messages(site.world.epoch_ms + 6 * 3_600_000))
    assert len(site.truth) == 100
    assert site.truth.total == sum(site.truth.counts.values()) == sent
    assert len(site.world._due) <= 31  # one report each, whatever has been


@pytest.mark.parametrize("count", [1, 20, 121, 1000])
def test_communities_come_in_any_size(count: int) -> None:
    """So many devices, each in a place of a tree with a root, its names telling its level."""
    site = SimulatedSite(1, devices=count)
    catalogue = site.catalogue()
    assert len(site.devices) == len(catalogue.devices) == count
    for device in catalogue.devices.values():
        assert [p.id for p in catalogue.path(device.place)][-1] == "sim"
    assert len({m.topic for m in site.advance(3)}) == 2 * count


def test_names_tell_places() -> None:
    """`b1-u1-f05-502-kitchen-smoke` hangs in the kitchen of flat 502, floor 5, unit 1, building 1."""
    site = SimulatedSite(1, devices=[KITCHEN, "yard-hydrant2"])
    catalogue = site.catalogue()
    place = catalogue.devices[site.device_id(KITCHEN)].place
    levels = [(p.level.value, p.name) for p in catalogue.path(place)]
    assert levels == [
        ("zone", "kitchen"), ("household", "502"), ("floor", "f05"), ("unit", "u1"), ("building", "b1"),
        ("site", "sim"),
    ]  # fmt: skip
    assert catalogue.devices[site.device_id("yard-hydrant2")].kind == "hydrant"


def test_every_story_is_documented() -> None:
    """The name of a story says what happens, its first line tells it."""
    assert set(SCENARIOS) >= {
        "kitchen_fire", "gas_leak", "hydrant_theft", "detector_dies", "uplink_lost", "false_alarm", "chattering",
        "press_test", "sos", "calm", "storm",
    }  # fmt: skip
    assert all(story.__doc__ for story in SCENARIOS.values())
