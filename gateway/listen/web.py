"""The HTTP server of the listener: uvicorn, with limits on how many may connect and how long they may dawdle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX: Final = 500  # of all senders; platforms keep a handful, devices come and go
HEADERS_MAX: Final = 16 * 1024  # bytes of a request before its body
HEADERS_S: Final = (
    10.0  # from the connection, or the first byte of the next request, to the end of the headers
)
KEEP_S: Final = 30  # between requests
GRACE_S: Final = 3  # for answers under way when we stop


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to what it would wait for without end: headers, and bodies nobody reads."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        else:
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
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request was here already
            self._unwatch()
        elif self.cycle.more_body or self.conn.trailing_data[0]:
            self._watch()  # answered before its body was over, or a part of the next request is here

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


class PushServer(uvicorn.Server):
    """Serves `app` on a socket that somebody else holds. Signals are for the process, whose supervisor says when."""

    def __init__(self, app: ASGIApp) -> None:
        # Bad requests of strangers are no news, and nothing of a request may be logged: its address holds the key.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config: dict[str, Any] = {
            "http": PatientProtocol, "ws": "none", "lifespan": "off", "loop": "none", "interface": "asgi3",
            "log_config": None, "access_log": False, "server_header": False, "proxy_headers": False,
            "timeout_keep_alive": KEEP_S, "timeout_graceful_shutdown": GRACE_S,
            "h11_max_incomplete_event_size": HEADERS_MAX,
        }  # fmt: skip
        super().__init__(uvicorn.Config(app, **config))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def run_on(self, held: socket.socket) -> None:
        """Until `should_exit` is set."""
        await self.serve([held])
