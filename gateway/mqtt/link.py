"""One connection to a broker as an asyncio protocol: greets, subscribes, pings, reads, says how it ended."""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from gateway.mqtt.answers import Accepted, Dropped, Granted, Turned
from gateway.mqtt.events import FaultReason, Listener, Lost, LostReason, ProtocolFault, Refused
from gateway.mqtt.inbound import Inbound
from gateway.mqtt.settings import SessionSettings
from gateway.mqtt.wire import (
    CONNACK,
    DISCONNECT,
    DISCONNECT_PACKET,
    PINGREQ_PACKET,
    PINGRESP,
    PUBCOMP_WORD,
    PUBREL,
    SUBACK,
    MalformedPacket,
    read_length,
    write_words,
)

if TYPE_CHECKING:
    from gateway.mqtt.session import Session

_TAKEN_OVER = 0x8E  # MQTT 5, table 3-10 (DISCONNECT reason codes): Session taken over
_SUBSCRIBE_ID = 1  # the only packet id we ever choose
_CONNACK_BYTES_MAX = 65_536  # properties of a CONNACK; far above any broker's
SLICE_BYTES = 4_096  # about 40 messages, some 0.6 ms of the engine
_BEATS_SILENT_MAX = 3  # half keepalives without a byte after a PINGREQ: 1.5 keepalives


class Dialect(Protocol):
    """What differs between the protocol versions; the modules `packets5` and `packets311` are the two."""

    def connect(self, settings: SessionSettings) -> bytes: ...
    def subscribe(self, packet_id: int, settings: SessionSettings) -> bytes: ...
    def read_connack(self, packet: bytes) -> Accepted | Turned: ...
    def read_suback(self, packet: bytes) -> Granted: ...
    def read_disconnect(self, packet: bytes) -> Dropped: ...


class Ending(msgspec.Struct, frozen=True):
    """Why a connection is no more."""

    event: Lost | Refused
    greeted: bool = True  # False: it ended before any CONNACK
    other_version: bool = False  # the broker refused the protocol version
    in_order: bool = False  # the broker closed it without an error and without a word


class Link(asyncio.Protocol):
    """Used once. `opened` is done when SUBSCRIBE is answered or the link has ended, `closed` at the end."""

    def __init__(self, session: "Session", listener: Listener, dialect: Dialect, *, properties: bool) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[Ending] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._loop = loop
        self._session = session
        self._settings = session.settings
        self._listener = listener
        self._dialect = dialect
        self._properties = properties
        self._greeting = b""  # what came before the end of CONNACK
        self._inbound: Inbound | None = None  # from CONNACK on
        self._ending: Ending | None = None
        self._beat: asyncio.TimerHandle | None = None
        self._keepalive_s: float = self._settings.keepalive_s
        self._heard = False
        self._left: deque[bytes] = deque()  # slices read and not yet delivered
        self._beats_silent = 0

    @property
    def in_flight(self) -> int:
        """Messages delivered over this link and not acknowledged."""
        return 0 if self._inbound is None else self._inbound.in_flight

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Write all acknowledgements at once."""
        if self._inbound is not None and self._ending is None:
            self._write(self._inbound.settle(packet_ids))

    def end(self, event: Lost | Refused, *, other_version: bool = False) -> None:
        """Close at once, whatever is still to be written; the first reason given stands."""
        if self._ending is None:
            self._ending = Ending(event, self._inbound is not None, other_version)
            if self._inbound is not None:
                self._inbound.stopped = True
        if self.transport is None:
            self._finish(self._ending)
        else:
            self.transport.abort()

    def leave(self) -> None:
        """Say goodbye, write what is owed, close; the broker keeps the session."""
        self._stop_beat()
        if self.transport is None or self._ending is not None:
            return
        self._ending = Ending(Lost(LostReason.CLOSED, "by us"))
        if self._inbound is None:  # uvloop may have closed it already and would raise at a write
            self.transport.abort()
        else:
            self._write(DISCONNECT_PACKET)
            self.transport.close()

    def pause(self) -> None:
        """Read no more; what was read is still delivered, a quarter of a megabyte at most."""
        self._pause()

    def _pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again; silence counts from now."""
        self._beats_silent = 0
        if not self._left and self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._ending is None:
            self._write(self._dialect.connect(self._settings))
        else:  # given up while the handshake was under way
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if not self._left and len(data) <= SLICE_BYTES:
            self._take(data)
            return
        # More than a few milliseconds of work: in slices, with a turn for alarms and calls on their way in between.
        if not self._left:
            self._pause()
            self._loop.call_soon(self._next)
        self._left.extend(data[at : at + SLICE_BYTES] for at in range(0, len(data), SLICE_BYTES))

    def _next(self) -> None:
        """One more slice; after the last one, read on."""
        if self._ending is not None or self.transport is None or self.transport.is_closing():
            self._left.clear()  # never acknowledged: the broker sends it again
            return
        self._take(self._left.popleft())
        if self._left:
            self._loop.call_soon(self._next)
        elif not self._session.paused:
            self.resume()

    def _take(self, data: bytes) -> None:
        if self._ending is not None:
            return
        self._heard = True
        inbound = self._inbound
        delivered = 0 if inbound is None else inbound.delivered
        try:
            if inbound is None:
                inbound, data = self._greet(data)
                if inbound is None:
                    return
            inbound.feed(data)
        except MalformedPacket as error:
            self._session.tell(ProtocolFault(FaultReason.MALFORMED, detail=error.reason))
            self.end(Lost(LostReason.PROTOCOL, error.reason))
        if inbound is not None and inbound.delivered != delivered:
            self._listener.drained(self._session)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_beat()
        detail = str(exc) or type(exc).__name__ if exc is not None else "end of stream"
        lost = Lost(LostReason.CLOSED, detail)
        self._finish(self._ending or Ending(lost, self._inbound is not None, in_order=exc is None))

    def _greet(self, data: bytes) -> tuple[Inbound | None, bytes]:
        """Collect CONNACK; gives the inbound half once it is accepted, and the bytes after it.

        Nothing may come before CONNACK (clause 3.2), so no message is read before the session's epoch is set.
        """
        self._greeting += data
        if self._greeting[0] & 0xF0 != CONNACK:
            raise MalformedPacket(f"the first packet is no CONNACK: {self._greeting[:8].hex()}")
        length = read_length(self._greeting, 1, len(self._greeting))
        if length is not None and length[0] > _CONNACK_BYTES_MAX:
            raise MalformedPacket(f"CONNACK of {length[0]} bytes")
        if length is None or sum(length) > len(self._greeting):
            return None, b""
        packet, rest = self._greeting[: sum(length)], self._greeting[sum(length) :]
        self._greeting = b""
        answer = self._dialect.read_connack(packet)
        if isinstance(answer, Turned):
            self.end(Refused(answer.code, answer.text), other_version=answer.other_version)
            return None, b""
        self._keepalive_s = answer.keepalive_s or self._settings.keepalive_s
        self._inbound = Inbound(
            properties=self._properties,
            size_max=self._settings.maximum_packet_size,
            received=partial(self._listener.received, self._session),
            control=self._control,
            fault=self._fault,
        )
        self._session.accepted(answer)
        self._write(self._dialect.subscribe(_SUBSCRIBE_ID, self._settings))
        return self._inbound, rest

    def _control(self, packet: bytes) -> None:
        match packet[0] & 0xF0:
            case kind if kind == PINGRESP:
                pass  # every byte heard counts, see _on_beat
            case kind if kind == SUBACK:
                self._granted(self._dialect.read_suback(packet))
            case kind if kind == PUBREL:
                if len(packet) < 4:
                    raise MalformedPacket(f"PUBREL of {len(packet)} bytes")
                self._write(write_words((PUBCOMP_WORD | int.from_bytes(packet[2:4], "big"),)))
            case kind if kind == DISCONNECT:
                dropped = self._dialect.read_disconnect(packet)
                reason = LostReason.TAKEN_OVER if dropped.code == _TAKEN_OVER else LostReason.DISCONNECTED
                self.end(Lost(reason, f"{dropped.code:#04x} {dropped.text}"))
            case _:
                raise MalformedPacket(f"packet {packet[0]:#04x} has no business here")

    def _granted(self, granted: Granted) -> None:
        expected = len(self._settings.filters)
        if self.opened.done() or granted.packet_id != _SUBSCRIBE_ID or len(granted.codes) != expected:
            codes = len(granted.codes)
            raise MalformedPacket(f"SUBACK {granted.packet_id} with {codes} codes; {expected} filters asked")
        self.opened.set_result(None)
        self._session.granted(granted)
        self._beat = self._loop.call_later(self._keepalive_s / 2, self._on_beat)

    def _fault(self, reason: FaultReason, topic: str, detail: str, size: int, answer: bytes) -> None:
        self._write(answer)
        self._session.tell(ProtocolFault(reason, topic, detail, size))

    def _on_beat(self) -> None:
        """Twice a keepalive: ask for a sign of life, and give up when none came for 1.5 keepalives.

        While reading is paused nothing can be heard, so nothing is counted; the PINGREQ still goes out, since
        the broker drops us after 1.5 keepalives without a byte (clause 3.1.2.10).
        """
        self._beats_silent = 0 if self._heard or self._session.paused else self._beats_silent + 1
        self._heard = False
        if self._beats_silent >= _BEATS_SILENT_MAX:
            self.end(Lost(LostReason.SILENT, f"nothing heard for {self._keepalive_s * 1.5:g} s after a ping"))
            return
        self._write(PINGREQ_PACKET)
        self._beat = self._loop.call_later(self._keepalive_s / 2, self._on_beat)

    def _write(self, data: bytes) -> None:
        if data and self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def _stop_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _finish(self, ending: Ending) -> None:
        self._ending = ending
        if not self.opened.done():
            self.opened.set_result(None)
        if not self.closed.done():
            self.closed.set_result(ending)
