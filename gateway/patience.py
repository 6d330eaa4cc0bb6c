"""uvicorn's HTTP protocol with an end to all it would wait for without end; the listener and the view speak it."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_MAX: Final = 16 * 1024  # bytes of a request before its body
HEADERS_S: Final = (
    10.0  # from the connection, or the first byte of the next request, to the end of the headers
)
DAWDLE_S: Final = 1.0  # an honest client sends its request in this time; one that did not makes room first


class PatientProtocol(H11Protocol):
    """Bounds how many may connect and how long headers may take, and ends bodies that nobody reads.

    Where all places are taken, whoever has kept us waiting longest for a request (over DAWDLE_S) makes room, so that a
    stranger who holds connections open shuts nobody out. Only where nobody dawdles the newcomer is turned away.
    """

    connections_max: ClassVar[int] = 500  # of all senders; platforms keep a handful, devices come and go

    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._since = self.loop.time()
        if len(self.connections) > self.connections_max:
            self._slowest().transport.abort()
        if not transport.is_closing():
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            self._unwatch()
        elif self.cycle is None or self.cycle.response_complete:
            self._watch()
        else:
            self._unwatch()

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request was here already
            self._unwatch()
        elif self.cycle.more_body or self.conn.trailing_data[0]:
            self._watch()  # answered before its body was over, or a part of the next request is here

    def _slowest(self) -> PatientProtocol:
        """Who waits longest with a request, or with the rest of one; ourselves where nobody does."""
        slow: list[PatientProtocol] = [
            other
            for other in self.connections
            if isinstance(other, PatientProtocol)
            and (other.cycle is None or other.cycle.response_complete or other.cycle.more_body)
            and not other.transport.is_closing()
            and self._since - other._since > DAWDLE_S
        ]
        return min(slow, key=lambda other: other._since, default=self)

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADERS_S, self._late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()
