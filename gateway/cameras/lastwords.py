"""Who killed the last process: decoders abort on some broken streams; the camera that did it is kept apart a while."""

from __future__ import annotations

import faulthandler
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

APART_S: Final = (60, 300, 900, 3600)
"""How long a camera is kept apart after its first, second, ... death in a row."""
FORGIVEN_MS: Final = 24 * 3_600_000  # a day without a death: the next one is a first one again
WORDS_MAX: Final = 65_536

NOBODY: Final = "-"  # a thread that serves no camera alone

_FATAL: Final = re.compile(r"^Fatal Python error", re.MULTILINE)
_DYING: Final = re.compile(r"^Current thread (0x[0-9a-f]+)", re.MULTILINE)
_ENTERED: Final = re.compile(r"^entered (0x[0-9a-f]+) (\S+)$", re.MULTILINE)
_HUNG: Final = re.compile(r"^hung (\S+)$", re.MULTILINE)


class Culprit(msgspec.Struct, frozen=True):
    """A camera that killed its process: how often in a row, when last, and until when it is kept apart (UTC ms)."""

    deaths: int
    at: int
    until: int


def kept_apart(folder: Path, now: int) -> dict[str, Culprit]:
    """The cameras of every process that are kept apart at UTC ms `now`, as their last words left it in `folder`."""
    found: dict[str, Culprit] = {}
    for file in folder.glob("*.apart"):
        found |= _known(file)
    return {camera: one for camera, one in found.items() if one.until > now}


def _known(file: Path) -> dict[str, Culprit]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Culprit])
    except (OSError, msgspec.DecodeError):
        return {}


class LastWords:
    """The file into which a dying process writes which thread it was, in `folder`, one a process.

    Threads say which camera they serve before they touch it; Python's fault handler adds the dying thread.
    """

    def __init__(self, folder: Path, part: str) -> None:
        self._words, self._apart = folder / f"{part}.words", folder / f"{part}.apart"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def culprit(self) -> str | None:
        """The camera that ended the process before this one; None after an ordinary end, or when nobody can tell."""
        try:
            text = self._words.read_bytes()[-WORDS_MAX:].decode("utf-8", "replace")
        except OSError:
            return None
        if hung := _HUNG.findall(text):
            return str(hung[-1])
        if _FATAL.search(text) is None:
            return None
        entered = [(int(thread, 16), camera) for thread, camera in _ENTERED.findall(text)]
        dying = _DYING.search(text)
        last = next((camera for _, camera in reversed(entered) if camera != NOBODY), None)
        culprit = dict(entered).get(int(dying[1], 16), NOBODY) if dying else last
        return None if culprit == NOBODY else culprit

    def sentence(self, now: int) -> Mapping[str, Culprit]:
        """Who is to be kept apart at UTC ms `now`, the culprit of the last end included; call once, at the start."""
        known = {name: one for name, one in _known(self._apart).items() if now - one.at < FORGIVEN_MS}
        culprit = self.culprit()
        if culprit is not None:
            deaths = known[culprit].deaths + 1 if culprit in known else 1
            until = now + APART_S[min(deaths, len(APART_S)) - 1] * 1000
            known[culprit] = Culprit(deaths, now, until)
            self._apart.write_bytes(msgspec.json.encode(known))
        return known

    def listen(self) -> None:
        """Begin a new file and have the fault handler write into it."""
        self._file = os.open(self._words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        faulthandler.enable(self._file, all_threads=True)  # else it does not name the thread
        self.entered(NOBODY)

    def entered(self, camera: str) -> None:
        """The calling thread is about to touch this camera's pictures."""
        os.write(self._file, f"entered {threading.get_ident():#x} {camera}\n".encode())

    def hung(self, camera: str) -> None:
        """This camera's thread does not come back: the process ends itself because of it."""
        os.write(self._file, f"hung {camera}\n".encode())

    def close(self) -> None:
        """An ordinary end: nobody is to blame."""
        faulthandler.disable()
        os.close(self._file)
        self._words.unlink(missing_ok=True)
