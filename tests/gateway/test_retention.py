"""What is past its time goes, by class of data; what a person asks to see gone goes everywhere; each leaves a proof."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.reading import METRICS, Privacy
from gateway.config.settings import RetentionSettings
from gateway.proofs import POINTS_SHOWN, Proofs, Why
from gateway.retention import DAY_MS, POINTS_MAX, Retention
from gateway.series import Batch, Deletion, Selection, StoreError
from tests.gateway.api.shelf import Shelf

NOW = 20_400 * DAY_MS + 7 * 3_600_000
WHY = Why("user:u-1", "request", "2026-17")
KEPT = RetentionSettings(history_days=400, household_days=180, personal_days=30)
AGES = (1, 29, 31, 179, 181, 399, 402)
POINTS = {"s:d/battery/": Privacy.PUBLIC, "s:d/smoke/": Privacy.HOUSEHOLD, "s:d/sos/": Privacy.PERSONAL}


class Days(Shelf):
    """Its `forget` says days, as the embedded store's does."""

    def forget(self, before: int) -> list[str]:
        old = [s[0] for _, s in self.rows.values() if s[0] < before]
        super().forget(before)
        return ["2025-10-16", "2025-10-17"][: len(old)]


@pytest.fixture
def proofs(tmp_path: Path) -> Iterator[Proofs]:
    """An empty chain."""
    made = Proofs(tmp_path / "proofs.sqlite")
    yield made
    made.close()


def store() -> Days:
    """One reading of each class at each age."""
    made = Days()
    rows = [(NOW - age * DAY_MS, point) for age in AGES for point in POINTS]
    for seq, (at, point) in enumerate(sorted(rows), 1):
        made.rows[seq, 0] = (point, (at, 1.0, None, 0, seq, 0))
        made.last = seq
    return made


def left(shelf: Shelf) -> dict[str, list[int]]:
    """The ages of what is left, in days, by point."""
    found: dict[str, list[int]] = {}
    for point, sample in shelf.rows.values():
        found.setdefault(point, []).append((NOW - sample[0]) // DAY_MS)
    return {point: sorted(ages) for point, ages in found.items()}


def keeping(proofs: Proofs, kept: RetentionSettings = KEPT, **stores: Any) -> Retention:
    """Retention over these stores."""
    return Retention(proofs, lambda: stores, tuple(stores), kept.days_of)


def bodies(proofs: Proofs) -> list[dict[str, Any]]:
    """What the lines say."""
    return [json.loads(line.body) for line in proofs.lines()]


def test_each_class_goes_in_its_own_time_and_leaves_a_line(proofs: Proofs) -> None:
    """Personal after 30 days, a household's after 180, the rest after 400, each with store, class, count and times."""
    shelf = store()
    assert keeping(proofs, history=shelf).sweep(NOW) == 3
    assert left(shelf) == {
        "s:d/battery/": [1, 29, 31, 179, 181, 399], "s:d/smoke/": [1, 29, 31, 179], "s:d/sos/": [1, 29],
    }  # fmt: skip
    personal, household, days = bodies(proofs)
    assert (personal["class"], personal["rows"], personal["reason"]) == (
        "personal",
        5,
        "retention.personal_days",
    )
    assert personal["first_at"] == NOW - 402 * DAY_MS
    assert personal["last_at"] == NOW - 31 * DAY_MS
    assert personal["before"] == (NOW - 30 * DAY_MS) // DAY_MS * DAY_MS
    assert set(personal["metrics"]) == {m.name for m in METRICS.values() if m.privacy is Privacy.PERSONAL}
    assert (household["class"], household["rows"], household["by"]) == ("household", 3, "retention")
    assert (days["class"], days["rows"], days["metrics"]) == ("days", None, None)
    assert proofs.broken_at() is None


def test_each_store_is_looked_at_once_a_day(proofs: Proofs) -> None:
    """A second sweep of the day asks nothing; the next day's, and one after the setting became shorter, do."""
    asked: list[Selection] = []

    class Asked(Days):
        def delete(self, selection: Selection) -> Deletion:
            asked.append(selection)
            return super().delete(selection)

    shelf = Asked()
    keeping(proofs, history=shelf).sweep(NOW)
    keeping(proofs, history=shelf).sweep(NOW + 3_600_000)
    assert len(asked) == 2
    keeping(proofs, history=shelf).sweep(NOW + DAY_MS)
    assert len(asked) == 4
    keeping(proofs, RetentionSettings(personal_days=7), history=shelf).sweep(NOW + DAY_MS)
    assert [s.before for s in asked[4:]] == [(NOW - 6 * DAY_MS) // DAY_MS * DAY_MS]
    assert proofs.lines() == []  # nothing was there: nothing is proved


def test_a_class_is_never_kept_longer_than_everything(proofs: Proofs) -> None:
    """A site that keeps ten days of anything keeps ten days of what is private."""
    shelf = store()
    keeping(proofs, RetentionSettings(history_days=10), history=shelf).sweep(NOW)
    assert left(shelf) == {point: [1] for point in POINTS}


def test_a_store_that_fails_is_swept_when_it_is_back(proofs: Proofs) -> None:
    """Its trouble is nobody else's, and nothing is proved that was not done."""
    well, ill = store(), store()
    ill.broken = StoreError("away")
    retention = keeping(proofs, well=well, ill=ill)
    retention.sweep(NOW)
    assert {b["store"] for b in bodies(proofs) if b["class"] != "days"} == {"well"}
    ill.broken = None
    retention.sweep(NOW)
    assert left(ill) == left(well)
    assert proofs.owed() == []


def test_an_erasure_reaches_every_store_and_what_could_not_is_owed(proofs: Proofs) -> None:
    """Deleted here, owed there, impossible elsewhere: each said; what is owed is done when the store is back."""

    class Sink:
        """A store that can only be written to."""

    well, ill = store(), store()
    ill.broken = StoreError("away")
    stores: dict[str, Any] = {"well": well, "ill": ill, "sink": Sink()}
    retention = Retention(proofs, lambda: stores, ("well", "ill", "sink", "shut"), KEPT.days_of)
    outcomes = retention.erase(["s:d/sos/", "s:d/sos/"], WHY, NOW)
    assert [(o.store, o.result, o.rows) for o in outcomes] == [
        ("well", "deleted", 7), ("ill", "owed", None), ("sink", "cannot", None), ("shut", "owed", None),
    ]  # fmt: skip
    assert "s:d/sos/" not in left(well)
    ill.broken = None
    stores["shut"] = store()
    retention.sweep(NOW + 60_000)
    assert "s:d/sos/" not in left(ill)
    assert "s:d/sos/" not in left(stores["shut"])
    said = [b for b in bodies(proofs) if b["class"] == "points"]
    assert [(b["store"], b["by"], b["reason"], b["case"], b["points"]) for b in said] == [
        (name, "user:u-1", "request", "2026-17", ["s:d/sos/"]) for name in ("well", "ill", "shut")
    ]
    assert proofs.owed() == []


def test_a_deletion_that_was_cut_off_is_proved_all_the_same(proofs: Proofs) -> None:
    """Killed between the deletion and its line: the next start does it again, finds nothing more, and says so."""
    shelf = store()

    class Cut(BaseException):
        """The death of the process."""

    class Dying(Proofs):
        def add(self, *_: Any, **__: Any) -> Any:
            raise Cut

    dying = Dying(proofs._connection.execute("PRAGMA database_list").fetchone()[2])
    with pytest.raises(Cut):
        keeping(dying, history=shelf).sweep(NOW)
    dying.close()
    assert proofs.lines() == []
    keeping(proofs, history=shelf).sweep(NOW)
    assert bodies(proofs)[0]["class"] == "personal"
    assert bodies(proofs)[0]["rows"] == 0


def test_what_was_erased_is_never_written_again(proofs: Proofs, tmp_path: Path) -> None:
    """Not from the journal, not from another store, not after a restart; news of the same point is."""
    proofs.forbid(Selection(NOW, ("p/a/", "p/b/")))
    again = Proofs(tmp_path / "proofs.sqlite")
    old = Batch(
        0, 3, [1, 2, 3], [0, 0, 0], [NOW - 2, NOW - 1, NOW], ["p/a/", "p/c/", "p/a/"], [1.0, 2.0, 3.0],
        [None] * 3, b"\3\3\3", [None] * 3, [0, 0, 0],
    )  # fmt: skip
    kept = again.allowed(old)
    assert (kept.seq, kept.point, kept.number) == ([2, 3], ["p/c/", "p/a/"], [2.0, 3.0])
    assert (kept.after, kept.last_seq, len(kept.kind)) == (0, 3, 2)
    news = Batch(3, 4, [4], [0], [NOW], ["p/a/"], [1.0], [None], b"\3", [None], [0])
    assert again.allowed(news) is news
    again.forgive(NOW + 1)
    assert again.allowed(old) is old
    again.close()


@pytest.mark.parametrize(
    ("edit", "seq"),
    [
        ("UPDATE proofs SET body = replace(body, '7', '8') WHERE seq = 2", 2),
        ("DELETE FROM proofs WHERE seq = 2", 3),
        ("UPDATE proofs SET utc = utc + 1 WHERE seq = 3", 3),
    ],
)
def test_a_line_that_was_changed_shows(proofs: Proofs, tmp_path: Path, edit: str, seq: int) -> None:
    """Each line follows from all before it."""
    for n in range(3):
        proofs.add("history", "personal", Selection(NOW + n), Deletion(7), WHY, NOW)
    assert proofs.broken_at() is None
    with sqlite3.connect(tmp_path / "proofs.sqlite") as hand:
        hand.execute(edit)
    hand.close()
    assert proofs.broken_at() == seq


def test_an_erasure_is_bounded(proofs: Proofs) -> None:
    """Nothing, or a whole city by mistake, is refused; a line names a bounded number of points and counts the rest."""
    retention = keeping(proofs, history=Shelf())
    for points in ([], [f"s:d/m{n}/" for n in range(POINTS_MAX + 1)]):
        with pytest.raises(ValueError, match="points"):
            retention.erase(points, WHY, NOW)
    retention.erase([f"s:d/m{n}/" for n in range(POINTS_SHOWN + 1)], WHY, NOW)
    assert len(bodies(proofs)[0]["points"]) == POINTS_SHOWN
    assert bodies(proofs)[0]["points_total"] == POINTS_SHOWN + 1
