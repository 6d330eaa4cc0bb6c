"""Performs what the core asks of people and machines: retries, limits and one reported end for every effect."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import structlog

from gateway.clock import Clock
from gateway.core.effect import Mode, Notify, Publish
from gateway.core.event import Delivered, Outcome
from gateway.notice import SIMULATED_REFUSED, ChannelInstance, Notice, SendOutcome, Sent
from gateway.registry.errors import RegistryError
from gateway.sendqueue import TOGETHER_MAX, Ended, Job, SendQueue
from gateway.wording import Directory, bare

SERVE_AGAIN_MS: Final = 5_000  # how soon a channel's background task is started again after it broke

log = structlog.get_logger(__name__)


class Renderer(Protocol):
    """Makes the notice for an effect; `gateway.wording.Composer` does."""

    def notice(self, effect: Notify | Publish, address: str | None, now: int) -> Notice: ...


class ChannelHealth(msgspec.Struct):
    """How a channel has been doing since the start. Times are UTC ms."""

    sent: int = 0
    failed: int = 0
    refused: int = 0
    last_sent_at: int | None = None
    last_detail: str = ""
    failing_since: int | None = None

    def facts(self, kind: str, waiting: int, under_way: int) -> dict[str, Any]:
        return {
            "kind": kind, "waiting": waiting, "under_way": under_way, "sent": self.sent, "failed": self.failed,
            "refused": self.refused, "last_sent_at": self.last_sent_at, "last_detail": self.last_detail,
            "failing_since": self.failing_since,
        }  # fmt: skip


class Deliverer:
    """Takes effects, makes the tries, reports each effect's end once. Belongs to one event loop; not thread-safe.

    `channels` by name; `targets` names a channel for each machine receiver (one that is not listed is the channel of
    that name). `report` is only ever called from `run`, never from inside `submit` or `withdraw`. `sleep` waits
    milliseconds of the same time `clock` tells; whoever moves a clock by hand calls `look` or awaits `settle` after.

    A simulated effect goes to the recording channel or ends as REFUSED: decided here, again in `ChannelInstance.send`,
    and by no configuration.
    """

    def __init__(
        self, channels: Mapping[str, ChannelInstance], targets: Mapping[str, str], directory: Directory,
        report: Callable[[Delivered], None], render: Renderer, *, clock: Clock, rng: random.Random,
        sleep: Callable[[int], Awaitable[None]] | None = None, together_max: int = TOGETHER_MAX,
    ) -> None:  # fmt: skip
        self._channels, self._targets, self._directory = dict(channels), dict(targets), directory
        self._report, self._render, self._clock = report, render, clock
        self._sleep = sleep or _sleep_ms
        self._queue = SendQueue(rng.random, together_max)
        self._ends: deque[Ended] = deque()
        self._notices: dict[str, Notice] = {}
        self._health = {name: ChannelHealth() for name in channels}
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None  # while running

    # -- what the engine calls --------------------------------------------------------------------------------

    def submit(self, effects: Sequence[Notify | Publish]) -> None:
        """Take effects in their order. Never blocks, never raises; the same id may come again."""
        now = self._clock.monotonic_ms()
        for effect in effects:
            channel, outcome, detail = self._route(effect)
            if channel is None:
                self._ends.append(self._queue.end(effect.id, outcome, detail, now))
            elif (ended := self._queue.add(effect, channel, now)) is not None:
                self._ends.append(ended)
        self._start(now)  # at once: beside a flood of messages each turn of the loop is some milliseconds
        self.look()

    def withdraw(self, ids: Sequence[str]) -> None:
        """Nobody wants these any more: what waits ends as FAILED "withdrawn", a try under way is the last."""
        self._ended(self._queue.withdraw(ids, self._clock.monotonic_ms()))
        self.look()

    def look(self) -> None:
        """Look again at what is due: for those who move the clock by hand."""
        self._quiet.clear()
        self._wake.set()

    async def settle(self) -> None:
        """Return when, at the clock's present time, nothing is due, under way or unreported. Needs a running `run`."""
        self.look()
        await self._quiet.wait()

    def health(self) -> dict[str, Any]:
        """Plain facts for the console and `/metrics`: totals and one entry a channel."""
        loads = self._queue.by_channel()
        return {
            "waiting": self._queue.waiting,
            "under_way": self._queue.under_way,
            "channels": {
                name: self._health[name].facts(self._channels[name].kind, *loads.get(name, (0, 0)))
                for name in self._channels
            },
        }

    async def run(self) -> None:
        """Deliver until cancelled; then every channel is closed. What was not ended stays in the core's outbox."""
        try:
            async with asyncio.TaskGroup() as group:
                for channel in self._channels.values():
                    group.create_task(self._serve(channel), name=f"notify[{channel.name}].serve")
                self._group = group
                await self._deliver()
        finally:
            self._group = None
            for channel in self._channels.values():
                await channel.client.close()

    # -- inside -----------------------------------------------------------------------------------------------

    def _route(self, effect: Notify | Publish) -> tuple[ChannelInstance | None, Outcome, str]:
        """The channel for an effect, or how it ends without one."""
        name = (
            effect.channel if isinstance(effect, Notify) else self._targets.get(effect.target, effect.target)
        )
        channel = self._channels.get(name)
        simulated = effect.mode == Mode.SIMULATED
        if simulated and (channel is None or not channel.records_only):
            return None, Outcome.REFUSED, SIMULATED_REFUSED.detail
        if channel is None:
            return None, Outcome.FAILED, "no-channel"
        if isinstance(effect, Publish):
            return (
                (channel, Outcome.SENT, "")
                if channel.wants(effect.topic)
                else (None, Outcome.SENT, "not-wanted")
            )
        try:
            known = simulated or self._directory.address(effect.person, name) is not None
        except (
            RegistryError
        ):  # its try will ask again: a registry that is locked for a while costs nobody a call
            known = True
        return (channel, Outcome.SENT, "") if known else (None, Outcome.FAILED, "no-address")

    def _start(self, now: int) -> None:
        """Begin every try that is due and that the limits allow."""
        if self._group is None:
            return
        for job in self._queue.start(now):
            self._tasks[job.id] = self._group.create_task(
                self._try(job, job.flight), name=f"notify[{job.channel.name}].{job.id}"
            )

    async def _deliver(self) -> None:
        while True:
            self._wake.clear()
            now = self._clock.monotonic_ms()
            for job in self._queue.overdue(now):
                self._tasks[job.id].cancel()
                self._land(job, SendOutcome(Sent.RETRY, "time-limit"))
            self._start(now)
            while self._ends:
                ended = self._ends.popleft()
                self._report(Delivered(ended.effect, ended.outcome, ended.detail, ended.tries))
            if self._wake.is_set():
                continue
            if not self._queue.under_way:
                self._quiet.set()
            await self._until_woken(self._queue.next_due())

    async def _until_woken(self, due: int | None) -> None:
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._wake.wait(), name="deliver.wake")]
        if due is not None:
            ahead = max(due - self._clock.monotonic_ms(), 0)
            waits.append(asyncio.create_task(_as_coroutine(self._sleep(ahead)), name="deliver.sleep"))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    async def _try(self, job: Job, flight: int) -> None:
        try:
            outcome = await job.channel.send(self._notice(job))
        except Exception as error:  # task supervisor: one broken channel must not stop the others
            log.exception("channel raised", channel=job.channel.name, effect=job.id)
            outcome = SendOutcome(Sent.RETRY, f"fault:{type(error).__name__}")
        if job.under_way and job.flight == flight:
            self._land(job, outcome)

    def _notice(self, job: Job) -> Notice:
        """Rendered once an effect, so that every try says the same and carries the same link."""
        notice = self._notices.get(job.id)
        if notice is None:
            effect = job.effect
            address = None
            if isinstance(effect, Notify):
                address = self._directory.address(effect.person, effect.channel)
            now = self._clock.utc_ms()
            try:
                notice = self._render.notice(effect, address, now)
            except Exception:  # task supervisor: a fault in wording must not keep an alarm from being told
                log.exception("rendering failed, sending the bare facts", effect=job.id)
                notice = bare(effect, address, now)
            self._notices[job.id] = notice
        return notice

    def _land(self, job: Job, outcome: SendOutcome) -> None:
        self._tasks.pop(job.id, None)
        self._note(job.channel.name, outcome)
        self._ended(self._queue.ended_try(job, outcome, self._clock.monotonic_ms()))
        self.look()

    def _ended(self, ends: Iterable[Ended]) -> None:
        for ended in ends:
            self._notices.pop(ended.effect, None)
            self._ends.append(ended)

    def _note(self, name: str, outcome: SendOutcome) -> None:
        health, now = self._health[name], self._clock.utc_ms()
        if outcome.result is Sent.SENT:
            health.sent, health.last_sent_at, health.failing_since = health.sent + 1, now, None
        elif outcome.result is Sent.REFUSED:
            health.refused, health.last_detail = health.refused + 1, outcome.detail
        elif outcome.result is not Sent.LATER:
            health.failed, health.last_detail = health.failed + 1, outcome.detail
            health.failing_since = health.failing_since or now

    async def _serve(self, channel: ChannelInstance) -> None:
        """The channel's own background work, started again when it breaks."""
        while True:
            try:
                return await channel.client.serve()
            except Exception:  # task supervisor: a broken heartbeat must not stop delivery
                log.exception("channel task broke", channel=channel.name)
            await self._sleep(SERVE_AGAIN_MS)


async def _sleep_ms(ms: int) -> None:
    await asyncio.sleep(ms / 1000)


async def _as_coroutine(waiting: Awaitable[None]) -> None:
    await waiting
