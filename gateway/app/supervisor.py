"""Starts broker, engine, listener, view, cameras and the simulated community, and starts again whatever dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from gateway.app.child import Orders
from gateway.broker import EmbeddedBroker
from gateway.cameras.settings import shares
from gateway.config.settings import Settings
from gateway.control import ControlClient
from gateway.errors import EngineGone
from gateway.vision.quiet import QUIET

SILENT_S: Final = {"engine": 10.0, "listener": 10.0, "view": 30.0, "simulator": 60.0, "cameras": 10.0}
"""Without a heartbeat for so long: killed."""
START_S: Final = 120.0  # until the first beat: recovery of the largest journal takes a minute
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STOP_S: Final = 20.0
SETTLE_S: Final = 0.1  # a SIGTERM to the whole group reaches children before we have read ours

log = structlog.get_logger(__name__)


class Part:
    """One child that is kept running."""

    def __init__(self, name: str, orders: Callable[[], Orders], pass_fds: tuple[int, ...] = ()) -> None:
        self.name, self._orders, self._fds = name, orders, pass_fds
        self.kind = name.partition("-")[0]  # of cameras there are several
        self.process: asyncio.subprocess.Process | None = None
        self.deaths = 0
        self._heard = 0.0
        self._stopping = False

    async def run(self, died: Callable[[str, str], None]) -> None:
        """Run it for ever; `died(name, how)` hears of each end that nobody asked for."""
        quick = 0
        while not self._stopping:
            began = time.monotonic()
            how = await self._once()
            await asyncio.sleep(SETTLE_S)
            if self._stopping:
                return
            quick = 0 if time.monotonic() - began > 60 else quick + 1
            self.deaths += 1
            wait_s = BACKOFF_S[min(quick, len(BACKOFF_S) - 1)]
            log.error("child ended", part=self.name, how=how, again_in_s=wait_s)
            died(self.name, how)
            await asyncio.sleep(wait_s)

    async def _once(self) -> str:
        self.process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"gateway.app.{self.kind}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=self._fds,
            env={**QUIET, **os.environ},
            start_new_session=True,  # Ctrl-C is for us alone: a child still importing could not handle it
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        data = msgspec.msgpack.encode(self._orders())
        process.stdin.write(len(data).to_bytes(4, "big") + data)
        self._heard = time.monotonic() + START_S - SILENT_S[self.kind]
        listen = asyncio.create_task(self._listen(process.stdout), name=f"{self.name}.beat")
        waiting = asyncio.create_task(process.wait(), name=f"{self.name}.wait")
        killed = ""
        try:
            while True:
                done, _ = await asyncio.wait((waiting,), timeout=1.0)
                if done:
                    return killed or f"code {process.returncode}"
                if time.monotonic() - self._heard > SILENT_S[self.kind] and not self._stopping:
                    killed = "no heartbeat"
                    process.kill()
        finally:
            listen.cancel()
            waiting.cancel()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while await stream.read(64):
            self._heard = time.monotonic()

    def leave(self) -> None:
        """From here on its end is wanted, whoever brings it about."""
        self._stopping = True

    async def stop(self) -> None:
        """Ask it to end, and see that it does."""
        self.leave()
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            log.error("child did not stop, killing it", part=self.name)
            process.kill()
            await process.wait()


class Supervisor:
    """Everything `csg run` is. `say` prints to the person who started it; `simulate` adds the simulated community."""

    def __init__(
        self, settings: Settings, say: Callable[[str], None], simulate: dict[str, Any] | None = None
    ) -> None:
        self.settings, self._say, self._simulate = settings, say, simulate
        self.data = settings.data_path
        self.stopping = asyncio.Event()
        self.broker: EmbeddedBroker | None = None
        self.parts: list[Part] = []
        self.web = socket.socket()
        self.push = socket.socket()
        self.url = ""
        self._boot = secrets.token_hex(4)
        self.control = ControlClient(self.data / "engine.sock")
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> str:
        """Start all parts and give the address of the console. Raises OSError, BrokerMissing or BrokerFailed."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(s.embedded for s in self.settings.sources):
            wanted = self.settings.broker
            self.broker = EmbeddedBroker(
                self.data / "broker", port=wanted.port, host=wanted.host, prefer=wanted.prefer,
                shared_account=wanted.shared_account, on_trouble=self._broker_trouble,
            )  # fmt: skip
            port = await self.broker.start()
            if port != wanted.port:
                self._say(f"Port {wanted.port} is busy: devices connect to {wanted.host}:{port} instead.")
            self._task(self.broker.run(), "broker")
        self._listen()
        self.parts = [Part("engine", lambda: self._orders("engine")),
                      Part("view", lambda: self._orders("view"), (self.web.fileno(),))]  # fmt: skip
        if any(s.pushed for s in self.settings.sources):
            self._listen_for_pushes()
            self.parts.append(Part("listener", lambda: self._orders("listener"), (self.push.fileno(),)))
        for name in shares(self.settings.cameras):
            self.parts.append(Part(name, partial(self._orders, name)))
        if self._simulate is not None:
            camera = self._simulate.get("camera_fd")
            fds = () if camera is None else (camera,)
            self.parts.append(Part("simulator", lambda: self._orders("simulator"), fds))
        for part in self.parts:
            self._task(part.run(self._died), part.name)
        return self.url

    def asked_to_stop(self) -> None:
        """Somebody pressed Ctrl-C. Children still starting up die of it: from here on that is no accident."""
        for part in self.parts:
            part.leave()
        self.stopping.set()

    async def stop(self) -> None:
        """The engine after the view, so that the last act is answered; the broker last, so that nothing is lost."""
        for part in self.parts:
            part.leave()
        for kind in ("simulator", "cameras", "listener", "view", "engine"):
            await asyncio.gather(*(part.stop() for part in self.parts if part.kind == kind))
        if self.broker is not None:
            await self.broker.stop()
        for task in self._tasks:
            task.cancel()
        await self.control.close()
        self.web.close()
        self.push.close()

    def _listen(self) -> None:
        """Take the web port here: whoever holds the socket holds the port, and a restarted view finds it again."""
        web = self.settings.web
        port = _bound(self.web, web.host, web.port, "web")
        if web.port and port != web.port:
            self._say(f"Port {web.port} is busy: the console is on port {port} instead.")
        host = "127.0.0.1" if web.host in ("0.0.0.0", "") else web.host  # noqa: S104 - compared, not bound
        self.url = web.url or f"http://{host}:{port}"

    def _listen_for_pushes(self) -> None:
        """The port of sources that listen over HTTP, held like the web's; those of TCP and UDP the listener takes."""
        wanted = self.settings.listener
        over_http = [s.name for s in self.settings.sources if any(a.kind == "http" for a in s.listens)]
        if not over_http:
            return
        port = _bound(self.push, wanted.host, wanted.port, "listener")
        if wanted.port and port != wanted.port:
            self._say(f"Port {wanted.port} is busy: sources are pushed to on port {port} instead.")
        self._say(f"Pushes to http://{wanted.host}:{port}/push/SOURCE/KEY/... for {', '.join(over_http)}.")

    def _orders(self, part: str) -> Orders:
        broker = self.broker
        return Orders(
            part, str(self.data), msgspec.msgpack.encode(self.settings),
            broker_host=self.settings.broker.host if broker else "", broker_port=broker.port if broker else 0,
            broker_kind=broker.kind if broker else "", web_fd=self.web.fileno(), web_url=self.url,
            listen_fd=self.push.fileno(),
            boot=f"{self._boot}{secrets.token_hex(2)}", simulate=self._simulate or {},
            share=tuple(c.device for c in shares(self.settings.cameras).get(part, ())),
        )  # fmt: skip

    def _task(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=f"supervisor.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("supervision failed", task=task.get_name(), error=repr(error))
            self.stopping.set()

    def _died(self, name: str, how: str) -> None:
        self._say(f"{name} ended ({how}); starting it again.")
        self._tell("process_alive", name, False, how)

    def _broker_trouble(self, client: str, reason: str) -> None:
        self._say(f"Broker: {client or 'itself'}: {reason}")
        self._tell("broker_trouble", client or "broker", True, reason)

    def _tell(self, metric: str, channel: str, value: bool, reason: str) -> None:
        async def tell() -> None:
            for wait_s in BACKOFF_S:
                with contextlib.suppress(EngineGone):
                    await self.control.tell(metric, channel, value, reason)
                    return
                await asyncio.sleep(wait_s)

        self._task(tell(), f"tell.{metric}")


def _bound(held: socket.socket, host: str, port: int, what: str) -> int:
    """Listen on the port, or on the next free one (0: on any), and give it. Raises OSError."""
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for candidate in range(port, min(port + 100, 65_536)) if port else (0,):
        try:
            held.bind((host, candidate))
        except OSError:
            continue
        held.listen(128)
        return int(held.getsockname()[1])
    raise OSError(f"no free {what} port from {port} on")


async def supervise(
    settings: Settings,
    say: Callable[[str], None],
    started: Callable[[str], Any],
    simulate: dict[str, Any] | None,
) -> None:
    """Run until Ctrl-C or SIGTERM, then stop clean. `started(url)` is called once the API answers."""
    supervisor = Supervisor(settings, say, simulate)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, supervisor.asked_to_stop)
    try:
        url = await supervisor.start()
        if await _answers(url, supervisor):
            started(url)
        await supervisor.stopping.wait()
    finally:
        say("Stopping ...")
        await supervisor.stop()
        say("Stopped. Everything is kept in " + settings.data)


async def _answers(url: str, supervisor: Supervisor) -> bool:
    """Wait until the console answers; False when somebody stops us first."""
    port = supervisor.web.getsockname()[1]
    host = supervisor.web.getsockname()[0]
    host = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    for _ in range(600):
        if supervisor.stopping.is_set():
            return False
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
            async with asyncio.timeout(2):
                line = await reader.readline()
            writer.close()
            if b" 200 " in line:
                return True
        except (OSError, TimeoutError):
            pass
        await asyncio.sleep(0.1)
    log.error("the console does not answer", url=url)
    return True
