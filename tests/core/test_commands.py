"""What may be asked of devices, by whom and when, and what becomes of it when they do not obey."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from devices.catalogue import Catalogue, Device, Source
from devices.codec import number_of
from devices.reading import Reading
from gateway.app.commands import unanswered_checks
from gateway.core.command import MOVES, NAMES, OFFERS, PENDING, CommandState, Press, Step
from gateway.core.compiled import Compiled
from gateway.core.effect import Command
from gateway.core.event import Acted, Delivered, Measured, Outcome, Verb
from gateway.core.plan import Plan
from gateway.core.state import freeze, thaw
from gateway.core.step import bind
from gateway.inprocess import Gateway
from tests.core.community import DEVICES, estate

MORE = (
    Device("sim:valve", "h502", "valve"),
    Device("sim:riser", "b1", "valve"),
    Device("sim:siren5", "f5", "siren"),
    Device("sim:siren6", "f6", "siren"),
    Device("sim:siren-b2", "b2", "siren"),
    Device("sim:cam", "f5", "camera"),
    Device("sim:exit", "f5", "door"),
    Device("sim:shed", "b2", "charger"),
    Device("sim:pump", "b1", "pump"),
    Device("sim:lift", "b1", "lift"),
    Device("sim:gas5", "h502", "gas"),
)


def plan(*, simulated: bool = False) -> Plan:
    """The small estate with things that can be told to do something."""
    base = estate(simulated=simulated)
    devices = {d.id: d for d in (*DEVICES, *MORE)}
    return replace(base, catalogue=Catalogue(base.catalogue.places, devices, base.catalogue.sources))


@pytest.fixture
def home() -> Gateway:
    home = Gateway(plan())
    home.measure("valve", "valve_open", True)
    home.measure("shed", "relay", True)
    return home


def ask(
    home: Gateway, device: str, name: str, user: str = "root", role: str = "operator", **args: Any
) -> str:
    """The code of the answer to a press."""
    home.docs.setdefault("", None)  # type: ignore[arg-type]  # an act without a target takes the newest incident
    del home.docs[""]
    return home.act(user, "command", f"sim:{device}", role=role, name=name, **args).code


def sent(home: Gateway) -> list[tuple[str, str]]:
    return [(c.device.removeprefix("sim:"), c.name) for c in home.commanded]


def states(home: Gateway) -> list[str]:
    return [c.state for c in home.engine.state.commands.values()]


def failures(home: Gateway) -> list[str]:
    return [
        a.subject for a in home.alarms.values() if a.rule == "gateway.command_failed" and a.state != "NORM"
    ]


# -- tables -----------------------------------------------------------------------------------------------------------


def test_every_state_answers_every_step() -> None:
    """The table has no hole, what is over never starts again, and a device's own word always counts."""
    assert set(MOVES) == set(CommandState)
    for state, row in MOVES.items():
        assert set(row) == set(Step)
        assert row[Step.OBEYED] is CommandState.CONFIRMED
        if state not in PENDING:
            assert set(row.values()) <= {state, CommandState.CONFIRMED}


def test_what_is_never_offered() -> None:
    """No gas valve is opened from afar, and nothing of the fire panel's is touched: it is only asked."""
    assert not any("open" in name for name in NAMES)
    kinds = {kind for kind, _ in OFFERS}
    assert kinds.isdisjoint({"pump", "sprinkler", "fan", "shutter", "lift", "hydrant"})
    assert {name for kind, name in OFFERS if kind == "panel"} == {
        "read_state", "read_version", "read_configuration", "read_clock"
    }  # fmt: skip
    assert {key for key, offer in OFFERS.items() if offer.press is Press.TWO} == {
        ("valve", "valve_close"), ("transmission", "initialise"),
    }  # fmt: skip
    assert {key for key, offer in OFFERS.items() if offer.automatic} == {
        ("siren", "siren_on"),
        ("camera", "snapshot"),
    }


@pytest.mark.parametrize(
    ("device", "name"),
    [("riser", "valve_close"), ("valve", "valve_open"), ("pump", "relay_off"), ("lift", "relay_off"),
     ("kitchen", "siren_on"), ("valve", "relay_off"), ("valve", "")],
)  # fmt: skip
def test_what_is_not_in_the_table_is_not_sent(home: Gateway, device: str, name: str) -> None:
    """A riser's valve, an opening, a pump, a lift: refused whoever asks and however often."""
    for _ in range(2):
        assert ask(home, device, name, confirm=True, anyway=True, role="admin") == "not_offered"
    assert sent(home) == []


# -- a household's gas valve ------------------------------------------------------------------------------------------


def test_a_valve_takes_two_presses_and_says_that_it_closed(home: Gateway) -> None:
    """The first press arms, the second sends; the valve's own word ends it."""
    assert ask(home, "valve", "valve_close") == "confirm"
    assert sent(home) == []
    assert ask(home, "valve", "valve_close", confirm=True) == "ok"
    assert sent(home) == [("valve", "valve_close")]
    assert states(home) == ["sent"]
    assert ask(home, "valve", "valve_close") == "pending"
    home.measure("valve", "valve_open", False)
    assert states(home) == ["confirmed"]
    home.advance(60)
    assert sent(home) == [("valve", "valve_close")]
    assert failures(home) == []
    home.advance(3600)
    assert states(home) == []


def test_the_second_press_is_the_same_persons_and_soon(home: Gateway) -> None:
    """Somebody else's confirmation, or one after half a minute, arms anew and sends nothing."""
    assert ask(home, "valve", "valve_close", user="a") == "confirm"
    assert ask(home, "valve", "valve_close", user="b", confirm=True) == "confirm"
    home.advance(31)
    assert ask(home, "valve", "valve_close", user="a", confirm=True) == "confirm"
    assert sent(home) == []
    assert ask(home, "valve", "valve_close", user="a", confirm=True) == "ok"


def test_a_valve_that_does_not_close_is_asked_again_and_then_somebody_goes(home: Gateway) -> None:
    """Three tries ten seconds apart, then an alarm of gas at its place; closing late ends it."""
    ask(home, "valve", "valve_close")
    ask(home, "valve", "valve_close", confirm=True)
    home.advance(31)
    assert sent(home) == [("valve", "valve_close")] * 3
    assert states(home) == ["failed"]
    assert failures(home) == ["sim:valve|valve_close"]
    doc = next(d for d in home.docs.values() if d.hazard == "gas")
    assert (doc.priority, doc.place) == (2, "h502")
    home.advance(300)
    assert len(sent(home)) == 3
    home.measure("valve", "valve_open", False)
    assert states(home) == ["confirmed"]
    assert next(a for a in home.alarms.values() if a.rule == "gateway.command_failed").state == "RTNUN"


def test_a_way_that_is_dead_is_tried_again(home: Gateway) -> None:
    """A broker that does not take it is asked again like a device that does not obey."""
    home.dead.add("command")
    ask(home, "valve", "valve_close")
    ask(home, "valve", "valve_close", confirm=True)
    assert states(home) == ["requested"]
    home.advance(10)
    home.dead.clear()
    home.advance(10)
    assert states(home) == ["sent"]
    home.measure("valve", "valve_open", False)
    assert states(home) == ["confirmed"]


@pytest.mark.parametrize(("value", "why"), [(None, "state_unknown"), (False, "already")])
def test_what_may_come_to_nothing_is_said_first(value: bool | None, why: str) -> None:
    """Of a valve that is closed, unknown or silent the person is told, and may insist."""
    home = Gateway(plan())
    assert ask(home, "valve", "valve_close") == "silent"
    home.measure("valve", "battery", 80)
    if value is not None:
        home.measure("valve", "valve_open", value)
    assert ask(home, "valve", "valve_close") == why
    assert ask(home, "valve", "valve_close", anyway=True) == "confirm"
    assert ask(home, "valve", "valve_close", anyway=True, confirm=True) == "ok"


def test_others_words_confirm_nothing(home: Gateway) -> None:
    """Another valve's report, an old record and a retained message do not end a command."""
    ask(home, "valve", "valve_close")
    ask(home, "valve", "valve_close", confirm=True)
    home.measure("riser", "valve_open", False)
    home.measure("valve", "valve_open", False, flags=2)
    home.measure("valve", "valve_open", False, flags=4)
    home.measure("valve", "valve_open", True)
    assert states(home) == ["sent"]


# -- fire, gas, and electricity ---------------------------------------------------------------------------------------


def test_a_fire_sounds_its_own_floor_and_confirmed_its_building(home: Gateway) -> None:
    """Sirens and cameras of the floor at once; those of the whole building when devices agree; no other building's."""
    home.measure("kitchen", "smoke", True)
    assert sorted(sent(home)) == [("cam", "snapshot"), ("siren5", "siren_on")]
    home.measure("siren5", "buzzer", True)
    home.measure("corridor", "smoke", True)
    assert sent(home).count(("siren5", "siren_on")) == 1
    assert ("siren6", "siren_on") in sent(home)
    assert ("siren-b2", "siren_on") not in sent(home)
    assert [u for c in home.engine.state.commands.values() if (u := c.user)] == []


def test_who_asks_for_pictures_is_told_to_the_camera(home: Gateway) -> None:
    """By itself on behalf of the fire; for a person in the most urgent incident there; and of none where there is none.
    Written down before this was, a command says nothing of it and can still be read."""
    ask(home, "cam", "snapshot", anyway=True)
    assert (home.commanded[-1].incident, home.commanded[-1].priority) == (None, None)
    home.advance(3_700)
    home.measure("kitchen", "smoke", True)
    (fire,) = [i for i in home.engine.state.incidents.values() if i.hazard == "fire"]
    assert {(c.name, c.incident, c.priority) for c in home.commanded[1:]} == {
        ("snapshot", fire.id, 1), ("siren_on", fire.id, 1)
    }  # fmt: skip
    home.advance(61)
    ask(home, "cam", "snapshot", anyway=True)
    assert (home.commanded[-1].name, home.commanded[-1].incident) == ("snapshot", fire.id)
    old = msgspec.to_builtins(home.commanded[-1])
    del old["incident"], old["priority"]
    assert msgspec.convert(old, Command).incident is None


def test_a_false_alarm_sounds_nothing_more(home: Gateway) -> None:
    """After a verdict of false no siren is sent by itself."""
    home.measure("kitchen", "smoke", True)
    home.act("wang", "verdict", verdict="false", cause="cooking")
    before = len(sent(home))
    home.measure("siren5", "buzzer", False)
    home.advance(5)
    assert len(sent(home)) == before


def test_nothing_electric_goes_into_a_gas_zone(home: Gateway) -> None:
    """While gas is out no siren, relay or door release is switched on its floor, neither on nor off, not even by a fire
    there."""
    home.measure("gas5", "gas", True)
    assert ask(home, "siren5", "siren_on", anyway=True) == "gas_zone"
    assert ask(home, "siren5", "siren_off", anyway=True) == "gas_zone"
    assert ask(home, "siren6", "siren_on", anyway=True) == "ok"
    before = len(sent(home))
    home.measure("kitchen", "smoke", True)
    assert sent(home)[before:] == [("cam", "snapshot")]
    assert ask(home, "exit", "unlock", anyway=True) == "gas_zone"
    assert ask(home, "valve", "valve_close") == "confirm"


def test_doors_are_released_for_a_fire_only(home: Gateway) -> None:
    """One press opens an escape door while a fire is open on its floor, and never else."""
    assert ask(home, "exit", "unlock", anyway=True) == "no_incident"
    home.measure("upstairs", "smoke", True)
    assert ask(home, "exit", "unlock", anyway=True) == "no_incident"
    home.measure("kitchen", "smoke", True)
    assert ask(home, "exit", "unlock", anyway=True) == "ok"
    assert states(home)[-1] == "unconfirmed"


def test_simulated_fires_sound_simulated_sirens_only() -> None:
    """A simulated fire asks simulated devices, and each command says so."""
    home = Gateway(plan(simulated=True))
    home.measure("kitchen", "smoke", True)
    assert {c.mode for c in home.commanded} == {"simulated"}


def test_a_siren_that_cannot_speak_is_no_failure(home: Gateway) -> None:
    """Many sirens never report that they sound: asked three times they are left as unconfirmed, and nobody is sent."""
    assert ask(home, "siren6", "siren_on", anyway=True) == "ok"
    home.advance(61)
    assert states(home) == ["unconfirmed"]
    assert failures(home) == []


def test_a_siren_that_could_not_be_reached_is_one(home: Gateway) -> None:
    """A way that stays dead is told: nobody heard that siren."""
    home.dead.add("command")
    ask(home, "siren6", "siren_on", anyway=True)
    home.advance(61)
    assert states(home) == ["failed"]
    assert failures(home) == ["sim:siren6|siren_on"]


@pytest.mark.parametrize(("user", "told"), [("", []), ("root", ["sim:cam|snapshot"])])
def test_what_a_device_does_not_take_is_not_asked_twice(home: Gateway, user: str, told: list[str]) -> None:
    """A camera that takes no command ends it at once; only a person who asked for it hears of that as an alarm."""
    if user:
        ask(home, "cam", "snapshot", anyway=True)
    else:
        home.measure("kitchen", "smoke", True)
    (effect,) = [c for c in home.commanded if c.name == "snapshot"]
    command = home.engine.state.commands[effect.command]
    command.state = "requested"
    home.engine.state.outbox[effect.id] = effect
    home.engine.submit(Delivered(effect.id, Outcome.FAILED, "not-taken: cameras of this family take none"))
    home.settle()
    assert command.state == "failed"
    assert failures(home) == told


# -- who, and once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "place", "code"), [
    ("operator", "est", "ok"), ("duty_operator", "b2", "ok"), ("viewer", "", "forbidden"),
    ("grid_staff", "", "forbidden"),
    ("household", "", "forbidden"), ("operator", "b1", "forbidden"),
])  # fmt: skip
def test_who_may_ask(home: Gateway, role: str, place: str, code: str) -> None:
    """The desk and who runs the estate, on places they hold the role for."""
    assert home.act("u", "command", "sim:shed", role=role, place=place, name="relay_off").code == code


def test_an_unknown_device_is_not_found(home: Gateway) -> None:
    """What is in no catalogue is sent nothing."""
    assert ask(home, "ghost", "siren_on") == "not_found"


def test_a_press_counts_once(home: Gateway) -> None:
    """The same key asked twice is one command."""
    act = Acted("k", "root", (("operator", ""),), Verb.COMMAND, "sim:shed", None, {"name": "relay_off"})
    for _ in range(2):
        home.engine.submit(act)
        home.settle()
    assert sent(home) == [("shed", "relay_off")]


def test_commands_outlive_a_crash_but_not_their_time(home: Gateway) -> None:
    """What was under way is known after a restart and asked again; a snapshot holds all of it."""
    ask(home, "valve", "valve_close")
    ask(home, "valve", "valve_close", confirm=True)
    data = freeze(home.engine.state)
    thawed = thaw(data)
    bind(thawed, Compiled(plan()))
    assert freeze(thawed) == data
    again = home.crash()
    assert [c.state for c in again.engine.state.commands.values()] == ["sent"]
    again.advance(11)
    assert sent(again) == [("valve", "valve_close")]
    again.advance(120)
    assert [c.state for c in again.engine.state.commands.values()] == ["failed"]


def result(home: Gateway, device: str, words: str) -> None:
    """The device's own word on the last command."""
    home.measure(device, "command_result", f"{home.commanded[-1].command} {words}")


def test_a_devices_result_ends_its_command(home: Gateway) -> None:
    """Failed is failed at once, with its reason; ok is done, but of a valve only with the state that was asked for."""
    ask(home, "siren6", "siren_on", anyway=True)
    result(home, "siren6", "ok")
    assert states(home) == ["confirmed"]
    ask(home, "valve", "valve_close")
    ask(home, "valve", "valve_close", confirm=True)
    result(home, "valve", "ok")
    assert states(home)[-1] == "sent"
    result(home, "valve", "failed jammed")
    assert states(home)[-1] == "failed"
    assert home.engine.state.commands[home.commanded[-1].command].detail == "refused: jammed"
    assert failures(home) == ["sim:valve|valve_close"]
    result(home, "valve", "ok closed")
    assert states(home)[-1] == "confirmed"
    home.measure("valve", "command_result", "c0.0 failed something else")
    assert states(home)[-1] == "confirmed"


@pytest.mark.parametrize("name", ["#{number}", "c-77"], ids=["number", "ticket"])
def test_a_result_may_come_under_another_name(home: Gateway, name: str) -> None:
    """Families whose ids are numbers answer with a number, platforms with their own id, which they told first."""
    home.dead.add("command")
    home.measure("gas5", "gas", False)
    assert ask(home, "gas5", "mute") == "ok"
    command = home.commanded[-1]
    end(home, True, "ticket:c-77")
    home.measure("gas5", "command_result", "c-78 ok")
    assert states(home) == ["sent"]
    home.measure("gas5", "command_result", f"{name.format(number=number_of(command.command))} ok")
    assert states(home) == ["confirmed"]


def test_a_platform_that_waited_for_the_device_needs_no_other_word(home: Gateway) -> None:
    """Done is done; of a power switch only with the state that was asked for."""
    home.dead.add("command")
    home.measure("gas5", "gas", False)
    for device, name in (("gas5", "mute"), ("shed", "relay_off")):
        assert ask(home, device, name) == "ok"
        end(home, True, "done")
    assert states(home) == ["confirmed", "sent"]


# -- questions to transmission devices --------------------------------------------------------------------------------


def guarded() -> Gateway:
    """The estate with a transmission device and its panel on a source that speaks GB/T 26875.3."""
    base = plan()
    sources = {**base.catalogue.sources, "panels": Source("panels", "est", codecs=("gb26875",))}
    more = (
        Device("panels:000000000379", "est", "transmission"),
        Device("panels:000000000379/1.1", "b1", "panel"),
    )
    devices = {**base.catalogue.devices, **{d.id: d for d in more}}
    home = Gateway(replace(base, catalogue=Catalogue(base.catalogue.places, devices, sources)))
    home.dead.add("command")  # what becomes of a message, each story says itself
    spoke(home, "heartbeat")
    return home


def spoke(home: Gateway, metric: str) -> None:
    """The transmission device says something."""
    reading = Reading(f"panels:000000000379/{metric}/", True)
    home.engine.submit(Measured("panels", [reading]))
    home.settle()


def end(home: Gateway, sent: bool, detail: str) -> None:
    """What became of the last message."""
    effect = home.commanded[-1]
    home.engine.state.outbox.setdefault(effect.id, effect)
    home.engine.submit(Delivered(effect.id, Outcome.SENT if sent else Outcome.FAILED, detail))
    home.settle()


def question(home: Gateway, name: str, device: str = "000000000379", **args: Any) -> str:
    home.docs.setdefault("", None)  # type: ignore[arg-type]  # as in `ask`
    del home.docs[""]
    return home.act("root", "command", f"panels:{device}", role="operator", name=name, **args).code


def test_a_question_is_over_when_the_device_answered_on_its_line() -> None:
    """No metric need say it: the device's own frame is its word."""
    home = guarded()
    assert question(home, "read_version") == "ok"
    end(home, True, "taken")
    assert states(home) == ["confirmed"]
    assert question(home, "read_state", "000000000379/1.1", anyway=True) == "ok"
    end(home, False, "denied: the device refused it")
    assert states(home)[-1] == "failed"
    assert failures(home) == ["panels:000000000379/1.1|read_state"]


def test_a_question_without_an_answer_fails_after_three_tries() -> None:
    """Ten seconds each (GB/T 26875.3-2011, 6.5.4 and 6.5.5), and a listener that is away is no softer."""
    home = guarded()
    assert question(home, "set_clock") == "ok"
    for _ in range(3):
        end(home, False, "silent: the device did not confirm it")
        home.advance(10)
    assert len(home.commanded) == 3
    assert states(home) == ["failed"]
    assert failures(home) == ["panels:000000000379|set_clock"]


def test_a_duty_check_is_answered_by_a_person() -> None:
    """It rings once; somebody's key at the device is the answer, and nothing is asked again meanwhile."""
    home = guarded()
    assert question(home, "duty_check") == "ok"
    end(home, True, "taken")
    home.advance(300)
    assert (states(home), len(home.commanded)) == (["sent"], 1)
    spoke(home, "duty_answered")
    assert states(home) == ["confirmed"]
    assert not [a for a in home.alarms.values() if a.rule == "gateway.nobody_on_duty"]


def test_a_duty_check_that_nobody_answers_is_an_alarm_and_a_reading() -> None:
    """After the ten minutes the device holds its prompt nobody was there; who answers late, or next time, ends it."""
    home = guarded()
    assert question(home, "duty_check") == "ok"
    end(home, True, "taken")
    home.advance(601)
    assert states(home) == ["failed"]
    (alarm,) = [a for a in home.alarms.values() if a.rule == "gateway.nobody_on_duty"]
    assert (alarm.state, alarm.metric, alarm.value, alarm.priority) == ("UNACK", "duty_answered", False, 2)
    assert failures(home) == []
    (event,) = unanswered_checks(home.engine.state)
    assert [(r.point, r.value) for r in event.readings] == [("panels:000000000379/duty_answered/", False)]
    home.engine.submit(event)
    home.settle()
    assert list(unanswered_checks(home.engine.state)) == []
    spoke(home, "duty_answered")
    assert states(home) == ["confirmed"]
    assert next(a for a in home.alarms.values() if a.rule == "gateway.nobody_on_duty").state == "RTNUN"


def test_questions_are_for_devices_that_hold_a_line(home: Gateway) -> None:
    """An MQTT detector is asked nothing of a fire panel's protocol."""
    assert ask(home, "kitchen", "read_state") == "not_offered"
