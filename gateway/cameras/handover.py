"""What is handed over when pictures are wanted: whoever keeps them masks them first, in this process."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from devices.picture.zone import WHOLE, Box
from gateway.cameras.pictures import Picture
from gateway.registry.cameras import CameraRecord


class Taken(msgspec.Struct, frozen=True):
    """Up to three pictures of one camera: before, at the onset, now.

    `why`: `snapshot` when a person or an alarm asked, else the metric that began. `at`: UTC ms of the onset. `box` and
    `zone` are what was seen and where, the whole picture for a snapshot. The pictures show whoever was in view: nothing
    may be stored or sent of them before it is masked.
    """

    device: str
    why: str
    at: int
    pictures: tuple[Picture, ...]
    record: CameraRecord
    box: Box = WHOLE
    zone: str = ""


Keep = Callable[[Taken], None]
"""Called in a thread of its own; whatever it raises as OSError or ValueError is logged and nothing is kept."""
