"""Which message is tried when: tables for the schedules, stories for order and urgency, properties for the rest."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.effect import Notify, Publish
from gateway.core.event import Outcome
from gateway.notice import SENT, ChannelInstance, SendOutcome, Sent
from gateway.sendqueue import (
    JITTER,
    LANE_MAX,
    LATER_MAX_MS,
    OTHER_OFFSETS_MS,
    P1_MACHINE_OFFSETS_MS,
    P1_OFFSETS_MS,
    REMEMBER_MS,
    WAITING_MAX,
    Ended,
    Job,
    SendQueue,
)
from tests.gateway.telling import Hand, by_hand, notify, publish

RETRY = SendOutcome(Sent.RETRY, "http-503")
CHAT = by_hand("chat", Hand())
CITY = by_hand("city", Hand())


def queue(jitter: float = 0.0, together_max: int = 64) -> SendQueue:
    return SendQueue(lambda: jitter, together_max)


def story(effect: Notify | Publish, channel: ChannelInstance, *, takes_ms: int, jitter: float = 0.0,
          outcome: SendOutcome = RETRY) -> tuple[list[int], int, Ended]:  # fmt: skip
    """Fail every try after `takes_ms`: when tries started, when it ended, and how."""
    q, now, starts = queue(jitter), 0, []
    assert q.add(effect, channel, 0) is None
    while True:
        jobs = q.start(now)
        if jobs:
            starts.append(now)
            now += takes_ms
            ended = q.ended_try(jobs[0], outcome, now)
            if ended:
                return starts, now, ended[0]
        else:
            due = q.next_due()
            assert due is not None
            assert due > now
            now = due


@pytest.mark.parametrize(
    ("effect", "channel", "takes_ms", "starts"),
    [
        (notify(), CHAT, 0, P1_OFFSETS_MS),
        (notify(), CHAT, 1_500, P1_OFFSETS_MS),
        (notify(), CHAT, 15_000, (0, 20_000)),
        (notify(priority=2), CHAT, 0, OTHER_OFFSETS_MS),
        (notify(priority=4), CHAT, 100, OTHER_OFFSETS_MS),
        (publish(), CITY, 0, P1_MACHINE_OFFSETS_MS),
        (publish(priority=3), CITY, 0, OTHER_OFFSETS_MS),
    ],
)
def test_schedules(
    effect: Notify | Publish, channel: ChannelInstance, takes_ms: int, starts: tuple[int, ...]
) -> None:
    """Tries start at the promised times; a slow try uses up the starts it runs past; then it fails, once."""
    when, end, ended = story(effect, channel, takes_ms=takes_ms)
    assert tuple(when) == starts
    assert end == starts[-1] + takes_ms
    assert ended == Ended(effect.id, Outcome.FAILED, "http-503", len(starts))


def test_a_hanging_channel_is_given_up_within_35_s() -> None:
    """The person's next channel is due 35 s after a P1 began on one that only ever times out."""
    assert story(notify(), CHAT, takes_ms=15_000)[1] == 35_000


def test_jitter_only_adds_and_stays_small() -> None:
    """Many receivers that failed together are tried again a little apart, never early."""
    when, _, _ = story(notify(priority=2), CHAT, takes_ms=0, jitter=0.999)
    assert all(o <= w <= o * (1 + JITTER) for o, w in zip(OTHER_OFFSETS_MS, when, strict=True))


@pytest.mark.parametrize(
    ("after_ms", "starts"),
    [
        (None, [0, 2_000, 5_000, 10_000, 20_000]),
        (8_000, [0, 8_000, 16_000, 20_000]),
        (3_600_000, [0, 20_000]),
    ],
)
def test_retry_after_counts_within_the_schedule(after_ms: int | None, starts: list[int]) -> None:
    """A receiver may ask for patience, but a P1 is tried one last time at 20 s whatever it asked."""
    assert (
        story(notify(), CHAT, takes_ms=0, outcome=SendOutcome(Sent.RETRY, "http-429", after_ms))[0] == starts
    )


def test_a_receivers_own_limit_is_no_try_and_has_an_end() -> None:
    """LATER waits without using up tries, for ten minutes at most; for P1 it is a failed try like any other."""
    later = SendOutcome(Sent.LATER, "robot-limit", 30_000)
    starts, end, ended = story(notify(priority=3), CHAT, takes_ms=0, outcome=later)
    assert ended == Ended("81234.0", Outcome.FAILED, "robot-limit", 0)
    assert end <= LATER_MAX_MS
    assert len(starts) == 1 + LATER_MAX_MS // 30_000
    assert story(notify(), CHAT, takes_ms=0, outcome=later)[2].tries == 2


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        (SENT, Ended("81234.0", Outcome.SENT, "", 1)),
        (SendOutcome(Sent.FAILED, "bad-address"), Ended("81234.0", Outcome.FAILED, "bad-address", 1)),
        (SendOutcome(Sent.REFUSED, "http-410"), Ended("81234.0", Outcome.REFUSED, "http-410", 1)),
    ],
)
def test_what_needs_no_second_try_ends_at_once(outcome: SendOutcome, wanted: Ended) -> None:
    """Sent, hopeless and refused are the end."""
    assert story(notify(), CHAT, takes_ms=5, outcome=outcome)[2] == wanted


def test_p1_never_waits_for_others() -> None:
    """With every slot that others may have taken by hanging P4s, a P1 starts at once, in front of all that wait."""
    q = queue()
    for n in range(50):
        q.add(notify(f"{n}.0", person=f"p{n}", priority=4, id=f"i{n}"), CHAT, 0)
    assert len(q.start(0)) == CHAT.concurrency // 2
    assert q.start(0) == []
    q.add(
        notify("99.0", person="p0", id="fire"), CHAT, 0
    )  # also to somebody who is just being told something else
    assert [j.id for j in q.start(0)] == ["99.0"]


def test_p1_of_a_storm_go_out_together() -> None:
    """P1 may use every slot of a channel."""
    q = queue()
    for n in range(20):
        q.add(notify(f"{n}.0", person=f"p{n}"), CHAT, 0)
    assert [j.id for j in q.start(0)] == [f"{n}.0" for n in range(CHAT.concurrency)]


def test_one_slow_channel_leaves_room_for_others() -> None:
    """Hanging webhooks do not keep the chat channel from working."""
    q = queue(together_max=8)
    for n in range(50):
        q.add(publish(f"{n}.1", id=f"i{n}", priority=3), by_hand("slow", Hand(), concurrency=64), 0)
    assert len(q.start(0)) == 4
    q.add(notify("99.0"), CHAT, 0)
    assert [j.id for j in q.start(0)] == ["99.0"]


def test_messages_of_one_incident_to_one_person_keep_their_order() -> None:
    """ "Taken" never arrives before "called", not even while "called" waits for its second try."""
    q = queue()
    q.add(notify("1.0"), CHAT, 0)
    q.add(notify("2.0", reason="taken"), CHAT, 0)
    q.add(notify("3.0", id="other"), CHAT, 0)
    first, other = q.start(0)
    assert (first.id, other.id) == ("1.0", "3.0")
    q.ended_try(first, RETRY, 0)
    assert q.start(1_999) == []
    assert [j.id for j in q.start(2_000)] == ["1.0"]
    q.ended_try(first, SENT, 2_010)
    assert [j.id for j in q.start(2_010)] == ["2.0"]


def test_one_message_at_a_time_to_a_person_below_p1() -> None:
    """Two P3 messages to one person on one channel go one after the other, in their order."""
    q = queue()
    for n in range(3):
        q.add(notify(f"{n}.0", id=f"i{n}", priority=3), CHAT, 0)
    sent: list[str] = []
    while jobs := q.start(0):
        assert len(jobs) == 1
        sent.append(jobs[0].id)
        q.ended_try(jobs[0], SENT, 0)
    assert sent == ["0.0", "1.0", "2.0"]


def test_waiting_revisions_of_a_p3_fold_into_the_newest() -> None:
    """A receiver that was away gets the last word only, and every folded effect ends as that one did."""
    q = queue()
    q.add(publish("1.1", priority=3), CITY, 0)
    (first,) = q.start(0)
    for n in range(2, 6):
        q.add(publish(f"{n}.1", priority=3), CITY, 0)
    assert q.waiting == 1
    assert (
        q.add(publish("3.1", priority=3), CITY, 0) is None
    )  # asked for again after a restart of the core's outbox
    assert q.ended_try(first, SENT, 10) == [Ended("1.1", Outcome.SENT, "", 1)]
    (last,) = q.start(10)
    ends = q.ended_try(last, SENT, 20)
    assert [(e.effect, e.outcome, e.detail) for e in ends] == [
        ("2.1", Outcome.SENT, "folded into 5.1"), ("3.1", Outcome.SENT, "folded into 5.1"),
        ("4.1", Outcome.SENT, "folded into 5.1"), ("5.1", Outcome.SENT, ""),
    ]  # fmt: skip


def test_a_storm_rings_a_phone_twice() -> None:
    """A thousand new points of one fire: the first word goes out, then the last, which tells of them all."""
    q = queue()
    for n in range(1_000):
        q.add(notify(f"{n}.1", reason="spread"), CHAT, 0)
    q.add(notify("1000.1", reason="confirmed"), CHAT, 0)
    assert q.waiting == 3
    sent: list[str] = []
    ends: list[Ended] = []
    while jobs := q.start(0):
        sent += [j.id for j in jobs]
        ends += [e for job in jobs for e in q.ended_try(job, SENT, 0)]
    assert sent == ["0.1", "999.1", "1000.1"]
    assert len(ends) == len({e.effect for e in ends}) == 1_001
    assert {e.outcome for e in ends} == {Outcome.SENT}


def test_p1_publications_all_arrive_in_order() -> None:
    """A city platform sees opened, taken and closed of a fire, each of them, until too many wait."""
    q = queue()
    for n in range(LANE_MAX):
        q.add(publish(f"{n}.1"), CITY, 0)
    sent: list[str] = []
    while jobs := q.start(0):
        sent += [j.id for j in jobs]
        for job in jobs:
            q.ended_try(job, SENT, 0)
    assert sent == [f"{n}.1" for n in range(LANE_MAX)]


def test_a_flood_of_revisions_to_a_dead_receiver_ends() -> None:
    """One revision a second for an hour to a receiver that is away: bounded, and the first failures are reported."""
    q, ends = queue(), Counter[Outcome]()
    for second in range(3_600):
        now = second * 1_000
        q.add(publish(f"{second}.1", priority=1 + 2 * (second % 2)), CITY, now)
        assert q.waiting <= LANE_MAX + 1
        for job in q.start(now):
            ends.update(e.outcome for e in q.ended_try(job, RETRY, now))
    assert ends[Outcome.FAILED] > 3_000
    assert set(ends) == {Outcome.FAILED}


def test_a_fire_does_not_wait_behind_its_own_p3() -> None:
    """An incident that becomes P1 is published at once although its P3 revision waits five minutes for a retry."""
    q = queue()
    q.add(publish("1.1", priority=3), CITY, 0)
    (first,) = q.start(0)
    q.ended_try(first, RETRY, 0)
    q.add(publish("2.1", priority=1), CITY, 100)
    (fire,) = q.start(100)
    assert fire.id == "2.1"
    assert {e.effect for e in q.ended_try(fire, SENT, 100)} == {"1.1", "2.1"}


def test_a_fire_that_came_during_a_p3s_try_goes_out_when_that_fails() -> None:
    """The P3 revision that was under way is not retried in front of the P1, and neither of them is forgotten."""
    q = queue()
    q.add(publish("1.1", priority=3), CITY, 0)
    (first,) = q.start(0)
    q.add(publish("2.1", priority=1), CITY, 0)
    assert q.start(0) == []
    assert q.ended_try(first, RETRY, 10) == []
    assert [j.id for j in q.start(10)] == ["2.1"]
    q.add(publish("3.1", priority=1), CITY, 20)
    assert (q.waiting, q.under_way) == (1, 1)


def test_withdrawn_before_and_during_a_try() -> None:
    """What waits ends at once; a try under way may still succeed, but is not repeated."""
    q = queue()
    q.add(notify("1.0"), CHAT, 0)
    q.add(notify("2.0"), CHAT, 0)
    q.add(notify("3.0", person="other"), CHAT, 0)
    flying = q.start(0)
    assert [j.id for j in flying] == ["1.0", "3.0"]
    assert q.withdraw(["1.0", "2.0", "3.0", "9.9"], 1) == [Ended("2.0", Outcome.FAILED, "withdrawn", 0)]
    assert q.ended_try(flying[0], SENT, 2) == [Ended("1.0", Outcome.SENT, "", 1)]
    assert q.ended_try(flying[1], RETRY, 2) == [Ended("3.0", Outcome.FAILED, "withdrawn", 1)]
    assert (q.waiting, q.under_way, q.next_due()) == (0, 0, None)


def test_withdrawing_finds_effects_sent_under_a_boots_name() -> None:
    """An effect that went out while the disk was away is withdrawn by the core's own id."""
    q = queue()
    q.add(notify("boot7-1.0"), CHAT, 0)
    assert [e.effect for e in q.withdraw(["1.0"], 0)] == ["boot7-1.0"]


def test_the_same_id_again() -> None:
    """An id on its way is not doubled; one that ended gives its end again for a day; then it is news."""
    q = queue()
    q.add(notify("1.0"), CHAT, 0)
    assert q.add(notify("1.0"), CHAT, 0) is None
    (job,) = q.start(0)
    q.ended_try(job, SENT, 0)
    assert q.add(notify("1.0"), CHAT, 10) == Ended("1.0", Outcome.SENT, "", 1)
    assert q.start(10) == []
    q.end("2.0", Outcome.SENT, "", REMEMBER_MS + 1)
    assert q.add(notify("1.0"), CHAT, REMEMBER_MS + 2) is None
    assert [j.id for j in q.start(REMEMBER_MS + 2)] == ["1.0"]


def test_a_full_queue_drops_only_p3_and_p4() -> None:
    """Past the bound new P3 and P4 messages fail at once, P1 and P2 are taken whatever happens."""
    q = queue()
    for n in range(WAITING_MAX):
        q.add(notify(f"{n}.0", id=f"i{n}", priority=4), CHAT, 0)
    assert q.add(notify("a.0", priority=3), CHAT, 0) == Ended("a.0", Outcome.FAILED, "queue-full", 0)
    assert q.add(notify("b.0", priority=2), CHAT, 0) is None
    assert q.add(notify("c.0", priority=1), CHAT, 0) is None
    assert q.start(0)[0].id == "c.0"


Steps = st.lists(
    st.tuples(
        st.sampled_from(["notify", "notify", "publish", "end", "end", "end", "withdraw", "pass", "again"]),
        st.integers(0, 3), st.integers(0, 3), st.integers(1, 4),
        st.sampled_from([SENT, RETRY, RETRY, SendOutcome(Sent.FAILED), SendOutcome(Sent.REFUSED),
                         SendOutcome(Sent.LATER, "", 5_000), SendOutcome(Sent.RETRY, "", 60_000)]),
    ),
    max_size=120,
)  # fmt: skip


@settings(max_examples=300)
@given(Steps, st.integers(0, 2**32))
def test_any_history(steps: list[tuple[str, int, int, int, SendOutcome]], seed: int) -> None:
    """Whatever comes in whatever order: every effect ends exactly once, lanes keep their order, P1 never waits for a
    slot that something else holds, and in the end nothing is left.
    """
    q = SendQueue(random.Random(seed).random, 6)
    channels = [by_hand(name, Hand(), concurrency=4) for name in ("a", "b")]
    ends: Counter[str] = Counter()
    started: dict[tuple[str, ...], list[int]] = {}
    flying: list[Job] = []
    known: dict[str, Any] = {}
    now = n = 0

    def advance() -> None:
        for job in q.start(now):
            flying.append(job)
            order = started.setdefault(job.lane, [])
            assert not order or job.order >= order[-1]
            order.append(job.order)
        for channel in channels:
            mine = [j for j in flying if j.channel is channel]
            assert len(mine) <= channel.concurrency
            assert sum(not j.urgent for j in mine) <= channel.concurrency // 2
        assert len(flying) <= 6

    for what, a, b, priority, outcome in steps:
        if what in ("notify", "publish"):
            n += 1
            effect: Notify | Publish
            if what == "notify":
                effect = notify(f"{n}.0", person=f"p{a}", id=f"i{b}", priority=priority)
            else:
                effect = msgspec.structs.replace(
                    publish(f"{n}.0", id=f"i{b}", priority=priority), target=f"t{a}"
                )
            known[effect.id] = effect
            assert q.add(effect, channels[a % 2], now) is None
        elif what == "end" and flying:
            job = flying.pop(a % len(flying))
            ends.update(e.effect for e in q.ended_try(job, outcome, now))
        elif what == "withdraw" and known:
            ends.update(e.effect for e in q.withdraw([list(known)[(a * 7 + b) % len(known)]], now))
        elif what == "again" and known:
            effect = known[list(known)[(a * 7 + b) % len(known)]]
            again = q.add(effect, channels[0], now)
            assert (again is not None) == (ends[effect.id] > 0)
        else:
            now += 997 * a
        advance()
    for _ in range(10_000):
        if not flying and not q.waiting:
            break
        for job in flying:
            ends.update(e.effect for e in q.ended_try(job, RETRY, now))
        flying.clear()
        now = max(now, q.next_due() or now) + 1
        advance()
    assert (q.waiting, q.under_way) == (0, 0)
    assert ends == Counter(dict.fromkeys(known, 1))
