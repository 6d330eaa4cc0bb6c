"""The views at work: one writer that follows the journal, readers that ask, and a cursor in the same transaction."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gateway.core.effect import AlarmDoc, CommandDoc, IncidentDoc
from gateway.journal import Row
from gateway.views.applying import Change, applied
from gateway.views.asking import (
    ALARMS,
    COMMANDS,
    DELIVERIES,
    HANDLED,
    INCIDENTS_WITHIN,
    LONG_MS,
    OCCURRENCES,
    QUARANTINED,
    RECENT_COMMANDS,
    STANDING,
    STANDING_ON,
    UNANSWERED,
    Delivery,
    Handled,
    IncidentFilter,
    Occurrence,
    Quarantine,
    Standing,
    Unanswered,
    unpack_alarm,
    unpack_command,
    unpack_incident,
    unpack_standing,
    unpack_verdict,
)
from gateway.views.tables import connect, opened, set_aside

QUARANTINE_MAX: Final = 10_000  # rows; with their payloads at most some 40 MB
DAY_MS: Final = 86_400_000
OLD_INCIDENTS: Final = (
    "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE closed_at < ? LIMIT ?)"
)
OLD_DELIVERIES: Final = (
    "DELETE FROM deliveries WHERE effect IN (SELECT effect FROM deliveries WHERE at < ? LIMIT ?)"
)
OLD_COMMANDS: Final = "DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE asked_at < ? LIMIT ?)"
OLD_ALARMS: Final = (
    "DELETE FROM alarms WHERE id IN (SELECT id FROM alarms WHERE standing = 0 AND changed_at < ? LIMIT ?)"
)
OLD_QUARANTINE: Final = (
    "DELETE FROM quarantine WHERE seq <= (SELECT seq FROM quarantine ORDER BY seq DESC LIMIT 1 OFFSET ?)"
)
OLD_OCCURRENCES: Final = (
    "DELETE FROM occurrences WHERE (alarm, at) IN (SELECT alarm, at FROM occurrences WHERE at < max(?1, "
    "coalesce((SELECT at FROM occurrences ORDER BY at DESC LIMIT 1 OFFSET ?2 - 1), 0)) LIMIT ?3)"
)
OLD_ANSWERS: Final = (
    "DELETE FROM answered WHERE incident IN (SELECT incident FROM answered WHERE at < ? LIMIT ?)"
)
OCCURRENCES_MAX: Final = 500_000  # some 80 MB; one detector that chatters for days must not fill the disk
ALARMS_KEPT_MS: Final = 30 * DAY_MS  # an alarm that is over and done with
SWEEP_ROWS: Final = 5_000  # in one transaction, so that readers and the follower never wait long
IDLE_EVENTS: Final = 50_000  # a cursor this far behind memory is written even where nothing else changed


class Views:
    """`apply` from one thread; everything else from any. Applying rows again changes nothing."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises ViewsNewer, sqlite3.OperationalError.

        `applied_seq` is how far the views reach, `stored_seq` how far they do on disk.
        """
        self.path = path
        self._writer = opened(path)
        self._reader = connect(path)
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self.applied_seq, self.applied_utc = self._writer.execute("SELECT seq, at FROM cursor").fetchone()
        self.stored_seq = self.applied_seq

    def restart(self) -> None:
        """The journal is another one than we followed: keep the old views aside and begin at its first row."""
        self.close()
        set_aside(self.path)
        self.__init__(self.path)  # type: ignore[misc]  # the same object, because others hold it

    def close(self) -> None:
        """Write the cursor and let go."""
        with self._writing, self._reading:
            if self.stored_seq != self.applied_seq:
                self._store_cursor(self.applied_seq, self.applied_utc)
            self._writer.close()
            self._reader.close()

    # -- writing ----------------------------------------------------------------------------------------------

    def apply(self, rows: Sequence[Row]) -> list[Change]:
        """Fold rows in: everything or nothing of them. Gives what changed, in order. Raises sqlite3.Error.

        Rows of nothing but measurements move the cursor in memory; it reaches the disk with the next change.
        """
        found = applied(rows, self.applied_seq)
        if found.last_seq == self.applied_seq:
            return []
        if found.statements or found.last_seq - self.stored_seq >= IDLE_EVENTS:
            with self._writing:
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    for query, values in found.statements:
                        self._writer.execute(query, values)
                    self._writer.execute(
                        "UPDATE cursor SET seq = ?, at = ?", (found.last_seq, found.last_utc)
                    )
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:  # a full disk has ended it already
                        self._writer.execute("ROLLBACK")
                    raise
                self.stored_seq = found.last_seq
        self.applied_seq, self.applied_utc = found.last_seq, found.last_utc
        return found.changes

    def flush(self) -> None:
        """Write the cursor where only measurements moved it."""
        with self._writing:
            if self.stored_seq != self.applied_seq:
                self._store_cursor(self.applied_seq, self.applied_utc)
                self.stored_seq = self.applied_seq

    def _store_cursor(self, seq: int, utc: int) -> None:
        self._writer.execute("UPDATE cursor SET seq = ?, at = ?", (seq, utc))

    def sweep(self, now: int, incidents_days: int) -> int:
        """Drop what is past its time, a bounded number of rows a call; gives how many went."""
        old = now - incidents_days * DAY_MS
        with self._writing:
            counts = [
                self._writer.execute(query, values).rowcount
                for query, values in (
                    (OLD_INCIDENTS, (old, SWEEP_ROWS)),
                    (OLD_DELIVERIES, (old, SWEEP_ROWS)),
                    (OLD_COMMANDS, (old, SWEEP_ROWS)),
                    (OLD_ALARMS, (now - ALARMS_KEPT_MS, SWEEP_ROWS)),
                    (OLD_OCCURRENCES, (old, OCCURRENCES_MAX, SWEEP_ROWS)),
                    (OLD_ANSWERS, (old, SWEEP_ROWS)),
                    (OLD_QUARANTINE, (QUARANTINE_MAX,)),
                )
            ]
        return sum(max(count, 0) for count in counts)

    # -- asking -----------------------------------------------------------------------------------------------

    def incident(self, identity: str) -> IncidentDoc | None:
        """One incident by its id."""
        rows = self._ask("SELECT doc FROM incidents WHERE id = ?", (identity,))
        return unpack_incident(rows[0][0]) if rows else None

    def incidents(self, wanted: IncidentFilter, limit: int) -> list[IncidentDoc]:
        """Incidents, newest first."""
        return [unpack_incident(row[0]) for row in self._ask(*wanted.sql(limit))]

    def incidents_within(self, since: int, until: int, limit: int) -> list[IncidentDoc]:
        """Those that were open at some time from `since` to `until` (UTC ms), newest first."""
        found = self._ask(INCIDENTS_WITHIN, (since, until, limit, LONG_MS))
        return [unpack_incident(row[0]) for row in found]

    def alarm(self, identity: str) -> AlarmDoc | None:
        """One alarm by its id."""
        rows = self._ask("SELECT doc FROM alarms WHERE id = ?", (identity,))
        return unpack_alarm(rows[0][0]) if rows else None

    def alarms(self, standing: bool | None, before: tuple[int, str] | None, limit: int) -> list[AlarmDoc]:
        """Alarms, newest first. Standing ones are all that still need anybody, shelved and out of service included."""
        since, identity = before or (None, None)
        return [unpack_alarm(row[0]) for row in self._ask(ALARMS, (standing, since, identity, limit))]

    def standing(self) -> list[Standing]:
        """Every alarm that still needs anybody, in brief: about 3 us each."""
        return [unpack_standing(row[0]) for row in self._ask(STANDING, ())]

    def standing_on(self, devices: Sequence[str]) -> list[AlarmDoc]:
        """Those alarms of the devices (some hundred at most) that still need anybody."""
        marks = ",".join("?" * len(devices))
        return [unpack_alarm(row[0]) for row in self._ask(f"{STANDING_ON}({marks})", devices)]

    def occurrences(self, since: int, until: int, limit: int) -> list[Occurrence]:
        """Alarms that came from `since` to before `until` (UTC ms), newest first."""
        return [Occurrence(*row) for row in self._ask(OCCURRENCES, (since, until, limit))]

    def handled(self, since: int, until: int, limit: int) -> list[Handled]:
        """Incidents opened from `since` to before `until` (UTC ms) and what became of them, newest first."""
        found = []
        for row in self._ask(HANDLED, (since, until, limit)):
            judged = unpack_verdict(row[-1])
            found.append(Handled(*(*row[:-1], judged.verdict, judged.cause)))
        return found

    def unanswered(self, since: int, until: int, limit: int) -> list[Unanswered]:
        """Incidents whose call chain came to its end from `since` to before `until` (UTC ms)."""
        return [Unanswered(*row) for row in self._ask(UNANSWERED, (since, until, limit))]

    def lost_devices(self, devices: Sequence[str]) -> set[str]:
        """Those of the devices that an absence rule says are silent now."""
        marks = ",".join("?" * len(devices))
        silent = "SELECT device FROM alarms WHERE metric = 'online' AND state IN ('UNACK', 'ACKED')"
        query = f"{silent} AND device IN ({marks})"
        return {row[0] for row in self._ask(query, devices)}

    def commands(self, device: str, limit: int) -> list[CommandDoc]:
        """What a device was told, newest first."""
        return [unpack_command(row[0]) for row in self._ask(COMMANDS, (device, limit))]

    def recent_commands(self, since: int, limit: int) -> list[CommandDoc]:
        """What any device was told since then (UTC ms), newest first."""
        return [unpack_command(row[0]) for row in self._ask(RECENT_COMMANDS, (since, limit))]

    def deliveries(self, incident: str | None, before: tuple[int, int] | None, limit: int) -> list[Delivery]:
        """Who and what was told, newest first."""
        seq, n = before or (None, None)
        return [Delivery(*row) for row in self._ask(DELIVERIES, (incident, seq, n, limit))]

    def quarantined(self, before: int | None, limit: int) -> list[Quarantine]:
        """Messages nobody understood, newest first."""
        return [Quarantine(*row) for row in self._ask(QUARANTINED, (before, limit))]

    def counts(self) -> dict[str, int]:
        """How many of what, for metrics."""
        query = (
            "SELECT (SELECT count(*) FROM incidents WHERE open = 1), (SELECT count(*) FROM alarms WHERE standing = 1), "
            "(SELECT count(*) FROM quarantine)"
        )
        open_, standing, quarantined = self._ask(query, ())[0]
        return {"incidents_open": open_, "alarms_standing": standing, "quarantine": quarantined}

    def _ask(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._reading:
            return self._reader.execute(query, values).fetchall()
