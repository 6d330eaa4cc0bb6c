"""The supervisor keeps its children running, kills what hangs, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.app.supervisor import Part, Supervisor
from gateway.config import BrokerSettings, Settings, WebSettings, check
from gateway.errors import EngineGone
from tests.parts import async_until, require


def settings(folder: Path) -> Settings:
    found = check(None).settings
    assert found is not None
    return msgspec.structs.replace(
        found,
        data=str(folder),
        web=WebSettings(port=0),
        broker=BrokerSettings(port=18_700, prefer="mosquitto"),
    )


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    require("mosquitto")
    found = Supervisor(settings(tmp_path), lambda _text: None)
    await found.start()
    await up(found)
    yield found
    await found.stop()
    for part in found.parts:
        assert part.process is not None
        assert part.process.returncode is not None


async def up(supervisor: Supervisor) -> None:
    """Wait until the engine answers and is subscribed."""
    async with asyncio.timeout(60):
        while True:
            try:
                links = (await supervisor.control.status())["links"]
            except EngineGone:
                links = {}
            if links and all(state == "up" for state in links.values()):
                return
            await asyncio.sleep(0.05)


def named(supervisor: Supervisor, name: str) -> Part:
    return next(p for p in supervisor.parts if p.name == name)


async def deaths(part: Part, count: int) -> None:
    async with asyncio.timeout(60):
        while part.deaths < count:  # noqa: ASYNC110 - it watches another process
            await asyncio.sleep(0.05)


async def test_a_killed_engine_comes_back(supervisor: Supervisor) -> None:
    """SIGKILL to the engine: it is started again and answers; the view stays."""
    engine, view = named(supervisor, "engine"), named(supervisor, "view")
    assert engine.process is not None
    assert view.process is not None
    before = view.process.pid
    engine.process.send_signal(signal.SIGKILL)
    await deaths(engine, 1)
    await up(supervisor)
    assert view.process.pid == before
    assert view.deaths == 0


async def test_a_hanging_engine_is_killed(supervisor: Supervisor) -> None:
    """An engine without a heartbeat (SIGSTOP) is killed and started again."""
    engine = named(supervisor, "engine")
    assert engine.process is not None
    engine.process.send_signal(signal.SIGSTOP)
    await deaths(engine, 1)
    await up(supervisor)


async def test_children_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    """A supervisor killed with -9 takes its children with it: they notice that their lifeline is gone."""
    require("mosquitto")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:  # the supervisor to be killed; it tells its children's ids
        os.close(reader)

        async def live() -> None:
            found = Supervisor(settings(tmp_path), lambda _text: None)
            await found.start()
            await up(found)
            ids = [p.process.pid for p in found.parts if p.process]
            os.write(writer, " ".join(map(str, ids)).encode())
            await asyncio.Event().wait()

        try:
            asyncio.run(live())
        finally:
            os._exit(1)
    os.close(writer)
    told = await asyncio.to_thread(os.read, reader, 1000)
    children = [int(n) for n in told.split()]
    assert len(children) == 2
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, pid, 0)
    await async_until(lambda: not any(_alive(child) for child in children), "the children are gone", 30)


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
