"""The engine's side: what is pushed is a message like any other, a way in that closes an alarm like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from devices.catalogue import Source
from devices.codec import Ask
from devices.decode import Decoder
from gateway.api.health import LINK_WORDS, WORDS
from gateway.config import SourceSettings, check_text
from gateway.core.effect import Command
from gateway.core.event import Delivered, Gap, Measured, Outcome, Quarantined
from gateway.doctor import examine
from gateway.ingest import Ingest
from gateway.inprocess import Gateway
from gateway.listen import inlet
from gateway.listen.inlet import Door, Inlets
from tests.core.community import estate
from tests.parts import async_until

FIRE = b'{"v":1,"id":"a1","type":"alarm","data":{"hazard":"fire"}}'


class House:
    """A real engine with one listening source `s`; `told` are its own readings, `kept` the answered numbers."""

    def __init__(self) -> None:
        self.home = Gateway(estate())
        self.told: list[tuple[str, str, Any]] = []
        self.kept: list[int] = []
        self.said: list[Mapping[str, Any]] = []
        self.ingest = Ingest(
            self.home.engine, Decoder({}, {"s": ("native",)}), {"s": Source("s", "est")}, lambda: None, lambda: False,
            lambda *said: self.told.append(said),
        )  # fmt: skip
        self.inlets = Inlets(
            self.ingest,
            [SourceSettings("s", "est", listen="http", codecs=("native",)), SourceSettings("m", "est")],
        )

    def client(self) -> inlet.Inlet:
        return self.inlets.open(self._answer, self.said.append)

    def _answer(self, names: Sequence[int]) -> None:
        self.kept += names

    def settle(self) -> None:
        """Commit, and answer as the engine process does."""
        self.home.settle()
        for door, epoch, name in self.home.acknowledged:
            assert isinstance(door, Door)
            door.acknowledge(epoch, [name])
        self.home.acknowledged.clear()

    def events(self) -> list[Any]:
        return [event for row in self.home.journal.kept for _, event in row.events]


def push(topic: str, payload: bytes, source: str = "s") -> dict[str, Any]:
    return {"source": source, "topic": topic, "payload": payload, "retained": False}


def test_a_push_is_answered_after_its_commit() -> None:
    """A fire pushed over HTTP is an incident like one over MQTT, and its answer leaves when it is on disk."""
    house = House()
    client = house.client()
    assert client.receive(7, push("community/est/d/event", FIRE)) is None
    assert house.kept == []
    house.settle()
    assert house.kept == [7]
    assert "fire" in [doc.hazard for doc in house.home.docs.values()]


def test_what_nobody_understands_is_kept_and_answered() -> None:
    """Gibberish goes to the quarantine, and its sender need not repeat it; so does an empty answer."""
    house = House()
    client = house.client()
    client.receive(1, push("what/is/this", b"\xff"))
    client.receive(2, push("", b""))
    house.settle()
    assert house.kept == [1, 2]
    assert [e.topic for e in house.events() if isinstance(e, Quarantined)] == ["what/is/this", ""]


def test_a_source_that_does_not_listen_is_refused() -> None:
    """Nobody speaks for a broker's source through this door."""
    house = House()
    assert house.client().receive(1, push("community/est/d/event", FIRE, "m")) == "no-source"
    house.settle()
    assert house.kept == []
    assert not [e for e in house.events() if isinstance(e, Measured)]


def test_a_way_in_that_closes_is_told_and_one_closed_in_order_is_not() -> None:
    """Up, gone and back are told like a broker's link; an orderly stop is nobody's concern."""
    house = House()
    first = house.client()
    first.listening({"links": {"s.http": "up", "other.http": "up"}, "figures": {"s": {"taken": 1}}})
    first.listening({"links": {"s.http": "up"}, "figures": {"s": {"taken": 2}}})
    assert house.told == [("broker_link", "s.http", True)]
    assert house.inlets.figures == {"s": {"taken": 2}}
    first.gone()
    assert house.told[1:] == [("broker_link", "s.http", False)]
    assert "s" in house.ingest.lost_at
    second = house.client()
    second.listening({"links": {"s.http": "port in use"}, "figures": {}})
    assert house.ingest.links["s.http"] == "port in use"
    second.listening({"links": {"s.http": "up"}, "figures": {}})
    assert house.told[-1] == ("broker_link", "s.http", True)
    told = len(house.told)
    second.listening({"links": {}, "figures": {}})
    second.gone()
    assert len(house.told) == told
    assert house.ingest.links["s.http"] == inlet.STOPPED


def test_a_successor_is_not_closed_by_its_predecessors_end() -> None:
    """When the old connection's end is noticed after the new one began, nothing is told as closed."""
    house = House()
    old, new = house.client(), house.client()
    old.listening({"links": {"s.http": "up"}, "figures": {}})
    new.listening({"links": {"s.http": "up"}, "figures": {}})
    old.gone()
    assert house.told == [("broker_link", "s.http", True)]


async def test_a_listener_that_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine whose listener does not come in time says so; one that does is no news until it is up."""
    monkeypatch.setattr(inlet, "EXPECTED_S", 0.0)
    house = House()
    house.inlets.expect()
    assert house.told == []
    await async_until(lambda: house.told, "it is told")
    assert house.told == [("broker_link", "s.http", False)]

    in_time = House()
    in_time.inlets.expect()
    in_time.client().listening({"links": {"s.http": "up"}, "figures": {}})
    later = House()
    later.inlets.expect()
    await async_until(lambda: later.told, "a later one is told, so this one's time is over")
    assert in_time.told == [("broker_link", "s.http", True)]
    assert not [e for e in in_time.events() if isinstance(e, Gap) and e.source == "s"]


def test_health_has_words_for_it() -> None:
    """What the pages say of a way in is there in both languages."""
    for words in ("listen_ok", "listen_closed", *LINK_WORDS[1:]):
        assert all(WORDS[words])


def test_the_doctor_says_who_can_reach_it(tmp_path: Path) -> None:
    """A way in that hears this machine only, one without TLS, one without any password: each is named."""
    text = (
        "listener: {host: 0.0.0.0}\nsources:\n"
        "  - {name: a, site: s, listen: http, codecs: [native], key: '${KEY}'}\n"
        "  - {name: b, site: s, listen: 'tcp://0.0.0.0:5200', codecs: [gb26875]}\n"
        "  - {name: c, site: s, listen: 'udp://127.0.0.1:5200', codecs: [gb26875]}\n"
    )
    settings = check_text("csg.yaml", text.encode(), tmp_path, {"KEY": "correct-horse-16"}).settings
    assert settings is not None
    found = {f.part: f.text for f in examine(settings) if f.part.startswith("source")}
    assert "TLS" in found["source a"]
    assert "no password" in found["source b"]
    assert "this machine only" in found["source c"]


def told_something(house: House) -> tuple[list[Delivered], Command]:
    """Where ends are reported, and one try of a command to a device of the listening source."""
    reports: list[Delivered] = []
    house.inlets.report = reports.append
    return reports, Command("1.0", "c1", "s:000000000379", "s", "duty_check", 9, "live", "est")


def test_an_order_goes_to_whoever_holds_the_way_in() -> None:
    """With the words of its family; the listener's answer is the delivery, and a device's confirm says `taken`."""
    house = House()
    reports, command = told_something(house)
    client = house.client()
    client.listening({"links": {"s.http": "up"}, "figures": {}})
    house.inlets.order(command, [Ask("line:gb26875/000000000379", b"duty_check 000000000379")])
    assert house.said == [{
        "do": "order", "effect": "1.0", "command": "c1", "source": "s", "topic": "gb26875/000000000379",
        "payload": b"duty_check 000000000379", "expires_at": 9,
    }]  # fmt: skip
    client.told({"effect": "1.0", "took": True, "why": ""})
    client.told({"effect": "1.0", "took": False, "why": "again"})
    assert reports == [Delivered("1.0", Outcome.SENT, "taken")]


def test_an_order_without_a_listener_fails_aloud() -> None:
    """No listener, one that dies under way, a family without lines: each is reported, none is lost."""
    house = House()
    reports, command = told_something(house)
    line = [Ask("line:gb26875/000000000379", b"x")]
    house.inlets.order(command, line)
    client = house.client()
    client.listening({"links": {"s.http": "up"}, "figures": {}})
    house.inlets.order(command, [Ask("community/x/command", b"")])
    house.inlets.order(command, line)
    client.gone()
    assert [(r.outcome, r.detail) for r in reports] == [
        (Outcome.FAILED, "unreachable: the listener is away"),
        (Outcome.FAILED, "not-taken: this family's devices hold no line to us"),
        (Outcome.FAILED, "unreachable: the listener is gone"),
    ]
