"""Keeps what our own cameras saw as evidence: whose place it is, which rule judges it, and the pictures, masked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import cv2
import structlog

from devices.catalogue import Catalogue
from devices.picture.mask import Faces, MaskingFailed, Pixels, face_finder
from devices.reading import source_of, split_point
from gateway.cameras.handover import Taken
from gateway.cameras.pictures import decoded
from gateway.cameras.settings import CameraSettings
from gateway.evidence.keep import Keeper
from gateway.evidence.rows import PULLED, CameraEvent
from gateway.evidence.sealing import evidence_key
from gateway.evidence.store import FOLDER, Evidence
from gateway.registry.errors import RegistryError
from gateway.registry.reader import RegistryReader
from rules.compile import RuleIndex
from rules.rule import Rule

ASKED: Final = 3
"""The priority of pictures that a person asks for where nothing more urgent is open: masked, and no original."""
AGAIN_MS: Final = 60_000
"""What begins again so soon (a flame seen on and off) is the scene that was pictured already."""

log = structlog.get_logger(__name__)


class Keeping:
    """One for a process of cameras; what it is called with is a `Taken` (`gateway.cameras.handover.Keep`).

    Calls come from several threads and go one after the other. The evidence is opened with the first one and, where
    that fails, with the next: then nothing is kept and the log says so.
    """

    def __init__(
        self,
        data: Path,
        cameras: Iterable[CameraSettings],
        rules: Sequence[Rule],
        utc_ms: Callable[[], int],
        *,
        bytes_max: int,
        faces: Path | None = None,
    ) -> None:
        self._data, self._rules, self._utc_ms = data, rules, utc_ms
        self._cameras = {camera.device: camera for camera in cameras}
        self._bytes_max, self._faces = bytes_max, faces
        self._registry = RegistryReader(data / "registry.sqlite")
        self._pictured: dict[tuple[str, str, str], int] = {}
        self._keeper: Keeper | None = None
        self._lock = threading.Lock()

    def __call__(self, taken: Taken) -> None:
        """Keep it. Raises OSError or ValueError where there is nowhere to keep anything."""
        frames = [(p.at, bgr) for p in taken.pictures if (bgr := decoded(p.jpeg)) is not None]
        zone = next((z.points for z in taken.record.zones if z.name == taken.zone), ())
        with self._lock:
            event = self._event(taken)
            keeper = self._keeper = self._keeper or self._opened()
            kept = keeper.keep(event, frames, taken.reference, taken.box, zone, self._utc_ms())
        log.info(
            "camera event", camera=taken.device, type=taken.type, kept=kept.event, pictures=kept.pictures,
            without=kept.reason,
        )  # fmt: skip

    def _opened(self) -> Keeper:
        faces = None if self._faces is None else faces_of(self._faces)
        key: bytes | None = None
        try:
            key = evidence_key(self._data)
        except (OSError, ValueError) as error:
            log.error("no originals are kept: their key cannot be read", reason=str(error))
        try:
            return Keeper(Evidence(self._data / FOLDER, bytes_max=self._bytes_max), key, faces)
        except sqlite3.Error as error:
            raise OSError(f"the evidence does not open: {error}") from error

    def _event(self, taken: Taken) -> CameraEvent:
        camera = self._cameras[taken.device]
        try:
            around = self._registry.around(taken.device)
        except RegistryError as error:  # then it stands at its site, as a camera that was never placed
            log.warning("a camera's place is not known", camera=taken.device, reason=str(error))
            around = Catalogue()
        known = around.devices.get(taken.device)
        pulled = taken.type == PULLED
        return CameraEvent(
            camera=taken.device, type=taken.type, at=taken.at, place=known.place if known else camera.site,
            site=camera.site, zone=taken.zone, score=taken.score,
            priority=min(taken.whose.priority or ASKED, ASKED)
            if pulled
            else priority_of(self._rules, around, taken.point),
            shared=taken.record.shared, snapshot=pulled or self._wanted(taken), incident=taken.whose.incident,
            simulated=camera.simulated,
        )  # fmt: skip

    def _wanted(self, taken: Taken) -> bool:
        """Whether the register wants pictures of such an event, and the last of this one are old enough."""
        if taken.type not in taken.record.pictures:
            return False
        key = (taken.device, taken.type, taken.zone)
        last = self._pictured.get(key)
        if last is not None and 0 <= taken.at - last < AGAIN_MS:
            return False
        self._pictured = {k: at for k, at in self._pictured.items() if 0 <= taken.at - at < AGAIN_MS}
        self._pictured[key] = taken.at
        return True


def priority_of(rules: Sequence[Rule], around: Catalogue, point: str) -> int | None:
    """The highest priority of the rules that judge this point by itself; None where none raises an alarm of it."""
    if not point:
        return None
    device, metric, channel = split_point(point)
    found = RuleIndex(rules, around).rules_for(around.devices.get(device), metric, channel, source_of(device))
    return min((r.priority for r in found if r.effect == "alarm" and r.when.SUBJECT == "point"), default=None)


def faces_of(model: Path) -> Faces:
    """The operator's face model; one that cannot be read finds a fault in every picture, so that none is kept."""
    try:
        return face_finder(model)
    except MaskingFailed as error:
        reason = str(error)
        log.error("no picture is kept until the face model can be read", reason=reason)

    def broken(_: Pixels) -> Sequence[tuple[int, int, int, int]]:
        raise cv2.error(reason)

    return broken
