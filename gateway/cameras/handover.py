"""What is handed over when pictures are wanted: whoever keeps them masks them first, in this process."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from devices.picture.frame import Pixels
from devices.picture.zone import Box
from gateway.cameras.door import Whose
from gateway.cameras.pictures import Picture
from gateway.registry.cameras import CameraRecord


class Taken(msgspec.Struct, frozen=True):
    """Up to three pictures of one camera: before, at the onset, now.

    `type`: of the `devices.picture.analytic.Sight`, or `PULLED`. `at`: UTC ms of the onset, or of when they were asked
    for. `reference` is the view with nobody in it, None while it is not known. `box`, `zone` (its name) and `score` are
    of what was seen, `point` says it in readings; `whose` alarm asked for pulled ones. The pictures show whoever was in
    view: nothing may be stored or sent of them before it is masked.
    """

    device: str
    type: str
    at: int
    pictures: tuple[Picture, ...]
    record: CameraRecord
    reference: Pixels | None
    box: Box | None = None
    zone: str = ""
    score: float | None = None
    point: str = ""
    whose: Whose = Whose()


Keep = Callable[[Taken], None]
"""Called in a thread of its own; whatever it raises as OSError or ValueError is logged and nothing is kept."""
