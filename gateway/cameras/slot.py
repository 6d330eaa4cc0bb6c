"""One camera of this process: its capture, its analytics, what it has said; started only when the register is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import structlog

from devices.picture.analytic import Plugin, Sight
from devices.picture.frame import Pixels
from devices.picture.reading import reading_of
from gateway.cameras.capture import Capture
from gateway.cameras.door import Whose
from gateway.cameras.eyes import NONE, Eyes, masks_of
from gateway.cameras.handover import Taken
from gateway.cameras.lastwords import LastWords
from gateway.cameras.liveness import Liveness
from gateway.cameras.pictures import Picture, Pictures
from gateway.cameras.settings import CameraSettings
from gateway.cameras.told import Level, Message, Told
from gateway.cameras.views import KeptView
from gateway.evidence.rows import PULLED
from gateway.registry.cameras import CameraRecord

HANG_S: Final = 60.0
"""A call into OpenCV that has not come back for so long never will: only a new process gets rid of it."""
SETTLE_S: Final = (
    120.0  # beside learning and dwelling, until what an earlier process left standing counts as over
)

log = structlog.get_logger(__name__)


class Seen(NamedTuple):
    """One picture of UTC ms `at`, looked at by `eyes`: whether the view is usable, and what began or ended."""

    eyes: Eyes
    at: int
    usable: bool
    sights: list[tuple[Plugin, Sight]]


class Slot:
    """Methods are for the loop's thread but `analyse`, which the analyst's calls."""

    def __init__(
        self,
        camera: CameraSettings,
        plugins: Mapping[str, Plugin],
        utc_ms: Callable[[], int],
        arrived: Callable[[], None],
        words: LastWords,
        inherited: frozenset[Level] = frozenset(),
        extra: Mapping[str, Mapping[str, Any]] = NONE,
        *,
        view: KeptView | None = None,
    ) -> None:
        """`view`: where what is learned of the view outlives the process."""
        self.camera, self.record = camera, CameraRecord()
        self.pictures = Pictures()
        self.capture: Capture | None = None
        self.apart_until = 0
        self.looked = 0  # pictures analysed
        self.told = Told(camera.device, inherited)
        self._plugins, self._utc_ms, self._arrived, self._words = plugins, utc_ms, arrived, words
        self._extra, self._view = extra, view
        self._eyes: Eyes | None = None
        self._liveness = Liveness(time.monotonic())

    @property
    def state(self) -> str:
        """`looking`, `lost`, `starting`, `apart`, or `unregistered: ` and what is missing."""
        if self.record.missing:
            return f"unregistered: {', '.join(self.record.missing)}"
        if self.apart_until > self._utc_ms():
            return "apart"
        if self._liveness.online is None:
            return "starting"
        return "looking" if self._liveness.online else f"lost: {self.capture.problem if self.capture else ''}"

    def registered(self, record: CameraRecord, now: int) -> Iterator[Message]:
        """The register says this now: start, stop, or go on with other zones and settings."""
        old, self.record = self.record, record
        if record.missing:
            if self.capture is not None:
                self._stop()
                yield from self.told.stopped(now)
        else:
            if self._eyes is None or _looked_for(old) != _looked_for(record):
                self._renew()
            if self.capture is not None:
                self.capture.masks = masks_of(record)
        yield from self.told.status({"camera_registered": not record.missing}, now)

    def second(self, now: int) -> Iterator[Message]:
        """Once a second: start what may start, judge the stream, mind the snooze."""
        if self.record.missing:
            return
        if self.capture is None and self.apart_until <= now:
            self.capture = Capture(self.camera, self._utc_ms, self._arrived, self._words.entered)
            self.capture.masks = masks_of(self.record)
            self.capture.start()
        capture = self.capture
        live = self._liveness
        live.look(time.monotonic(), capture.picture_at if capture else None, capture.rate if capture else 0.0)
        if live.online is not None:
            said: dict[str, Any] = {"camera_online": live.online}
            if self.camera.live:
                said["stream_slow"] = live.slow
            if (was := self.told.says("camera_online")) != live.online and (
                was is not None or not live.online
            ):
                log.warning("camera", camera=self.camera.device, state=self.state)
            yield from self.told.status(said, now)
        if self._view is not None:
            self._view.write()
        yield from self.told.snooze(self.snoozed(now), now)

    def snoozed(self, now: int) -> bool:
        """Whether a person wants no news of what it sees, at UTC ms `now`."""
        until = self.record.snoozed_until
        return until is not None and until > now

    @property
    def hung(self) -> bool:
        """Whether its thread will never come back."""
        since = self.capture.busy_since if self.capture else None
        return since is not None and time.monotonic() - since > HANG_S

    def calendar(self, minute: int) -> None:
        """The minute of the local week, now."""
        eyes = self._eyes
        if eyes is not None:
            eyes.calendar(round(time.monotonic() * 1000), minute)

    def restarted(self) -> None:
        """The analytics failed: begin them anew, from nothing, for what they had learned may be why."""
        self._renew(remember=False)

    def _renew(self, *, remember: bool = True) -> None:
        eyes = Eyes(self._plugins, self.record, self._extra)
        if remember and self._view is not None:
            self._view.onto(eyes.gate, self.record)
        learn_s = sum(self.record.thresholds.get(k, d) for k, d in (("dwell_s", 60.0), ("learn_s", 5.0)))
        self.told.settles(round((learn_s + SETTLE_S) * 1000))
        self.told.renewed()
        self._eyes = eyes

    def _stop(self) -> None:
        if self.capture is not None:
            self.capture.stop()
        self.capture = self._eyes = None
        self._liveness = Liveness(time.monotonic())

    def view(self) -> tuple[Picture, Pixels | None] | None:
        """The newest picture and the view to mask it by; None while the camera does not run or shows nothing."""
        eyes, newest = self._eyes, self.pictures.newest()
        if newest is None or eyes is None or not self._liveness.online:
            return None
        return newest, eyes.reference

    def saw(self, plugin: Plugin, sight: Sight, at: int) -> Taken | None:
        """The pictures of something that began at UTC ms `at`; None while there are none."""
        reading = reading_of(plugin, self.camera.device, sight)
        return self._taken(
            sight.type, at, box=sight.box, zone=sight.zone, score=sight.score,
            point=reading.point if reading is not None else "",
        )  # fmt: skip

    def pulled(self, at: int, whose: Whose) -> Taken | None:
        """The pictures that were asked for at UTC ms `at`; None while there are none."""
        return self._taken(PULLED, at, whose=whose)

    def _taken(self, kind: str, at: int, **more: Any) -> Taken | None:
        pictures = tuple(self.pictures.three(at))
        eyes = self._eyes
        if not pictures or eyes is None:
            return None
        return Taken(self.camera.device, kind, at, pictures, self.record, eyes.reference, **more)

    def seen(self, seen: Seen) -> Iterator[Message]:
        """What the analyst saw; nothing of analytics that have been begun anew since, for their sights never end."""
        if seen.eyes is not self._eyes:
            return
        yield from self.told.status({"fault": False}, seen.at)
        for plugin, sight in seen.sights:
            yield from self.told.sight(plugin, sight, seen.at)
        yield from self.told.seen(seen.usable, seen.at)

    # -- in the analyst's thread ------------------------------------------------------------------------------

    def analyse(self) -> Seen | None:
        """Look at the newest picture, if there is one."""
        capture = self.capture
        newest = capture.take() if capture else None
        eyes = self._eyes
        if newest is None or eyes is None:
            return None
        self.pictures.add(newest.utc, newest.bgr)
        sights = list(eyes.look(newest.at, newest.bgr))
        self.looked += 1
        if self._view is not None and not eyes.view.fault:
            self._view.look(eyes.gate, eyes.record, newest.at)
        return Seen(eyes, newest.utc, eyes.view.reliable and eyes.view.learned, sights)


def _looked_for(record: CameraRecord) -> tuple[Any, ...]:
    """The part of a record whose change begins the analytics anew."""
    return (record.sees, record.zones, record.analytics, record.thresholds, record.armed, record.missing)
