"""Keeps a camera event and its pictures: masked in the process that saw them, before anything is stored or sent."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import structlog

from devices.picture.mask import Box, Faces, MaskingFailed, Pixels, Point, Show, masked
from gateway.evidence.rows import (
    DAY_MS,
    EVENT_DAYS,
    ORIGINAL_PRIORITY,
    CameraEvent,
    Kept,
    Moment,
    PictureRow,
)
from gateway.evidence.sealing import seal
from gateway.evidence.store import Evidence

QUALITY: Final = 80
FREE_MIN: Final = 1_000_000_000
"""Bytes that are left free on the disk: the journal of alarms comes before pictures."""

SHOWN: Final[Mapping[str, Show]] = {"possible_flame": "clear", "occupied": "fine", "removed": "fine"}
"""What the box of an event shows: a flame as it is; a thing that stands in the way in small blocks, for its plate and
its driver are nobody's business; whatever may be a person (motion, an intruder) nothing but blocks."""

log = structlog.get_logger(__name__)


class Keeper:
    """One for a process. `key` seals originals, `faces` is the operator's own model; None where there is none."""

    def __init__(
        self, evidence: Evidence, key: bytes | None, faces: Faces | None = None, *, free_min: int = FREE_MIN
    ) -> None:
        self._evidence, self._key, self._faces, self._free_min = evidence, key, faces, free_min

    def keep(
        self, event: CameraEvent, frames: Sequence[tuple[int, Pixels]], reference: Pixels | None, box: Box | None,
        zone: Sequence[Point], now: int,
    ) -> Kept:  # fmt: skip
        """Keep the event, and of `frames` (UTC ms, BGR) the first, the one nearest to its onset and the last.

        `reference` is the empty view, grey or BGR (see `devices.picture.mask.masked`), `box` 0..1 of the picture,
        `zone` its polygon, empty for the whole picture. Blocks for some ten milliseconds. Never raises for what a
        camera shows or a disk refuses: the answer says what was not kept, and alarms do not wait for it.
        """
        try:
            if not self._evidence.add_event(event, now):
                return Kept(event.id, 0, "known")
            kept = self._pictures(event, frames, reference, box, zone, now)
            if kept.reason not in ("", "off"):
                self._evidence.count(kept.reason)
        except (sqlite3.Error, OSError) as error:
            log.warning("evidence is not kept", camera=event.camera, reason=str(error))
            return Kept(event.id, 0, "disk")
        return kept

    def _pictures(
        self, event: CameraEvent, frames: Sequence[tuple[int, Pixels]], reference: Pixels | None, box: Box | None,
        zone: Sequence[Point], now: int,
    ) -> Kept:  # fmt: skip
        if not event.pictured:
            return Kept(event.id, 0, "off")
        if shutil.disk_usage(self._evidence.folder).free < self._free_min:
            return Kept(event.id, 0, "disk")
        if self._evidence.bytes() >= self._evidence.bytes_max:
            return Kept(event.id, 0, "full")
        show, done = SHOWN.get(event.type, "hidden"), 0
        for moment, at, bgr in chosen(frames, event.at):
            try:
                hidden = masked(bgr, reference, box, zone, show=show, faces=self._faces)
                jpeg = _encoded(hidden)
                original = _encoded(bgr) if event.priority == ORIGINAL_PRIORITY and self._key else None
            except MaskingFailed as error:
                log.warning(
                    "a picture that cannot be masked is not kept", camera=event.camera, reason=str(error)
                )
                return Kept(event.id, done, "masking")
            name = f"{event.id}-{moment}"
            sealed = seal(self._key, name, original) if original is not None and self._key else None
            self._evidence.add_picture(
                PictureRow(
                    name, event.id, moment, at, hashlib.sha256(jpeg).hexdigest(), len(jpeg) + len(sealed or b""),
                    hidden.shape[1], hidden.shape[0],
                    hashlib.sha256(original).hexdigest() if original is not None else None, now + EVENT_DAYS * DAY_MS,
                ),
                jpeg, sealed,
            )  # fmt: skip
            done += 1
        return Kept(event.id, done)


def chosen(frames: Sequence[tuple[int, Pixels]], onset: int) -> list[tuple[Moment, int, Pixels]]:
    """Of the frames the one nearest to the onset, the first before it and the last after it, in order of time."""
    if not frames:
        return []
    ordered = sorted(frames, key=lambda frame: frame[0])
    middle = min(range(len(ordered)), key=lambda n: abs(ordered[n][0] - onset))
    picked: list[tuple[Moment, int, Pixels]] = [("onset", *ordered[middle])]
    if middle > 0:
        picked.insert(0, ("before", *ordered[0]))
    if middle < len(ordered) - 1:
        picked.append(("now", *ordered[-1]))
    return picked


def _encoded(bgr: Pixels) -> bytes:
    try:
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    except cv2.error as error:
        raise MaskingFailed(str(error)[:200]) from error
    if not done:
        raise MaskingFailed("no JPEG could be made of it")
    return np.asarray(data).tobytes()
