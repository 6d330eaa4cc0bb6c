"""Commands on their way to devices: each encoded by its device's family and published on its source's broker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

import aiomqtt
import structlog

from devices.codec import LINE, Ask
from devices.reading import Reading, point_id, source_of
from gateway.cameras.door import Carrier, Refused
from gateway.core.command import CommandState
from gateway.core.effect import Command
from gateway.core.event import Delivered, Measured, Outcome
from gateway.core.state import State

WAITING_MAX: Final = 256
"""Commands waiting for one broker; a fire asks some dozens of sirens and cameras at once."""

PATIENCE_S: Final = 3.0
"""For a connection, and for a broker's word that it has a message: a dead line costs three of these, which is less
than the core waits before it asks again."""

log = structlog.get_logger(__name__)

Way = Callable[[Command, Sequence[Ask]], None]
"""Another way to a source's devices than a broker; it never blocks, and reports the command's end itself."""

Encode = Callable[[Command], Sequence[Ask] | str]
Connect = Callable[[], Carrier]


class Commander:
    """`submit` never blocks; every command ends in one `Delivered`, SENT once the broker has all its messages.

    `brokers` makes a client for each source that has one, `ways` are the other sources' and `closing` lets go of them;
    `encode` says what to send, or why nothing is; `now` is UTC ms by the clock that set the commands' `expires_at`:
    what is past it is not sent. A broker that does not answer keeps nobody else's commands waiting. What a message
    says is never logged.
    """

    def __init__(
        self,
        brokers: Mapping[str, Connect],
        encode: Encode,
        report: Callable[[Delivered], None],
        now: Callable[[], int],
        ways: Mapping[str, Way] | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._encode, self._report, self._now = encode, report, now
        self._lanes = {source: _Lane(connect) for source, connect in brokers.items()}
        self._ways = dict(ways or {})
        self._closing = closing

    def submit(self, command: Command) -> None:
        """Send it soon. A later try of the same command takes the place of an earlier one that still waits."""
        if (way := self._ways.get(command.source)) is not None:
            if asks := self._asks(command):
                way(command, asks)
            return
        lane = self._lanes.get(command.source)
        if lane is None:
            # A source that was taken out of the settings, or that pushes and takes nothing.
            self._failed(command, "no_way: nothing can be sent to this source")
            return
        if (earlier := lane.waiting.pop(command.command, None)) is not None:
            self._failed(earlier, "replaced: asked again before it was sent")
        elif len(lane.waiting) >= WAITING_MAX:
            self._failed(command, "busy: too many commands wait for this broker")
            return
        lane.waiting[command.command] = command
        lane.woken.set()

    def withdraw(self, effects: Sequence[str]) -> None:
        """These are no longer wanted, if they still wait; nothing is reported of them."""
        gone = set(effects)
        for lane in self._lanes.values():
            lane.waiting = {name: c for name, c in lane.waiting.items() if c.id not in gone}

    async def run(self) -> None:
        """One task a broker, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for source, lane in self._lanes.items():
                    tasks.create_task(self._serve(source, lane), name=f"commands.{source}")
                await asyncio.Event().wait()
        finally:
            for close in self._closing:
                await close()

    async def _serve(self, source: str, lane: _Lane) -> None:
        try:
            while True:
                if not lane.waiting:
                    lane.woken.clear()
                    await lane.woken.wait()
                    continue
                command = lane.waiting.pop(next(iter(lane.waiting)))
                asks = self._asks(command)
                if any(ask.topic.startswith(LINE) for ask in asks):
                    self._failed(
                        command, "not-taken: only over a line of the device's own, and this is a broker"
                    )
                    continue
                if not asks:
                    continue
                try:
                    await lane.send(asks)
                except Refused as refusal:
                    self._failed(command, f"not-taken: {refusal}")
                except (aiomqtt.MqttError, OSError, ValueError) as error:
                    log.warning("command not sent", source=source, effect=command.id, reason=str(error)[:200])
                    self._failed(command, "unreachable: the broker did not take it")
                else:
                    log.info("command sent", source=source, effect=command.id, name=command.name)
                    self._report(Delivered(command.id, Outcome.SENT))
        finally:
            await lane.close()

    def _asks(self, command: Command) -> Sequence[Ask]:
        """What to send now; empty where nothing is, which is reported."""
        if self._now() >= command.expires_at:
            self._failed(command, "expired: nobody waits for it any more")
            return ()
        asks = self._encode(command)
        if isinstance(asks, str):
            self._failed(command, asks)
            return ()
        if not asks:
            self._failed(command, "not-taken: the family gave nothing to send")
        return asks

    def _failed(self, command: Command, reason: str) -> None:
        self._report(Delivered(command.id, Outcome.FAILED, reason[:200]))


class _Lane:
    """What waits for one broker, by command, and the connection to it, kept from the first message on."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._client: Carrier | None = None
        self.waiting: dict[str, Command] = {}
        self.woken = asyncio.Event()

    async def send(self, asks: Sequence[Ask]) -> None:
        """Publish with QoS 1, on a new connection where the kept one is dead. Raises MqttError, OSError, ValueError."""
        if self._client is not None:
            try:
                await self._publish(self._client, asks)
                return
            except aiomqtt.MqttError:
                await self.close()
        client = self._connect()
        await client.__aenter__()
        self._client = client
        await self._publish(client, asks)

    async def close(self) -> None:
        """Let go of the connection, which may be gone already."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                await client.__aexit__(None, None, None)

    async def _publish(self, client: Carrier, asks: Sequence[Ask]) -> None:
        for ask in asks:
            await client.publish(ask.topic, ask.payload, qos=1)


def unanswered_checks(state: State) -> Iterator[Measured]:
    """Duty checks that rang and that nobody answered, as readings that say so; each once, whoever restarts."""
    for command in state.commands.values():
        if command.name != "duty_check" or command.state != CommandState.FAILED or command.detail:
            continue  # what was not delivered rang nowhere
        name = point_id(command.device, "duty_answered")
        point = state.points.get(name)
        if point is None or point.value is not False:
            yield Measured(source_of(command.device), [Reading(name, False)])
