"""How a camera is, in one word, from what it said last and what the register lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from devices.reading import split_point
from gateway.latest import Last
from gateway.registry.cameras import CameraRecord

Word = Literal["looking", "lost", "slow", "tampered", "apart", "starting", "unregistered", "unknown"]

SILENT_MS: Final = 180_000
"""A camera's process tells everything that holds once a minute: after three times unheard nobody knows how it is."""

STANDS: Final = frozenset(
    ("camera_tamper", "obstruction", "object_removed", "motion", "intrusion", "possible_flame", "fault")
)
"""What may hold of a camera for a while, beside its stream."""

TOLD_BY: Final[Mapping[str, str]] = {
    "lost": "camera_online", "slow": "stream_slow", "tampered": "camera_tamper", "unregistered": "camera_registered",
}  # fmt: skip
"""The metric whose alarm says since when."""


def word_of(record: CameraRecord, said: Sequence[Last], now: int, *, configured: bool, apart: bool) -> Word:
    """The state at UTC ms `now`. `said`: the camera's points; `apart`: it is kept apart because it killed its process.

    A camera that is not in csg.yaml, or whose process has been silent, is `unknown`.
    """
    if not configured:
        return "unknown"
    if record.missing:
        return "unregistered"
    if apart:
        return "apart"
    if not any(now - last.at <= SILENT_MS for last in said):
        return "unknown"
    facts = {split_point(last.point)[1]: last for last in said}
    online = facts.get("camera_online")
    if online is None or online.value is None or now - online.at > SILENT_MS:
        return "starting"
    if not online.value:
        return "lost"
    if any(metric == "camera_tamper" for metric, _ in standing(said)):
        return "tampered"
    slow = facts.get("stream_slow")
    return "slow" if slow is not None and slow.value else "looking"


def standing(said: Sequence[Last]) -> Iterator[tuple[str, str]]:
    """The metric and channel of each thing that holds."""
    for last in said:
        _, metric, channel = split_point(last.point)
        if metric in STANDS and last.value is True:
            yield metric, channel
