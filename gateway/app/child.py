"""What every child process does alike: read its orders, beat its heart, end when the supervisor is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import structlog
import uvloop

BEAT_S: Final = 1.0
FILES: Final = 16_384  # open files wanted: a thousand connections a source, and their like


class Orders(msgspec.Struct):
    """What the supervisor tells a child: settings as the config gave them, and what was found at run time."""

    part: str
    data: str
    settings: bytes  # msgpack of gateway.config Settings
    broker_host: str = "127.0.0.1"
    broker_port: int = 1883
    broker_kind: str = ""
    web_fd: int = -1
    web_url: str = ""
    listen_fd: int = -1
    boot: str = "0"
    simulate: dict[str, Any] = {}
    share: tuple[str, ...] = ()  # device ids of the cameras that are this part's


def many_files() -> None:
    """Ask for FILES open files: every connection is one, and the soft limit of most systems is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # the kernel's own bound may be lower still
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def configure_logs() -> None:
    """Events as key=value lines on stderr; the supervisor passes them on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            structlog.processors.format_exc_info,  # or all that is left of an exception is "exc_info=True"
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def run(main: Callable[[Orders, asyncio.Event], Awaitable[None]]) -> None:
    """Read orders from stdin and run `main(orders, stop)` until it ends; exit code 0 after a clean stop.

    The end of stdin means that the supervisor is gone: the child then stops as if asked to. Each beat is a byte on
    stdout; a loop that does not come round for too long is killed by the supervisor.
    """
    configure_logs()
    size = int.from_bytes(_exactly(4), "big")
    orders = msgspec.msgpack.decode(_exactly(size), type=Orders)
    uvloop.run(_main(main, orders))


def _exactly(size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            raise SystemExit(0)
        data += more
    return data


async def _main(main: Callable[[Orders, asyncio.Event], Awaitable[None]], orders: Orders) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(
        signal.SIGINT, _ignore
    )  # Ctrl-C reaches the whole group: only the supervisor acts on it
    os.set_blocking(0, False)
    loop.add_reader(0, _lifeline, stop, loop)
    beat = asyncio.create_task(_beat(), name="child.beat")
    try:
        await main(orders, stop)
    finally:
        beat.cancel()


def _ignore() -> None:
    return None


def _lifeline(stop: asyncio.Event, loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.suppress(BlockingIOError):
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()


async def _beat() -> None:
    os.set_blocking(1, False)
    while True:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(1, b".")
        await asyncio.sleep(BEAT_S)
