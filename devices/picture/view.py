"""Judges the view itself once for all analytics: whether it is the right one and can be trusted at this moment."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from devices.picture.faults import CELLS_MIN, SUSPECT, Faults
from devices.picture.frame import Frame, View
from devices.picture.reference import Light, Look, Match, Reference, look
from devices.picture.remembered import Memory, read, written
from devices.picture.stillness import Stillness
from devices.picture.zone import WHOLE

EVERY_MS: Final = 150  # about five judgements a second; frames between two share the earlier one
GAP_MS: Final = 5_000  # after a longer gap time is not counted as seen
SETTLES_MS: Final = (
    1_500  # exposure and white balance of usual cameras follow a light switch within about a second
)
LIGHT_MS: Final = 5_000  # in which the light of a view that is seen well is followed
LIGHT_KEPT: Final = (
    0.85  # of the edges usually kept: seen well; a cover over a bare part is not taken for light
)
MODE_MS: Final = 800  # colour or not must stand this long before it is believed

GREY_CHROMA: Final = 2  # levels off 128; infrared after compression was seen at 1, grey asphalt at 3
ALIKE_KEPT: Final = 0.6  # of the edges, for day and infrared to be one view

BLACK_MEAN: Final = 26  # grey levels; video black is 16, and compressed noise sits on it
BLACK_BRIGHT: Final = 48  # the brightest hundredth of a black picture is darker; a lamp in the night is not
VAGUE: Final = 0.22  # sharpness below which nothing in the view is in focus


class ViewConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a camera's view is learned and judged.

    The reference counts from `ready_s` of good view on and is an even mean until `learn_s`; after that it forgets over
    that time, so it follows the sun but not a hand. A clip gives both the same few seconds. `frozen_s` of complete
    stillness are a frozen picture.
    """

    learn_s: float = 7200.0
    ready_s: float = 60.0
    frozen_s: float = 20.0


CLIP: Final = ViewConfig(learn_s=5.0, ready_s=3.0, frozen_s=6.0)
"""For a clip of a minute, whose view is what its first seconds show."""


class Gate:
    """One camera's judge. Holds two references (colour and monochrome) and a second of small frames."""

    def __init__(self, config: ViewConfig = ViewConfig()) -> None:  # noqa: B008  frozen
        self.config = config
        self._learn_ms = round(config.learn_s * 1000)
        self._ready_ms = round(min(config.ready_s, config.learn_s) * 1000)
        # A clip of seconds has no sun to follow: half an hour keeps what a few seconds taught.
        self._follow_ms = max(self._learn_ms, 1_800_000)
        self._references: dict[bool, Reference] = {}
        self._usual: dict[bool, float] = {}
        self._light: Light | None = None  # as the view was lit when it was last seen well
        self._still = Stillness()
        self._last: tuple[int, View] | None = None
        self._shape: tuple[int, ...] = ()
        self.forgot = False  # what was restored was of pictures of another size, and is learned anew
        self._monochrome = False
        self._mode_since: int | None = None
        self._lumas: list[tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = []
        self._settled_at = 0
        self._fault_since: int | None = None
        self._faults = Faults()
        self._astray_ms = 0
        self._where = WHOLE  # around what was lost when it was last compared

    def judge(self, frame: Frame) -> View:
        """What is known of the view as this frame shows it; the frame's own `view` is left to the caller to set."""
        if self._last is not None and frame.at - self._last[0] < EVERY_MS:
            return self._last[1]
        passed = 0 if self._last is None else min(frame.at - self._last[0], GAP_MS)
        if frame.bgr.shape != self._shape:
            self._changed_size(frame)
        seen = look(frame)
        dark = self._dark(frame, seen)
        if not dark:
            self._mode(frame, seen)
        settling = self._settles(frame, seen)
        known = any(reference.age_ms >= self._ready_ms for reference in self._references.values())
        still_since = self._still.feed(frame, learning=not known)
        fault, score = ("black", 1.0) if dark else self._compare(frame.at, seen, passed, settling)
        if fault == "" and still_since is not None and frame.at - still_since >= self.config.frozen_s * 1000:
            fault, self._fault_since = "frozen", still_since
        if fault and self._fault_since is None:
            self._fault_since = frame.at
        elif not fault:
            self._fault_since = None
        reference = self._references.get(self._monochrome)
        learned = reference is not None and reference.age_ms >= self._ready_ms
        vague = learned and reference is not None and not _comparable(reference)
        box = self._where if fault == "covered" else WHOLE
        since = self._fault_since
        view = View(fault, settling, self._monochrome, learned, since, round(score, 3), box, vague)
        self._last = (frame.at, view)
        return view

    def saved(self) -> bytes:
        """What was learned of the view, for `restore`; b"" while that is less than counts."""
        learned = {m: r for m, r in self._references.items() if r.age_ms >= self._ready_ms}
        if not learned:
            return b""
        height, width, depth = self._shape
        return written(
            Memory(
                shape=(height, width, depth), references=learned, usual=self._usual, monochrome=self._monochrome,
                quiet=self._still.quiet,
            )
        )  # fmt: skip

    def restore(self, data: bytes) -> None:
        """Before the first frame: go on with what another run of this camera `saved`.

        Raises CannotRestore, and then knows nothing. If the first frame is of another size, `forgot` says so.
        """
        memory = read(data)
        self._shape, self._monochrome = memory.shape, memory.monochrome
        self._references, self._usual = dict(memory.references), dict(memory.usual)
        self._still.quiet = memory.quiet

    def _changed_size(self, frame: Frame) -> None:
        """A stream of another size: what was learned of the old one cannot be laid over it."""
        known = next(iter(self._references.values()), None)
        turned = (
            self._shape
            and abs(self._shape[0] / self._shape[1] * frame.bgr.shape[1] / frame.bgr.shape[0] - 1) > 0.02
        )
        restored = self._last is None and known is not None
        if turned or restored or (known is not None and known.size.shape != frame.small.shape):
            self._references.clear()
            self._light = None
            self.forgot = restored
        self._lumas.clear()
        self._shape = frame.bgr.shape
        self._settled_at = frame.at + (SETTLES_MS if self._last else 0)

    def _dark(self, frame: Frame, seen: Look) -> bool:
        """Whether there is nothing to see, not even the strongest edges of the reference in a faint light."""
        if seen.luma >= BLACK_MEAN or float(np.percentile(frame.small[::2, ::2], 99)) >= BLACK_BRIGHT:
            return False
        mine = self._references.get(self._monochrome)
        match = mine.match(seen) if mine is not None and mine.age_ms >= self._ready_ms else Match()
        return match.judged < CELLS_MIN or match.kept < 0.35

    def _mode(self, frame: Frame, seen: Look) -> None:
        """Colour or monochrome; a change must stand, and then the other mode's reference holds.

        Where both look alike (a grey yard in which a red car stops) there is one reference for both, and no change.
        """
        chroma = np.abs(frame.half_ycrcb[::4, ::4, 1:].astype(np.int16) - 128)
        grey = float(np.percentile(chroma, 99.5)) <= GREY_CHROMA
        if self._last is None:
            self._monochrome = grey
        if grey == self._monochrome:
            self._mode_since = None
            return
        if self._mode_since is None:
            self._mode_since = frame.at
        if frame.at - self._mode_since >= MODE_MS:
            self._monochrome, self._mode_since = grey, None
            other = self._references.get(not grey)
            if other is not None and grey not in self._references and other.match(seen).kept >= ALIKE_KEPT:
                self._references[grey] = other
                self._usual[grey] = self._usual.get(not grey, 0.9)
            elif other is None or other is not self._references.get(grey):
                self._settled_at = frame.at + SETTLES_MS

    def _settles(self, frame: Frame, seen: Look) -> bool:
        """Whether the light of nearly the whole picture has just changed by a quarter, all one way."""
        now = seen.coarse[::2, ::2] + 2
        self._lumas = [(at, luma) for at, luma in self._lumas if frame.at - at <= 700][-8:]
        if self._lumas and self._lumas[0][1].shape == now.shape:
            ratio = now / self._lumas[0][1]
            brighter = np.mean(ratio > 1.15) > 0.85 and ratio.mean() > 1.25
            darker = np.mean(ratio < 0.87) > 0.85 and ratio.mean() < 0.8
            if brighter or darker:
                self._settled_at = frame.at + SETTLES_MS
        self._lumas.append((frame.at, now))
        return frame.at < self._settled_at

    def _compare(self, at: int, seen: Look, passed: int, settling: bool) -> tuple[str, float]:
        """The fault that the comparison with the reference shows, and learning when it shows none."""
        mode = self._monochrome
        mine = self._references.get(mode)
        judge = mine if mine is not None and mine.age_ms >= self._ready_ms else self._references.get(not mode)
        if judge is None or judge.age_ms < self._ready_ms or judge.cells < CELLS_MIN:
            self._learn(at, seen, passed)
            return "", 1.0
        match = judge.match(seen, self._light)
        usual = self._usual.get(mode, 0.9) if judge is mine else 0.5
        self._where = match.where
        fault, score = self._faults.name(at, judge, match, usual, seen)
        if not fault and match.kept > LIGHT_KEPT * usual and match.judged >= CELLS_MIN:
            self._lit(seen, passed)
        if not fault and not settling and not self._faults.found:
            if match.kept > SUSPECT * usual or mine is not judge or match.judged < CELLS_MIN:
                self._learn(at, seen, passed)
            if judge is mine:
                part = min(passed / 60_000, 1.0) if match.kept > usual else min(passed / 120_000, 1.0)
                self._usual[mode] = usual + part * (match.kept - usual)
        return fault, score

    def _lit(self, seen: Look, passed: int) -> None:
        if self._light is None:
            self._light = Light(seen.cells.copy(), seen.tint.copy())
        part = np.float32(min(passed / LIGHT_MS, 1.0))
        for mine, new in zip(self._light, (seen.cells, seen.tint), strict=True):
            np.add(mine, part * (new - mine), out=mine)

    def _learn(self, at: int, seen: Look, passed: int) -> None:
        mode = self._monochrome
        mine = self._references.get(mode)
        if mine is None:
            self._references[mode] = Reference(seen)
            return
        if mine.age_ms < self._ready_ms and mine.age_ms > 1000 and mine.match(seen).kept < 0.3:
            self._astray_ms += passed  # not what was being learned: if it stays, it is what there is to learn
            if self._astray_ms > self._ready_ms:
                self._references[mode], self._astray_ms = Reference(seen), 0
            return
        self._astray_ms = 0
        mine.learn(seen, passed, self._learn_ms, self._follow_ms)
        if mine.age_ms <= self._ready_ms:
            self._usual[mode] = mine.match(seen).kept


def _comparable(reference: Reference) -> bool:
    """Whether a cover, a move or a turn could be told by it: enough edges, and some of them sharp."""
    return reference.cells >= CELLS_MIN and reference.sharpness >= VAGUE
