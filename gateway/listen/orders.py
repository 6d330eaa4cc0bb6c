"""What devices are told over the connection they hold to us, and their own answer, which says that they took it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
import structlog

from devices.codec import Frame
from gateway.listen.family import Family

CONFIRM_S: Final = 9.0
"""A device confirms within 10 s (GB/T 26875.3-2011, 6.5.4), after which the core tries again."""

LINES_MAX: Final = 10_000  # devices whose line is known; the one silent longest is forgotten first
EXCHANGES_MAX: Final = 1_000
HEARD_MAX: Final = 64  # bytes kept of a device's last frame (`devices.codec.Codec`, `tell`)

log = structlog.get_logger(__name__)


class Order(msgspec.Struct, frozen=True):
    """One try of a command as the engine hands it on; `expires_at` in UTC ms."""

    effect: str
    command: str
    source: str
    topic: str
    payload: bytes
    expires_at: int


Told = Callable[[str, bool, str], None]
"""Hears the effect, whether the device took it, and why not (`code: words`)."""


class Line(Protocol):
    """A way back to one device. Two of one connection, or of one address, are equal."""

    @property
    def open(self) -> bool: ...
    def answer(self, data: bytes | None) -> None: ...


class _Exchange:
    __slots__ = ("effect", "line", "timer")

    def __init__(self, effect: str, line: Line, timer: asyncio.TimerHandle) -> None:
        self.effect, self.line, self.timer = effect, line, timer


class Lines:
    """Where each device was heard last, and what waits for its confirm. Every order ends in one `told`."""

    def __init__(self, family: Family, utc: Callable[[], int], *, confirm_s: float = CONFIRM_S) -> None:
        self._family, self._utc, self._confirm_s = family, utc, confirm_s
        self.told: Told = _nobody
        self._lines: dict[str, tuple[Line, bytes]] = {}
        self._serials: dict[str, int] = {}  # command -> the serial number of all its tries
        self._exchanges: dict[int, _Exchange] = {}
        self._last = 0

    def heard(self, frame: Frame, line: Line) -> None:
        """A whole frame came in over this line: remember it, and settle what it answers."""
        if frame.topic:
            self._lines.pop(frame.topic, None)
            self._lines[frame.topic] = line, frame.data[:HEARD_MAX]
            if len(self._lines) > LINES_MAX:
                del self._lines[next(iter(self._lines))]
        if frame.reply is None:
            return
        serial, took = frame.reply
        exchange = self._exchanges.get(serial)
        if exchange is not None and exchange.line == line:
            self._end(serial, took, "" if took else "denied: the device refused it")

    def has(self, topic: str) -> bool:
        """Whether the device is there to be told something."""
        known = self._lines.get(topic)
        return known is not None and known[0].open

    def send(self, order: Order) -> None:
        """Send it now, or say why not. A later try takes the place of an earlier one and has its serial number."""
        now = self._utc()
        known = self._lines.get(order.topic)
        if now >= order.expires_at:
            self.told(order.effect, False, "expired: nobody waits for it any more")
        elif known is None or not known[0].open:
            self.told(order.effect, False, "unreachable: the device is not connected")
        else:
            self._send(order, *known, now)

    def _send(self, order: Order, line: Line, heard: bytes, now: int) -> None:
        serial = self._serial(order.command)
        data = self._family.tell(order.payload, heard, serial, now) if serial else None
        if data is None:
            self.told(
                order.effect,
                False,
                "busy: too much is asked at once" if not serial else "not-taken: no frame",
            )
            return
        self._end(serial, False, "replaced: asked again")
        timer = asyncio.get_running_loop().call_later(
            self._confirm_s, self._end, serial, False, "silent: the device did not confirm it"
        )
        self._exchanges[serial] = _Exchange(order.effect, line, timer)
        line.answer(data)
        log.info("order sent", source=self._family.name, effect=order.effect, topic=order.topic)

    def _serial(self, command: str) -> int:
        """The command's number, or the next that nothing waits for; 0 where too much waits."""
        known = self._serials.get(command)
        if known is not None:
            return known
        if len(self._exchanges) >= EXCHANGES_MAX:
            return 0
        self._last = self._last % 0x7FFF + 1
        while self._last in self._exchanges:
            self._last = self._last % 0x7FFF + 1
        self._serials[command] = self._last
        if len(self._serials) > EXCHANGES_MAX:
            del self._serials[next(iter(self._serials))]
        return self._last

    def _end(self, serial: int, took: bool, why: str) -> None:
        exchange = self._exchanges.pop(serial, None)
        if exchange is not None:
            exchange.timer.cancel()
            self.told(exchange.effect, took, why)

    def close(self) -> None:
        """Nobody waits any more."""
        for exchange in self._exchanges.values():
            exchange.timer.cancel()
        self._exchanges.clear()


def order_of(message: Mapping[str, Any]) -> Order:
    """The order in a message of the engine. Raises msgspec.ValidationError."""
    return msgspec.convert({k: v for k, v in message.items() if k in Order.__struct_fields__}, Order)


def _nobody(_effect: str, _took: bool, _why: str) -> None:
    return None
