"""Follows the journal and keeps one small record a device, in memory and, now and then, on disk."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from devices.reading import Flag
from gateway.core.alarm import STANDING
from gateway.core.effect import AlarmChanged
from gateway.core.event import Clocked, Gap
from gateway.feed import merged
from gateway.health_of.figures import Figures, figures
from gateway.health_of.file import HealthFile, packed
from gateway.health_of.record import REPORT_MS, Record, alarmed, heard, linked, powered, present
from gateway.series import Batch

if TYPE_CHECKING:
    from gateway.journal import Row

DEVICES_MAX: Final = 700_000  # about 0.9 KB each; a source that makes up names must not fill the memory
CHUNK: Final = 2_000  # records packed while the follower waits: about 5 ms
PENDING_MAX: Final = 10_000  # readings that wait: what still lies in a core's cache
WATCHED: Final = frozenset(("battery", "linkquality", "rssi", "availability"))

_EYES: Final = frozenset((Clocked, Gap))
_ASIDE: Final = int(Flag.RETAINED | Flag.HISTORICAL)
_INVALID: Final = int(Flag.INVALID)


class HealthOf:
    """Written by the follower's thread, read from any. Folding the same rows again changes nothing."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the file that outlives us; without one everything is learned anew each time."""
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._file = HealthFile(path) if path is not None else None
        self.seq = 0
        self.refused = 0
        self._records: dict[str, Record] = {}
        if self._file is not None:
            self.seq, self._records = self._file.load()
        self._saved = self.seq
        self._blind: dict[str, int] = {}  # source -> UTC ms until when we did not hear all of it
        self._all_blind = 0
        self._pending: list[Batch] = []
        self._waiting = 0

    def __len__(self) -> int:
        with self._lock:
            self._settle()
            return len(self._records)

    def apply(self, rows: Sequence[Row], batch: Batch) -> None:
        """Fold rows in; `batch` holds their readings. Readings of up to 5 s wait and are looked at together."""
        with self._lock:
            if batch.last_seq <= self.seq:
                return
            news = {type(event) for row in rows for _, event in row.events} & _EYES
            if news:
                self._settle()
                for row in rows:
                    self._eyes(row)
            if self._pending and batch.at and not 0 <= batch.at[-1] - self._pending[0].at[0] < REPORT_MS:
                self._settle()
            if batch.at:
                self._pending.append(batch)
                self._waiting += len(batch)
                if self._waiting >= PENDING_MAX:
                    self._settle()
            for row in rows:
                if row.happened:
                    self._alarms(row)
            self.seq = batch.last_seq

    def figures(self, device: str, now: int) -> Figures | None:
        """What was learned of a device; None of one that was never heard."""
        record = self.record(device)
        return figures(record, now) if record is not None else None

    def record(self, device: str) -> Record | None:
        """A copy of its record."""
        with self._lock:
            if self._pending:
                self._settle()
            record = self._records.get(device)
            return replace(record) if record is not None else None

    def records(self) -> Mapping[str, Record]:
        """Every record as it is kept, up to now: to be looked at only, and what follows goes on changing them."""
        with self._lock:
            self._settle()
        return self._records

    def blind_until(self, device: str) -> int:
        """Until when (UTC ms) we did not hear all that the device said: that time is not its silence. 0 for never."""
        own = self._blind.get(device.partition(":")[0], 0) if self._blind else 0
        return max(self._all_blind, own)

    def save(self) -> int:
        """Write what changed since the last time; gives how many records. Raises sqlite3.Error."""
        if self._file is None:
            return 0
        with self._saving:
            with self._lock:
                self._settle()
                seq, since = self.seq, self._saved
                names = [name for name, record in self._records.items() if record.seq > since]
            if seq != since:
                self._file.save(seq, self._packed(names))
                self._saved = seq
            return len(names)

    def restart(self) -> None:
        """The journal is another one than we followed: what was learned in the old one counts no more."""
        with self._saving, self._lock:
            self._records.clear()
            self._blind.clear()
            self._pending, self._waiting = [], 0
            self.seq = self._saved = self._all_blind = 0
            if self._file is not None:
                self._file.restart()

    def close(self) -> None:
        """Write and let go. Raises sqlite3.Error."""
        if self._file is not None:
            try:
                self.save()
            finally:
                self._file.close()

    def _packed(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        for start in range(0, len(names), CHUNK):
            with self._lock:
                some = [(name, packed(self._records[name])) for name in names[start : start + CHUNK]]
            yield from some

    # -- folding ------------------------------------------------------------------------------------------------

    def _eyes(self, row: Row) -> None:
        """When we did not hear everything; a clock that was set makes the time across it worth nothing."""
        offset = row.offset_ms
        for at, event in row.events:
            kind = type(event)
            if kind is Clocked:
                offset = event.offset_ms  # type: ignore[union-attr]  # `kind is Clocked` is an isinstance at half price
                self._all_blind = at + offset
            elif kind is Gap:
                source, until = event.source, event.until + offset  # type: ignore[union-attr]  # as above
                if source is None:
                    self._all_blind = until
                else:
                    self._blind[source] = until

    def _settle(self) -> None:
        """Look at what waits, in steps of one report's time: catching up, one batch may hold hours."""
        pending, self._pending, self._waiting = self._pending, [], 0
        for batch in pending[:1] if len(pending) == 1 else [merged(pending)] if pending else ():
            start, size = 0, len(batch)
            while start < size:
                end = bisect_left(batch.at, batch.at[start] + REPORT_MS, start + 1)
                self._window(batch, start, end)
                start = end

    def _window(self, batch: Batch, start: int, end: int) -> None:
        """Look once at each point, by its newest reading."""
        points, flags, seqs = batch.point[start:end], batch.flags, batch.seq
        newest: Iterable[tuple[str, int]] = zip(points, range(start, end), strict=True)
        odd = {flag for flag in set(flags[start:end]) if flag & (_ASIDE | _INVALID)}
        if odd:
            newest = [(point, i) for point, i in newest if not flags[i] & _ASIDE]
        last = dict(newest)
        heard_of: dict[str, int] = {}  # device -> its newest reading
        watched: list[tuple[str, str, int]] = []
        for point, i in last.items():
            device, metric, _ = point.rsplit("/", 2)
            heard_of[device] = i
            if metric in WATCHED and not (odd and flags[i] & _INVALID):
                watched.append((device, metric, i))
        times: Mapping[str, int] = {}
        often: dict[
            str, int
        ] = {}  # device -> its messages; in a city no point comes twice in so short a time
        if len(last) < len(points):
            times = Counter(points)
            for point, i in last.items():
                device = point.rsplit("/", 2)[0]
                heard_of[device] = max(heard_of[device], i)
                often[device] = max(often.get(device, 0), times[point])
        known: dict[str, int] = {}
        for device, i in heard_of.items():
            record = self._meet(device)
            if record is not None and seqs[i] > record.seq:
                known[device] = record.seq
                record.seq = seqs[i]
                blind, messages = self.blind_until(device), often.get(device, 1)
                heard(record, batch.at[i], batch.measured_at[i], flags[i], blind, messages)
        restless = {
            batch.point[i]
            for _, metric, i in watched
            if metric == "availability" and times.get(batch.point[i], 1) > 1
        }
        if restless:  # each going and coming counts
            watched += [
                (batch.point[i].rsplit("/", 2)[0], "availability", i)
                for i in range(start, end)
                if batch.point[i] in restless and not flags[i] & (_ASIDE | _INVALID)
            ]
            watched.sort(key=_place)
        for device, metric, i in watched:
            if seqs[i] > known.get(device, seqs[i]):
                _watch(self._records[device], metric, batch.number[i], batch.text[i])

    def _meet(self, device: str) -> Record | None:
        """The record of a device, a new one if there is room."""
        record = self._records.get(device)
        if record is None:
            if len(self._records) >= DEVICES_MAX:
                self.refused += 1
                return None
            record = self._records[device] = Record()
        return record

    def _alarms(self, row: Row) -> None:
        """New alarms on a device are changes of it; that it is gone or back it, or its bridge, says itself."""
        for item in row.happened:
            if type(item.result) is not AlarmChanged:
                continue
            doc = item.result.doc
            self._settle()
            record = self._records.get(doc.device)
            if record is None or doc.rule.startswith("gateway.") or doc.metric == "availability":
                continue
            if doc.state in STANDING:
                record.seq = max(record.seq, item.seq)
                alarmed(record, doc.since)


def _place(found: tuple[str, str, int]) -> int:
    return found[2]


def _watch(record: Record, metric: str, number: float | None, text: str | None) -> None:
    """A reading that says something about the device itself."""
    if metric == "availability":
        if text in ("online", "offline"):
            present(record, text == "online")
    elif number is not None and number - number == 0:  # neither NaN nor infinite
        if metric == "battery":
            powered(record, number)
        else:
            linked(record, metric, number)
