"""The simulator child of `csg demo`: speaks for the demo community's devices over the embedded broker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import structlog

from devices.simulator.lane_camera import LaneCamera
from devices.simulator.live import demo
from devices.simulator.streaming import served
from gateway.app.child import Orders, run
from gateway.broker.accounts import load_or_make
from gateway.control import ControlClient
from gateway.demo_community import DEMO_SITE, DEMO_SOURCE, demo_community
from gateway.errors import EngineGone

AUDIENCE_S: Final = 30.0
"""How long the show waits for the engine to listen and the console to answer: what nobody heard was not seen."""

_LOOK_S: Final = 0.2

log = structlog.get_logger(__name__)


async def main(orders: Orders, stop: asyncio.Event) -> None:
    """Show the camera, wait for the audience, then play until stopped.

    `orders.simulate` may hold scenario, speed, loop, seed, and `camera_fd`: the listening socket of the camera.
    """
    with contextlib.ExitStack() as showing:
        if (camera := orders.simulate.get("camera_fd")) is not None:
            showing.enter_context(served(LaneCamera().pictures, socket.socket(fileno=os.dup(camera))))
        await _play(orders, stop)


async def _play(orders: Orders, stop: asyncio.Event) -> None:
    wanted = orders.simulate
    accounts = load_or_make(Path(orders.data) / "broker")
    host = "127.0.0.1" if orders.broker_host in ("0.0.0.0", "") else orders.broker_host  # noqa: S104  compared, not bound
    # The account that devices share hears the commands to one device a connection, and ours speaks for them all.
    broker, ears = (
        f"mqtt://{quote(account.user)}:{quote(account.password)}@{host}:{orders.broker_port}"
        for account in (accounts.devices, accounts.gateway)
    )
    await _audience(orders, stop)
    log.info("simulated community starts", devices=len(devices()))
    await demo(
        broker, devices(), site=DEMO_SITE,
        seed=int(wanted.get("seed", 1)), scenario=str(wanted.get("scenario", "demo")),
        loop=bool(wanted.get("loop", False)), speed=float(wanted.get("speed", 1.0)),
        stop=stop, told=lambda said: log.info("simulator", broker=said), ears=ears,
    )  # fmt: skip


def devices() -> list[tuple[str, str, int, bool]]:
    """The demo community's devices as the simulator takes them: native name, kind, report period, mains."""
    prefix = f"{DEMO_SOURCE}:{DEMO_SITE}/"
    return [
        (row["id"].removeprefix(prefix), row["kind"], row["report_period_s"], row["mains"])
        for row in demo_community()["devices"]
    ]


async def _audience(orders: Orders, stop: asyncio.Event) -> None:
    """Until the engine's links stand and the console answers, but not for ever."""
    control = ControlClient(Path(orders.data) / "engine.sock")
    loop = asyncio.get_running_loop()
    until = loop.time() + AUDIENCE_S
    try:
        while not stop.is_set() and loop.time() < until:
            if await _listening(control) and await _answering(orders.web_url):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_S)
    finally:
        await control.close()


async def _listening(control: ControlClient) -> bool:
    try:
        async with asyncio.timeout(2):
            links: dict[str, str] = (await control.status()).get("links") or {}
    except (EngineGone, TimeoutError):
        return False
    return bool(links) and all(said == "up" for said in links.values())


async def _answering(url: str) -> bool:
    where = urlsplit(url)
    if not where.hostname:
        return True  # nobody said that there is a console
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(where.hostname, where.port or 80)
            try:
                writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


if __name__ == "__main__":
    run(main)
