"""The cameras of csg.yaml as whoever shows them needs them: which there are, who is kept apart, a look through one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.cameras.door import Refused, Shown, show
from gateway.cameras.lastwords import Culprit, kept_apart
from gateway.cameras.settings import CameraSettings, shares


class Roster:
    """`configured` by device id. `folder` is where the processes of the cameras keep their files and sockets."""

    def __init__(self, cameras: Sequence[CameraSettings] = (), folder: Path | None = None) -> None:
        self.configured: Mapping[str, CameraSettings] = {camera.device: camera for camera in cameras}
        self._parts = {camera.device: part for part, share in shares(cameras).items() for camera in share}
        self._folder = folder

    def apart(self, now: int) -> dict[str, Culprit]:
        """Those kept apart at UTC ms `now`, by device id. Reads a small file a process."""
        return kept_apart(self._folder, now) if self._folder is not None and self.configured else {}

    async def look(self, device: str) -> Shown:
        """The newest picture, masked. Raises OSError when the camera's process does not answer within two seconds,
        Refused when it has no picture (`no-picture`, `busy`, `unknown`), as for a camera that is not in csg.yaml."""
        part = self._parts.get(device)
        if part is None or self._folder is None:
            raise Refused("unknown")
        return await show(self._folder / f"{part}.sock", self.configured[device].native)
