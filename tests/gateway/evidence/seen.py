"""Camera events and pictures for the tests of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from devices.picture.mask import Pixels
from gateway.evidence.keep import Keeper
from gateway.evidence.rows import CameraEvent, Kept
from gateway.evidence.store import Evidence

NOW = 1_763_800_000_000
KEY = bytes(range(32))
CAMERA = "cameras-yard:yard/lane"


def event(at: int = NOW, **more: Any) -> CameraEvent:
    """A possible flame in shared space, P3."""
    facts: dict[str, Any] = {
        "camera": CAMERA, "type": "possible_flame", "at": at, "place": "b1", "site": "yard", "priority": 3,
        "shared": True,
    }  # fmt: skip
    return CameraEvent(**(facts | more))


def picture(seed: int = 0) -> Pixels:
    """A small picture full of detail."""
    return np.random.default_rng(seed).integers(0, 256, (90, 160, 3), dtype=np.uint8)


def frames(at: int = NOW) -> list[tuple[int, Pixels]]:
    """Before, onset, now."""
    return [(at - 5_000, picture(1)), (at, picture(2)), (at + 2_000, picture(3))]


def keeper(evidence: Evidence, **more: Any) -> Keeper:
    """With a key, and with no wish for free disk: the machine of a test may have little."""
    return Keeper(evidence, KEY, free_min=0, **more)


def keep(evidence: Evidence, seen: CameraEvent, now: int | None = None) -> Kept:
    """Kept with three pictures."""
    return keeper(evidence).keep(
        seen, frames(seen.at), None, (0.4, 0.4, 0.2, 0.2), (), seen.at if now is None else now
    )


def files(folder: Path) -> list[str]:
    """Names of the pictures and sealed originals in the folder."""
    return sorted(p.name for p in folder.rglob("*") if p.suffix in (".jpg", ".sealed"))
