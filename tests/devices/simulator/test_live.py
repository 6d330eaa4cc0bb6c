"""Over real brokers: everything sent arrives, in order, and a broker that goes away finds the site again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import msgspec
import pytest

from devices.simulator import SimulatedSite, What, run_live
from devices.simulator.line import address
from devices.simulator.live import _Live, demo
from gateway.app.simulator import devices
from gateway.broker import EmbeddedBroker
from tests.parts import async_until, require

KINDS: tuple[Literal["mosquitto", "nats"], ...] = ("mosquitto", "nats")
KITCHEN = "b1-u1-f05-502-kitchen-smoke"


class Audience:
    """Somebody who hears everything the devices say."""

    def __init__(self) -> None:
        self.heard: list[aiomqtt.Message] = []
        self.joined = asyncio.Event()

    async def listen(self, broker: EmbeddedBroker) -> None:
        """Hear until cancelled, over as many connections as it takes."""
        account = broker.credentials
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with aiomqtt.Client(
                    "127.0.0.1", broker.port, username=account.user, password=account.password,
                    identifier="audience", clean_session=False,
                ) as client:  # fmt: skip
                    await client.subscribe("community/#", qos=1)
                    self.joined.set()
                    async for message in client.messages:
                        self.heard.append(message)
            self.joined.clear()
            await asyncio.sleep(0.05)

    def ids(self, *, retained: bool = False) -> list[tuple[str, Any]]:
        """`(topic, id)` of what was heard with an id, in order."""
        found = []
        for message in self.heard:
            assert isinstance(message.payload, bytes)
            if message.payload[:1] == b"{":
                found.append((str(message.topic), msgspec.json.decode(message.payload)["id"]))
        return found


@contextlib.asynccontextmanager
async def stage(
    kind: Literal["mosquitto", "nats"], folder: Path
) -> AsyncIterator[tuple[EmbeddedBroker, Audience, str]]:
    """A running broker, somebody who listens, and the address for devices."""
    require("mosquitto" if kind == "mosquitto" else "nats-server")
    broker = EmbeddedBroker(folder, port=0, prefer=kind)
    await broker.start()
    audience = Audience()
    tasks = [asyncio.create_task(broker.run()), asyncio.create_task(audience.listen(broker))]
    await async_until(audience.joined.is_set, "the audience")
    account = broker.device_credentials
    try:
        yield broker, audience, f"mqtt://{account.user}:{account.password}@127.0.0.1:{broker.port}"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await broker.stop()


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_sent_arrives_in_order(kind: Literal["mosquitto", "nats"], tmp_path: Path) -> None:
    """A story over a real broker: what the truth says was sent is what was heard, device by device in order."""
    async with stage(kind, tmp_path) as (_, audience, url):
        async with SimulatedSite(3, broker=url, devices=300, truth=100_000) as site:
            acknowledged = await run_live(site, "kitchen_fire", speed=30, seconds=1.5)
        sent = [(label.topic, label.sequence) for label in site.truth if label.sequence]
        assert acknowledged == site.truth.total
        assert site.truth.counts[What.ALARM] == 2
        await async_until(lambda: len(audience.ids()) >= len(sent), "all messages")
        heard = audience.ids()
        assert sorted(heard) == sorted(sent)
        for topic in {topic for topic, _ in sent}:
            assert [i for t, i in heard if t == topic] == [i for t, i in sent if t == topic]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_broker_that_restarts_loses_nothing(
    kind: Literal["mosquitto", "nats"], tmp_path: Path
) -> None:
    """What was not acknowledged is sent again on the next connection, and life goes on."""
    stop = asyncio.Event()
    said: list[str] = []
    async with stage(kind, tmp_path) as (broker, audience, url):
        # Each device four times a second: something is always under way.
        units = [(f"b{n}-a-gas", "gas", 0.25) for n in range(100)]
        site = SimulatedSite(3, broker=url, devices=units, truth=1_000_000)
        running = asyncio.create_task(run_live(site, stop=stop, told=said.append))
        await async_until(lambda: len(audience.heard) > 1000, "the first messages")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGTERM)
        await async_until(lambda: len([s for s in said if s == "connected"]) == 2, "the second connection")
        total = site.truth.total
        await async_until(lambda: site.truth.total > total + 400, "life to go on")
        stop.set()
        acknowledged = await running
        assert acknowledged == site.truth.total
        wanted = {(label.topic, label.sequence) for label in site.truth if label.sequence}
        await async_until(lambda: set(audience.ids()) >= wanted, "all messages")


async def test_the_last_will_is_said_for_a_process_that_dies(tmp_path: Path) -> None:
    """One connection speaks for all: the broker says its panel's will when it breaks, not when it ends well."""
    async with stage("mosquitto", tmp_path) as (_, audience, url):

        def statuses() -> list[Any]:
            return [m.payload for m in audience.heard if str(m.topic) == "community/sim/control-panel/status"]

        await run_live(SimulatedSite(1, broker=url, devices=20), seconds=0.5)
        assert set(statuses()) <= {b"online"}
        task = asyncio.create_task(run_live(SimulatedSite(1, broker=url, devices=20)))
        before = len(audience.heard)
        await async_until(lambda: len(audience.heard) >= before + 41, "all devices")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        # aiomqtt says goodbye when it is cancelled; a process that is killed does not.
        code = (
            "import asyncio, sys\n"
            "from devices.simulator import SimulatedSite, run_live\n"
            "asyncio.run(run_live(SimulatedSite(1, broker=sys.argv[1], devices=20)))\n"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, url, cwd=Path(__file__).parents[3]
        )
        before = len(audience.heard)
        await async_until(lambda: len(audience.heard) >= before + 20, "the process")
        process.kill()
        await process.wait()
        await async_until(lambda: statuses()[-1:] == [b"offline"], "the will")


def test_without_asyncio_what_advance_gives_was_sent(tmp_path: Path) -> None:
    """`with SimulatedSite(...)` publishes each step and returns when the broker has acknowledged it."""

    async def main() -> None:
        async with stage("mosquitto", tmp_path) as (_, audience, url):

            def work() -> SimulatedSite:
                with SimulatedSite(3, broker=url, devices=50) as site:
                    site.advance(3)
                    site.smoke(KITCHEN, ramp_s=0) if KITCHEN in site.world.units else site.smoke(
                        site.find("smoke", count=1), ramp_s=0
                    )
                    site.advance(1)
                return site

            site = await asyncio.to_thread(work)
            wanted = [(label.topic, label.sequence) for label in site.truth if label.sequence]
            await async_until(lambda: len(audience.ids()) == len(wanted), "all messages")
            assert audience.ids() == wanted

    asyncio.run(main())


async def test_the_demo_keeps_its_times(tmp_path: Path) -> None:
    """All devices within 3 s, the kitchen at 8 s, the corridor at 16 s, then no further call-out for an hour."""
    site = SimulatedSite(1, site="sunshine", devices=devices(), spread_s=2.5)
    site.play("demo")
    start = site.world.utc()
    site.advance(3)
    assert {label.device for label in site.truth.of(what=What.REPORT)} == {name for name, *_ in devices()}
    site.advance(3600)
    p1 = [
        (label.device, (label.at - start) / 1000)
        for label in site.truth.of(what=What.ALARM)
        if label.verb in ("smoke", "heat", "gas", "co", "sos", "call_point")
    ]
    assert p1 == [(KITCHEN, 8.0), ("b1-u1-f05-corridor-smoke", 16.0)]
    verbs = {label.verb for label in site.truth}
    assert verbs >= {"press_test", "low_battery", "draw_water", "park", "tamper"}


async def test_the_demo_speaks_for_the_demo_community(tmp_path: Path) -> None:
    """`demo` over a real broker: everybody is heard, and stopping ends it."""
    stop = asyncio.Event()
    async with stage("mosquitto", tmp_path) as (_, audience, url):
        show = asyncio.create_task(demo(url, devices(), site="sunshine", speed=20, stop=stop))
        await async_until(
            lambda: {str(m.topic).split("/")[2] for m in audience.heard} == {name for name, *_ in devices()},
            "everybody",
        )
        stop.set()
        await show


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h", ("h", 1883, False, None, None)),
        ("mqtts://u:p%40ss@h", ("h", 8883, True, "u", "p@ss")),
        ("mqtt://u@[::1]:1884", ("::1", 1884, False, "u", None)),
    ],
)
def test_addresses(url: str, expected: tuple[Any, ...]) -> None:
    """User and password are percent-decoded; the port follows from the scheme."""
    assert tuple(address(url)) == expected


@pytest.mark.parametrize("url", ["http://h", "h:1883", "mqtt://", "", "mqtt://u:secret@"])
def test_wrong_addresses_do_not_repeat_the_password(url: str) -> None:
    """They say what is expected."""
    with pytest.raises(ValueError, match="mqtt") as error:
        address(url)
    assert "secret" not in str(error.value)


def test_a_machine_that_slept_does_not_catch_up() -> None:
    """Behind by more than half a minute, the site goes on from now: no storm of old reports, no wrong times."""
    site = SimulatedSite(1, broker="mqtt://h", devices=50)
    live = _Live(site, 1.0, asyncio.Event(), None, lambda _: None)
    live.live()
    before = len(live.pending)
    live.base_s -= 3600
    live.live()
    assert len(live.pending) - before < 10
    assert abs(site.world.utc() - live.utc()) < 1000
    live.base_s -= 20
    live.live()
    assert len(live.pending) > before + 100


async def test_run_live_says_what_it_needs() -> None:
    """No broker, no speed, no such story."""
    with pytest.raises(ValueError, match="nobody to speak to"):
        await run_live(SimulatedSite(1))
    with pytest.raises(ValueError, match="more than 0"):
        await run_live(SimulatedSite(1, broker="mqtt://h"), speed=0)
    with pytest.raises(ValueError, match="no scenario"):
        await run_live(SimulatedSite(1, broker="mqtt://h"), "nonsense")
