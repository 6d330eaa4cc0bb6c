"""What a camera has learned of its view, kept on disk: a lens that is covered while the process restarts is told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
import structlog

from devices.picture.remembered import BYTES_MAX, CannotRestore
from devices.picture.view import Gate
from gateway.registry.cameras import CameraRecord

EVERY_MS: Final = 300_000  # between two writings of one camera; what is lost is what was learned since
FOOT: Final = 32  # bytes: BLAKE2b of the angle and the zones for which the view was learned

log = structlog.get_logger(__name__)


class KeptView:
    """One camera's file `<device>.view` in `folder`: replaced whole, at most every five minutes, checked on reading.

    It holds for one angle and one drawing of the zones: who moves a camera on purpose writes that into the register
    (`sees`, or its zones), and the view is learned anew.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = device
        self._file = folder / f"{quote(device, safe='')}.view"
        self._next = 0
        self._new = b""

    def onto(self, gate: Gate, record: CameraRecord) -> None:
        """Have a fresh gate go on with what is kept; learned anew, and said so in the log, where that cannot be."""
        try:
            with self._file.open("rb") as file:
                data = file.read(BYTES_MAX + FOOT + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("view learned anew", camera=self._device, reason=str(error))
            return
        if data[:FOOT] != _foot(record):
            log.info("view learned anew", camera=self._device, reason="its angle or zones were changed")
            return
        try:
            gate.restore(data[FOOT:])
        except CannotRestore as error:
            log.warning("view learned anew", camera=self._device, reason=str(error))

    def look(self, gate: Gate, record: CameraRecord, at: int) -> None:
        """After a picture of monotonic ms `at`, in the analyst's thread: take what was learned when that is due."""
        if gate.forgot:
            gate.forgot = False
            log.warning("view learned anew", camera=self._device, reason="pictures of another size")
        if at < self._next:
            return
        if data := gate.saved():
            self._new, self._next = _foot(record) + data, at + EVERY_MS

    def write(self) -> None:
        """In the loop's thread: put on disk what was taken since the last time."""
        new = self._new
        if not new:
            return
        self._new = b""
        beside = self._file.with_suffix(".new")
        try:
            beside.write_bytes(new)
            beside.replace(self._file)
        except OSError as error:  # a full disk costs what was learned since, and only if it ends now
            log.warning("cannot keep the view", camera=self._device, reason=str(error))


def _foot(record: CameraRecord) -> bytes:
    """What the view was learned for."""
    said = msgspec.json.encode((record.sees, record.zones))
    return hashlib.blake2b(said, digest_size=FOOT).digest()
