"""The cameras of csg.yaml as whoever shows them needs them: which there are, and which of them are kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.cameras.lastwords import Culprit, kept_apart
from gateway.cameras.settings import CameraSettings


class Roster:
    """`configured` by device id. `folder` is where the processes of the cameras keep their files."""

    def __init__(self, cameras: Sequence[CameraSettings] = (), folder: Path | None = None) -> None:
        self.configured: Mapping[str, CameraSettings] = {camera.device: camera for camera in cameras}
        self._folder = folder

    def apart(self, now: int) -> dict[str, Culprit]:
        """Those kept apart at UTC ms `now`, by device id. Reads a small file a process."""
        return kept_apart(self._folder, now) if self._folder is not None and self.configured else {}
