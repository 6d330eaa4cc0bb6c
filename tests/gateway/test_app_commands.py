"""Commands on their way to devices over real brokers: sent once, in time, or said not to be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from devices.codec import Ask
from gateway.app.commands import WAITING_MAX, Commander
from gateway.core.effect import Command
from gateway.core.event import Delivered, Outcome
from tests.gateway.broker_helpers import KINDS, broker
from tests.parts import async_until

NOW = 1_795_276_800_000


def command(number: int, *, name: str = "c1", source: str = "s", expires_at: int = NOW + 60_000) -> Command:
    """One try of a command."""
    return Command(f"{number}.0", name, f"{source}:dev", source, "siren_on", expires_at, "live", "site")


def nowhere() -> aiomqtt.Client:
    """A client of a broker that is not there."""
    return aiomqtt.Client("127.0.0.1", 1, timeout=0.5)


@asynccontextmanager
async def at_work(
    connect: Callable[[], aiomqtt.Client], reports: list[Delivered], answer: list[Ask] | str
) -> AsyncIterator[Commander]:
    """A commander whose family always answers the same."""
    commander = Commander({"s": connect}, lambda _: answer, reports.append, lambda: NOW)
    task = asyncio.create_task(commander.run())
    try:
        yield commander
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@KINDS
async def test_what_is_sent_arrives_and_is_reported(tmp_path: Path, kind: str) -> None:
    """Every message of a command, in order and not retained, over one connection that is kept."""
    reports: list[Delivered] = []
    asks = [Ask("community/site/dev/command", b"1"), Ask("community/site/dev/command", b"2")]
    async with broker(tmp_path, kind) as one:
        account, connections = one.credentials, 0

        def connect() -> aiomqtt.Client:
            nonlocal connections
            connections += 1
            return aiomqtt.Client(
                "127.0.0.1", one.port, username=account.user, password=account.password, timeout=3
            )

        device = aiomqtt.Client(
            "127.0.0.1", one.port, username=account.user, password=account.password, identifier="dev"
        )
        async with at_work(connect, reports, asks) as commander, device:
            await device.subscribe("community/site/dev/command", qos=1)
            for number in (1, 2):
                commander.submit(command(number, name=f"c{number}"))
            heard = [await anext(device.messages) for _ in range(4)]
            assert [m.payload for m in heard] == [b"1", b"2"] * 2
            assert not any(m.retain for m in heard)
            await async_until(lambda: len(reports) == 2, "both are reported")
    assert reports == [Delivered("1.0", Outcome.SENT), Delivered("2.0", Outcome.SENT)]
    assert connections == 1


@KINDS
async def test_a_dead_connection_is_made_anew(tmp_path: Path, kind: str) -> None:
    """A broker that was restarted gets the next command all the same."""
    reports: list[Delivered] = []
    async with broker(tmp_path, kind) as one:
        account, port = one.credentials, one.port

    def connect() -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", port, username=account.user, password=account.password, timeout=3)

    async with at_work(connect, reports, [Ask("community/site/dev/command", b"1")]) as commander:
        async with broker(tmp_path, kind, port=port):
            commander.submit(command(1))
            await async_until(lambda: len(reports) == 1, "the first is reported")
        async with broker(tmp_path, kind, port=port):
            commander.submit(command(2))
            await async_until(lambda: len(reports) == 2, "the second is reported")
    assert [r.outcome for r in reports] == [Outcome.SENT, Outcome.SENT]


async def test_no_broker_is_a_failure_soon() -> None:
    """Nobody answers: said, so that the core asks again."""
    reports: list[Delivered] = []
    async with at_work(nowhere, reports, [Ask("t", b"")]) as commander:
        commander.submit(command(1))
        await async_until(lambda: bool(reports), "it is reported")
    assert reports[0].outcome is Outcome.FAILED
    assert reports[0].detail.startswith("unreachable")


@pytest.mark.parametrize(("one", "answer", "why"), [
    (command(1, expires_at=NOW), [Ask("t", b"")], "expired"),
    (command(1), "not-taken: a relay knows no mute", "not-taken"),
    (command(1), [], "not-taken"),
    (command(1, source="push"), [Ask("t", b"")], "no_way"),
])  # fmt: skip
async def test_what_is_not_sent_is_said(one: Command, answer: list[Ask] | str, why: str) -> None:
    """Too late, not known to the family, no broker: no connection is made, and the reason is reported."""
    reports: list[Delivered] = []

    def never() -> aiomqtt.Client:
        raise AssertionError("nothing is to be sent")

    async with at_work(never, reports, answer) as commander:
        commander.submit(one)
        await async_until(lambda: bool(reports), "it is reported")
    assert reports[0].outcome is Outcome.FAILED
    assert reports[0].detail.startswith(why)


async def test_what_waits_is_bounded_and_may_be_taken_back() -> None:
    """A later try replaces an earlier one, too many are refused, and what is withdrawn is neither sent nor reported."""
    reports: list[Delivered] = []
    commander = Commander({"s": nowhere}, lambda _: [Ask("t", b"")], reports.append, lambda: NOW)
    commander.submit(command(1))
    commander.submit(command(2))
    assert [(r.effect, r.detail.partition(":")[0]) for r in reports] == [("1.0", "replaced")]
    for number in range(3, WAITING_MAX + 3):
        commander.submit(command(number, name=f"c{number}"))
    assert reports[-1].detail.startswith("busy")
    commander.withdraw([f"{n}.0" for n in range(WAITING_MAX + 3)])
    commander.submit(command(999))
    assert len(reports) == 2
