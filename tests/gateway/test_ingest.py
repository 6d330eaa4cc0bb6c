"""What happens to a message between the broker and the engine, and what coalescing may never do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.catalogue import Source
from devices.codec import Decoded, Message
from devices.decode import Decoder
from devices.reading import Flag, Reading
from gateway.core.event import Measured
from gateway.ingest import Ingest, Waiting
from gateway.inprocess import Gateway
from tests.core.community import estate

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def message(metric: str, value: Any) -> Measured:
    return Measured("s", [Reading(f"s:d/{metric}/", value)])


@given(numbers)
def test_coalescing_keeps_the_extremes_and_the_last_word(values: list[float]) -> None:
    """However many measurements merge: minimum, maximum and last are kept, the last one last, all marked."""
    held = Waiting(message("temperature", values[0]), 0)
    for n, value in enumerate(values[1:], 1):
        assert held.merge(message("temperature", value), n)
    kept = held.event().readings
    assert kept[-1].value == values[-1]
    assert {min(values), max(values)} <= {r.value for r in kept}
    assert len(kept) <= 3
    assert held.tokens == list(range(len(values)))
    if len(values) > 1:
        assert all(r.flags & Flag.COALESCED for r in kept)


def test_alarm_levels_that_differ_never_merge() -> None:
    """A smoke bit that changes is never merged away; one that stays the same may be."""
    held = Waiting(message("smoke", False), 1)
    assert held.merge(message("smoke", False), 2)
    assert not held.merge(message("smoke", True), 3)
    assert held.tokens == [1, 2]


def test_one_message_alone_is_itself() -> None:
    """What met no other message goes on unchanged."""
    only = message("temperature", 1.0)
    assert Waiting(only, 1).event() is only


def test_points_that_come_in_between_are_kept() -> None:
    """Messages of one device need not hold the same points."""
    held = Waiting(message("temperature", 1.0), 1)
    assert held.merge(message("humidity", 40.0), 2)
    assert {r.point for r in held.event().readings} == {"s:d/temperature/", "s:d/humidity/"}


class _Session:
    """What Ingest needs of a session."""

    name, source, role, epoch, paused = "s.rest", "s", "rest", 1, False


def listening(
    home: Gateway, source: str = "s", decoder: Decoder | None = None
) -> tuple[Ingest, Any, list[tuple[str, str, Any]]]:
    """The door of a gateway whose disk keeps up, a session of the source, and what the door tells about itself."""
    told: list[tuple[str, str, Any]] = []
    sources = {source: Source(source, "est")}
    ingest = Ingest(
        home.engine,
        decoder or Decoder(),
        sources,
        lambda: None,
        lambda: False,
        lambda *fact: told.append(fact),
    )
    session: Any = _Session()
    session.source = source
    return ingest, session, told


def test_an_alarm_never_overtakes_its_own_device() -> None:
    """While measurements wait for the disk, an older "normal" of a detector is stepped before its alarm, not after."""
    home = Gateway(estate())
    behind = True
    ingest = Ingest(
        home.engine, Decoder(), {"s": Source("s", "est")}, lambda: None, lambda: behind, lambda *_: None
    )
    session: Any = _Session()
    for number, (device, smoke) in enumerate((("d", "false"), ("e", "false"), ("d", "true")), 1):
        body = f'{{"v":1,"smoke":{smoke}}}'.encode()
        ingest.received(session, f"community/est/{device}/telemetry", body, number, False, False)
    behind = False
    ingest.drained(session)
    home.settle()
    alarm = next(a for a in home.alarms.values() if a.device == "s:est/d")
    assert alarm.state == "UNACK"
    assert [token[2] for token in home.acknowledged] == [1, 3, 2]


def test_whose_devices_a_crowded_topics_are() -> None:
    """A gateway that speaks for many on one topic: the family of each is remembered, whenever it first speaks."""
    home = Gateway(estate())
    ingest, session, _ = listening(home)
    for name in ("one", "two"):
        body = f'{{"{name}":[{{"ts":1795276800000,"values":{{"smoke":0}}}}]}}'.encode()
        ingest.received(session, "v1/gateway/telemetry", body, 0, False, False)
    assert ingest.families == {"s:one": "thingsboard", "s:two": "thingsboard"}


def test_faces_leave_nothing_but_a_number() -> None:
    """A face event is acknowledged, counted for /metrics, and neither kept nor set aside."""
    home = Gateway(estate())
    ingest, session, _ = listening(home)
    body = b'{"Source":{"VideoSource":"1"},"Data":{"Likelihood":0.9,"Name":"x"}}'
    ingest.received(session, "cam-7/onvif-ej/RuleEngine/Recognition/Face", body, 1, False, False)
    ingest.drained(session)
    home.settle()
    assert ingest.counts["faces_dropped"] == 1
    assert ingest.counts["quarantined"] == 0
    assert [token[2] for token in home.acknowledged] == [1]


def test_an_alarm_that_nobody_could_read_is_told() -> None:
    """Torn, too long or under a name that is not allowed: on an alarm's topic one is enough, for ten minutes."""
    home = Gateway(estate())
    ingest, session, told = listening(home)
    fire = b'{"v":1,"type":"alarm","data":{"hazard":"fire"}}'
    for topic, body, retained in (
        ("community/est/d/telemetry", fire[:20], False),
        ("community/est/d/event", b"", False),  # forgets what was retained
        ("community/est/d/event", fire[:20], True),
        ("community/est/d/event", b'{"v":1,"type":"lunch"}', False),
        ("community/est/d/event", fire, False),
    ):
        ingest.received(session, topic, body, 0, retained, False)
    assert told == []
    for topic, body in (
        ("community/est/d/event", fire[:20]),
        ("community/est/\u8bbe\u5907/event", fire),
        ("community/est/d/event", fire + b" " * 70_000),
    ):
        told.clear()
        ingest.received(session, topic, body, 0, False, False)
        assert told == [("alarm_unread", "s", True)]
    ingest.settle()
    assert len(told) == 1
    home.advance(601)
    ingest.settle()
    assert told[1:] == [("alarm_unread", "s", False)]


def test_made_up_names_are_bounded_and_alarms_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that invents devices fills no memory; what has a place, what is known and what burns goes on."""
    monkeypatch.setattr("gateway.ingest.POINTS_MAX", 5)
    home = Gateway(estate())
    ingest, session, _ = listening(home, "sim")
    for n in range(20):
        ingest.received(
            session, f"community/est/x{n}/telemetry", b'{"v":1,"battery":90,"rssi":-3}', 0, False, False
        )
    points = home.engine.state.points
    assert len(points) <= 6
    ingest.received(
        session, "community/est/x0/telemetry", b'{"v":1,"battery":50,"humidity":3}', 0, False, False
    )
    assert points["sim:est/x0/battery/"].value == 50
    assert "sim:est/x0/humidity/" not in points
    ingest.received(session, "community/est/new/telemetry", b'{"v":1,"smoke":true}', 0, False, False)
    home.settle()
    assert any(a.device == "sim:est/new" for a in home.alarms.values())
    assert ingest.counts["quarantined"] == 18


def test_made_up_alarms_are_bounded_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names invented without end, each in alarm: past the bound they are set aside and somebody is called to look.
    What was heard before goes on up to twice the bound, and what has a place always.
    """
    monkeypatch.setattr("gateway.ingest.ALARMS_MAX", 10)
    home = Gateway(estate())
    ingest, session, told = listening(home, "sim")
    alarms = home.engine.state.alarms

    def say(device: str, smoke: bytes) -> None:
        ingest.received(session, f"zigbee2mqtt/{device}", b'{"smoke":%s}' % smoke, 0, False, False)

    for n in range(40):
        say(f"heard{n}", b"false")
    for n in range(40):
        say(f"made-up{n}", b"true")
    assert (len(alarms), ingest.counts["quarantined"]) == (10, 30)
    assert set(told) == {("alarm_unread", "sim", True)}
    for n in range(40):
        say(f"heard{n}", b"true")
    assert len(alarms) == 20
    told.clear()
    say("kitchen", b"true")
    assert any(a.device == "sim:kitchen" for a in alarms.values())
    assert not told


@pytest.mark.parametrize(("payload", "alarm"), [
    (b'{"smoke":true,"temperature":NaN}', True), (b'{"smoke" : true, "x":', True),
    (b'{"battery":9,"gas_alarm":1,}', True),
    ('{"烟雾报警":"报警","t":nan}'.encode(), True), (b'{"smoke":"alarm"}}', True),
    (b'{"a":{"fire":true},"b":inf}', True),
    (b'{"smoke":false,"temperature":NaN}', False), (b'{"temperature":NaN,"battery":1}', False), (b"smoke", False),
    (b'{"smoke":"test","t":NaN}', False), (b'{"smoke_sensitivity":1,"t":NaN}', False), (b'{"smoke":10,"t":NaN}', False),
    (b'{"battery_low":true,"t":NaN}', False), (b'"' * 70_000, False), (b'"a":' * 20_000, False),
])  # fmt: skip
def test_an_alarm_in_broken_json_calls_somebody_to_look(payload: bytes, alarm: bool) -> None:
    """Wherever it comes: what stands in it would be an alarm if it were whole. Anything else broken is only kept."""
    home = Gateway(estate())
    ingest, session, told = listening(home)
    ingest.received(session, "zigbee2mqtt/hall", payload, 0, False, False)
    assert ingest.counts["quarantined"] == 1
    assert told == ([("alarm_unread", "s", True)] if alarm else [])


def test_a_number_that_no_journal_can_hold_is_set_aside() -> None:
    """Whatever codec lets it through: the rest of its message goes on, and writing is not stopped by it."""
    home = Gateway(estate())
    huge = Reading("sim:kitchen/button/", 10**30)
    decoder: Any = _Decoder(Decoded((huge, Reading("sim:kitchen/smoke/", True))))
    ingest, session, _ = listening(home, "sim", decoder=decoder)
    ingest.received(session, "tele/t/RESULT", b"{}", 1, False, False)
    home.settle()
    assert home.engine.state.points.keys() >= {"sim:kitchen/smoke/"}
    assert "sim:kitchen/button/" not in home.engine.state.points
    assert ingest.counts["quarantined"] == 1
    assert len(home.docs) == 1


class _Decoder(Decoder):
    """Says the same of every message."""

    def __init__(self, said: Decoded) -> None:
        super().__init__()
        self.said = said

    def answer(self, message: Message) -> tuple[str, Decoded]:
        return "tasmota", self.said
