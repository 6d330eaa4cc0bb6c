"""A look through a camera at this moment: its newest picture, masked in the process that has it before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from devices.picture.mask import Faces, MaskingFailed, Pixels, masked
from devices.picture.zone import Zone
from gateway.cameras.door import Shown
from gateway.cameras.eyes import masks_of
from gateway.cameras.pictures import Picture, decoded, encoded, painted
from gateway.cameras.slot import Slot

WAITING_MAX: Final = 4
"""Looks that may wait for each other: 30 ms of a core each, and who asks gives up after two seconds."""

NOTHING: Final = "no-picture"
BUSY: Final = "busy"

log = structlog.get_logger(__name__)


class _Made(NamedTuple):
    """A preview and all it was made of."""

    picture: Picture
    reference: Pixels | None
    masks: tuple[Zone, ...]
    shown: Shown


class Previewer:
    """One a process. Whoever looks at one picture gets one preview, so that ten who watch cost no more than one."""

    def __init__(self, faces: Callable[[], Faces | None]) -> None:
        """`faces()` gives the operator's own face model, where there is one; it is asked once, in a thread."""
        self._faces, self._found = faces, list[Faces | None]()
        self._one = asyncio.Lock()
        self._waiting = 0
        self._last: dict[str, _Made] = {}

    async def show(self, slot: Slot) -> Shown | str:
        """What there is to see, or the code of why not."""
        if self._waiting >= WAITING_MAX:
            return BUSY
        self._waiting += 1
        try:
            async with self._one:
                return await self._show(slot)
        finally:
            self._waiting -= 1

    async def _show(self, slot: Slot) -> Shown | str:
        found = slot.view()
        if found is None:
            return NOTHING
        (picture, reference), masks = found, masks_of(slot.record)
        last = self._last.get(slot.camera.device)
        if (
            last is not None
            and last.picture is picture
            and last.reference is reference
            and last.masks == masks
        ):
            return last.shown
        try:
            jpeg = await asyncio.to_thread(self._hidden, picture, reference, masks)
        except MaskingFailed as error:
            log.warning(
                "a picture that cannot be masked is not shown",
                camera=slot.camera.device,
                reason=str(error),
            )
            return NOTHING
        shown = Shown(picture.at, jpeg, reference is not None)
        self._last[slot.camera.device] = _Made(picture, reference, masks, shown)
        return shown

    def _hidden(self, picture: Picture, reference: Pixels | None, masks: tuple[Zone, ...]) -> bytes:
        """In a thread, one at a time."""
        bgr = decoded(picture.jpeg)
        if bgr is None:
            raise MaskingFailed("not a picture")
        if not self._found:
            self._found.append(self._faces())
        painted(bgr, masks)  # a mask that was drawn after the picture was taken
        jpeg = encoded(masked(bgr, reference, None, (), faces=self._found[0]))
        if jpeg is None:
            raise MaskingFailed("no JPEG could be made of it")
        return jpeg
