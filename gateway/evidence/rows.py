"""What is kept of a camera event and of its pictures, as frozen rows."""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import msgspec

DAY_MS: Final = 86_400_000
EVENT_DAYS: Final = 30  # pictures of an event
FALSE_DAYS: Final = 7  # of one that a person called false
ROWS_DAYS: Final = 366  # the event without its pictures, for the figures of false alarms
ORIGINAL_PRIORITY: Final = 1  # the only one whose unmasked pictures are kept, encrypted
PRIORITIES: Final = (1, 2, 3)  # the priorities that may have pictures at all

PULLED: Final = "pulled"
"""The type of pictures that a sensor's alarm asked for; that of others is what the camera saw."""

Moment = Literal["before", "onset", "now"]
Verdict = Literal["true", "false", "unknown"]


class CameraEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something a camera saw, as the rule that wants it kept tells it.

    `camera` is the device id, `type` the word of the analytic (`possible_flame`, `occupied`, ...), the metric that
    another maker's camera told, or `PULLED`; `at` its onset in UTC ms. Pictures are kept only where `shared` says that
    the camera sees no private room, `priority` is 1 to 3 and `snapshot`, the rule's own word, is not no: what nobody
    says is off.
    """

    camera: str
    type: str
    at: int
    place: str
    site: str
    zone: str = ""
    score: float | None = None
    priority: int | None = None
    shared: bool = False
    snapshot: bool = True
    incident: str | None = None
    simulated: bool = False

    @property
    def id(self) -> str:
        """The same event told twice has the same id: 16 hex digits."""
        text = "\0".join((self.camera, self.type, self.zone, str(self.at)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def pictured(self) -> bool:
        """Whether pictures of it may be kept."""
        return self.shared and self.snapshot and self.priority in PRIORITIES


class EventRow(msgspec.Struct, frozen=True):
    """An event as it is kept, with what a person said of it. `held` is the case number of a legal hold. UTC ms."""

    id: str
    camera: str
    place: str
    site: str
    zone: str
    type: str
    at: int
    score: float | None
    priority: int | None
    incident: str | None
    simulated: bool
    kept_at: int
    verdict: Verdict | None
    reviewed_by: str | None
    reviewed_at: int | None
    held: str | None


class PictureRow(msgspec.Struct, frozen=True):
    """One masked JPEG. `bytes` on disk with its original, which is there where `original` (its sha256) is."""

    id: str
    event: str
    moment: Moment
    at: int
    sha256: str
    bytes: int
    width: int
    height: int
    original: str | None
    expires: int


class Kept(msgspec.Struct, frozen=True):
    """What became of an event: its id, how many pictures, and why there are fewer than were given ("" for no reason).

    Reasons: `off` (no rule wants them), `known` (told before), `masking`, `full`, `disk`.
    """

    event: str
    pictures: int
    reason: str = ""


class Request(msgspec.Struct, frozen=True):
    """Somebody wants to see an original. `granted_by` is the second person; times UTC ms."""

    id: str
    picture: str
    asked_by: str
    unit: str
    reason: str
    asked_at: int
    granted_by: str | None
    granted_at: int | None
