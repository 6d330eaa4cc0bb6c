"""What the listener promises its senders: an answer is the engine's word, order stays, nothing grows without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import EngineGone
from gateway.listen.uplink import RESERVE, NotTaken, UplinkBusy
from tests.gateway.listen.rig import Line, cold, hot
from tests.parts import async_until


async def test_a_message_counts_as_kept_when_the_engine_says_so(tmp_path: Path) -> None:
    """The future of a message is done after its commit and not before."""
    async with Line(tmp_path) as line:
        line.engine.holds = True
        kept = line.uplink.offer("s", "a/b", b"x", cold)
        await async_until(lambda: line.engine.received, "the engine has it")
        assert line.engine.received == [("s", "a/b", b"x")]
        assert not kept.done()
        line.engine.keep()
        await kept
        assert line.uplink.outstanding == 0


async def test_what_a_dead_engine_never_answered_goes_to_its_successor_first(tmp_path: Path) -> None:
    """Nothing offered is lost when the engine dies, and its order stays: an alarm never overtakes its own clear."""
    async with Line(tmp_path) as line:
        line.engine.holds = True
        futures = [line.uplink.offer("s", f"t/{n}", b"", cold) for n in range(3)]
        await async_until(lambda: len(line.engine.received) == 3, "the first engine has three")
        await line.engine.stop()
        futures += [line.uplink.offer("s", f"t/{n}", b"", cold) for n in range(3, 6)]
        line.engine.received.clear()
        line.engine.holds = False
        await line.engine.start()
        for future in futures:
            await future
        assert [topic for _, topic, _ in line.engine.received] == [f"t/{n}" for n in range(6)]


async def test_an_engine_that_is_gone_is_said_at_once(tmp_path: Path) -> None:
    """After a while without an engine what waits fails, and what is new fails without waiting; back, all is well."""
    async with Line(tmp_path, gone_s=0.05) as line:
        line.engine.holds = True
        waiting = line.uplink.offer("s", "t", b"", cold)
        await line.engine.stop()
        with pytest.raises(EngineGone):
            await waiting
        with pytest.raises(EngineGone):
            line.uplink.offer("s", "t", b"", cold)
        line.engine.holds = False
        line.engine.listening.clear()
        await line.engine.start()
        await async_until(lambda: line.engine.listening, "connected again")
        await line.uplink.offer("s", "t", b"", cold)


async def test_an_engine_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """A message without an answer fails after the patience, and is forgotten."""
    async with Line(tmp_path, patience_s=0.05) as line:
        line.engine.holds = True
        with pytest.raises(EngineGone):
            await line.uplink.offer("s", "t", b"", cold)
        assert line.uplink.outstanding == 0
        line.engine.keep()  # too late: nobody minds


async def test_a_full_line_still_takes_alarms(tmp_path: Path) -> None:
    """Past the bound only alarms go through, and past the reserve nothing does."""
    async with Line(tmp_path, outstanding=2) as line:
        line.engine.holds = True
        futures = [line.uplink.offer("s", "t", b"", cold) for _ in range(2)]
        with pytest.raises(UplinkBusy):
            line.uplink.offer("s", "t", b"", cold)
        futures += [line.uplink.offer("s", "t", b"", hot) for _ in range(RESERVE)]
        with pytest.raises(UplinkBusy):
            line.uplink.offer("s", "t", b"", hot)
        await async_until(lambda: len(line.engine.received) == RESERVE + 2, "all are there")
        line.engine.keep()
        for future in futures:
            await future
        line.uplink.offer("s", "t", b"", cold)


async def test_a_refusal_is_no_loss(tmp_path: Path) -> None:
    """What the engine refuses for good is told from what may be tried again."""
    async with Line(tmp_path) as line:
        line.engine.refusal = "no-source"
        with pytest.raises(NotTaken, match="no-source"):
            await line.uplink.offer("other", "t", b"", cold)


async def test_a_new_engine_hears_how_we_listen(tmp_path: Path) -> None:
    """The state of each way in is said on every connection, not only when it changes."""
    async with Line(tmp_path) as line:
        line.uplink.say({"s.http": "up"}, {"s": {"taken": 3}})
        await async_until(lambda: line.engine.listening[-1]["links"], "it is said")
        await line.engine.stop()
        line.engine.listening.clear()
        await line.engine.start()
        await async_until(lambda: line.engine.listening, "it is said again")
        assert line.engine.listening[0]["links"] == {"s.http": "up"}
        assert line.engine.listening[0]["figures"] == {"s": {"taken": 3}}
        assert line.engine.gone == 1
