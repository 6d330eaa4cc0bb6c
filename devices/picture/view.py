"""Judges the view itself once for all analytics: whether it is the right one and can be trusted at this moment."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from devices.picture.align import Alignment, aligned
from devices.picture.frame import Frame, View
from devices.picture.reference import Look, Match, Reference, look
from devices.picture.stillness import Stillness
from devices.picture.zone import WHOLE

EVERY_MS: Final = 180  # at most five judgements a second; frames between two share the earlier one
GAP_MS: Final = 5_000  # after a longer gap time is not counted as seen
SEARCH_MS: Final = 1_000  # between two searches for how the view was moved, doubled after each in vain ...
SEARCH_MAX_MS: Final = 8_000  # ... up to this
SETTLES_MS: Final = (
    1_500  # exposure and white balance of usual cameras follow a light switch within about a second
)
MODE_MS: Final = 800  # colour or not must stand this long before it is believed

GREY_CHROMA: Final = 2  # levels off 128; infrared after compression was seen at 1, grey asphalt at 3
ALIKE_KEPT: Final = 0.6  # of the edges, for day and infrared to be one view

BLACK_MEAN: Final = 26  # grey levels; video black is 16, and compressed noise sits on it
BLACK_BRIGHT: Final = 48  # the brightest hundredth of a black picture is darker; a lamp in the night is not
LOST: Final = 0.75  # of the cells: something stands before the whole view, or it is another view
LOST_FAINT: Final = 0.85  # the same where there is little to lose
COVERED_FLAT: Final = 0.45  # of the cells, lost and showing nothing instead
COVERED_LOST: Final = 0.55
BLUR_SHARP: Final = 0.56  # of the reference's fine detail; rain, dusk and compression were seen to leave 0.75
BLUR_KEPT: Final = 0.45  # of the edges: out of focus they are weaker and still where they were
BLUR_ALIKE: Final = 0.8  # correlation of the coarse picture: far out of focus is still the same scene
SUSPECT: Final = 0.72  # of the edges usually kept; fewer starts the search for a move
ALIGNED: Final = 0.5  # rank of an alignment that explains what is seen
BARE_KEPT: Final = 0.7  # of the bare cells: it is the same place, only something went away
CLEARED_KEPT: Final = 0.06  # of the edges; under a cover even less is left
ALIGNED_BARE: Final = 0.6  # rank that explains a view whose bare parts are unchanged
SHIFT_MIN: Final = 0.03  # parts of the picture; wind moves a pole's camera by less
ANGLE_MIN: Final = 4.0  # degrees
FEW_CELLS: Final = (
    10  # with fewer, edges agree by chance under some turn; only one found twice running is believed
)
STAYS_RANK: Final = (
    0.75  # an alignment so good is held to until the old edges are back, whatever moves in the view
)
ALIEN: Final = 0.5  # of the cells of another colour: with their edges lost too, a patterned cover
ALIEN_LOST: Final = 0.25  # of the cells: a pattern shows edges that agree here and there by chance
ELSEWHERE_KEPT: Final = 0.3  # fewer edges than this, others instead and no alignment: a wholly different view
CELLS_MIN: Final = 4  # cells with lasting edges without which nothing can be compared


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
        self._still = Stillness()
        self._last: tuple[int, View] | None = None
        self._shape: tuple[int, ...] = ()
        self._monochrome = False
        self._mode_since: int | None = None
        self._lumas: list[tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]] = []
        self._settled_at = 0
        self._fault_since: int | None = None
        self._search_at, self._search_wait = 0, SEARCH_MS
        self._found: Alignment | None = None
        self._candidate: Alignment | None = None  # what the last search that explained anything found
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
        box = self._where if fault == "covered" else WHOLE
        view = View(fault, settling, self._monochrome, learned, self._fault_since, round(score, 3), box)
        self._last = (frame.at, view)
        return view

    def _changed_size(self, frame: Frame) -> None:
        """A stream of another size: what was learned of the old one cannot be laid over it."""
        known = next(iter(self._references.values()), None)
        turned = (
            self._shape
            and abs(self._shape[0] / self._shape[1] * frame.bgr.shape[1] / frame.bgr.shape[0] - 1) > 0.02
        )
        if turned or (known is not None and known.size.shape != frame.small.shape):
            self._references.clear()
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
        match = judge.match(seen)
        usual = self._usual.get(mode, 0.9) if judge is mine else 0.5
        self._where = match.where
        fault, score = self._fault(at, judge, match, usual, seen)
        if not fault and not settling and not self._found:
            if match.kept > SUSPECT * usual or mine is not judge or match.judged < CELLS_MIN:
                self._learn(at, seen, passed)
            if judge is mine:
                part = min(passed / 60_000, 1.0) if match.kept > usual else min(passed / 120_000, 1.0)
                self._usual[mode] = usual + part * (match.kept - usual)
        return fault, score

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

    def _fault(self, at: int, judge: Reference, match: Match, usual: float, seen: Look) -> tuple[str, float]:
        if match.judged < CELLS_MIN:  # too dark to see anything that was there by day
            self._found = None
            return "", 1.0
        alien = match.alien >= ALIEN  # out of focus, a view keeps its colours
        alike = match.blurred >= BLUR_ALIKE and not alien
        # A car that drives off an empty yard takes the edges along, and the yard about it is as it was.
        cleared = match.bare >= BARE_KEPT and match.kept >= CLEARED_KEPT
        whole = match.lost >= (LOST_FAINT if judge.faint else LOST) and match.flat >= 0.6 * match.lost
        partly = not judge.faint and match.flat >= COVERED_FLAT and match.lost >= COVERED_LOST
        if (whole or partly) and not cleared:
            found = None if alike else self._search(at, judge, seen, match, usual)
            if found:
                return found, 0.9
            return ("defocused", match.blurred) if alike else ("covered", match.lost)
        if match.kept < SUSPECT * usual:
            found = self._search(at, judge, seen, match, usual)
            if found:
                return found, 0.9
        else:
            self._found = self._candidate = None
            self._search_wait, self._search_at = SEARCH_MS, at
        if alien and match.lost >= ALIEN_LOST and not cleared:
            return "covered", match.alien
        if match.sharp < BLUR_SHARP and (match.kept >= BLUR_KEPT or alike):
            return "defocused", min(1.0, 1.2 - match.sharp)
        if match.kept < ELSEWHERE_KEPT and match.lost >= 0.6 and not cleared:
            # What is out of focus and nowhere in the reference is cloth or paper near the lens, not another view.
            return ("covered", match.lost) if match.sharp < BLUR_SHARP else ("moved", 0.6)
        return "", 1.0

    def _search(self, at: int, judge: Reference, seen: Look, match: Match, usual: float) -> str:
        """`moved` or `rotated` when an alignment explains the view; asked again only now and then."""
        if at >= self._search_at:
            found = aligned(judge, seen)
            self._search_wait = min(2 * self._search_wait, SEARCH_MAX_MS)
            sure = ALIGNED_BARE if match.bare >= BARE_KEPT else ALIGNED
            explains = found.rank >= sure and found.kept > 1.15 * match.kept
            turned = abs(found.angle) >= ANGLE_MIN
            away = max(abs(found.x), abs(found.y)) >= SHIFT_MIN or found.zoom != 1
            last, self._candidate = self._candidate, found if explains and (turned or away) else None
            if self._candidate:
                self._search_wait = SEARCH_MS
            few = match.judged < FEW_CELLS and not (last and found.agrees(last))
            known, strays = self._found, match.kept < BLUR_KEPT * usual
            if known is None or not strays or known.rank < STAYS_RANK:
                self._found = None if few else self._candidate
            elif self._candidate and found.rank > known.rank and not few:
                self._found = found
            self._search_at = at + self._search_wait
        if self._found is None:
            return ""
        return "rotated" if abs(self._found.angle) >= ANGLE_MIN else "moved"
