"""Which message is tried when: priorities, order, retries and limits as one clock-free value; `deliver` drives it.

The rules, all of them here:

- P1 first. Half of every limit on tries under way is closed to everything else, so a P1 never waits for another.
- Order. Messages of one incident to one person over one channel, or to one machine, never overtake each other. To one
  person and channel only one message below P1 is under way at a time.
- Tries start 0, 2, 5, 10 and 20 s after the first for P1, and 0, 5, 30 and 300 s for the rest. A slow try uses up the
  starts it runs past, so a channel that hangs is given up in time for the person's next one. A machine has no next
  channel: its P1 goes on after 60 and 300 s. Up to a tenth is added so that many do not knock together.
- Nothing grows without end. A newer revision takes the place of a waiting P3 or P4 publication of its incident, and of
  any once `LANE_MAX` wait; who is replaced ends as the newer one does. New P3 and P4 notifications over `WAITING_MAX`
  fail at once. P1 and P2 notifications are never dropped.
- Every effect ends in exactly one `Ended`.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from gateway.core.effect import Notify, Publish
from gateway.core.event import Outcome
from gateway.notice import ChannelInstance, SendOutcome, Sent

P1_OFFSETS_MS: Final = (0, 2_000, 5_000, 10_000, 20_000)
OTHER_OFFSETS_MS: Final = (0, 5_000, 30_000, 300_000)
P1_MACHINE_OFFSETS_MS: Final = (*P1_OFFSETS_MS, 60_000, 300_000)
JITTER: Final = 0.1

TOGETHER_MAX: Final = 64  # tries under way over all channels: sockets and memory of a small gateway
LANE_MAX: Final = 32  # publications of one incident waiting for one machine, before revisions are folded
WAITING_MAX: Final = 5_000  # waiting effects above which new P3 and P4 notifications fail
LATER_MAX_MS: Final = 600_000  # the longest a receiver's own limit may hold a message back
REMEMBER_MS: Final = 24 * 3_600_000
REMEMBER_MAX: Final = 20_000

Lane = tuple[str, ...]


class Ended(msgspec.Struct, frozen=True):
    """How one effect ended, and after how many tries."""

    effect: str
    outcome: Outcome
    detail: str = ""
    tries: int = 0


class Job:
    """One effect on its way. `base` is the time of its first try, `deadline` the end of the one under way."""

    __slots__ = (
        "base", "channel", "deadline", "due", "effect", "flight", "lane", "order", "person", "since", "stands_for",
        "tries", "under_way", "withdrawn",
    )  # fmt: skip

    def __init__(self, effect: Notify | Publish, channel: ChannelInstance, order: int, now: int) -> None:
        self.effect, self.channel, self.order = effect, channel, order
        self.since = self.due = now
        self.base: int | None = None
        self.tries = self.flight = self.deadline = 0
        self.under_way = self.withdrawn = False
        self.stands_for: list[str] = []
        self.person: Lane | None = None
        if isinstance(effect, Notify):
            self.lane: Lane = ("n", effect.person, channel.name, effect.incident, "1" if self.urgent else "")
            self.person = (effect.person, channel.name)
        else:
            subject = effect.doc.id if effect.doc is not None else f"{effect.topic}/{effect.id}"
            self.lane = ("p", effect.target, subject)

    @property
    def id(self) -> str:
        return self.effect.id

    @property
    def priority(self) -> int:
        """1 to 4; a publication without an incident counts as 3."""
        if isinstance(self.effect, Notify):
            return self.effect.priority
        return self.effect.doc.priority if self.effect.doc is not None else 3

    @property
    def urgent(self) -> bool:
        return self.priority <= 1

    @property
    def offsets(self) -> tuple[int, ...]:
        if not self.urgent:
            return OTHER_OFFSETS_MS
        return P1_OFFSETS_MS if isinstance(self.effect, Notify) else P1_MACHINE_OFFSETS_MS

    def __lt__(self, other: Job) -> bool:
        return (self.priority, self.order) < (other.priority, other.order)


def _needless(old: Job, newer: Notify | Publish, lane: deque[Job]) -> bool:
    """Whether the newer word of one lane makes one that still waits needless: it tells the whole incident anew.

    What is first in its lane goes out all the same. So a storm of a thousand points rings a phone twice, with its first
    word and its last, and not a thousand times over the next hour.
    """
    said = old.effect
    if isinstance(said, Notify) and isinstance(newer, Notify):
        return old is not lane[0] and said.reason == newer.reason and said.urgent <= newer.urgent
    return (
        isinstance(newer, Publish) and newer.doc is not None and (old.priority > 2 or len(lane) >= LANE_MAX)
    )


class SendQueue:
    """Mutable, single-threaded, without a clock: `now` is monotonic ms. `random` gives [0, 1) for the jitter."""

    def __init__(self, random: Callable[[], float], together_max: int = TOGETHER_MAX) -> None:
        self._random, self._together_max = random, max(together_max, 2)
        self._jobs: dict[str, Job] = {}
        self._lanes: dict[Lane, deque[Job]] = {}
        self._ready: dict[str, list[Job]] = {}  # channel -> heap of lane heads that are due
        self._later: list[tuple[int, int, Job]] = []  # heap of lane heads that wait for their time
        self._busy: dict[Lane, list[Job]] = {}  # person and channel with a try under way -> who waits for it
        self._under_way: dict[str, Job] = {}
        self._folded: dict[str, str] = {}  # effect -> the newer one that stands for it
        self._taken: dict[str, list[int]] = {}  # channel -> tries under way [P1, others]
        self._ended: OrderedDict[str, tuple[int, Ended]] = OrderedDict()
        self._order = 0

    # -- in ---------------------------------------------------------------------------------------------------

    def add(self, effect: Notify | Publish, channel: ChannelInstance, now: int) -> Ended | None:
        """Take an effect. An id that is already on its way changes nothing; one that has ended gives its end again."""
        if (known := self._ended.get(effect.id)) is not None:
            return known[1]
        if effect.id in self._jobs or effect.id in self._folded:
            return None
        self._order += 1
        job = Job(effect, channel, self._order, now)
        if isinstance(effect, Notify) and job.priority > 2 and len(self._jobs) >= WAITING_MAX:
            return self.end(effect.id, Outcome.FAILED, "queue-full", now)
        lane = self._lanes.setdefault(job.lane, deque())
        head = lane[0] if lane else None
        for old in [j for j in lane if not j.under_way and _needless(j, effect, lane)]:
            self._fold(lane, old, job)
        self._jobs[job.id] = job
        lane.append(job)
        if lane[0] is not head:
            self._offer(lane[0])
        return None

    def _fold(self, lane: deque[Job], old: Job, newer: Job) -> None:
        """A waiting older revision that the newer one makes needless stands behind it from now on."""
        newer.stands_for += [*old.stands_for, old.id]
        self._folded.update(dict.fromkeys(newer.stands_for, newer.id))
        # It keeps the place in the schedule, or a flood of revisions would retry for ever; but P1 waits for nobody.
        if old.base is not None and (old.urgent or not newer.urgent):
            newer.base, newer.due, newer.tries = old.base, old.due, old.tries
        lane.remove(old)
        del self._jobs[old.id]

    def withdraw(self, ids: Iterable[str], now: int) -> list[Ended]:
        """Stop what nobody wants any more. A try under way ends as it will, and is the last."""
        ended: list[Ended] = []
        wanted = set(ids)
        # While the disk is away an effect carries its boot's name before its own id.
        for job in [j for j in self._jobs.values() if j.id in wanted or j.id.rpartition("-")[2] in wanted]:
            if job.under_way:
                job.withdrawn = True
            else:
                ended += self._finish(job, Outcome.FAILED, "withdrawn", now)
        return ended

    # -- out --------------------------------------------------------------------------------------------------

    def start(self, now: int) -> list[Job]:
        """What to try now, most urgent first; each counts as under way until `ended_try`."""
        while self._later and self._later[0][0] <= now:
            head = heapq.heappop(self._later)[2]
            if self._is_head(head):
                heapq.heappush(self._ready.setdefault(head.channel.name, []), head)
        started: list[Job] = []
        while (job := self._best()) is not None:
            job.under_way, job.flight, job.tries = True, job.flight + 1, job.tries + 1
            job.base = now if job.base is None else job.base
            job.deadline = now + job.channel.try_limit_ms
            self._under_way[job.id] = job
            self._taken.setdefault(job.channel.name, [0, 0])[not job.urgent] += 1
            if job.person is not None and not job.urgent:
                self._busy.setdefault(job.person, [])
            started.append(job)
        return started

    def _best(self) -> Job | None:
        """Pop the most urgent head that has a free slot, or None."""
        best: list[Job] | None = None
        for heap in self._ready.values():
            while heap and not self._startable(heap[0]):
                heapq.heappop(heap)
            if heap and (best is None or heap[0] < best[0]) and self._has_slot(heap[0]):
                best = heap
        return heapq.heappop(best) if best is not None else None

    def _startable(self, job: Job) -> bool:
        """False for what ended or moved on meanwhile, and for who must wait for a message to the same person."""
        if not self._is_head(job) or job.under_way:
            return False
        if job.person is not None and not job.urgent and (waiting := self._busy.get(job.person)) is not None:
            if job not in waiting:
                waiting.append(job)
            return False
        return True

    def _has_slot(self, job: Job) -> bool:
        urgent, others = self._taken.get(job.channel.name, (0, 0))
        together = len(self._under_way)
        limit = max(job.channel.concurrency, 2)
        if urgent + others >= limit or together >= self._together_max:
            return False
        return job.urgent or (others < limit // 2 and together < self._together_max // 2)

    def overdue(self, now: int) -> list[Job]:
        """Tries that run past their limit; tell each with `ended_try`."""
        return [j for j in self._under_way.values() if now >= j.deadline]

    def ended_try(self, job: Job, outcome: SendOutcome, now: int) -> list[Ended]:
        """One try ended. Gives the ends it leads to: none when it will be tried again."""
        self._land(job)
        result = outcome.result
        if result is Sent.SENT:
            return self._finish(job, Outcome.SENT, outcome.detail, now)
        if job.withdrawn:
            return self._finish(job, Outcome.FAILED, "withdrawn", now)
        if result is Sent.REFUSED:
            return self._finish(job, Outcome.REFUSED, outcome.detail, now)
        due = self._again(job, outcome, now)
        if result is Sent.FAILED or due is None:
            return self._finish(job, Outcome.FAILED, outcome.detail, now)
        job.due = due
        lane = self._lanes[job.lane]
        if job.priority > 2 and isinstance(job.effect, Publish) and len(lane) > 1:
            self._fold(lane, job, lane[1])
        self._offer(lane[0])
        return []

    def _again(self, job: Job, outcome: SendOutcome, now: int) -> int | None:
        """When to try again, or None when it was the last time."""
        after = max(outcome.after_ms or 0, 0)
        if outcome.result is Sent.LATER and not job.urgent:
            job.tries -= 1
            if job.tries == 0:
                job.base = None
            due = now + max(after, 1_000)
            return due if due - job.since <= LATER_MAX_MS else None
        assert job.base is not None
        offset = next((o for o in job.offsets if job.base + o > now), None)
        if offset is None:
            return None
        last = job.base + job.offsets[-1]
        # A receiver's Retry-After counts, but only within the schedule: its last start is used in any case.
        return max(job.base + offset + round(offset * JITTER * self._random()), min(now + after, last))

    def end(self, effect: str, outcome: Outcome, detail: str, now: int, tries: int = 0) -> Ended:
        """Write down how an effect ended."""
        ended = Ended(effect, outcome, detail, tries)
        self._ended[effect] = (now, ended)
        while self._ended and (len(self._ended) > REMEMBER_MAX or self._oldest() < now - REMEMBER_MS):
            self._ended.popitem(last=False)
        return ended

    # -- about ------------------------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """When `start` or `overdue` next has something to do that no outcome brings about; None for never."""
        times = [j.deadline for j in self._under_way.values()]
        if self._later:
            times.append(self._later[0][0])
        return min(times, default=None)

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    @property
    def waiting(self) -> int:
        """Effects not ended yet and not under way."""
        return len(self._jobs) - len(self._under_way)

    def by_channel(self) -> dict[str, tuple[int, int]]:
        """Channel -> (waiting, under way)."""
        counted: dict[str, list[int]] = {}
        for job in self._jobs.values():
            counted.setdefault(job.channel.name, [0, 0])[job.under_way] += 1
        return {name: (waiting, under_way) for name, (waiting, under_way) in counted.items()}

    # -- inside -----------------------------------------------------------------------------------------------

    def _is_head(self, job: Job) -> bool:
        lane = self._lanes.get(job.lane)
        return lane is not None and lane[0] is job

    def _offer(self, job: Job) -> None:
        heapq.heappush(self._later, (job.due, job.order, job))

    def _land(self, job: Job) -> None:
        job.under_way = False
        del self._under_way[job.id]
        self._taken[job.channel.name][not job.urgent] -= 1
        if job.person is not None and not job.urgent:
            for waiting in self._busy.pop(job.person, ()):
                self._offer(waiting)

    def _finish(self, job: Job, outcome: Outcome, detail: str, now: int) -> list[Ended]:
        lane = self._lanes[job.lane]
        was_head = lane[0] is job
        lane.remove(job)
        if not lane:
            del self._lanes[job.lane]
        elif was_head and not lane[0].under_way:
            self._offer(lane[0])
        del self._jobs[job.id]
        for old in job.stands_for:
            self._folded.pop(old, None)
        folded = [self.end(old, outcome, f"folded into {job.id}", now, 0) for old in job.stands_for]
        return [*folded, self.end(job.id, outcome, detail, now, job.tries)]

    def _oldest(self) -> int:
        return next(iter(self._ended.values()))[0]
