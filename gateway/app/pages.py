"""The HTTP server of the view: uvicorn, with limits on how many may connect and how long they may dawdle."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gateway.api.hub import CLIENTS_MAX
from gateway.patience import HEADERS_MAX, PatientProtocol

GRACE_S: Final = 3  # for answers under way when we stop
KEEP_S: Final = 30  # between requests


class _Patient(PatientProtocol):
    """As many as may watch, and as many again: pages, phones, programs."""

    connections_max = 2 * CLIENTS_MAX


class PageServer(uvicorn.Server):
    """Leaves signals to the process, whose supervisor says when to stop."""

    def __init__(self, app: ASGIApp) -> None:
        # Bad requests of strangers are no news; what goes wrong with a good one is logged by the API itself.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().__init__(uvicorn.Config(
            app, http=_Patient, h11_max_incomplete_event_size=HEADERS_MAX, log_config=None, access_log=False,
            ws="none", lifespan="off", server_header=False, timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=KEEP_S,
        ))  # fmt: skip

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
