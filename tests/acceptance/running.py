"""`csg demo` and `csg run` as a person starts them: real processes, seen through their terminal, API and files."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import aiomqtt
import httpx
import msgspec
import pytest

from gateway.broker.accounts import load_or_make
from gateway.control import ControlClient
from gateway.core.effect import IncidentChanged, IncidentDoc
from gateway.errors import EngineGone
from gateway.journal import JournalReader, Row
from gateway.notify.recording import Recorded, recent
from gateway.registry import Registry
from tests.acceptance.plant import ROOT

T = TypeVar("T")

START_S = 90.0  # until the console answers, on a machine that does much else
STOP_S = 60.0  # until everything has ended after Ctrl-C


def note(text: str) -> None:
    """A figure for whoever looks (`pytest -s`, or beside a failure); nothing is decided by it."""
    print(text)  # noqa: T201  it is meant for the terminal


async def found(look: Callable[[], Awaitable[T | None]], what: str, within_s: float = 60.0) -> T:
    """The first thing `look` finds; the test fails, naming `what`, if there was nothing in time."""
    end = time.monotonic() + within_s
    while not (value := await look()):
        if time.monotonic() > end:
            pytest.fail(f"waited {within_s:g} s in vain: {what}")
        await asyncio.sleep(0.05)
    return value


class Child(NamedTuple):
    """One process; its command tells it from a later one of the same number."""

    pid: int
    command: str


def children(parent: int) -> list[Child]:
    """Every living process that `parent` started, at any depth; by parents, for the broker has its own session."""
    below: dict[int, list[Child]] = {}
    for pid, above, command in _processes():
        below.setdefault(above, []).append(Child(pid, command))
    family, waiting = [], [parent]
    while waiting:
        born = below.get(waiting.pop(), [])
        family += born
        waiting += [child.pid for child in born]
    return family


def alive(family: list[Child]) -> list[Child]:
    """Those of them that have not ended."""
    living = {Child(pid, command) for pid, _, command in _processes()}
    return [child for child in family if child in living]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Pid, parent and command of all that lives on this machine."""
    ps = shutil.which("ps")
    if ps is None:
        pytest.skip("ps is not installed")
    asked = [ps, "-A", "-o", "pid=,ppid=,stat=,command="]
    for line in subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines():
        pid, above, state, *command = line.split(None, 3)
        if not state.startswith("Z"):
            yield int(pid), int(above), "".join(command)


def free_port() -> int:
    """A port nobody has at this moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def furnish(data: Path, document: dict[str, Any]) -> None:
    """Places, devices and people, before the first start."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = Registry.open(data / "registry.sqlite")
    try:
        registry.import_catalogue(document, who="test", now=1)
    finally:
        registry.close()


class Running:
    """`async with Running("demo", data)`: the process runs until the block ends or somebody presses Ctrl-C.

    What it says is kept in files beside `data`, one pair a start.
    """

    def __init__(
        self, command: Literal["demo", "run"], data: Path, *, port: int = 0, config: str | None = None
    ) -> None:
        self.data = data
        self._arguments = [command, "--data", str(data), "--port", str(port)]
        if config is not None:
            path = data.with_suffix(".yaml")
            path.write_text(config, "utf-8")
            self._arguments += ["--config", str(path)]
        self.control = ControlClient(data / "engine.sock")
        self._family: list[Child] = []

    async def __aenter__(self) -> Running:
        for n in range(100):  # a second start says what it says in files of its own
            self._said = self.data.with_name(f"{self.data.name}-{n}.out")
            if not self._said.exists():
                break
        with self._said.open("wb") as out, self._said.with_suffix(".err").open("wb") as err:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "from gateway.cli import main; main()", *self._arguments,
                cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            note(self.said() + self._said.with_suffix(".err").read_text("utf-8", "replace")[-20_000:])
        if self.process.returncode is None:
            self._family = children(self.process.pid)
            self.process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self.control.close()
        for child in alive(self._family):
            os.kill(child.pid, signal.SIGKILL)

    # -- the terminal -----------------------------------------------------------------------------------------

    def said(self) -> str:
        """What stands on the terminal."""
        return self._said.read_text("utf-8", "replace")

    async def link(self) -> str:
        """The address it prints, with the one-time token while nobody has a password."""

        async def printed() -> str | None:
            assert self.process.returncode is None, self.said()
            line = re.search(r"Console: +(http\S+)\s", self.said())
            return line[1] if line else None

        return await found(printed, "the address of the console", START_S)

    async def url(self) -> str:
        """The console's address alone."""
        return (await self.link()).partition("/#/")[0]

    async def interrupt(self, *, group: bool = True) -> int:
        """Ctrl-C (to the whole group, as a terminal does it) and the exit code; fails when any process is left."""
        self._family = children(self.process.pid)
        assert self._family
        if group:
            os.killpg(self.process.pid, signal.SIGINT)
        else:
            self.process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_S):
                code = await self.process.wait()
        except TimeoutError:
            pytest.fail(f"still running {STOP_S:g} s after Ctrl-C")
        assert alive(self._family) == []
        return code

    def child(self, part: str) -> int | None:
        """The process id of `engine`, `view` or `simulator`; None while there is none."""
        mine = [c for c in children(self.process.pid) if f"gateway.app.{part}" in c.command]
        return mine[0].pid if mine else None

    # -- the API ----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def signed_in(self) -> AsyncIterator[httpx.AsyncClient]:
        """An administrator's client, by the printed link, which is then used up; may write."""
        url, _, token = (await self.link()).partition("/#/enter/")
        assert token, "somebody has a password already"
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            answer = await client.post("/api/v1/session", json={"token": token})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF"] = answer.json()["csrf"]
            yield client

    # -- the broker -------------------------------------------------------------------------------------------

    def broker_port(self) -> int:
        """Where devices connect, as the engine's broker was told: its own configuration says it."""
        text = (self.data / "broker" / "mosquitto.conf").read_text("utf-8")
        line = re.search(r"^listener (\d+)", text, re.MULTILINE)
        assert line is not None, text
        return int(line[1])

    def device(self, name: str = "device", *, gateway: bool = False) -> aiomqtt.Client:
        """A client of the broker: a device, or (to hear everything) the gateway's own account."""
        accounts = load_or_make(self.data / "broker")
        account = accounts.gateway if gateway else accounts.devices
        return aiomqtt.Client(
            "127.0.0.1", self.broker_port(), username=account.user, password=account.password, identifier=name,
            max_inflight_messages=200,
        )  # fmt: skip

    async def listening(self) -> None:
        """Return when the engine hears its brokers."""

        async def up() -> bool:
            try:
                links = (await self.control.status())["links"]
            except (EngineGone, KeyError):
                return False
            return bool(links) and all(state == "up" for state in links.values())

        await found(up, "the engine hears its brokers", START_S)

    # -- the files --------------------------------------------------------------------------------------------

    def recorded(self) -> list[Recorded]:
        """What people were told by the recording channel, oldest first."""
        return recent(self.data, 100_000)[::-1]

    def rows(self) -> Iterator[Row]:
        """Everything the journal holds, in order."""
        reader = JournalReader(self.data / "journal")
        try:
            after = 0
            while rows := reader.rows(after):
                yield from rows
                after = rows[-1].first + len(rows[-1].events) - 1
        finally:
            reader.close()

    def docs(self) -> dict[str, IncidentDoc]:
        """The last word of the journal on each incident."""
        results = (item.result for row in self.rows() for item in row.happened)
        return {r.doc.id: r.doc for r in results if isinstance(r, IncidentChanged)}


async def every(client: httpx.AsyncClient, path: str, **query: str | int) -> list[dict[str, Any]]:
    """All items of a paged answer."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        wanted = {**query, **({"cursor": cursor} if cursor else {})}
        answer = await client.get(f"/api/v1{path}", params=wanted)
        assert answer.status_code == 200, answer.text
        said = msgspec.json.decode(answer.content)
        items += said["items"]
        cursor = said["next"]
        if cursor is None:
            return items
