"""An InfluxDB that is written and asked: a `gateway.series.Store`."""

# ruff: noqa: S608  names and texts go into InfluxQL quoted by `asking`, all else is our own names and whole numbers
from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeVar

from devices.reading import Flag
from gateway.lines import MS, arrival_of
from gateway.linesink import Encoder, LineSink
from gateway.series import Batch, Deletion, Query, Sample, Selection, Series, StoreError
from gateway.store.influxdb import Config, questions
from gateway.store.influxdb.asking import Asking, name, text
from gateway.store.influxdb.journal import in_journal_order
from gateway.store.influxdb.questions import Names, between, grouped, names_of, of_points, point_of, samples
from gateway.store.influxdb.setup import ROLLUPS, rollups_of

T = TypeVar("T")

DAY_MS: Final = 86_400_000
_PATIENCE_MS: Final = 300_000  # with what goes through all that is stored, a year perhaps
_POINTS: Final = 100  # of one statement
_PIECE_ROWS: Final = 100  # looked through for a reading that was sent live; then ten times as many, up to
_PIECE_ROWS_MAX: Final = 100_000
_NEVER_MS: Final = DAY_MS  # when a server that cannot do a thing at all may be asked for it again


class InfluxStore(LineSink):
    """Answers from the raw measurement. A step's last value is the last by time; `latest` is the last in the journal
    also where the clock was set back, as long as that was within the last day."""

    def __init__(self, config: Config, folder: Path, name: str, lines: Encoder) -> None:
        super().__init__(config, folder, name, lines)
        self._measurement = config.measurement
        self._asking = Asking(config)
        self._sweeping = Asking(config, max(config.timeout_ms, _PATIENCE_MS))

    # ------------------------------------------------------------------------------------------------ reading

    def read(self, query: Query) -> list[Series]:
        wanted = {names_of(point): point for point in query.points}
        found: dict[str, Series] = {}
        for names in _groups(list(wanted), _POINTS):
            where = f"{of_points(names)} AND {between(query.since, query.until)}"
            answers = self._raw(where, query) if query.step_ms is None else self._rolled(where, query)
            for key, series in answers.items():
                if point := wanted.get(key):
                    found[point] = Series(point, *series)
        return [found.get(point, Series(point, [])) for point in query.points]

    def _raw(self, where: str, query: Query) -> dict[Names, tuple[list[Sample], bool]]:
        statement = questions.raw(self._measurement, where, query.limit + 1)
        rows: dict[Names, list[Sample]] = {}
        for table in self._asking.ask(statement):
            rows.setdefault(grouped(table), []).extend(samples(table))
        return {names: self._cut(names, found, query.limit) for names, found in rows.items()}

    def _cut(self, names: Names, rows: list[Sample], limit: int) -> tuple[list[Sample], bool]:
        """The first rows in order, and whether there are more."""
        if len(rows) <= limit:
            return _ordered(rows), False
        # Within a millisecond the server's order is not the journal's, so the one that is cut has to be whole first.
        at = rows[-1][0]
        where = f"{of_points([names])} AND {between(at, at + 1)}"
        for table in self._asking.ask(questions.raw(self._measurement, where, MS)):
            rows += samples(table)
        return _ordered(rows)[:limit], True

    def _rolled(self, where: str, query: Query) -> dict[Names, tuple[list[Any], bool]]:
        steps: dict[Names, questions.Steps] = {}
        for table in self._asking.ask(questions.rolled(self._measurement, where, query)):
            steps.setdefault(grouped(table), questions.Steps()).take(table)
        return {names: (found.rows(), False) for names, found in steps.items()}

    def latest(self, points: Sequence[str] | None = None) -> dict[str, Sample]:
        if points is None:
            return {
                point_of(names): row for names, row in self._latest(f"time < {questions.TIME_MAX}").items()
            }
        wanted = {names_of(point): point for point in points}
        found: dict[str, Sample] = {}
        for names in _groups(list(wanted), _POINTS):
            known = self._latest(of_points(names))
            found |= {wanted[key]: row for key, row in known.items() if key in wanted}
        return found

    def _latest(self, where: str) -> dict[Names, Sample]:
        newest = self._each(questions.last(self._measurement, where))
        written_at = self._durable.at
        if written_at and any(row[0] > written_at for row in newest.values()):
            # The clock was set back: what came after lies before. A day of it is searched in journal order.
            recent = f"{where} AND {between(written_at - DAY_MS, written_at + 1)}"
            for names, row in self._each(questions.newest(self._measurement, recent)).items():
                if row[4] > newest[names][4]:
                    event = f'{of_points([names])} AND {between(row[0], row[0] + 1)} AND "seq" = {row[4]}'
                    newest |= self._each(questions.last(self._measurement, event))
        late = [names for names, row in newest.items() if row[3] & Flag.HISTORICAL]
        return newest | {names: live for names in late if (live := self._live(names)) is not None}

    def _live(self, names: Names) -> Sample | None:
        """The last reading of a point that was not sent late. InfluxQL cannot ask for absent flags, so it is looked
        for, backwards and by ever larger pieces."""
        limit, before = _PIECE_ROWS, f"time < {questions.TIME_MAX}"
        while True:
            where = f"{of_points([names])} AND {before}"
            asked = questions.backwards(self._measurement, where, limit)
            some = [table for table in self._asking.ask(asked) if table.values]
            rows = [row for table in some for row in samples(table)]
            live = next((row for row in rows if not row[3] & Flag.HISTORICAL), None)
            if live is not None or len(rows) < limit:
                return live
            before = f"time < {some[-1].values[-1][0]}"
            limit = min(limit * 10, _PIECE_ROWS_MAX)

    def _each(self, statement: str) -> dict[Names, Sample]:
        return {grouped(table): samples(table)[-1] for table in self._asking.ask(statement)}

    def stored(self, after: int = 0) -> Iterator[Batch]:
        return in_journal_order(self._sweeping, self._measurement, after)

    # ----------------------------------------------------------------------------------------------- deleting

    def delete(self, selection: Selection) -> Deletion:
        rollups = self._rollups()
        rows, first_at, last_at = 0, None, None
        for where in _conditions(selection):
            # Roll-ups first: while they fail the readings can still be counted, and they outlive them.
            self._delete(where, [f"{self._measurement}_{r.name}" for r in ROLLUPS], rollups)
            count, first, last = self._taken(where)
            if not count:
                continue
            self._delete(where, [self._measurement])
            rows += count
            first_at = first if first_at is None else min(first_at, first)
            last_at = last if last_at is None else max(last_at, last)
        return Deletion(rows, first_at, last_at)

    def forget(self, before: int) -> list[str]:
        where = between(0, before - before % DAY_MS)
        days = (
            f'SELECT COUNT("seq") FROM {name(self._measurement)} WHERE {where} GROUP BY time(1d) fill(none)'
        )
        names = [
            datetime.fromtimestamp(row[0] / 1e9, UTC).date().isoformat()
            for row in self._sweeping.rows(days)
            if row[1]
        ]
        if names:
            self._rollups()
            self._delete(where, [self._measurement])
        return names

    def _taken(self, where: str) -> tuple[int, int, int]:
        """How many, and the first and the last arrival."""
        tail = f"FROM {name(self._measurement)} WHERE {where}"
        asked = "; ".join(f'SELECT {how}("seq") {tail}' for how in ("COUNT", "FIRST", "LAST"))
        found = {table.statement: table.values[0] for table in self._sweeping.ask(asked) if table.values}
        if len(found) < 3:
            return 0, 0, 0
        return found[0][1], arrival_of(found[1][0]), arrival_of(found[2][0])

    def _rollups(self) -> str:
        """The database of the roll-ups. Raises StoreError where the server cannot delete at all."""
        major = self._sweeping.version().partition(".")[0]
        if major == "3":
            raise StoreError("InfluxDB 3 deletes no single readings: set a retention period there", _NEVER_MS)
        return rollups_of(self._sweeping.database) if major == "2" else self._sweeping.database

    def _delete(self, where: str, measurements: Sequence[str], database: str | None = None) -> None:
        statements = "; ".join(
            f"DELETE FROM {name(measurement)} WHERE {where}" for measurement in measurements
        )
        for _ in self._sweeping.ask(statements, database):
            pass

    def close(self) -> None:
        self._asking.close()
        self._sweeping.close()
        super().close()


def _conditions(selection: Selection) -> Iterator[str]:
    """The selection as conditions on tags and time only, which is what DELETE allows; some points at a time."""
    when = between(0, selection.before)
    metrics = None if selection.metrics is None else {names_of(f"/{m}/")[1] for m in selection.metrics}
    if selection.points is not None:
        wanted = sorted({names_of(point) for point in selection.points})
        for some in _groups([n for n in wanted if metrics is None or n[1] in metrics], _POINTS):
            yield f"{of_points(some)} AND {when}"
    elif metrics is None:
        yield when
    else:
        for named in _groups(sorted(metrics), _POINTS):
            one_of = " OR ".join(f'"metric" = {text(metric)}' for metric in named)
            yield f"({one_of}) AND {when}"


def _groups(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _ordered(rows: list[Sample]) -> list[Sample]:
    """By time and journal order, each reading once: it is twice under two sites where a source was moved."""
    rows.sort(key=lambda row: (row[0], row[4], row[5]))
    return [next(same) for _, same in groupby(rows, key=lambda row: (row[4], row[5]))]
