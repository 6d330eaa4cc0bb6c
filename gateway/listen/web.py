"""The HTTP server of the listener: uvicorn, with limits on how many may connect and how long they may dawdle."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from gateway.patience import HEADERS_MAX, PatientProtocol

KEEP_S: Final = 30  # between requests
GRACE_S: Final = 3  # for answers under way when we stop


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
