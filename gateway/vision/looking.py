"""Has a source looked at in a child process, and survives whatever a broken file does to it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Final

import msgspec

from gateway.vision.orders import Ended, Orders, Reached, Said, Told
from gateway.vision.quiet import QUIET

SILENCE_S: Final = 60.0  # a child that has said nothing for so long hangs in a decoder


def looking(orders: Orders, silence_s: float = SILENCE_S) -> Iterator[Said]:
    """What the child says, always closed by an Ended: its own, or one that says how the child died.

    Sights that stood when it died are not ended for it; the caller knows them and the time of the Ended.
    """
    command = [sys.executable, "-m", "gateway.vision.child"]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**QUIET, **os.environ}, start_new_session=True,
    )  # fmt: skip
    assert child.stdin is not None, "a pipe was asked for"
    assert child.stdout is not None, "a pipe was asked for"
    lines: queue.Queue[bytes] = queue.Queue(1024)
    reader = threading.Thread(target=_read, args=(child.stdout, lines), name="vision.child", daemon=True)
    reader.start()
    at = 0
    try:
        with contextlib.suppress(BrokenPipeError):  # it died at once: its end is read below
            child.stdin.write(msgspec.json.encode(orders))
            child.stdin.close()
        while True:
            try:
                line = lines.get(timeout=silence_s)
            except queue.Empty:
                yield Ended(at, 0, f"decoding hangs: nothing for {silence_s:g} s")
                return
            if not line:
                yield Ended(at, 0, _death(child.wait()))
                return
            said = msgspec.json.decode(line, type=Said)
            if isinstance(said, Reached | Ended):
                at = said.at
            elif isinstance(said, Told):
                at = max(at, said.sight.end or said.sight.start)
            yield said
            if isinstance(said, Ended):
                return
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        reader.join()
        child.stdout.close()


def _read(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(b"")


def _death(code: int) -> str:
    if code < 0:
        return f"the decoder died on it ({signal.Signals(-code).name})"
    return f"the decoder gave up on it (exit code {code})"
