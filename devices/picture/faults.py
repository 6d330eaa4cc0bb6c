"""Names what is wrong with a view that no longer matches its reference: covered, out of focus, moved or turned."""

from __future__ import annotations

from typing import Final

from devices.picture.align import Alignment, aligned
from devices.picture.reference import Look, Match, Reference

SEARCH_MS: Final = 1_000  # between two searches for how the view was moved, doubled after each in vain ...
SEARCH_MAX_MS: Final = 8_000  # ... up to this
LOST: Final = 0.75  # of the cells: something stands before the whole view, or it is another view
LOST_FAINT: Final = 0.85  # the same where there is little to lose
COVERED_FLAT: Final = 0.45  # of the cells, lost and showing nothing instead
COVERED_LOST: Final = 0.55
BLUR_SHARP: Final = 0.56  # of the reference's fine detail; rain, dusk and compression were seen to leave 0.75
BLUR_SHARP_MANY: Final = 0.7  # the same where much can be judged: harmless things were seen to leave 0.83
BLUR_CELLS: Final = 20  # of 60: much
BLUR_MANY_KEPT: Final = 0.6  # of the edges: nothing stands before them
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
ALIEN_LIT: Final = 0.5  # of the edges there; a pattern shows edges that agree here and there by chance
CHANCE_RANK: Final = (
    0.65  # rank of an alignment that explains other colours, or one FAR away: edges agree by chance
)
FAR: Final = 0.5  # parts of the picture
DAZZLED: Final = 0.8  # of the edges: a torch, or white paper
ELSEWHERE_KEPT: Final = 0.3  # fewer edges than this, others instead and no alignment: a wholly different view
CELLS_MIN: Final = 4  # cells with lasting edges without which nothing can be compared


class Faults:
    """One camera's judge of matches; remembers how the view was moved, for that is not searched in every frame."""

    def __init__(self) -> None:
        self.found: Alignment | None = None  # how the view was moved, while that explains what is seen
        self._candidate: Alignment | None = None  # what the last search that explained anything found
        self._search_at, self._search_wait = 0, SEARCH_MS

    def name(self, at: int, judge: Reference, match: Match, usual: float, seen: Look) -> tuple[str, float]:
        """The fault that the `match` of a look with its reference shows at ms `at`, "" for none, and how sure it is.

        `usual` is the part of the edges that is kept when nothing is wrong.
        """
        if match.dazzled >= DAZZLED:
            return "covered", match.dazzled
        if match.judged < CELLS_MIN:  # too dark to see anything that was there by day
            self.found = None
            return "", 1.0
        # Light of another colour leaves the edges; a cover takes them along, or leaves none to be seen.
        alien = match.alien >= ALIEN and match.lit < ALIEN_LIT
        alike = match.blurred >= BLUR_ALIKE and not alien
        # A car that drives off an empty yard takes the edges along, and the yard about it is as it was.
        cleared = match.bare >= BARE_KEPT and match.kept >= CLEARED_KEPT
        whole = match.lost >= (LOST_FAINT if judge.faint else LOST) and match.flat >= 0.6 * match.lost
        partly = not judge.faint and match.flat >= COVERED_FLAT and match.lost >= COVERED_LOST
        if (whole or partly or alien) and not cleared:
            found = None if alike else self._search(at, judge, seen, match, usual)
            if found:
                return found, 0.9
            return ("defocused", match.blurred) if alike else ("covered", max(match.lost, match.alien))
        if match.kept < SUSPECT * usual:
            found = self._search(at, judge, seen, match, usual)
            if found:
                return found, 0.9
        else:
            self.found = self._candidate = None
            self._search_wait, self._search_at = SEARCH_MS, at
        many = match.judged >= BLUR_CELLS and match.kept >= BLUR_MANY_KEPT
        if match.sharp < (BLUR_SHARP_MANY if many else BLUR_SHARP) and (match.kept >= BLUR_KEPT or alike):
            return "defocused", min(1.0, 1.2 - match.sharp)
        elsewhere = match.kept < ELSEWHERE_KEPT and match.lost >= 0.6 and match.judged >= FEW_CELLS
        if elsewhere and not cleared:
            # What is out of focus or empty and nowhere in the reference is near the lens, and not another view.
            near = match.sharp < BLUR_SHARP or match.flat >= 0.75 * match.lost
            return ("covered", match.lost) if near else ("moved", 0.6)
        return "", 1.0

    def _search(self, at: int, judge: Reference, seen: Look, match: Match, usual: float) -> str:
        """`moved` or `rotated` when an alignment explains the view; asked again only now and then."""
        if at >= self._search_at:
            found = aligned(judge, seen)
            self._search_wait = min(2 * self._search_wait, SEARCH_MAX_MS)
            sure = ALIGNED_BARE if match.bare >= BARE_KEPT else ALIGNED
            if match.alien >= ALIEN or max(abs(found.x), abs(found.y)) > FAR:
                sure = CHANCE_RANK
            explains = found.rank >= sure and found.kept > 1.15 * match.kept
            turned = abs(found.angle) >= ANGLE_MIN
            away = max(abs(found.x), abs(found.y)) >= SHIFT_MIN or found.zoom != 1
            last, self._candidate = self._candidate, found if explains and (turned or away) else None
            if self._candidate:
                self._search_wait = SEARCH_MS
            few = match.judged < FEW_CELLS and not (last and found.agrees(last))
            known, strays = self.found, match.kept < BLUR_KEPT * usual
            if known is None or not strays or known.rank < STAYS_RANK:
                self.found = None if few else self._candidate
            elif self._candidate and found.rank > known.rank and not few:
                self.found = found
            self._search_at = at + self._search_wait
        if self.found is None:
            return ""
        return "rotated" if abs(self.found.angle) >= ANGLE_MIN else "moved"
