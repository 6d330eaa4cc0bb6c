"""Alarm-management figures of each estate: how loaded its desk is, what stands, how fast somebody comes (EEMUA 191).

An estate's fire control room is one operating position, so "per operator" of EEMUA 191 and ISA-18.2 is per site here.
Rate, peak and flood count what asks for somebody now: P1 to P3. P4 is a daily list of maintenance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import ceil
from statistics import median
from typing import Final

import msgspec

from devices.reading import METRICS
from gateway.core.alarm import STANDING
from gateway.views import Handled, Occurrence, Standing, Unanswered

TEN_MS: Final = 600_000
"""The figures of EEMUA 191 count alarms in ten minutes."""

FLOOD: Final = 10
"""More than so many in ten minutes begin a flood (EEMUA 191, ISA-18.2)."""

FLOOD_OVER: Final = 5
"""Fewer than so many in ten minutes end it (ISA-18.2; usage, not seen in an opened text)."""

STALE_MS: Final = 24 * 3_600_000
"""An alarm that stands longer is stale (EEMUA 191, ISA-18.2)."""

CHATTER: Final = 3
CHATTER_MS: Final = 60_000
"""An alarm that comes three times within a minute chatters."""

FLEETING_MS: Final = 10_000
"""One that is over so soon is fleeting: "seconds long" in the literature, the number is ours."""

TARGET_MS: Final = 90_000
"""In which an urgent incident is to be answered: NFPA 72 gives an operator 90 s."""

URGENT: Final = 2  # P1 and P2: somebody must answer
PRESENTED: Final = 3  # P1 to P3 are shown as they come
TOP: Final = 10


class Frequent(msgspec.Struct, frozen=True):
    """One of the alarms that came most often. `fleeting` is how many of its `count` were over within seconds."""

    alarm: str
    rule: str
    device: str
    metric: str
    place: str
    priority: int
    count: int
    fleeting: int
    chattering: bool


class Figures(msgspec.Struct, frozen=True):
    """The figures of one site over one window. None where there was nothing to count; percents are 0 to 100."""

    site: str
    last_10min: int
    """P1 to P3 that came in the last ten minutes of the window."""
    rate_10min: float
    """The mean number of P1 to P3 in ten minutes; one is manageable, two the limit (EEMUA 191)."""
    peak_10min: int
    flood_percent: float
    raised: dict[int, int]
    """How many came, by priority; a high, middle and low share of 5, 15 and 80 percent is usual (EEMUA 191)."""
    top_percent: float | None
    """The share of the ten most frequent in all that came."""
    top: list[Frequent]
    chattering: int
    """Alarms that chattered."""
    fleeting: int
    """Occurrences that were over within seconds, of alarms that do not chatter."""
    standing: int
    stale: int
    shelved: int
    out_of_service: int
    answer_median_s: float | None
    answer_p95_s: float | None
    late_percent: float | None
    """The share of P1 and P2 incidents not answered within TARGET_MS, those nobody has answered yet included."""
    judged: int
    """Incidents that a person called real or false."""
    false_percent: float | None
    false_causes: dict[str, int]
    unanswered: int
    """Incidents whose call chain came to its end and had to begin anew."""


class Seen(msgspec.Struct, frozen=True):
    """What the views know of a window [since, until) UTC ms, of any sites; occurrences from TEN_MS earlier on."""

    since: int
    until: int
    occurrences: Sequence[Occurrence]
    handled: Sequence[Handled]
    unanswered: Sequence[Unanswered]
    standing: Sequence[Standing]


def figures(seen: Seen, site: str, covers: Callable[[str], bool] = lambda place: True) -> Figures:
    """The figures of one site, of the places that `covers` allows. What stands is as of `until`."""
    came = sorted((o for o in seen.occurrences if o.site == site and covers(o.place)), key=lambda o: o.at)
    inside = [o for o in came if o.at >= seen.since]
    shown = [o.at for o in came if o.priority <= PRESENTED]
    peak, flooded_ms = _load(shown, seen.since, seen.until)
    top, chattering, fleeting = _nuisance(inside)
    counted = Counter(o.alarm for o in inside)
    length = max(seen.until - seen.since, 1)
    here = [h for h in seen.handled if h.site == site and covers(h.place)]
    waits, late = _waits(here, seen.until)
    judged = [h for h in here if h.verdict in ("real", "false")]
    false = [h for h in judged if h.verdict == "false"]
    there = [s for s in seen.standing if s.site == site and covers(s.place)]
    aside = [s for s in there if s.shelved_until is not None or s.out_of_service_until is not None]
    stands = [s for s in there if s.state in STANDING and s not in aside]
    return Figures(
        site=site,
        last_10min=sum(at > seen.until - TEN_MS for at in shown),
        rate_10min=round(sum(at >= seen.since for at in shown) * TEN_MS / length, 3),
        peak_10min=peak,
        flood_percent=round(100 * flooded_ms / length, 2),
        raised={priority: sum(o.priority == priority for o in inside) for priority in (1, 2, 3, 4)},
        top_percent=_percent(sum(n for _, n in counted.most_common(TOP)), len(inside)),
        top=top,
        chattering=chattering,
        fleeting=fleeting,
        standing=len(stands),
        stale=sum(s.since <= seen.until - STALE_MS for s in stands),
        shelved=sum(s.shelved_until is not None for s in aside),
        out_of_service=sum(s.out_of_service_until is not None for s in aside),
        answer_median_s=round(median(waits) / 1000, 1) if waits else None,
        answer_p95_s=waits[ceil(0.95 * len(waits)) - 1] / 1000 if waits else None,
        late_percent=_percent(late + sum(w > TARGET_MS for w in waits), late + len(waits)),
        judged=len(judged),
        false_percent=_percent(len(false), len(judged)),
        false_causes=dict(sorted(Counter(h.cause or "other" for h in false).items())),
        unanswered=sum(u.site == site and covers(u.place) for u in seen.unanswered),
    )


def _load(shown: Sequence[int], since: int, until: int) -> tuple[int, int]:
    """The most alarms in any ten minutes that end within the window, and how long of it was flood (ms)."""
    # Each alarm counts for ten minutes: one more when it comes, one fewer when these are over.
    changes = sorted([*((at + TEN_MS, -1) for at in shown), *((at, 1) for at in shown)])
    count = peak = flooded = 0
    began: int | None = None
    for at, change in changes:
        if at >= until:
            break
        count += change
        if change > 0 and at >= since:
            peak = max(peak, count)
        if began is None and count > FLOOD:
            began = at
        elif began is not None and count < FLOOD_OVER:
            flooded += max(at - max(began, since), 0)
            began = None
    if began is not None:
        flooded += until - max(began, since)
    return peak, flooded


def _nuisance(inside: Sequence[Occurrence]) -> tuple[list[Frequent], int, int]:
    """The most frequent alarms, how many alarms chattered, and how many occurrences of the others were fleeting."""
    by_alarm: dict[str, list[Occurrence]] = {}
    for one in inside:
        by_alarm.setdefault(one.alarm, []).append(one)
    chattering = {name for name, came in by_alarm.items() if _chatters([o.at for o in came])}
    fleeting = {name: sum(_fleeting(o) for o in came) for name, came in by_alarm.items()}
    most = sorted(by_alarm.items(), key=lambda item: (-len(item[1]), item[0]))[:TOP]
    top = [
        Frequent(name, last.rule, last.device, last.metric, last.place, last.priority, len(came), fleeting[name],
                 name in chattering)
        for name, came in most
        for last in came[-1:]
    ]  # fmt: skip
    return top, len(chattering), sum(n for name, n in fleeting.items() if name not in chattering)


def _chatters(times: Sequence[int]) -> bool:
    pairs = zip(times, times[CHATTER - 1 :], strict=False)
    return any(last - first <= CHATTER_MS for first, last in pairs)


def _fleeting(one: Occurrence) -> bool:
    known = METRICS.get(one.metric)
    pulse = known is not None and known.pulse  # a press is over as it happens, and no nuisance
    return not pulse and one.ended_at is not None and one.ended_at - one.at < FLEETING_MS


def _waits(handled: Iterable[Handled], until: int) -> tuple[list[int], int]:
    """How long urgent incidents waited for somebody (ms, rising), and how many have waited too long already.

    One that ended by itself before anybody came is no wait.
    """
    urgent = [h for h in handled if h.priority <= URGENT]
    waits = sorted(max(h.answered_at - h.opened_at, 0) for h in urgent if h.answered_at is not None)
    open_ = [h for h in urgent if h.answered_at is None and h.closed_at is None]
    return waits, sum(until - h.opened_at > TARGET_MS for h in open_)


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None
