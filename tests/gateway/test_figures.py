"""Alarm-management figures: what EEMUA 191 counts, from occurrences to a desk's load, and what people did of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import METRICS
from gateway import text
from gateway.figures import FLOOD, TARGET_MS, TEN_MS, Figures, Seen, figures
from gateway.figures_named import FALSE, NAMED, RAISED, named, readings
from gateway.inprocess import START_UTC_MS, Gateway
from gateway.views import Handled, Occurrence, Standing, Unanswered, Views
from gateway.views import views as module

DAY_MS = module.DAY_MS
SINCE, UNTIL = START_UTC_MS, START_UTC_MS + DAY_MS
MINUTE = 60_000


def came(
    at: int, name: str = "fire|d", *, priority: int = 1, lasted: int | None = 600_000, metric: str = "smoke"
) -> Occurrence:
    """An alarm that came so long after the window began."""
    ended = None if lasted is None else SINCE + at + lasted
    return Occurrence(name, SINCE + at, ended, "home", "b1", "s:d", metric, "fire", priority)


def handled(wait: int | None, *, priority: int = 1, closed: bool = False, verdict: str = "unverified",
            cause: str = "", opened: int = 0) -> Handled:  # fmt: skip
    """An incident somebody answered after `wait` ms."""
    start = SINCE + opened
    return Handled(
        "i", "home", "b1", "fire", priority, "live", start, start + MINUTE if closed else None,
        None if wait is None else start + wait, verdict, cause,
    )  # fmt: skip


def of(*occurrences: Occurrence, handled: tuple[Handled, ...] = (), standing: tuple[Standing, ...] = (),
       unanswered: tuple[Unanswered, ...] = ()) -> Figures:  # fmt: skip
    return figures(Seen(SINCE, UNTIL, occurrences, handled, unanswered, standing), "home")


def test_a_quiet_day_has_zeros_and_no_shares_of_nothing() -> None:
    """No alarm is no load; a median of nothing is not 0 s."""
    quiet = of()
    assert (quiet.rate_10min, quiet.peak_10min, quiet.flood_percent, quiet.last_10min) == (0, 0, 0, 0)
    assert (quiet.answer_median_s, quiet.late_percent, quiet.false_percent, quiet.top_percent) == (None,) * 4


def test_a_flood_begins_with_the_eleventh_alarm_in_ten_minutes_and_ends_below_five() -> None:
    """Ten are none. Eleven, a second apart, are one from the eleventh on until only four are younger than 10 min."""
    ten = [came(MINUTE + n * 1000, f"a{n}") for n in range(10)]
    assert of(*ten).flood_percent == 0
    assert of(*ten).peak_10min == 10
    eleven = of(*ten, came(MINUTE + 10_000, "a10"))
    began, over = MINUTE + 10_000, MINUTE + TEN_MS + 6_000  # the seventh of eleven has passed
    assert eleven.flood_percent == round(100 * (over - began) / DAY_MS, 2)
    assert eleven.peak_10min == 11
    assert eleven.rate_10min == round(11 / 144, 3)


def test_the_daily_list_loads_nobody() -> None:
    """P4 is counted in the mix and in no rate."""
    found = of(*(came(n, f"a{n}", priority=4) for n in range(100)), came(5, priority=3))
    assert (found.peak_10min, found.raised) == (1, {1: 0, 2: 0, 3: 1, 4: 100})


def test_the_last_ten_minutes_and_what_began_before_the_window() -> None:
    """An alarm from before the window counts in the flood that reaches into it, and in no rate."""
    before = [came(-1000 - n, f"a{n}") for n in range(11)]
    found = of(*before, came(DAY_MS - 1, "now"))
    assert found.last_10min == 1
    assert found.rate_10min == round(1 / 144, 3)
    assert found.flood_percent > 0


def test_chattering_fleeting_and_the_ten_that_came_most() -> None:
    """Three times in a minute chatters; seconds long and not again is fleeting; a press is neither."""
    chatter = [came(n * 20_000, "chatter", lasted=1_000) for n in range(3)]
    slow = [came(n * 31_000, "slow", lasted=20_000) for n in range(3)]
    fleeting = came(5, "fleeting", lasted=3_000)
    press = came(6, "press", lasted=0, metric="sos")
    found = of(*chatter, *slow, fleeting, press, *(came(n, f"x{n}") for n in range(8)))
    assert (found.chattering, found.fleeting) == (1, 1)
    assert [(t.alarm, t.count, t.chattering, t.fleeting) for t in found.top[:2]] == [
        ("chatter", 3, True, 3),
        ("slow", 3, False, 0),
    ]
    assert len(found.top) == 10
    assert found.top_percent == round(100 * 14 / 16, 2)


def test_how_long_urgent_incidents_waited() -> None:
    """Median and 95th percentile of the answered; whoever still waits past the target is late; P3 and what ended by
    itself do not count."""
    waits = [10_000 * n for n in range(1, 21)]
    found = of(handled=(*(handled(w) for w in waits), handled(None), handled(None, closed=True, priority=2),
                        handled(999_999, priority=3)))  # fmt: skip
    assert (found.answer_median_s, found.answer_p95_s) == (105.0, 190.0)
    late = sum(w > TARGET_MS for w in waits) + 1
    assert found.late_percent == round(100 * late / 21, 2)
    assert of(handled=(handled(None, opened=DAY_MS - TARGET_MS),)).late_percent is None  # there is time yet


def test_false_alarms_by_cause_and_no_name_that_people_make_up() -> None:
    """Of those a person judged; a cause we have no word for is counted as another cause where names must stay few."""
    found = of(handled=(handled(1, verdict="real"), handled(1, verdict="false", cause="steam"),
                        handled(1, verdict="false", cause="<b>"), handled(1, verdict="false"),
                        handled(1, verdict="drill"), handled(1)))  # fmt: skip
    assert (found.judged, found.false_percent) == (4, 75.0)
    assert found.false_causes == {"<b>": 1, "other": 1, "steam": 1}
    said = {(m, c): v for m, c, v in readings(found)}
    assert said["false_alarms", "home other"] == 2
    assert said["false_alarms", "home steam"] == 1


def test_what_stands_is_stale_after_a_day_and_not_while_set_aside() -> None:
    """Standing, stale, shelved and out of service are four things."""

    def stands(age: int, **more: int) -> Standing:
        return Standing("a", "home", "r", "s:d", "smoke", "b1", "UNACK", UNTIL - age, **more)

    found = of(standing=(stands(DAY_MS), stands(5), stands(DAY_MS, shelved_until=UNTIL + 5),
                         stands(DAY_MS, out_of_service_until=UNTIL + 5)))  # fmt: skip
    assert (found.standing, found.stale, found.shelved, found.out_of_service) == (2, 1, 1, 1)


def test_only_the_places_one_may_see_and_only_the_site_asked_for() -> None:
    """Another site's alarms, and those of hidden places, are not there."""
    other = Occurrence("x", SINCE, None, "away", "c", "s:d", "smoke", "fire", 1)
    seen = Seen(SINCE, UNTIL, (came(0), other), (handled(5),), (Unanswered("i", "home", "b1", "live"),), ())
    assert figures(seen, "home").peak_10min == figures(seen, "home").unanswered == 1
    hidden = figures(seen, "home", lambda place: place != "b1")
    assert (hidden.peak_10min, hidden.unanswered, hidden.answer_median_s) == (0, 0, None)


@given(st.lists(st.integers(-TEN_MS, DAY_MS - 1), max_size=60))
def test_peak_and_flood_hold_for_any_day(times: list[int]) -> None:
    """The peak is what counting by hand gives; there is flood only where it passes ten."""
    found = of(*(came(at, f"a{n}") for n, at in enumerate(times)))
    counted = [sum(at - TEN_MS < other <= at for other in times) for at in times if at >= 0]
    by_hand = max(counted, default=0)
    assert found.peak_10min == by_hand
    assert 0 <= found.flood_percent <= 100
    if found.flood_percent > 0:
        assert max(sum(at - TEN_MS < other <= at for other in times) for at in times) > FLOOD


def test_every_figure_is_a_metric_with_words() -> None:
    """What the gateway reports of itself stands in the metric table and in both languages."""
    for name in (
        *(one.metric for one in NAMED),
        RAISED,
        FALSE,
        "devices_by_health",
        "coverage_percent",
        "store_lag_s",
    ):
        assert name in METRICS
        assert text.has(f"metric.{name}")
    assert len({one.metric for one in NAMED}) == len(NAMED)
    assert all(value >= 0 for _, value in named(of()))


def test_a_night_as_the_views_tell_it(tmp_path: Path) -> None:
    """From the core's own journal: what came, when somebody answered, and the chain that began anew."""
    gateway = Gateway()
    gateway.measure("d1", "smoke", True)
    gateway.advance(30)
    gateway.act("duty_operator", "take", min(gateway.docs))
    gateway.measure("d1", "smoke", False)
    gateway.advance(5)
    gateway.measure("d1", "smoke", True)
    gateway.measure("far", "gas", True)
    gateway.advance(400)  # nobody answers: three steps, then the first once more
    views = Views(tmp_path / "views.sqlite")
    views.apply(gateway.journal.kept)
    now = gateway.clock.utc_ms() + 1
    occurrences = views.occurrences(0, now, 100)
    smoke = sorted((o for o in occurrences if o.metric == "smoke"), key=lambda o: o.at)
    assert [o.at - START_UTC_MS for o in smoke] == [0, 35_000]
    assert smoke[0].ended_at == START_UTC_MS + 30_000
    assert smoke[1].ended_at is None
    answered = {h.hazard: h.answered_at and h.answered_at - h.opened_at for h in views.handled(0, now, 100)}
    assert answered == {"fire": 30_000, "gas": None}
    unanswered = views.unanswered(0, now, 100)
    assert {u.incident for u in unanswered} == {h.id for h in views.handled(0, now, 100) if h.hazard == "gas"}
    assert views.sweep(now + 400 * DAY_MS, 1) > 0
    assert views.occurrences(0, now, 100) == []
    views.close()
    assert all(a.at <= b.at for a, b in pairwise(smoke))


def test_a_chattering_detector_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what came only the newest is kept, however often an alarm comes and goes."""
    monkeypatch.setattr(module, "OCCURRENCES_MAX", 5)
    gateway = Gateway()
    for _ in range(20):
        gateway.measure("d1", "smoke", True)
        gateway.advance(2)
        gateway.measure("d1", "smoke", False)
        gateway.advance(2)
    views = Views(tmp_path / "views.sqlite")
    views.apply(gateway.journal.kept)
    now = gateway.clock.utc_ms()
    before = [o.at for o in views.occurrences(0, now, 100) if o.metric == "smoke"]
    assert len(before) == 20
    while views.sweep(now, 1100):
        pass
    assert [o.at for o in views.occurrences(0, now, 100)] == before[:5]
    found = figures(Seen(0, now, views.occurrences(0, now, 100), (), (), ()), "sim")
    assert found.chattering == 1
    views.close()
