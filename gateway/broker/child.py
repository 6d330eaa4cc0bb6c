"""One run of a broker program: started so that it cannot outlive us, its output logged and read, its port proved."""

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gateway.broker.accounts import Account
from gateway.broker.logfile import BoundedLog, Lines
from gateway.mqtt.wire import CONNECT, DISCONNECT_PACKET, write_length, write_string

STOP_S = 8.0  # time to save its queue before it is killed
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PID_FILE = "broker.pid"
_POLL_S = 0.05


class Child:
    """A running broker. `tail` keeps its last lines for error messages."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._reader: asyncio.Task[None] | None = None
        self.tail: list[str] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Its exit code, once it has ended and all it said is read."""
        code = await self._process.wait()
        if self._reader is not None:
            await asyncio.wait((self._reader,))  # not awaited itself: a cancelled wait must not cancel it
        return code

    def reload(self) -> None:
        """Have it read its accounts and rules again; both programs do so on SIGHUP."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it without asking; it may lose what it has not saved."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Ask it to save and end, kill it after STOP_S, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self.wait()
        except TimeoutError:
            self.kill()
            await self.wait()
        (self._folder / _PID_FILE).unlink(missing_ok=True)

    def read(self, log: BoundedLog, heard: Callable[[str], None]) -> None:
        """Begin to copy its output to `log` and to tell each line to `heard`."""
        self._reader = asyncio.create_task(self._read(log, heard), name="broker.log")

    async def _read(self, log: BoundedLog, heard: Callable[[str], None]) -> None:
        assert self._process.stdout is not None
        lines = Lines()
        while data := await self._process.stdout.read(65_536):
            try:
                log.write(data)
            except OSError:
                pass  # a full disk must not stop the broker: it blocks when nobody reads its output
            for line in lines.feed(data):
                self.tail = [*self.tail[-9:], line]
                heard(line)


async def spawn(program: str, arguments: list[str], folder: Path) -> Child:
    """Start the program in `folder`; end first what an earlier gateway left running there.

    In a session of its own, so that Ctrl-C reaches us alone and the broker goes last. On Linux the kernel ends it
    when we die; elsewhere the next start does, by the pid file.
    """
    await end_leftover(folder)
    parent = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # we died before the line above
                os._exit(1)

    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    (folder / _PID_FILE).write_text(f"{process.pid}\n")
    return Child(process, folder)


async def end_leftover(folder: Path) -> None:
    """End the broker that a killed gateway left behind in this folder, so that no two write the same files."""
    path = folder / _PID_FILE
    try:
        pid = int(path.read_text())
    except (FileNotFoundError, ValueError):
        return
    for sent in (signal.SIGTERM, signal.SIGKILL):
        waited_s = 0.0
        while waited_s < STOP_S and str(folder) in await asyncio.to_thread(_command_line, pid):
            if not waited_s:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            await asyncio.sleep(_POLL_S)
            waited_s += _POLL_S
    path.unlink(missing_ok=True)


def _command_line(pid: int) -> str:
    """The arguments of a running process, "" where there is none; a pid alone may be somebody else's by now."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    done = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return done.stdout


async def answers(host: str, port: int, account: Account, within_s: float) -> bool:
    """Whether a broker there accepts our account, which only our own child can know."""
    body = write_string("MQTT") + b"\x04\xc2\x00\x0a" + write_string(f"csg-probe-{secrets.token_hex(4)}")
    body += write_string(account.user) + write_string(account.password)
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(bytes((CONNECT,)) + write_length(len(body)) + body)
                accepted = await reader.readexactly(4) == b"\x20\x02\x00\x00"
                writer.write(DISCONNECT_PACKET)
                return accepted
            finally:
                writer.close()
    except (OSError, asyncio.IncompleteReadError):  # TimeoutError is an OSError
        return False
