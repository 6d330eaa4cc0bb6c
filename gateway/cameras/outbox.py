"""What cameras have to say, in order, until the engine has it on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

import structlog

from gateway.cameras.told import Message
from gateway.errors import EngineGone
from gateway.listen.uplink import NotTaken, Uplink, UplinkBusy

WAITING_MAX: Final = 2_000
"""Six cameras that change their mind every second fill it in five minutes without an engine; then the oldest word that
is no alarm goes, and the next restatement says what holds."""
AGAIN_S: Final = 0.5

log = structlog.get_logger(__name__)


class Outbox:
    """`put` from the loop's thread; run `run` once."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._waiting: deque[tuple[str, str, Message]] = deque()
        self._woken = asyncio.Event()
        self.dropped = 0

    def put(self, source: str, native: str, message: Message) -> None:
        """Send it after everything put before."""
        if len(self._waiting) >= WAITING_MAX:
            oldest = next((i for i, (_, _, m) in enumerate(self._waiting) if not m.alarm), 0)
            del self._waiting[oldest]
            self.dropped += 1
        self._waiting.append((source, native, message))
        self._woken.set()

    async def run(self) -> None:
        """Send one after the other, until cancelled; one that the engine did not answer is sent again."""
        while True:
            if not self._waiting:
                self._woken.clear()
                await self._woken.wait()
                continue
            source, native, message = self._waiting[0]
            try:
                await self._uplink.offer(
                    source, f"community/{native}/{message.kind}", message.payload, lambda: True
                )
            except (EngineGone, UplinkBusy):
                await asyncio.sleep(AGAIN_S)
                continue
            except NotTaken as refusal:
                log.error("the engine refuses a camera's message", source=source, code=str(refusal))
            if self._waiting and self._waiting[0][2] is message:
                self._waiting.popleft()

    async def flushed(self, within_s: float) -> None:
        """Wait until everything is on disk, but not for long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        while self._waiting and loop.time() < until:  # noqa: ASYNC110  it waits once in a life
            await asyncio.sleep(0.02)
