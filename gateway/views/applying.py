"""Journal rows into statements: what each event and each result changes in the views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core.alarm import STANDING
from gateway.core.effect import (
    AlarmChanged,
    AlarmDoc,
    CommandChanged,
    CommandDoc,
    IncidentChanged,
    IncidentDoc,
    Notify,
    Publish,
    Withdrawn,
)
from gateway.core.event import Clocked, Delivered, Learned, Measured, Quarantined, Ticked
from gateway.core.incident import BY_PERSON, UNTAKEN
from gateway.journal import Row

PAYLOAD_MAX: Final = 4096  # bytes of a quarantined message kept; its true size is kept beside it

pack: Final = msgspec.msgpack.Encoder().encode

INCIDENT: Final = """
INSERT INTO incidents(id, rev, open, site, place, hazard, priority, mode, opened_at, closed_at, seq, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET rev = excluded.rev, open = excluded.open, place = excluded.place,
  priority = excluded.priority, closed_at = excluded.closed_at, seq = excluded.seq, doc = excluded.doc
WHERE excluded.seq >= incidents.seq
"""
ALARM: Final = """
INSERT INTO alarms(id, standing, state, site, place, device, metric, since, changed_at, seq, doc)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET standing = excluded.standing, state = excluded.state, place = excluded.place,
  since = excluded.since, changed_at = excluded.changed_at, seq = excluded.seq, doc = excluded.doc
WHERE excluded.seq >= alarms.seq
"""
OCCURRED: Final = """
INSERT INTO occurrences(alarm, at, ended_at, site, place, device, metric, rule, priority)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT(alarm, at) DO UPDATE SET ended_at = coalesce(ended_at, excluded.ended_at)
"""
ANSWERED: Final = "INSERT OR IGNORE INTO answered VALUES (?, ?)"
COMMAND: Final = """
INSERT INTO commands(id, device, place, asked_at, seq, doc) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT(id) DO UPDATE SET seq = excluded.seq, doc = excluded.doc WHERE excluded.seq >= commands.seq
"""
DELIVERY: Final = """
INSERT OR IGNORE INTO deliveries(effect, seq, n, at, incident, rev, site, place, mode, person, role, channel, reason,
  priority, step, outcome, detail, tries, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', '', 0, NULL)
"""
DELIVERED: Final = "UPDATE deliveries SET outcome = ?, detail = ?, tries = ?, ended_at = ? WHERE effect = ?"
WITHDRAWN: Final = (
    "UPDATE deliveries SET outcome = 'withdrawn', ended_at = ? WHERE effect = ? AND outcome = 'pending'"
)
QUARANTINE: Final = "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)"

QUIET: Final = frozenset((Measured, Learned, Ticked))
"""Events that by themselves change nothing here; rows of nothing else are most rows."""

Statement = tuple[str, tuple[Any, ...]]


class Change(msgspec.Struct, frozen=True):
    """News for whoever watches live: the document of an incident, alarm or command after the event `seq` at `utc`."""

    seq: int
    utc: int
    doc: IncidentDoc | AlarmDoc | CommandDoc


class Applied(msgspec.Struct):
    """What rows come to: statements in order, the news among them, and how far they reach."""

    statements: list[Statement]
    changes: list[Change]
    last_seq: int
    last_utc: int


def applied(rows: Sequence[Row], after: int) -> Applied:
    """Everything in the rows behind `after` that the views keep. Measurements give nothing and cost one type check."""
    out = Applied([], [], after, 0)
    for row in rows:
        last = row.last
        if last <= after:
            continue
        if not row.happened and QUIET.issuperset({type(event) for _, event in row.events}):
            out.last_seq, out.last_utc = last, row.events[-1][0] + row.offset_ms
            continue
        offset = row.offset_ms
        times: dict[int, int] = {}
        wanted = {h.seq for h in row.happened}
        for seq, (at, event) in enumerate(row.events, row.first):
            kind = type(event)
            if kind is Clocked:
                offset = event.offset_ms  # type: ignore[union-attr]  # `kind is Clocked` is an isinstance at half price
            if seq in wanted:
                times[seq] = at + offset
            if seq <= after:
                continue
            if kind is Quarantined:
                out.statements.append((QUARANTINE, _quarantine(seq, at + offset, event)))  # type: ignore[arg-type]  # as above
            elif kind is Delivered:
                out.statements.append((DELIVERED, _delivered(at + offset, event)))  # type: ignore[arg-type]  # as above
        out.last_utc = row.events[-1][0] + offset
        for item in row.happened:
            if item.seq > after:
                _result(out, item.seq, times.get(item.seq, out.last_utc), item.result)
        out.last_seq = last
    return out


def _result(out: Applied, seq: int, utc: int, result: Any) -> None:
    match result:
        case IncidentChanged():
            doc = result.doc
            closed = doc.handling == "closed"
            out.statements.append((INCIDENT, (
                doc.id, doc.rev, not closed, doc.site, doc.place, doc.hazard, doc.priority, doc.mode, doc.opened_at,
                doc.updated_at if closed else None, seq, pack(doc),
            )))  # fmt: skip
            if doc.verdict in BY_PERSON or not (closed or doc.handling in UNTAKEN):
                out.statements.append((ANSWERED, (doc.id, utc)))
            out.changes.append(Change(seq, utc, doc))
        case AlarmChanged():
            alarm = result.doc
            out.statements.append((ALARM, (
                alarm.id, alarm.state != "NORM" or _aside(alarm), alarm.state, alarm.site, alarm.place, alarm.device,
                alarm.metric, alarm.since, utc, seq, pack(alarm),
            )))  # fmt: skip
            if alarm.count and not _aside(alarm):  # one set aside is shown to nobody
                out.statements.append((OCCURRED, (
                    alarm.id, alarm.since, None if alarm.state in STANDING else utc, alarm.site, alarm.place,
                    alarm.device, alarm.metric, alarm.rule, alarm.priority,
                )))  # fmt: skip
            out.changes.append(Change(seq, utc, alarm))
        case CommandChanged():
            told = result.doc
            out.statements.append(
                (COMMAND, (told.id, told.device, told.place, told.asked_at, seq, pack(told)))
            )
            out.changes.append(Change(seq, utc, told))
        case Notify():
            out.statements.append((DELIVERY, (
                result.id, seq, _number(result.id), utc, result.incident, result.rev, result.site, result.doc.place,
                result.mode, result.person, result.role, result.channel, result.reason, result.priority, result.step,
            )))  # fmt: skip
        case Publish():
            known = result.doc
            out.statements.append((DELIVERY, (
                result.id, seq, _number(result.id), utc, known.id if known else None, known.rev if known else None,
                result.site, known.place if known else result.site, result.mode, None, "", result.target, result.topic,
                known.priority if known else 4, None,
            )))  # fmt: skip
        case Withdrawn():
            out.statements.extend((WITHDRAWN, (utc, effect)) for effect in result.effects)
        case _:
            pass  # answers go to whoever asked, asks to the broker


def _aside(alarm: AlarmDoc) -> bool:
    """Shelved and out-of-service alarms stay on the list although nothing stands: somebody must end it."""
    return alarm.shelved_until is not None or alarm.out_of_service_until is not None


def _number(effect: str) -> int:
    """The n of `seq.n`."""
    tail = effect.rpartition(".")[2]
    return int(tail) if tail.isdigit() else 0


def _delivered(utc: int, event: Delivered) -> tuple[Any, ...]:
    return str(event.outcome), event.detail[:200], event.tries, utc, event.effect


def _quarantine(seq: int, utc: int, event: Quarantined) -> tuple[Any, ...]:
    return (
        seq,
        utc,
        event.source,
        event.topic[:512],
        event.reason[:512],
        event.size,
        event.payload[:PAYLOAD_MAX],
    )
