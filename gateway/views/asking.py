"""The questions the API asks of the views, as SQL; every answer is bounded and in a stable order for paging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.core.effect import AlarmDoc, CommandDoc, IncidentDoc

unpack_incident: Final = msgspec.msgpack.Decoder(IncidentDoc).decode
unpack_command: Final = msgspec.msgpack.Decoder(CommandDoc).decode
unpack_alarm: Final = msgspec.msgpack.Decoder(AlarmDoc).decode


class IncidentFilter(msgspec.Struct, frozen=True):
    """Which incidents: `open` None for all. `before` is the `(opened_at, id)` the page before ended with."""

    open: bool | None = None
    site: str | None = None
    hazard: str | None = None
    before: tuple[int, str] | None = None

    def sql(self, limit: int) -> tuple[str, Sequence[Any]]:
        """Newest first."""
        where, values = ["1"], list[Any]()
        for column, value in (("open", self.open), ("site", self.site), ("hazard", self.hazard)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if self.before is not None:
            where.append("(opened_at, id) < (?, ?)")
            values += self.before
        chosen = f"SELECT doc FROM incidents WHERE {' AND '.join(where)}"  # noqa: S608  columns named above, values bound
        return f"{chosen} ORDER BY opened_at DESC, id DESC LIMIT ?", [*values, limit]


ALARMS: Final = (
    "SELECT doc FROM alarms WHERE (?1 IS NULL OR standing = ?1) AND (?2 IS NULL OR (since, id) < (?2, ?3)) "
    "ORDER BY since DESC, id DESC LIMIT ?4"
)
INCIDENTS_WITHIN: Final = (
    # One that was open for longer than LONG_MS and is closed is not found: two indexes answer this, none the rest.
    "SELECT doc FROM incidents WHERE (opened_at >= ?1 - ?4 OR open = 1) AND opened_at < ?2 "
    "AND (closed_at IS NULL OR closed_at > ?1) ORDER BY opened_at DESC, id DESC LIMIT ?3"
)
LONG_MS: Final = 30 * 86_400_000
COMMANDS: Final = "SELECT doc FROM commands WHERE device = ?1 ORDER BY asked_at DESC, id DESC LIMIT ?2"
RECENT_COMMANDS: Final = (
    "SELECT doc FROM commands WHERE asked_at >= ?1 ORDER BY asked_at DESC, id DESC LIMIT ?2"
)
STANDING: Final = "SELECT doc FROM alarms WHERE standing = 1"
STANDING_ON: Final = "SELECT doc FROM alarms WHERE standing = 1 AND device IN "
OCCURRENCES: Final = (
    "SELECT alarm, at, ended_at, site, place, device, metric, rule, priority FROM occurrences "
    "WHERE at >= ?1 AND at < ?2 ORDER BY at DESC, alarm LIMIT ?3"
)
HANDLED: Final = (
    "SELECT i.id, i.site, i.place, i.hazard, i.priority, i.mode, i.opened_at, i.closed_at, a.at, i.doc "
    "FROM incidents i LEFT JOIN answered a ON a.incident = i.id WHERE i.opened_at >= ?1 AND i.opened_at < ?2 "
    "ORDER BY i.opened_at DESC, i.id DESC LIMIT ?3"
)
# A chain that begins anew reminds: everybody on it had been told and nobody had answered.
UNANSWERED: Final = (
    "SELECT DISTINCT incident, site, place, mode FROM deliveries "
    "WHERE reason = 'reminded' AND at >= ?1 AND at < ?2 LIMIT ?3"
)
DELIVERIES: Final = (
    "SELECT effect, seq, n, at, incident, rev, site, place, mode, person, role, channel, reason, priority, step, "
    "outcome, detail, tries, ended_at FROM deliveries WHERE (?1 IS NULL OR incident = ?1) "
    "AND (?2 IS NULL OR (seq, n) < (?2, ?3)) ORDER BY seq DESC, n DESC LIMIT ?4"
)
QUARANTINED: Final = (
    "SELECT seq, at, source, topic, reason, size, payload FROM quarantine WHERE ?1 IS NULL OR seq < ?1 "
    "ORDER BY seq DESC LIMIT ?2"
)


class Delivery(msgspec.Struct, frozen=True):
    """One notification or publication and what became of it. `outcome`: pending sent failed refused withdrawn."""

    effect: str
    seq: int
    n: int
    at: int
    incident: str | None
    rev: int | None
    site: str
    place: str
    mode: str
    person: str | None
    role: str
    channel: str
    reason: str
    priority: int
    step: int | None
    outcome: str
    detail: str
    tries: int
    ended_at: int | None


class Quarantine(msgspec.Struct, frozen=True):
    """One message nobody understood. `payload` may be cut; `size` is its true size."""

    seq: int
    at: int
    source: str
    topic: str
    reason: str
    size: int
    payload: bytes


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What is needed of an alarm where thousands are looked at. `state` is NORM where only its service is suspended.

    Times are UTC ms.
    """

    id: str
    site: str
    rule: str
    device: str
    metric: str
    place: str
    state: str
    since: int
    shelved_until: int | None = None
    out_of_service_until: int | None = None


unpack_standing: Final = msgspec.msgpack.Decoder(Standing).decode


class Occurrence(msgspec.Struct, frozen=True, gc=False):
    """An alarm that came, and when its condition went (None: not yet). Those set aside are not among them. UTC ms."""

    alarm: str
    at: int
    ended_at: int | None
    site: str
    place: str
    device: str
    metric: str
    rule: str
    priority: int


class Handled(msgspec.Struct, frozen=True, gc=False):
    """What became of an incident. `answered_at`: when somebody first took it, went, or gave a verdict. UTC ms."""

    id: str
    site: str
    place: str
    hazard: str
    priority: int
    mode: str
    opened_at: int
    closed_at: int | None
    answered_at: int | None
    verdict: str
    cause: str


class Unanswered(msgspec.Struct, frozen=True, gc=False):
    """An incident whose call chain came to its end and began anew."""

    incident: str
    site: str
    place: str
    mode: str


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """The part of an incident that says how it was judged."""

    verdict: str
    cause: str = ""


unpack_verdict: Final = msgspec.msgpack.Decoder(Verdict).decode
