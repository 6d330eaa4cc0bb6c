"""Gaps and staleness: when a device owed reports and said nothing, told from what all of it said, not one point."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from devices.reading import split_point
from gateway.api.parts import Parts
from gateway.api.shaping import NOT_LIVE, allowed_ms
from gateway.series import Query, Steps

LIVELY: Final = 4
"""Points of a device that are looked at, those heard last: a report brings several, a change only one."""

LOOKS_MAX: Final = 2_000
"""Steps a window is looked at in: a gap is told as exactly as a chart can show it."""

STEPS_MS: Final = (60_000, 300_000, 900_000, 3_600_000, 6 * 3_600_000, 86_400_000)


class Silence(msgspec.Struct, frozen=True):
    """Of one device in a window: `gaps` in UTC ms, and since when what it said last counts as old (None: it is fresh).

    A gap's ends are those of the steps that were looked at, so that a gap never covers a reading.
    """

    gaps: tuple[tuple[int, int], ...]
    stale_since: int | None


def period_s(house: Parts, device: str) -> float | None:
    """How often it reports: by the catalogue, else as it was learned, where it keeps a time at all."""
    known = house.world.catalogue.devices.get(device)
    if known is not None and known.report_period_s is not None:
        return known.report_period_s
    learned = house.devices_health.figures(device, house.now())
    return learned.period_s if learned is not None and learned.steady else None


def silences(house: Parts, points: Sequence[str], since: int, until: int) -> dict[str, Silence]:
    """What each device of these points owed from `since` to `until` (UTC ms). Raises StoreError, BadQuery."""
    assert house.history is not None
    end = max(min(until, house.now()), since + 1)
    heard = {
        device: house.latest.of_device(device) for device in dict.fromkeys(split_point(p)[0] for p in points)
    }
    looked = dict.fromkeys(points)
    for said in heard.values():
        looked.update(dict.fromkeys(last.point for last in sorted(said, key=lambda last: -last.at)[:LIVELY]))
    step = _step(end - since)
    spoken: dict[str, set[int]] = {}
    for series in house.history.read(Query(list(looked), since, end, step, LOOKS_MAX + 2)):
        spoken.setdefault(split_point(series.point)[0], set()).update(
            series.rows.at if isinstance(series.rows, Steps) else (row[0] for row in series.rows)
        )
    found = {}
    for device, said in heard.items():
        # Of stored data that was sent late nothing is known but when it came.
        before = max(
            (last.at for last in said if not last.flags & NOT_LIVE and last.at < since), default=None
        )
        patience = allowed_ms(period_s(house, device))
        found[device] = _silence(sorted(spoken.get(device, ())), step, patience, before, since, end)
    return found


def _silence(
    spoken: list[int], step: int, patience: int, before: int | None, since: int, end: int
) -> Silence:
    """Of one device: it spoke in these steps, and last `before` the window where it did not speak in it."""
    gaps = [(one + step, other) for one, other in pairwise(spoken) if other - one > patience + step]
    last_at = min(spoken[-1] + step, end) if spoken else before
    if last_at is None or last_at + patience >= end:
        return Silence(tuple(gaps), None)
    gaps.append((max(last_at, since), end))
    return Silence(tuple(gaps), max(last_at + patience, since))


def _step(length: int) -> int:
    """The finest that is one look; those a store keeps ready come first."""
    return next((step for step in STEPS_MS if length // step < LOOKS_MAX), -(-length // LOOKS_MAX))
