"""What is learned of a device: its period, battery, link, clock and changes, in a bounded record that outlives us."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.reading import Flag, Reading, Value
from gateway.batch import batch_of
from gateway.config import settings
from gateway.core.effect import AlarmChanged, AlarmDoc, Happened
from gateway.core.event import FORMAT, Clocked, Event, Gap, Measured
from gateway.health_of import Figures, HealthOf
from gateway.health_of.figures import usual_link
from gateway.health_of.file import packed, read_only
from gateway.health_of.overview import (
    BATTERY_DAYS,
    CHANGES_A_DAY,
    CLOCK_BAD,
    CLOCK_OFF_MS,
    LINK_WORSE,
    OWN_SOURCE,
    tendencies,
)
from gateway.health_of.record import GAP, POINT, Record, linked, powered
from gateway.journal import Row

DAY = 86_400_000
START = 20_800 * DAY  # a midnight in 2026
HOUR = 3_600_000


class Life:
    """A device whose messages we make up, one row each."""

    def __init__(self, health: HealthOf | None = None) -> None:
        self.health = HealthOf() if health is None else health
        self.seq = 0
        self.rows: list[Row] = []

    def event(self, at: int, event: Event, happened: Sequence[AlarmDoc] = ()) -> None:
        self.seq += 1
        found = [Happened(self.seq, AlarmChanged(doc)) for doc in happened]
        row = Row(FORMAT, self.seq, 0, [(at, event)], found)
        self.rows.append(row)
        self.health.apply([row], batch_of([row], self.seq - 1))

    def says(self, at: int, metric: str = "smoke", value: Value = False, **more: int | None) -> None:
        self.event(at, Measured("s", [Reading(f"s:d/{metric}/", value, **more)]))  # type: ignore[arg-type]  # int fields

    def figures(self, now: int) -> Figures:
        found = self.health.figures("s:d", now)
        assert found is not None
        return found

    def troubles(self, now: int) -> set[str]:
        record = self.health.record("s:d")
        assert record is not None
        return set(tendencies(record, now))


def test_the_period_is_the_median_of_the_last_gaps() -> None:
    """Ten reports an hour apart and one outage of a day: the device reports once an hour, steadily."""
    life = Life()
    at = START
    for n in range(12):
        life.says(at)
        at += DAY if n == 5 else HOUR
    assert (life.figures(at).period_s, life.figures(at).steady) == (3600.0, True)


def test_a_burst_is_one_report() -> None:
    """Five messages within seconds of each other, each half hour: the period is half an hour, not a second."""
    life = Life()
    for n in range(10):
        for part in range(5):
            life.says(
                START + n * HOUR // 2 + part * 900, "smoke" if part else "battery", 80 if not part else False
            )
    assert life.figures(START + DAY).period_s == 1800.0


def test_few_reports_teach_nothing_and_moods_are_no_period() -> None:
    """Six gaps are needed; a device that speaks when it likes is not steady, so nothing is offered."""
    life = Life()
    for at in (0, HOUR, 2 * HOUR):
        life.says(START + at)
    assert life.figures(START + 3 * HOUR).period_s is None
    moods = Life()
    at = START
    for minutes in (1, 50, 3, 200, 9, 700, 2, 90, 33, 5):
        moods.says(at)
        at += minutes * 60_000
    assert moods.figures(at).steady is False


def test_blind_time_is_never_learned() -> None:
    """A gap in which we, or the device's source, heard nothing teaches nothing; another source's has no say."""
    life = Life()
    at = START
    for n in range(14):
        life.says(at)
        at += HOUR
        if n % 2:
            life.event(at, Gap("s" if n % 4 == 1 else None, at - HOUR // 2, at, "link"))
            at += 5 * HOUR
    assert life.figures(at).period_s == 3600.0
    other = Life()
    for n in range(8):
        other.says(START + n * HOUR)
        other.event(START + n * HOUR + 1, Gap("x", START, START + n * HOUR, "link"))
    assert other.figures(START + DAY).period_s == 3600.0


def test_a_clock_that_is_set_teaches_no_period() -> None:
    """UTC jumps a year while the device goes on reporting each hour: the year is no gap of its."""
    life = Life()
    for n in range(4):
        life.says(START + n * HOUR)
    life.event(START + 3 * HOUR + 1, Clocked(365 * DAY, "ntp"))
    for n in range(4, 9):
        life.seq += 1
        event = Measured("s", [Reading("s:d/smoke/", False)])
        row = Row(FORMAT, life.seq, 365 * DAY, [(START + n * HOUR, event)], [])
        life.health.apply([row], batch_of([row], life.seq - 1))
    assert life.figures(START + 366 * DAY).period_s == 3600.0


@pytest.mark.parametrize("flag", [Flag.RETAINED, Flag.HISTORICAL])
def test_what_is_not_live_is_not_heard(flag: Flag) -> None:
    """A broker's replay and stored data sent late say nothing of when the device spoke."""
    life = Life()
    life.says(START, flags=int(flag))
    assert life.health.figures("s:d", START) is None


def test_a_battery_that_falls_has_days_left() -> None:
    """One percent a day from 60 %: minus 30 a month, and as many days as it is above 15 %."""
    life = Life()
    for day in range(20):
        life.says(START + day * DAY, "battery", 60 - day)
        life.says(START + day * DAY + HOUR, "battery", 60 - day)
    known = life.figures(START + 20 * DAY)
    assert (known.battery, known.battery_per_month, known.battery_days_left) == (41.0, -30.0, 26)
    assert "battery" in life.troubles(START + 20 * DAY)


def test_a_new_battery_begins_anew_and_noise_is_no_trend() -> None:
    """A level that jumps up is another battery; one that stays has no days to count; too few days say nothing."""
    life = Life()
    for day, level in enumerate([30, 28, 26, 24, 22, 20, 18, 16, 100, 100]):
        life.says(START + day * DAY, "battery", level)
    known = life.figures(START + 10 * DAY)
    assert (known.battery, known.battery_per_month, known.battery_days_left) == (100.0, None, None)
    for day in range(10, 30):
        life.says(START + day * DAY, "battery", 100 - day % 2)
    assert life.figures(START + 30 * DAY).battery_days_left is None


def test_an_empty_battery_has_none_left() -> None:
    """At or under 15 % no day is left, however little is known of the trend."""
    life = Life()
    life.says(START, "battery", 12)
    assert life.figures(START).battery_days_left == 0


def test_a_link_is_held_against_its_own_past() -> None:
    """-110 dBm is a good link for a device that always had it, and a bad one for a device that had -85."""
    for usual, worse in ((-110, False), (-85, True)):
        life = Life()
        for slot in range(30 * 8):
            life.says(START + slot * 3 * HOUR, "rssi", usual + slot % 2)
        for slot in range(30 * 8, 32 * 8):
            life.says(START + slot * 3 * HOUR, "rssi", -110)
        known = life.figures(START + 32 * DAY - 1)
        assert (known.link_metric, known.link_min, known.link_recent) == ("rssi", -110, -110)
        assert ("link" in life.troubles(START + 32 * DAY - 1)) is worse


def test_the_link_of_long_ago_is_not_shown_as_the_weeks() -> None:
    """After ten silent days there is no link to speak of; what was usual is still known."""
    life = Life()
    life.says(START, "linkquality", 120)
    life.says(START + HOUR, "linkquality", 90)
    assert (life.figures(START + DAY).link_min, life.figures(START + DAY).link_usual) == (90, 120.0)
    known = life.figures(START + 10 * DAY)
    assert (known.link_min, known.link_recent) == (None, None)


def test_a_bad_clock_is_a_share_and_a_slow_one_a_distance() -> None:
    """Times that cannot be true are counted; a clock ten minutes slow shows by its promptest message."""
    life = Life()
    for n in range(10):
        flags = int(Flag.CLOCK_BAD) if n < 3 else 0
        life.says(START + n * HOUR, measured_at=START + n * HOUR - 600_000 - n * 1000, flags=flags)
    known = life.figures(START + 10 * HOUR)
    assert (known.clock_bad, known.clock_ahead_ms) == (0.3, -603_000)
    assert "clock" in life.troubles(START + 10 * HOUR)


def test_changes_of_a_day_are_counted_once() -> None:
    """Each going, coming and new alarm counts; the same alarm told again, and our own alarms, do not."""
    life = Life()

    def doc(rule: str, since: int, state: str = "UNACK") -> AlarmDoc:
        return AlarmDoc(
            f"{rule}|x", "s", rule, "x", "s:d", "smoke", "", "p", "fire", 1, state, since, True, None, None
        )

    life.says(START, "availability", "online")
    life.says(START + HOUR, "availability", "offline")
    life.says(START + 2 * HOUR, "availability", "offline")
    life.says(START + 3 * HOUR, "availability", "online")
    for n, one in enumerate(
        [doc("r", START + HOUR), doc("r", START + HOUR, "ACKED"), doc("r", START + HOUR, "NORM"),
         doc("r", START + 4 * HOUR), doc("gateway.unguarded", START + 5 * HOUR)]
    ):  # fmt: skip
        life.event(START + 6 * HOUR + n, Measured("s", [Reading("s:d/smoke/", True)]), [one])
    assert life.figures(START + 7 * HOUR).changes_today == 4
    assert (life.figures(START + DAY).changes_today, life.figures(START + DAY).changes_most) == (0, 4)


def test_no_going_or_coming_is_missed_in_a_flood() -> None:
    """A device that goes and comes within one second does so as often as it says."""
    life = Life()
    for n in range(8):
        life.says(START + n * 10, "availability", "offline" if n % 2 else "online")
    assert life.figures(START + HOUR).changes_today == 7


def test_messages_a_day_are_those_of_closed_days() -> None:
    """Silent days count as days without a message."""
    life = Life()
    for n in range(6):
        life.says(START + n * HOUR)
    assert life.figures(START + HOUR).messages_per_day is None
    assert life.figures(START + 2 * DAY).messages_per_day == 3.0
    assert life.figures(START + 30 * DAY).messages_per_day == 0.0


moments = st.lists(st.integers(0, 40 * DAY), min_size=1, max_size=40).map(sorted)
values = st.one_of(
    st.tuples(st.just("battery"), st.floats()),
    st.tuples(st.sampled_from(["rssi", "linkquality"]), st.floats()),
    st.tuples(st.just("availability"), st.sampled_from(["online", "offline", "", "x"])),
    st.tuples(st.just("smoke"), st.booleans()),
)


@given(st.data(), moments)
def test_folding_again_changes_nothing_and_nothing_grows(data: st.DataObject, at: list[int]) -> None:
    """Whatever a device says: the record stays small, and rows that come again (after a restart) change nothing."""
    life = Life()
    for moment in at:
        metric, value = data.draw(values)
        life.says(START + moment, metric, value, flags=data.draw(st.sampled_from([0, 0, 32, 16])))
    record = life.health.record("s:d")
    assert record is not None
    assert len(packed(record)) < 400
    known = life.figures(START + 41 * DAY)
    again = data.draw(st.integers(0, len(life.rows)))
    life.health.apply(life.rows[again:], batch_of(life.rows[again:], again))
    assert life.health.record("s:d") == record
    assert life.figures(START + 41 * DAY) == known


@given(st.data(), moments, st.integers(0, 9 * DAY))
def test_what_is_said_to_be_wrong_can_be_seen_in_the_figures(
    data: st.DataObject, at: list[int], later: int
) -> None:
    """The quick look at all devices finds what the figures of each one show, and nothing else."""
    life = Life()
    for moment in at:
        metric, value = data.draw(values)
        wrong = data.draw(st.sampled_from([0, 0, int(Flag.CLOCK_BAD)]))
        told = data.draw(st.sampled_from([None, START + moment, START + moment - 10 * 60_000]))
        life.says(START + moment, metric, value, measured_at=told, flags=wrong)
    now = START + at[-1] + later
    known, record = life.figures(now), life.health.record("s:d")
    assert record is not None
    wanted = set()
    if known.battery_days_left is not None and known.battery_days_left <= BATTERY_DAYS:
        wanted.add("battery")
    if known.changes_most >= CHANGES_A_DAY:
        wanted.add("changes")
    recent = known.link_recent
    if recent is not None and usual_link(record) - recent >= LINK_WORSE[record.link_metric]:
        wanted.add("link")
    if (known.clock_bad or 0) >= CLOCK_BAD or abs(known.clock_ahead_ms or 0) > CLOCK_OFF_MS:
        wanted.add("clock")
    assert life.troubles(now) == wanted


def test_it_outlives_us(tmp_path: Path) -> None:
    """What was learned is there after a restart, and only what is newer is folded in."""
    path = tmp_path / "health.sqlite"
    life = Life(HealthOf(path))
    for n in range(8):
        life.says(START + n * HOUR, "battery", 90)
    assert life.health.save() == 1
    assert life.health.save() == 0
    life.says(START + 8 * HOUR)
    life.health.close()
    again = HealthOf(path)
    assert again.seq == 9
    assert again.record("s:d") == life.health.record("s:d")
    again.apply(life.rows, batch_of(life.rows, 0))
    assert again.record("s:d") == life.health.record("s:d")
    assert list(read_only(path)) == ["s:d"]
    again.restart()
    assert (again.seq, len(again)) == (0, 0)
    again.close()


def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    """Nothing here is worth not starting for: a broken file, or one of another release, is kept and begun anew."""
    path = tmp_path / "health.sqlite"
    path.write_bytes(b"no database at all" * 100)
    HealthOf(path).close()
    assert path.with_name("health.sqlite.damaged-1").exists()
    file = sqlite3.connect(path)
    file.execute("INSERT INTO devices VALUES ('s:d', x'ff')")
    file.commit()
    file.close()
    found = HealthOf(path)
    assert len(found) == 0
    found.close()
    assert path.with_name("health.sqlite.damaged-2").exists()


def test_strangers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that makes up device names is counted, not kept."""
    monkeypatch.setattr("gateway.health_of.keeper.DEVICES_MAX", 3)
    life = Life()
    for n in range(10):
        life.event(START + n, Measured("s", [Reading(f"s:d{n}/smoke/", False)]))
    assert (len(life.health), life.health.refused) == (3, 7)


def test_the_gateways_own_parts_are_no_devices_of_the_estate() -> None:
    """The overview leaves out the source that the settings reserve for them."""
    assert OWN_SOURCE == settings.OWN_SOURCE


def test_the_strings_hold_what_they_should() -> None:
    """Points and links keep the lowest of their day and of their three hours."""
    record = Record(day=100, last_at=START)
    for percent in (50.0, 49.0, 49.5):
        powered(record, percent)
    assert list(POINT.iter_unpack(record.battery)) == [(100, 98)]
    for quality in (100, 80, 90):
        linked(record, "linkquality", quality)
    linked(record, "rssi", -60)
    assert (list(record.link), record.link_metric) == ([80], "linkquality")
    assert GAP.size * 15 == 60
