"""Places of a picture in which the same is suspected again and again, until it is believed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from devices.picture.analytic import Sight
from devices.picture.zone import Box

LOOKS: Final = 5  # judgements that must agree on the average; with one each 0.8 s, four seconds
ON: Final = 0.75
OFF: Final = 0.35
PLACES_MAX: Final = 16
REACH: Final = 0.02  # of the picture, by which a place may shift from one judgement to the next


class _Place:
    def __init__(self, box: Box, since: int) -> None:
        self.box = box
        self.likely: deque[float] = deque(maxlen=LOOKS)
        self.since = since  # the first judgement in doubt
        self.last = since  # the last one that suspected it
        self.sight: Sight | None = None

    @property
    def mean(self) -> float:
        return sum(self.likely) / LOOKS


class Places:
    """What is suspected where. Suspicion moves with a place only as fast as a fire spreads: passing things get lost."""

    def __init__(self, type_: str, window_ms: int) -> None:
        """A judgement speaks of the last `window_ms`: what it finds began that long ago."""
        self._type, self._window_ms = type_, window_ms
        self._places: list[_Place] = []

    def feed(self, at: int, found: Sequence[tuple[Box, float]]) -> list[Sight]:
        """What began or ended with this judgement: rectangles with the probability of each, 0..1."""
        told = []
        free = list(self._places)
        for box, likely in sorted(found, key=lambda one: -one[1]):
            near = [place for place in free if _near(place.box, box)]
            if near:
                place = max(near, key=lambda one: one.mean)
                free.remove(place)
            elif likely >= OFF and not any(_near(one.box, box) for one in self._places):
                if len(self._places) >= PLACES_MAX:
                    continue
                place = _Place(box, max(at - self._window_ms, 0))
                self._places.append(place)
            else:
                continue
            place.box = box
            place.likely.append(likely)
            if likely >= ON:
                place.last = at
        for place in free:
            place.likely.append(0.0)
        for place in list(self._places):
            told += self._judged(place)
        return told

    def stop(self) -> list[Sight]:
        """End all that stands and forget every suspicion."""
        told = [_over(place) for place in self._places if place.sight is not None]
        self._places.clear()
        return told

    def _judged(self, place: _Place) -> list[Sight]:
        if place.sight is None and place.mean >= ON and len(place.likely) == LOOKS:
            starts = {other.sight.start for other in self._places if other.sight is not None}
            start = place.since
            while start in starts:  # type, start and zone name a sight
                start += 1
            place.sight = Sight(self._type, start, None, round(place.mean, 3), place.box)
            return [place.sight]
        if place.mean < OFF and len(place.likely) == LOOKS:
            self._places.remove(place)
            return [_over(place)] if place.sight is not None else []
        return []


def _over(place: _Place) -> Sight:
    assert place.sight is not None, "asked only of what was told"
    sight = place.sight
    return Sight(sight.type, sight.start, max(place.last, sight.start), sight.score, sight.box, sight.zone)


def _near(one: Box, other: Box) -> bool:
    """Whether two rectangles overlap by a third of the smaller, each grown by REACH."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0]) + 2 * REACH
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1]) + 2 * REACH
    if across <= 0 or down <= 0:
        return False
    areas = [(box[2] + 2 * REACH) * (box[3] + 2 * REACH) for box in (one, other)]
    return across * down >= min(areas) / 3
