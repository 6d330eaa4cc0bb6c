"""The alarm outranks the log: what a slow, hanging or dead disk may and may not hold back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from devices.reading import Reading
from gateway import pump
from gateway.clock import Stamper, SystemClock
from gateway.core.effect import Answered, Ask, Command, IncidentChanged, Notify, Publish
from gateway.core.event import Acted, Measured, Verb
from gateway.engine import Engine
from gateway.errors import JournalError
from gateway.inprocess import MemoryJournal, thaw_plan
from gateway.journal import Row
from gateway.pump import Pump
from tests.core.community import estate
from tests.parts import async_until

BACKLOG = 50
"""Events kept while the disk is away: few, so that a test reaches past them."""


class SlowJournal(MemoryJournal):
    """A disk that hangs while `gate` is closed, and refuses while `broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.broken = False
        self.refused = 0

    def append(self, row: Row) -> None:
        assert self.gate.wait(20)
        self._refuse()
        super().append(row)

    def save_snapshot(self, seq: int, data: bytes) -> None:
        self._refuse()
        super().save_snapshot(seq, data)

    def _refuse(self) -> None:
        if self.broken:
            self.refused += 1
            raise JournalError("full", "simulated")


class House:
    """An outlet that remembers, with an engine and a pump on a disk of the test's choosing."""

    def __init__(self) -> None:
        self.journal = SlowJournal()
        self.acked: list[Any] = []
        self.effects: list[Notify | Publish] = []
        self.answers: list[tuple[Answered, bool]] = []
        self.said: list[tuple[bool, str]] = []
        self.redelivered = 0
        self.moved = asyncio.Event()
        self.engine = Engine(self.journal, Stamper(SystemClock()), self, thaw_plan, "boot", BACKLOG)
        self.engine.start(estate())
        self.engine.flush()
        self.pump = Pump(self.engine, self._journal_ok)

    def _journal_ok(self, ok: bool, why: str) -> None:
        self.said.append((ok, why))
        self.moved.set()

    def acknowledge(self, tokens: Sequence[Any]) -> None:
        self.acked.extend(tokens)
        self.moved.set()

    def redeliver(self) -> None:
        self.redelivered += 1
        self.moved.set()

    def deliver(self, effects: Sequence[Notify | Publish]) -> None:
        self.effects.extend(effects)
        self.moved.set()

    def withdraw(self, effects: Sequence[str]) -> None:
        """Nothing is withdrawn here."""

    def command(self, command: Command) -> None:
        """No device is here."""

    def ask(self, ask: Ask) -> None:
        """Nobody answers here."""

    def answer(self, answered: Answered, seq: int, durable: bool) -> None:
        self.answers.append((answered, durable))
        self.moved.set()

    def committed(self, seq: int, news: bool) -> None:
        self.moved.set()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self.moved.clear()
                await self.moved.wait()

    def smoke(self, token: int, device: str = "kitchen") -> None:
        self.engine.submit(Measured("sim", [Reading(f"sim:{device}/smoke/", True)]), token, True)
        self.pump.kick()


@pytest.fixture
async def house() -> Any:
    found = House()
    yield found
    found.journal.gate.set()
    await found.pump.stop()


async def test_a_message_is_acknowledged_and_told_only_after_its_commit(house: House) -> None:
    """With a disk that works, effects and acknowledgements follow the commit."""
    house.journal.gate.clear()
    house.smoke(7)
    await asyncio.sleep(0)
    assert house.acked == []
    assert house.effects == []
    house.journal.gate.set()
    await house.until(lambda: house.acked == [7])
    assert all(not e.id.startswith("boot") for e in house.effects)


async def test_a_hanging_disk_does_not_hold_back_a_fire(house: House) -> None:
    """A commit that hangs: the call goes out under the boot's id, nothing is acknowledged, and it is said."""
    house.journal.gate.clear()
    house.smoke(7)
    await house.until(lambda: house.effects)
    assert {e.person for e in house.effects if isinstance(e, Notify)} == {"li", "wang"}
    assert all(e.id.startswith("boot-") for e in house.effects)
    assert house.acked == []
    await house.until(lambda: house.said)
    assert house.said[0][0] is False
    # What happens while it hangs goes out too.
    house.smoke(8, "other")
    await house.until(lambda: any(isinstance(e, Notify) and "0002" in e.incident for e in house.effects))
    calls = len(house.effects)
    # The disk is back: everything is acknowledged, nobody is called twice for the same.
    house.journal.gate.set()
    await house.until(lambda: sorted(house.acked) == [7, 8])
    await house.until(lambda: house.said[-1][0] is True)
    again = [e for e in house.effects[calls:] if isinstance(e, Notify) and e.reason == "called"]
    assert again == []


async def test_a_row_that_cannot_be_written_holds_back_no_fire(house: House) -> None:
    """A bug of ours in the writer is said like a dead disk, is tried again, and calls go out meanwhile."""
    house.journal.fail.append(OverflowError("no such integer"))
    house.smoke(7)
    await house.until(lambda: house.said)
    assert house.said[0] == (False, "no such integer")
    assert {e.person for e in house.effects if isinstance(e, Notify)} == {"li", "wang"}
    await house.until(lambda: house.acked == [7])
    await house.until(lambda: house.said[-1][0] is True)


async def test_a_dead_disk_answers_not_durable(house: House) -> None:
    """With a disk that refuses, an act counts and says that it is not on disk yet; later everything is written."""
    house.smoke(1)
    await house.until(lambda: house.acked == [1])
    house.journal.broken = True
    incident = next(iter(house.engine.state.incidents))
    house.pump.submit(Acted("k", "wang", (("operator", ""),), Verb.TAKE, incident))
    await house.until(lambda: house.answers)
    answered, durable = house.answers[0]
    assert answered.ok
    assert durable is False
    house.journal.broken = False
    await house.until(lambda: house.said and house.said[-1][0] is True)
    seqs = [row.first + i for row in house.journal.kept for i in range(len(row.events))]
    assert seqs == list(range(1, len(seqs) + 1))


async def test_a_backlog_past_its_bound_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk away for too long costs rows and no message: what was given up is never acknowledged, the broker is asked
    for it once, and everything that came of it reaches whoever follows the journal and whoever waited for the disk.
    """
    monkeypatch.setattr(pump, "RETRY_S", (0.02,))
    house.journal.broken = True
    house.smoke(1)
    for n in range(2 * BACKLOG):
        house.engine.submit(Measured("sim", [Reading("sim:x/temperature/", float(n))]), ("t", n))
    house.engine.submit(Measured("sim", [Reading("sim:hydrant/battery_low/", True)]), "low")
    house.pump.kick()
    # A row, more rows than it may keep, a snapshot, another.
    await async_until(lambda: house.journal.refused >= 4, "four refusals")
    assert all(e.id.startswith("boot-") for e in house.effects)
    assert house.redelivered == 0
    house.journal.broken = False
    await house.until(lambda: house.redelivered == 1)
    house.smoke(2, "other")
    await house.until(lambda: house.acked == [2])
    seqs = [row.first for row in house.journal.kept]
    assert house.journal.snapshot is not None
    assert house.journal.snapshot[0] + 1 in seqs
    docs = {
        item.result.doc.id: item.result.doc
        for row in house.journal.kept
        for item in row.happened
        if isinstance(item.result, IncidentChanged)
    }
    assert {i.id: i.rev for i in house.engine.state.incidents.values()} == {
        d.id: d.rev for d in docs.values()
    }
    late = [e for e in house.effects if isinstance(e, Publish) and e.doc is not None and e.doc.priority == 4]
    assert [e.id.startswith("boot") for e in late] == [False]


async def test_measurements_share_commits(house: House) -> None:
    """Measurements wait for one another: many messages, few commits, every one acknowledged."""
    before = len(house.journal.kept)
    for n in range(400):
        house.engine.submit(Measured("sim", [Reading("sim:x/temperature/", float(n))]), n)
        house.pump.kick()
    await house.until(lambda: len(house.acked) == 400)
    assert house.acked == list(range(400))
    assert len(house.journal.kept) - before <= 5


async def test_timers_fire_by_themselves(house: House) -> None:
    """Nobody has to ask: a due step of a call chain is told by the pump's own wake-up."""
    house.smoke(1)
    await house.until(lambda: house.acked == [1])
    for key, due in list(house.engine.state.timers.items()):
        if key.startswith("esc:"):
            incident = house.engine.state.incidents[key[4:]]
            incident.next_at = house.engine.stamper.at() + 30
            house.engine.state.drop_timer(key)
            house.engine.state.set_timer(key, incident.next_at)
            assert due > incident.next_at
    house.pump.kick()
    await house.until(lambda: any(isinstance(e, Notify) and e.person == "zhao" for e in house.effects))


async def test_a_broker_with_a_narrow_window_is_not_kept_waiting(house: House) -> None:
    """A broker that sends twenty and then waits for acknowledgements gets them without the full linger each time."""
    waits: list[int] = []
    for round_ in range(6):
        for n in range(20):
            house.engine.submit(Measured("sim", [Reading("sim:x/temperature/", float(n))]), (round_, n))
            house.pump.kick()
        waits.append(house.pump.half_window)
        await house.until(lambda wanted=(round_ + 1) * 20: len(house.acked) == wanted)
    assert waits[0] > 20
    assert max(waits[2:]) <= 20
