"""One camera's thread: opens its source, grabs every picture, keeps the newest that is due, and comes back."""

from __future__ import annotations

import contextlib
import math
import random
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import cv2
import numpy as np

from devices.picture.frame import Pixels, fitted
from devices.picture.zone import Zone
from gateway.cameras.pictures import painted
from gateway.cameras.settings import CameraSettings

OPEN_MS: Final = 3_000
READ_MS: Final = 3_000
BACKOFF_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 40.0)
"""Times 0.75 to 1.33: a source that is back is seen within 60 s, opening included, and cameras behind one switch do not
all come back in the same moment."""
WELL_S: Final = 10.0  # pictures for so long: the next loss is a new one, and is answered quickly
SMALLEST: Final = 16  # pixels; less is no camera's picture
BROKEN_MAX: Final = 50  # pictures in a row that cannot be decoded: the stream is as good as gone
RATE_OVER_S: Final = 5.0
AGAIN_S: Final = 0.2


class Newest(NamedTuple):
    """A picture to analyse. `at` is monotonic ms, `utc` the UTC ms at which it was grabbed."""

    at: int
    utc: int
    bgr: Pixels


class Capture:
    """`start()` it once; read `take()`, `picture_at`, `busy_since` and `rate` from another thread at any time.

    A call into OpenCV may hang for good whatever time-outs it was given: nothing here is waited for by anybody, and
    `busy_since` says for how long. `masks` are painted black before anyone sees the picture.
    """

    def __init__(
        self,
        camera: CameraSettings,
        utc_ms: Callable[[], int],
        arrived: Callable[[], None],
        entered: Callable[[str], None],
    ) -> None:
        """`arrived()` is called when there is a new picture, `entered(camera)` before OpenCV first sees the source."""
        self.camera = camera
        self.masks: tuple[Zone, ...] = ()
        self.picture_at: float | None = None  # monotonic s of the newest good picture
        self.busy_since: float | None = None  # monotonic s since when a call has not come back
        self.rate = 0.0  # pictures grabbed a second, over the last seconds
        self.problem = "not opened yet"
        self._utc_ms, self._arrived, self._entered = utc_ms, arrived, entered
        self._newest: Newest | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"camera.{camera.name}"[:15], daemon=True)

    def start(self) -> None:
        """Begin; the thread is a daemon, for it may hang in a call that nobody can end."""
        self.thread.start()

    def stop(self) -> None:
        """Ask it to end when its call returns."""
        self._stop.set()

    def take(self) -> Newest | None:
        """The newest picture not taken yet; older ones are gone."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    # -- in the thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._entered(self.camera.device)
        tries = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self._look()
            self.rate = 0.0
            seen = self.picture_at is not None and self.picture_at > began
            tries = 0 if seen and time.monotonic() - began > WELL_S else tries + 1
            if seen and not self.camera.live:
                self._stop.wait(AGAIN_S)  # a film begins again
                continue
            self._stop.wait(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)] * random.uniform(0.75, 1.33))

    def _look(self) -> None:
        """Open the source and read it to its end; sets `problem`."""
        params = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS,
            cv2.CAP_PROP_N_THREADS, 1,  # decoding stays in this thread: an abort in it names the camera
        ]  # fmt: skip
        capture: cv2.VideoCapture | None = None
        self.busy_since = time.monotonic()
        try:
            capture = cv2.VideoCapture(self.camera.address, cv2.CAP_FFMPEG, params)
            self.busy_since = None
            if not capture.isOpened():
                self.problem = "cannot be opened"
                return
            self._read(capture)
        except cv2.error as error:
            self.problem = f"cannot be decoded ({error.code})"
        finally:
            if capture is not None:
                self.busy_since = time.monotonic()
                capture.release()
            self.busy_since = None

    def _read(self, capture: cv2.VideoCapture) -> None:
        fps = capture.get(cv2.CAP_PROP_FPS)
        film_s = 1 / fps if math.isfinite(fps) and 0.5 <= fps <= 240 else 0.04
        every = 1 / self.camera.fps
        due, next_film, broken = 0.0, time.monotonic(), 0
        counted, counting = 0, time.monotonic()
        while not self._stop.is_set():
            if not self.camera.live:
                next_film += film_s  # a film has no pace of its own
                self._stop.wait(max(0.0, next_film - time.monotonic()))
            self.busy_since = time.monotonic()
            grabbed = capture.grab()
            now = time.monotonic()
            self.busy_since = None
            if not grabbed:
                self.problem = "no more pictures"
                return
            counted += 1
            if now - counting >= RATE_OVER_S:
                self.rate, counted, counting = counted / (now - counting), 0, now
            if now < due:
                continue
            self.busy_since = now
            good, bgr = capture.retrieve()
            self.busy_since = None
            if not good or bgr is None or bgr.ndim != 3 or min(bgr.shape[:2]) < SMALLEST:
                broken += 1
                if broken > BROKEN_MAX:
                    self.problem = "its pictures cannot be decoded"
                    return
                continue
            broken = 0
            due = max(due + every, now - every / 2)  # keeps the average rate where pictures fall off its beat
            self._keep(now, np.asarray(bgr, np.uint8))

    def _keep(self, now: float, bgr: Pixels) -> None:
        picture = fitted(bgr)
        painted(picture, self.masks)
        with self._lock:
            self._newest = Newest(round(now * 1000), self._utc_ms(), picture)
        self.picture_at, self.problem = now, ""
        with contextlib.suppress(RuntimeError):  # the loop closed under us: the process is ending
            self._arrived()
