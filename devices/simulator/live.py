"""A simulated site in real time: over a broker one connection for thousands of devices, QoS 1, reconnecting."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from devices.simulator.carried import carry, line_to
from devices.simulator.line import BACKOFF_S, IN_FLIGHT, KEEPALIVE_S, address, client_id, wills
from devices.simulator.site import SimulatedSite
from devices.simulator.world import Sent

if TYPE_CHECKING:
    import aiomqtt

ASLEEP_MS: Final = 30_000
"""Behind the real time by more than this (the broker was away, the machine slept), the site did not live meanwhile."""

DRAIN_S: Final = 2.0
"""What was said before the end still goes out, for at most so long."""

PATIENCE_S: Final = 10.0
"""A broker that acknowledges nothing for so long is taken for gone."""

_TURN_S: Final = 0.25  # how soon a verb called by another task is noticed


async def run_live(
    site: SimulatedSite,
    scenario: str = "calm",
    *,
    speed: float = 1.0,
    stop: asyncio.Event | None = None,
    seconds: float | None = None,
    told: Callable[[str], None] | None = None,
    ears: str | None = None,
) -> int:
    """Play a scenario and publish everything, until `stop`, or for `seconds` of real time, or for ever.

    Each message goes out at its time, acknowledged by the broker before it is forgotten: after a broken connection what
    was not acknowledged is sent again (at least once, in order). What no broker carries is posted or framed to
    `site.broker` (`carried`). `speed` is how many times faster than life; the times in messages stay real. `told` hears
    of connections made and lost. Gives the number of messages acknowledged. Devices obey what they are told on the same
    connection, or, where the broker lets that account hear only the commands to one device, on one of its own to `ears`
    (an address like the site's). Raises ValueError for a site without a broker, an address that does not suit the
    dialect or that refuses the sender, a speed not above 0, or a scenario the site cannot play.
    """
    if site.broker is None:
        raise ValueError("a site without a broker has nobody to speak to")
    if not speed > 0:
        raise ValueError("speed is more than 0")
    site.play(scenario)
    # Looked at before anything is done: an address that does not suit the dialect is a mistake of the caller.
    line = line_to(site.broker, site.world.dialect) if site.world.dialect.carrier != "mqtt" else None
    live = _Live(site, speed, stop or asyncio.Event(), seconds, told or (lambda _said: None), ears)
    return await (live.run() if line is None else carry(live, line))


async def demo(
    broker: str,
    devices: Sequence[str | Sequence[object]],
    *,
    site: str,
    seed: int = 1,
    scenario: str = "demo",
    loop: bool = False,
    speed: float = 1.0,
    stop: asyncio.Event | None = None,
    told: Callable[[str], None] | None = None,
    ears: str | None = None,
) -> None:
    """The simulated community of `csg demo`.

    All devices report within 3 s; at 8 s the kitchen detector of flat 502 (building 1, unit 1, floor 5) alarms, at 16 s
    the corridor's; after that one small thing a minute and no further call-out, unless `loop` asks for one every five
    minutes. Raises as `run_live` does.
    """
    community = SimulatedSite(seed, site=site, broker=broker, devices=devices, spread_s=2.5)
    scenario = "demo_loop" if loop and scenario == "demo" else scenario
    await run_live(community, scenario, speed=speed, stop=stop, told=told, ears=ears)


class _Live:
    """One run: the world's time hung on the machine's, and the messages on their way."""

    def __init__(
        self,
        site: SimulatedSite,
        speed: float,
        stop: asyncio.Event,
        seconds: float | None,
        told: Callable[[str], None],
        ears: str | None = None,
    ) -> None:
        self.ears = ears
        self.site, self.world, self.speed, self.stop, self.told = site, site.world, speed, stop, told
        self.until = math.inf if seconds is None else time.monotonic() + seconds
        self.pending: list[Sent] = []
        self.sent = 0
        self._anchor()

    def _anchor(self) -> None:
        """World time is where it is, real time is now: from here they go together."""
        self.base_ms, self.base_s = self.world.now, time.monotonic()
        self.world.speed = self.speed
        self.world.epoch_ms = self.utc() - int(self.world.now / self.speed)

    def utc(self) -> int:
        """UTC ms as the machine has it."""
        return self.site.clock_ms() or time.time_ns() // 1_000_000  # noqa: TID251  fake hardware has a clock of its own

    async def run(self) -> int:
        """Connect, speak, and connect again, until it is over."""
        listening = None
        if self.ears is not None and self.world.dialect.filters():
            listening = asyncio.create_task(self._listen(self.ears), name="simulator.ears")
        try:
            return await self._speak()
        finally:
            if listening is not None:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, ears: str) -> None:
        """Hear what the devices are told, on a connection of its own, until cancelled."""
        import aiomqtt

        where = address(ears)
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with aiomqtt.Client(
                    where.host, where.port, username=where.user, password=where.password,
                    tls_context=where.context(), identifier=f"{client_id(self.world, self.site.name)[:58]}-ears",
                ) as client:  # fmt: skip
                    for topic_filter in self.world.dialect.filters():
                        await client.subscribe(topic_filter, qos=1)
                    await self._hear(client)
            await asyncio.sleep(BACKOFF_S[-1])

    async def _speak(self) -> int:
        import aiomqtt

        failures = 0
        while not self.over():
            try:
                async with self._client() as client:
                    client.pending_calls_threshold = max(client.pending_calls_threshold, IN_FLIGHT)
                    self.told("connected")
                    failures = 0
                    await self._connected(client)
            except (aiomqtt.MqttError, OSError) as error:
                self.told(f"connection lost: {error}")
                wait_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
                failures += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), wait_s)
        return self.sent

    async def _connected(self, client: aiomqtt.Client) -> None:
        """Speak on one connection until it is over or lost."""
        # When the connection breaks, aiomqtt lets a publish wait its ten seconds, but tells who waits for messages.
        gone = asyncio.create_task(self._hear(client), name="simulator.gone")
        stopped = asyncio.create_task(self.stop.wait(), name="simulator.stopped")
        try:
            _, back = wills(self.world)
            if back is not None:
                await client.publish(back.topic, back.payload, qos=1, retain=back.retained)
            for topic_filter in self.world.dialect.filters() if self.ears is None else ():
                await client.subscribe(topic_filter, qos=1)
            while not self.over() and not gone.done():
                self.live()
                while self.pending and not gone.done() and not self.late():
                    await self._publish(client, gone, self.pending[:IN_FLIGHT])
                await asyncio.wait(
                    (gone, stopped), timeout=self._wait_s(), return_when=asyncio.FIRST_COMPLETED
                )
            if gone.done():
                gone.result()
        finally:
            gone.cancel()
            stopped.cancel()
            await asyncio.gather(gone, stopped, return_exceptions=True)

    async def _hear(self, client: aiomqtt.Client) -> None:
        """What the devices are told; raises MqttError when the connection is lost."""
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                self.site.hear(str(message.topic), message.payload)

    def over(self) -> bool:
        """Whether somebody stopped us or the time is up."""
        return self.stop.is_set() or time.monotonic() >= self.until

    def _client(self) -> aiomqtt.Client:
        import aiomqtt

        where = address(self.site.broker or "")
        gone, _ = wills(self.world)
        return aiomqtt.Client(
            where.host, where.port, username=where.user, password=where.password, tls_context=where.context(),
            identifier=client_id(self.world, self.site.name), keepalive=KEEPALIVE_S, max_inflight_messages=IN_FLIGHT,
            will=aiomqtt.Will(gone.topic, gone.payload, 1, gone.retained) if gone is not None else None,
        )  # fmt: skip

    def late(self) -> bool:
        """Whether it has been over for so long that what is still unsent stays so."""
        if self.over() and self.until > time.monotonic():
            self.until = time.monotonic()
        return time.monotonic() > self.until + DRAIN_S

    def _wait_s(self) -> float:
        """How long nothing is to be said, at most a turn."""
        due = self.world.due_ms()
        if due is None:
            return _TURN_S
        wait_s = self.base_s + (due - self.base_ms) / 1000 / self.speed - time.monotonic()
        return min(_TURN_S, max(0.001, wait_s))

    async def pause(self, most_s: float | None = None) -> None:
        """Wait until something is due, or for so long; not beyond the stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), self._wait_s() if most_s is None else most_s)

    def live(self) -> None:
        """Let the world catch up with the real time."""
        target = self.base_ms + int((time.monotonic() - self.base_s) * 1000 * self.speed)
        if target - self.world.now > ASLEEP_MS * self.speed:
            self._anchor()
            target = self.world.now
        self.pending += self.world.advance_to(target)
        ahead_ms = self.utc() - self.world.utc()
        if abs(ahead_ms) > 1000:  # somebody set the machine's clock
            self.world.epoch_ms += ahead_ms

    async def _publish(self, client: aiomqtt.Client, gone: asyncio.Task[None], batch: Sequence[Sent]) -> None:
        """Send some messages in order and forget those that were acknowledged; raises what kept the others back."""
        import aiomqtt

        # Tasks begin in the order they were made, and with their beginning the message is on its way.
        tasks = [
            asyncio.create_task(
                client.publish(m.topic, m.payload, qos=1, retain=m.retained, timeout=math.inf)
            )
            for m in batch
        ]
        together = asyncio.gather(*tasks, return_exceptions=True)
        try:
            await asyncio.wait((together, gone), timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            together.cancel()  # does nothing where all are done; else the connection or this task is at its end
        await asyncio.gather(*tasks, return_exceptions=True)
        failed = [t.cancelled() or t.exception() is not None for t in tasks]
        kept = [message for message, back in zip(batch, failed, strict=True) if back]
        self.sent += len(batch) - len(kept)
        self.pending[: len(batch)] = kept
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                if isinstance(error, aiomqtt.MqttError) and gone.done():
                    continue  # `gone` says it better
                raise error
        if kept and not gone.done():
            raise aiomqtt.MqttError(f"nothing acknowledged within {PATIENCE_S:g} s")
