"""Follows moving blobs from picture to picture, far enough to say which line they crossed and which way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from devices.picture.zone import Box

TRACKS_MAX: Final = 32
LOST_MS: Final = 1200  # a blob not seen for so long is another one when it comes back
GATE: Final = (
    0.06  # of the picture, beside its own size, by which a blob may be off from where it was expected
)
SEEN_MIN: Final = 3  # pictures before a track's crossing is believed: rain and noise do not last
WAY_MIN: Final = 0.03  # of the picture that it went since it appeared

Point = tuple[float, float]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From `a` to `b`, parts of the picture. `way`: crossings to the `left` or `right` of one who goes from a to b, or
    `both`.
    """

    a: Point
    b: Point
    way: str = "both"
    name: str = ""

    def __post_init__(self) -> None:
        if self.way not in {"left", "right", "both"}:
            raise ValueError(f"way is left, right or both, not {self.way!r}")
        if self.a == self.b or not all(0 <= part <= 1 for part in (*self.a, *self.b)):
            raise ValueError("a line has two different points, each part of the picture from 0 to 1")

    def crossed(self, born: Point, old: Point, new: Point) -> bool:
        """Whether a step of something that appeared at `born` crosses the line, the way it is meant.

        What appeared beyond the line and is seen before it for a moment has not crossed it.
        """
        before, after = _side(self.a, self.b, old), _side(self.a, self.b, new)
        if before * after >= 0 or _side(old, new, self.a) * _side(old, new, self.b) > 0:
            return False
        if _side(self.a, self.b, born) * after >= 0:
            return False
        return self.way == "both" or (after > 0) == (self.way == "right")


class _Track(msgspec.Struct):
    born: Point
    here: Point
    speed: Point  # a millisecond
    seen: int
    last: int
    box: Box


class Tracks:
    """The blobs of one camera, at most TRACKS_MAX."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []

    def feed(self, at: int, boxes: Sequence[Box]) -> list[tuple[tuple[Point, Point, Point], Box]]:
        """The steps (where it appeared, from, to) of tracks that are believed, each with its blob.

        A blob stands where its lower edge has its middle.
        """
        self._tracks = [track for track in self._tracks if at - track.last <= LOST_MS]
        pairs = []
        for index, box in enumerate(boxes):
            foot = (box[0] + box[2] / 2, box[1] + box[3])
            for track in self._tracks:
                passed = at - track.last
                far = max(abs(track.here[axis] + track.speed[axis] * passed - foot[axis]) for axis in (0, 1))
                if far <= GATE + max(box[2], box[3]) / 2:
                    pairs.append((far, index, track, foot))
        steps: list[tuple[tuple[Point, Point, Point], Box]] = []
        free = dict(enumerate(boxes))
        moved: list[_Track] = []
        for _, index, track, foot in sorted(pairs, key=lambda pair: pair[:2]):
            if index not in free or any(track is one for one in moved):
                continue
            moved.append(track)
            box = free.pop(index)
            passed = max(at - track.last, 1)
            old, track.here, track.last, track.box = track.here, foot, at, box
            step = ((foot[0] - old[0]) / passed, (foot[1] - old[1]) / passed)
            track.speed = ((track.speed[0] + step[0]) / 2, (track.speed[1] + step[1]) / 2)
            track.seen += 1
            way = max(abs(foot[0] - track.born[0]), abs(foot[1] - track.born[1]))
            if track.seen >= SEEN_MIN and way >= WAY_MIN:
                # What it did before it was believed counts as its first step.
                steps.append(((track.born, track.born if track.seen == SEEN_MIN else old, foot), box))
        for box in free.values():
            if len(self._tracks) >= TRACKS_MAX:
                break
            foot = (box[0] + box[2] / 2, box[1] + box[3])
            self._tracks.append(_Track(foot, foot, (0.0, 0.0), 1, at, box))
        return steps


def _side(a: Point, b: Point, point: Point) -> float:
    """Above 0 where the point lies right of the way from a to b, as seen in a picture whose y goes down."""
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
