"""The deliverer as the engine meets it: tries, time limits, one report an effect, and simulated stays inside."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import msgspec
import pytest

from gateway.clock import ManualClock, SystemClock
from gateway.core.effect import Notify, Publish
from gateway.core.event import Delivered
from gateway.deliver import SERVE_AGAIN_MS, Deliverer
from gateway.notice import ChannelInstance, SendOutcome, Sent, open_channel
from gateway.notify import recording
from tests.gateway.telling import (
    OPENED,
    Desk,
    Hand,
    People,
    by_hand,
    composer,
    house,
    notify,
    publish,
    running,
)
from tests.parts import async_until

RETRY = SendOutcome(Sent.RETRY, "http-500")


async def test_told_and_reported() -> None:
    """A call goes out with its words, link and address, and its end is reported once."""
    hand = Hand()
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify()])
        assert desk.reports == []  # never from inside submit
        await desk.look()
        (notice,) = hand.notices
        assert notice.short == "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。"
        assert notice.address == "json://127.0.0.1/grid"
        assert desk.ends() == {"81234.0": ("sent", "", 1)}
        assert len(desk.reports) == 1


async def test_a_call_starts_with_the_next_turn_of_the_loop() -> None:
    """Beside a flood every turn takes milliseconds: nothing lies between a released call and its channel but one."""
    hand = Hand()
    async with running(Desk(by_hand("chat", hand))) as desk:
        await desk.look()
        desk.deliverer.submit([notify()])
        await asyncio.sleep(0)
        assert hand.effects == ["81234.0"]


async def test_retries_say_the_same_thing() -> None:
    """Every try of an effect carries the same words and the same link, at 0, 2 and 5 s."""
    hand = Hand(RETRY, RETRY)
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify()])
        await desk.look()
        await desk.after(1_999)
        assert len(hand.notices) == 1
        await desk.after(1)
        await desk.after(3_000)
        assert hand.notices == [hand.notices[0]] * 3
        assert desk.ends() == {"81234.0": ("sent", "", 3)}


async def test_a_try_past_its_limit_is_stopped() -> None:
    """A channel that never answers costs its time limit, then the schedule goes on and the core hears FAILED."""
    hand = Hand(None, None)
    async with running(Desk(by_hand("chat", hand, try_limit_ms=15_000))) as desk:
        desk.deliverer.submit([notify()])
        await desk.look()
        await desk.after(14_999)
        assert desk.deliverer.health()["under_way"] == 1
        await desk.after(1)
        assert desk.deliverer.health()["under_way"] == 0
        assert all(f.cancelled() for _, f in hand.held)
        await desk.after(5_000)
        await desk.after(15_000)
        assert desk.ends() == {"81234.0": ("failed", "time-limit", 2)}


async def test_a_channel_that_raises_stops_nobody() -> None:
    """A bug in one channel is a failed try of that effect; others go on."""
    bad, good = Hand(*[RuntimeError("bug")] * 9), Hand()
    async with running(Desk(by_hand("chat", bad), by_hand("mail", good))) as desk:
        desk.deliverer.submit([notify("1.0"), notify("2.0", channel="mail")])
        await desk.look()
        for _ in range(4):
            await desk.after(10_000)
        assert desk.ends() == {"1.0": ("failed", "fault:RuntimeError", 3), "2.0": ("sent", "", 1)}


class Broken:
    """A renderer with a bug."""

    def notice(self, effect: Notify | Publish, address: str | None, now: int) -> Any:
        raise KeyError("words")


async def test_a_bug_in_wording_still_tells_the_bare_facts() -> None:
    """An alarm that cannot be put into words goes out as bare facts, with its mark."""
    hand, city = Hand(), Hand()
    async with running(Desk(by_hand("chat", hand), by_hand("city", city), render=Broken())) as desk:
        desk.deliverer.submit([notify(mode="drill"), publish()])
        await desk.look()
        assert hand.notices[0].body == "【演练】P1 fire unverified k 20261121-0007"
        assert hand.notices[0].address is not None
        assert city.notices[0].type == "incident.opened"
        assert {o for o, _, _ in desk.ends().values()} == {"sent"}


@pytest.mark.parametrize(
    ("effect", "wanted"),
    [
        (notify(person="nobody"), ("failed", "no-address", 0)),
        (notify(channel="gone"), ("failed", "no-channel", 0)),
        (publish(target="gone"), ("failed", "no-channel", 0)),
        (publish(topic="incident.updated", target="picky"), ("sent", "not-wanted", 0)),
        (publish(topic="incident.closed", target="picky"), ("sent", "", 1)),
        (publish(target="platform"), ("sent", "", 1)),
    ],
)
async def test_where_it_goes(effect: Notify | Publish, wanted: tuple[str, str, int]) -> None:
    """No address and no channel fail at once, so that the next channel is tried; unwanted event types are left out."""
    channels = [by_hand("chat", Hand()), by_hand("picky", Hand(), types=("incident.closed",))]
    desk = Desk(*channels, people=People(without=("nobody",)), targets={"platform": "chat"})
    async with running(desk):
        desk.deliverer.submit([effect])
        await desk.look()
        assert desk.ends() == {effect.id: wanted}


@pytest.mark.parametrize("kind", ["webhook", "mqtt", "apprise", "recording", "hand"])
@pytest.mark.parametrize("name", ["recording", "chat"])
async def test_simulated_never_leaves_the_house(kind: str, name: str) -> None:
    """Whatever channel is configured under whatever name, "recording" included, only the one that sends nothing is
    ever handed something simulated; the rest is refused without a try, by the deliverer and by the channel itself.
    """
    hand = Hand()
    channel = by_hand(name, hand, kind)
    call = notify("1.0", channel=name, mode="simulated")
    effects: list[Notify | Publish] = [
        call,
        publish("2.0", target=name, mode="simulated"),
        publish("3.0", target="alias", mode="simulated"),
    ]
    async with running(Desk(channel, targets={"alias": name})) as desk:
        desk.deliverer.submit(effects)
        await desk.look()
        allowed = kind == "recording"
        assert bool(hand.notices) == allowed
        wanted = ("sent", "", 1) if allowed else ("refused", "simulated-is-only-recorded", 0)
        assert desk.ends() == dict.fromkeys(("1.0", "2.0", "3.0"), wanted)
    notice = composer().notice(call, "a", OPENED)
    assert (await channel.send(notice)).result is (Sent.SENT if allowed else Sent.REFUSED)
    odd = msgspec.structs.replace(notice, mode="simulation")
    assert (await channel.send(odd)).result is (Sent.SENT if allowed else Sent.REFUSED)


async def test_simulated_to_nobody_in_particular_is_recorded(tmp_path: Any) -> None:
    """Somebody without any address is still recorded in a simulation; in a live incident they were not told."""
    channel = open_channel("recording", recording.Config(), house(tmp_path))
    async with running(Desk(channel, people=People(without=("grid",)))) as desk:
        desk.deliverer.submit(
            [notify("1.0", channel="recording", mode="simulated"), notify("2.0", channel="recording")]
        )
        await desk.look()
        assert desk.ends() == {"1.0": ("sent", "", 1), "2.0": ("failed", "no-address", 0)}


async def test_p1_first() -> None:
    """A P1 submitted after a hundred P4s, which hang, is told at once."""
    hand = Hand(*[None] * 8)
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify(f"{n}.0", person=f"p{n}", id=f"i{n}", priority=4) for n in range(100)])
        await desk.look()
        assert len(hand.notices) == 4
        desk.deliverer.submit([notify("999.0")])
        await desk.look()
        assert hand.effects[-1] == "999.0"


async def test_withdrawn() -> None:
    """What nobody wants any more ends as withdrawn without a try."""
    hand = Hand(None)
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify("1.0"), notify("2.0")])
        await desk.look()
        desk.deliverer.withdraw(["2.0", "unknown"])
        await desk.look()
        hand.release()
        await desk.look()
        assert desk.ends() == {"2.0": ("failed", "withdrawn", 0), "1.0": ("sent", "", 1)}
        assert hand.effects == ["1.0"]


async def test_the_outbox_again_after_a_restart() -> None:
    """A new deliverer sends what the core still owes under the same ids; the running one does not ring twice."""
    hand = Hand()
    async with running(Desk(by_hand("chat", hand))) as desk:
        for _ in range(2):
            desk.deliverer.submit([notify()])
            await desk.look()
        assert hand.effects == ["81234.0"]
        assert [r.outcome for r in desk.reports] == ["sent", "sent"]
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify()])
        await desk.look()
        assert hand.effects == ["81234.0"] * 2


async def test_settle_waits_for_the_last_report() -> None:
    """`settle` returns when nothing is due, under way or unreported."""
    hand = Hand(None)
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify()])
        settled = asyncio.create_task(desk.deliverer.settle())
        await desk.look()
        assert not settled.done()
        hand.release()
        await settled
        assert desk.ends() == {"81234.0": ("sent", "", 1)}


async def test_health() -> None:
    """Each channel says what it sent, what failed, why and since when."""
    hand = Hand(RETRY)
    async with running(Desk(by_hand("chat", hand))) as desk:
        desk.deliverer.submit([notify("1.0")])
        await desk.look()
        desk.deliverer.submit([notify("2.0", person="p2")])
        await desk.look()
        state = desk.deliverer.health()
        assert (state["waiting"], state["under_way"]) == (1, 0)
        assert state["channels"]["chat"] == {
            "kind": "hand", "waiting": 1, "under_way": 0, "sent": 1, "failed": 1, "refused": 0,
            "last_sent_at": OPENED, "last_detail": "http-500", "failing_since": None,
        }  # fmt: skip


class Restless(Hand):
    """A channel whose background task breaks twice."""

    async def serve(self) -> None:
        await super().serve()
        if self.served < 3:
            raise RuntimeError("bug")


async def test_background_tasks_are_kept_alive_and_channels_closed() -> None:
    """A channel's own task that breaks starts again; stopping closes every channel."""
    hand, slept = Restless(), []

    async def sleep(ms: int) -> None:
        slept.append(ms)

    desk = Deliverer({"chat": by_hand("chat", hand)}, {}, People(), lambda _: None, composer(),
                     clock=ManualClock(OPENED), rng=random.Random(1), sleep=sleep)  # fmt: skip
    task = asyncio.create_task(desk.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert (hand.served, slept) == (3, [SERVE_AGAIN_MS] * 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert hand.closed == 1


async def test_under_the_real_clock() -> None:
    """Without a clock moved by hand the same deliverer waits and retries by itself."""
    hand = Hand(SendOutcome(Sent.LATER, "", 0))
    reports: list[Delivered] = []
    channel: ChannelInstance = by_hand("chat", hand)
    desk = Deliverer({"chat": channel}, {}, People(), reports.append, composer(), clock=SystemClock(),
                     rng=random.Random(1))  # fmt: skip
    task = asyncio.create_task(desk.run())
    desk.submit([notify(priority=3)])
    await async_until(lambda: reports, "the report")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [(r.effect, r.outcome, r.tries) for r in reports] == [("81234.0", "sent", 1)]
