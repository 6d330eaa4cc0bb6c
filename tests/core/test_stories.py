"""What the core promises people, told as stories on a movable clock."""

from __future__ import annotations

import msgspec
import pytest

from devices.reading import Flag
from gateway.clock import ManualClock
from gateway.core.effect import Notify, Publish
from gateway.core.incident import ALARMS_MAX
from gateway.core.turn import ALARMS_SAID
from gateway.inprocess import START_UTC_MS, Gateway
from tests.core.community import estate


@pytest.fixture
def home() -> Gateway:
    return Gateway(estate())


def only(home: Gateway) -> str:
    assert len(home.docs) == 1, list(home.docs)
    return next(iter(home.docs))


def told(home: Gateway) -> list[tuple[str, str]]:
    return [(e.person, e.reason) for e in home.released if isinstance(e, Notify)]


def test_one_detector_is_a_fire_and_the_household_is_called_first(home: Gateway) -> None:
    """One device's own alarm bit opens a P1 incident, unverified, ringing, and calls the household and the desk."""
    home.measure("kitchen", "smoke", True)
    doc = home.docs[only(home)]
    assert (doc.priority, doc.hazard, doc.verdict, doc.handling, doc.sound) == (
        1, "fire", "unverified", "open", "ringing",
    )  # fmt: skip
    assert doc.place == "h502"
    assert told(home) == [("li", "called"), ("wang", "called")]


def test_somebody_certainly_answers(home: Gateway) -> None:
    """An incident nobody takes goes to the next person in time, round after round, until a human acts."""
    home.measure("kitchen", "smoke", True)
    home.advance(31)
    assert told(home)[-1] == ("zhao", "called")
    home.advance(90)
    assert [p for p, _ in told(home)] == ["li", "wang", "zhao", "sun", "qian"]
    home.advance(180)
    assert told(home)[5:7] == [("li", "reminded"), ("wang", "reminded")]
    assert home.act("wang", "take").ok
    count = len(told(home))
    home.advance(170)
    assert len(told(home)) == count


def test_a_second_detector_confirms_and_widens_the_circle(home: Gateway) -> None:
    """Two detectors of a floor: confirmed by devices, one incident, a wider circle; nothing waited for it."""
    home.measure("kitchen", "smoke", True)
    home.advance(8)
    home.measure("corridor", "smoke", True)
    doc = home.docs[only(home)]
    assert doc.verdict == "confirmed_by_devices"
    assert set(doc.places) == {"h502", "f5"}
    assert doc.place == "f5"
    assert ("zhou", "confirmed") in told(home)


def test_take_mute_and_verdict_are_three_things(home: Gateway) -> None:
    """Mute stops only the sound and for a while; take stops the steps; the verdict is said by a person."""
    home.measure("kitchen", "smoke", True)
    name = only(home)
    assert home.act("wang", "mute").ok
    assert (home.docs[name].sound, home.docs[name].handling) == ("muted", "open")
    home.advance(31)
    assert ("zhao", "called") in told(home)
    home.advance(100)
    assert home.docs[name].sound == "ringing"
    assert home.act("wang", "take").ok
    assert (home.docs[name].sound, home.docs[name].handling, home.docs[name].verdict) == (
        "silent", "taken", "unverified",
    )  # fmt: skip
    assert home.act("wang", "verdict", verdict="real").ok
    assert home.docs[name].verdict == "real"


def test_taken_and_forgotten_is_given_back(home: Gateway) -> None:
    """Whoever takes it and neither arrives nor reports loses it again after three minutes; the chain goes on."""
    home.measure("kitchen", "smoke", True)
    name = only(home)
    home.act("wang", "take")
    home.advance(179)
    assert home.docs[name].handling == "taken"
    home.advance(2)
    assert home.docs[name].handling == "open"
    assert ("wang", "given_back") in told(home)
    assert told(home)[-1] == ("zhao", "called")


def test_on_scene_keeps_it(home: Gateway) -> None:
    """Somebody on scene is not called back by the clock."""
    home.measure("kitchen", "smoke", True)
    home.act("wang", "take")
    assert home.act("sun", "on_scene", role="grid_staff", place="g1").ok
    home.advance(1000)
    assert home.docs[only(home)].handling == "on_scene"


def test_a_false_verdict_does_not_outlive_new_evidence(home: Gateway) -> None:
    """A new point after "false alarm" rings again, calls again and asks for a new verdict."""
    home.measure("kitchen", "smoke", True)
    home.act("wang", "verdict", verdict="false", cause="cooking")
    home.measure("upstairs", "smoke", True)
    doc = home.docs[only(home)]
    assert (doc.verdict, doc.handling, doc.sound) == ("unverified", "open", "ringing")
    assert told(home)[-3:] != []


def test_closing_needs_a_verdict_a_return_and_a_reset(home: Gateway) -> None:
    """A P1 incident ends only when a person said what it was, the condition is gone and it was reset."""
    home.measure("kitchen", "smoke", True)
    name = only(home)
    home.act("wang", "take")
    assert home.act("wang", "close").code == "no_verdict"
    home.act("wang", "verdict", verdict="false", cause="cooking")
    assert home.act("wang", "close").code == "alarm_active"
    assert home.act("wang", "reset").code == "alarm_active"
    home.measure("kitchen", "smoke", False)
    assert home.act("wang", "close").code == "not_reset"
    assert home.act("wang", "reset").ok
    assert home.act("wang", "close").ok
    assert home.docs[name].handling == "closed"
    home.measure("kitchen", "smoke", True)
    assert len(home.docs) == 2


def test_a_detector_that_never_clears_can_be_ended_by_who_looked(home: Gateway) -> None:
    """Many detectors never send an end: after a verdict a person may say it is gone; the next alarm is new."""
    home.measure("kitchen", "smoke", True)
    home.act("wang", "take")
    assert home.act("wang", "reset", gone=True).code == "alarm_active"
    home.act("wang", "verdict", verdict="false", cause="steam")
    assert home.act("wang", "reset", gone=True).ok
    assert home.act("wang", "close").ok
    home.measure("kitchen", "smoke", True)
    assert len(home.docs) == 2


def test_a_stale_closing_is_refused(home: Gateway) -> None:
    """Who has not seen the newest alarm cannot say what it was."""
    home.measure("kitchen", "smoke", True)
    seen = home.docs[only(home)].rev
    home.measure("upstairs", "smoke", True)
    assert home.act("wang", "verdict", version=seen, verdict="false").code == "changed"


def test_a_dead_channel_falls_back(home: Gateway) -> None:
    """When a person's first channel gives up, the next one is tried; a dead step goes to the next person at once."""
    home.dead = {"wecom"}
    home.measure("kitchen", "smoke", True)
    assert [(n["channel"]) for n in home.notices("wang")] == ["wecom", "sms"]
    home.dead = {"wecom", "sms"}
    home.measure("other", "smoke", True)
    assert home.notices("sun") != []


def test_everybody_declines_and_the_next_is_called_at_once(home: Gateway) -> None:
    """ "Cannot come" from everybody told so far does not wait for the clock."""
    home.measure("kitchen", "smoke", True)
    home.act("li", "decline", role="household", place="h502")
    assert ("zhao", "called") not in told(home)
    home.act("wang", "decline")
    assert told(home)[-1] == ("zhao", "called")


def test_sos_every_press_is_new(home: Gateway) -> None:
    """An SOS press without an id is never mistaken for a repeat; it is P1 of its own household."""
    home.measure("sos", "sos", True)
    doc = home.docs[only(home)]
    assert (doc.hazard, doc.priority) == ("sos", 1)
    before = doc.rev
    home.advance(5)
    home.measure("sos", "sos", True)
    assert home.docs[doc.id].rev > before
    assert home.docs[doc.id].alarms[0].count == 2


def test_a_line_that_is_crossed_is_over_as_it_happens(home: Gateway) -> None:
    """No camera says that a line is no longer crossed: each crossing is news, and shown as long as its rule says."""
    for count in (1, 2):
        home.measure("cam", "line_crossing", True, "fence")
        (alarm,) = [a for a in home.alarms.values() if a.metric == "line_crossing"]
        assert (alarm.state, alarm.count, alarm.priority) == ("UNACK", count, 3)
        home.advance(20)
    home.advance(11)
    assert home.alarms[alarm.id].state == "NORM"


def test_silence_is_an_alarm_and_speaking_ends_it() -> None:
    """A mains gas detector that says nothing is missed in minutes; its next word ends the alarm."""
    home = Gateway(estate(gas=True))
    home.measure("gas", "gas", False)
    home.advance(400)
    doc = next(d for d in home.docs.values() if d.alarms and d.alarms[0].device == "sim:gas")
    assert doc.priority == 2
    home.measure("gas", "gas", False)
    state = next(a for a in home.alarms.values() if a.device == "sim:gas").state
    assert state in ("RTNUN", "NORM")


def test_three_hours_without_power_fire_nothing_stale() -> None:
    """After a power cut of three hours nobody is called for silence we could not have heard."""
    home = Gateway(estate(gas=True))
    home.measure("gas", "gas", False)
    before = len(home.docs)
    home.clock.advance(3 * 3600 * 1000)
    again = home.crash()
    again.advance(100)
    assert len(again.docs) == before
    again.advance(300)
    assert any(d.alarms[0].device == "sim:gas" for d in again.docs.values())


def test_an_escalation_resumes_after_a_crash_and_skips_nobody(home: Gateway) -> None:
    """Down for ten minutes in the middle of a chain: the next step is told at the start, each one in turn."""
    home.measure("kitchen", "smoke", True)
    home.clock.advance(600_000)
    again = home.crash()
    assert [n["step"] for n in again.notices("zhao")] == [1]
    assert again.notices("sun") == []
    again.advance(31)
    assert again.notices("sun") != []


def test_retained_fire_asks_somebody_to_look(home: Gateway) -> None:
    """A retained active alarm nobody ever saw cleared is a P2 "verify now", neither silence nor a call-out."""
    home.measure("kitchen", "smoke", True, flags=Flag.RETAINED)
    doc = home.docs[only(home)]
    assert (doc.priority, doc.hazard) == (2, "fire")
    assert told(home) == [("wang", "called")]
    home.measure("kitchen", "smoke", True)
    assert min(d.priority for d in home.docs.values()) == 1
    assert ("li", "called") in told(home)


def test_a_stored_alarm_is_looked_at_unless_its_end_was_seen(home: Gateway) -> None:
    """A detector that was well burns while we cannot hear it: the broker's copy is all there is, and asks for a look.
    The copy of an alarm whose end we saw asks for nothing, also after a restart.
    """
    home.measure("kitchen", "smoke", False)
    home.advance(100)
    home.measure("kitchen", "smoke", True, flags=Flag.RETAINED)
    assert home.docs[only(home)].priority == 2
    home.measure("kitchen", "smoke", False)
    again = home.crash()
    seen = len(again.engine.state.incidents)
    again.measure("kitchen", "smoke", True, flags=Flag.RETAINED)
    assert len(again.engine.state.incidents) == seen
    now = again.clock.utc_ms()
    again.measure("corridor", "smoke", True, measured_at=now - 2000)
    again.measure("corridor", "smoke", False, measured_at=now - 1000)
    for then, wanted in (
        (now - 1500, False),
        (now, True),
    ):  # one whose end was heard; one after all that was heard
        again.measure("corridor", "smoke", True, flags=Flag.RETAINED, measured_at=then)
        assert ("sim:corridor/smoke/" in again.engine.state.verifying) is wanted
    again.measure("kitchen", "smoke", True)
    assert min(i.priority for i in again.engine.state.incidents.values()) == 1


def test_historical_and_invalid_never_call(home: Gateway) -> None:
    """Stored data replayed late by protocol flag, and impossible values, are kept and call nobody."""
    home.measure("kitchen", "smoke", True, flags=Flag.HISTORICAL)
    home.measure("kitchen", "smoke", True, flags=Flag.INVALID)
    assert home.docs == {}


def test_a_detector_whose_clock_says_2000_still_burns(home: Gateway) -> None:
    """An untrusted device clock never turns an alarm into a replay."""
    home.measure("kitchen", "smoke", False, measured_at=home.clock.utc_ms())
    home.measure("kitchen", "smoke", True, measured_at=946_684_800_000, flags=Flag.CLOCK_BAD)
    assert home.docs[only(home)].priority == 1


def test_late_alarm_opens_and_says_so(home: Gateway) -> None:
    """A P1 measured ten minutes ago opens, marked late by as much."""
    home.measure("kitchen", "smoke", True, measured_at=home.clock.utc_ms() - 600_000)
    doc = home.docs[only(home)]
    assert (doc.priority, doc.late_ms) == (1, 600_000)


def test_superseded_alarm_is_looked_at(home: Gateway) -> None:
    """An old active alarm that arrives after a newer normal is not a call-out; somebody is asked to look."""
    now = home.clock.utc_ms()
    home.measure("kitchen", "smoke", False, measured_at=now)
    home.measure("kitchen", "smoke", True, measured_at=now - 60_000)
    assert home.docs[only(home)].priority == 2


def test_a_clock_jump_neither_freezes_nor_fires() -> None:
    """UTC corrected by a year: the chain goes on by elapsed time and nothing stale fires."""
    home = Gateway(estate(gas=True))
    home.measure("gas", "gas", False)
    home.measure("kitchen", "smoke", True)
    for jump in (365 * 86_400_000, -365 * 86_400_000):
        home.clock.jump_utc(jump)
        home.advance(15)
    assert ("zhao", "called") in told(home)
    assert len(home.docs) == 1


def test_simulated_reaches_only_the_recording_channel() -> None:
    """Whatever the plan says, a simulated source is told of on the recording channel and published nowhere."""
    home = Gateway(estate(simulated=True))
    home.measure("kitchen", "smoke", True)
    home.advance(500)
    assert {n["channel"] for p in ("li", "wang", "zhao", "sun") for n in home.notices(p)} == {"recording"}
    assert all(isinstance(e, Notify) for e in home.released)
    assert home.docs[only(home)].mode == "simulated"


def test_publications_follow_every_revision(home: Gateway) -> None:
    """Each state of an incident goes to the machine receivers with a growing rev."""
    home.measure("kitchen", "smoke", True)
    home.act("wang", "take")
    published = [e for e in home.released if isinstance(e, Publish)]
    assert next(p.topic for p in published) == "incident.opened"
    assert "incident.taken" in [p.topic for p in published]
    revs = [p.doc.rev for p in published if p.doc]
    assert revs == sorted(set(revs))


def test_out_of_service_needs_two_and_comes_back_alive(home: Gateway) -> None:
    """A P1 point leaves service only with an order, a second person and an end; a standing condition is new after."""
    home.measure("kitchen", "smoke", True)
    alarm = home.docs[only(home)].alarms[0].id
    until = home.clock.utc_ms() + 3_600_000
    assert home.act("wang", "shelve", alarm, until_ms=until, reason="x").code == "never_p1"
    assert home.act("wang", "out_of_service", alarm, until_ms=until, order="w1").code == "second_person"
    assert home.act("wang", "out_of_service", alarm, until_ms=until, order="w1", second="zhao").ok
    home.act("wang", "verdict", verdict="false", cause="dust")
    assert home.act("wang", "close").ok
    home.advance(3601)
    assert len(home.docs) == 2
    assert max(home.docs.values(), key=lambda d: d.id).handling == "open"


def test_an_act_counts_once(home: Gateway) -> None:
    """The same key gives the same answer and changes nothing twice."""
    home.measure("kitchen", "smoke", True)
    first = home.act("wang", "take", key="k")
    rev = home.docs[only(home)].rev
    assert home.act("wang", "take", key="k") == first
    assert home.docs[only(home)].rev == rev


def test_viewers_and_strangers_change_nothing(home: Gateway) -> None:
    """Acts need a role that may, on a place that covers the incident."""
    home.measure("kitchen", "smoke", True)
    assert home.act("eve", "take", role="viewer").code == "forbidden"
    assert home.act("eve", "take", role="operator", place="b2").code == "forbidden"
    assert home.act("li", "verdict", role="household", place="h502", verdict="false").code == "forbidden"


def test_an_unplaced_device_is_live() -> None:
    """A device nobody has placed yet still raises its own alarm, at its site."""
    home = Gateway(estate())
    home.measure("stranger", "smoke", True)
    doc = home.docs[only(home)]
    assert (doc.priority, doc.place) == (1, "est")


def test_one_storm_is_one_incident(home: Gateway) -> None:
    """Many detectors of one building are one incident; another building is another."""
    for device in ("kitchen", "corridor", "upstairs"):
        home.measure(device, "smoke", True)
    assert len(home.docs) == 1
    home.measure("other", "smoke", True)
    assert len(home.docs) == 2


def test_a_storm_lists_what_stands_and_counts_the_rest() -> None:
    """Each of a storm's documents is bounded, or thousands of them fill the memory; what still burns is in it."""
    home = Gateway(estate())
    for n in range(300):
        home.measure(f"new{n}", "smoke", True)
    doc = home.docs[only(home)]
    assert (len(doc.alarms), doc.alarms_total) == (ALARMS_SAID, 300)
    for n in range(299):
        home.measure(f"new{n}", "smoke", False)
    assert home.act("wang", "take").ok
    home.act("wang", "reset")
    doc = home.docs[only(home)]
    assert [a.device for a in doc.alarms if a.state == "ACKED"] == ["sim:new299"]


def test_a_storm_beyond_the_list_is_dealt_with_like_one_within_it() -> None:
    """More alarms than an incident lists: each is counted, acknowledged, reset and forgotten, and a standing one keeps
    it open. None is left behind that would swallow its device's next fire.
    """
    home = Gateway(estate())
    count = ALARMS_MAX + 100
    for n in range(count):
        home.measure(f"new{n}", "smoke", True)
    assert home.docs[only(home)].alarms_total == count
    for n in range(count - 1):
        home.measure(f"new{n}", "smoke", False)
    assert home.act("wang", "take").ok
    assert home.act("wang", "verdict", verdict="false", cause="dust").ok
    home.act("wang", "reset")
    last = f"sim:new{count - 1}"
    assert [a.device for a in home.docs[only(home)].alarms if a.state == "ACKED"] == [last]
    assert home.act("wang", "close").code == "alarm_active"
    assert home.act("wang", "reset", gone=True).ok
    assert home.act("wang", "close").ok
    assert not home.engine.state.alarms
    home.measure(f"new{count - 1}", "smoke", True)  # it never said that the first one ended
    assert len(home.docs) == 2


def test_start_is_now() -> None:
    """The first stamp is UTC as the system has it."""
    home = Gateway(estate(), ManualClock(START_UTC_MS))
    home.measure("kitchen", "smoke", True)
    assert home.docs[only(home)].opened_at == START_UTC_MS
    assert only(home).startswith("20261122-")


def test_a_fire_that_nobody_hears_of_says_so() -> None:
    """When nobody holds any role of a P1 chain, that is an alarm of its own, until somebody does."""
    home = Gateway(msgspec.structs.replace(estate(), people={}))
    home.measure("kitchen", "smoke", True)
    assert [d.hazard for d in home.docs.values()] == ["fire", "equipment"]
    home.plan = estate()
    home.engine.replan(home.plan)
    home.settle()
    home.advance(301)
    assert told(home)[0][0] == "li"
    assert next(a for a in home.alarms.values() if a.rule == "gateway.nobody").state in ("RTNUN", "NORM")


def test_a_taken_incident_says_when_it_is_given_back(home: Gateway) -> None:
    """From the taking until somebody is on scene the document holds the moment at which it is open again."""
    home.measure("kitchen", "smoke", True)
    incident = next(iter(home.docs))
    assert home.docs[incident].give_back_at is None
    home.act("wang", "take")
    due = home.clock.utc_ms() + 180_000
    assert home.docs[incident].give_back_at == due
    home.advance(60)
    assert home.docs[incident].give_back_at == due
    home.advance(121)
    assert (home.docs[incident].handling, home.docs[incident].give_back_at) == ("open", None)
    home.act("wang", "take")
    home.act("wang", "on_scene")
    assert home.docs[incident].give_back_at is None
