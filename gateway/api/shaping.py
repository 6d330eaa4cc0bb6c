"""Documents into what the API answers: incident/1 with its call chain, alarms, points, devices; plain dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from devices.catalogue import Device
from devices.reading import METRICS, Flag, split_point
from gateway.api.world import World
from gateway.core.effect import AlarmDoc, IncidentDoc, Told
from gateway.journal.audit import AuditRow
from gateway.latest import Last
from gateway.registry.reader import Directory
from gateway.render import RESIDENT_ROLES, rfc3339, zone_of

STALE_DEFAULT_S: Final = 26 * 3600  # a battery detector that says nothing of its period reports once a day
STALE_PERIODS: Final = 3  # reports missed before a value counts as old
STALE_MIN_S: Final = 300

NOT_LIVE: Final = int(Flag.HISTORICAL | Flag.RETAINED)
_FLAGS: Final = [(int(flag), str(flag.name).lower()) for flag in Flag]


def incident(doc: IncidentDoc, world: World, directory: Directory) -> dict[str, Any]:
    """incident/1 with `told`, `sound_until`, `give_back_at`, `late_ms`, `cause` and `advice`."""
    zone = zone_of(doc, world.catalogue)
    shaped = world.composer.incident(doc)
    shaped["told"] = [told(row, doc, directory, zone) for row in doc.told]
    shaped["sound_until"] = None if doc.muted_until is None else rfc3339(doc.muted_until, zone)
    shaped["give_back_at"] = None if doc.give_back_at is None else rfc3339(doc.give_back_at, zone)
    shaped["late_ms"] = doc.late_ms
    shaped["cause"] = doc.cause
    shaped["advice"] = world.advice(doc)
    return shaped


def told(row: Told, doc: IncidentDoc, directory: Directory, zone: ZoneInfo) -> dict[str, Any]:
    """One row of the call chain. Residents are neither named nor told apart."""
    answer = row.answer
    if not answer and row.person == doc.taken_by:
        answer = "on_scene" if doc.handling in ("on_scene", "under_control") else "take"
    return {
        "person": person(row.person, row.role, directory), "role": row.role, "channel": row.channel,
        "at": rfc3339(row.at, zone), "step": row.step, "outcome": row.outcome, "answer": answer,
    }  # fmt: skip


def person(identity: str | None, role: str, directory: Directory) -> dict[str, Any]:
    """Staff by id and name; of a resident nothing but that it is one."""
    if identity is None or role in RESIDENT_ROLES or not directory.staff(identity):
        return {"id": None, "name": None}
    return {"id": identity, "name": directory.name(identity)}


def alarm(doc: AlarmDoc, world: World) -> dict[str, Any]:
    """One alarm as the desk sees it."""
    zone = world.zone(doc.site)
    return {
        "id": doc.id, "site": doc.site, "rule": doc.rule, "title": world.rule_title(doc.rule),
        "device": doc.device, "metric": doc.metric, "channel": doc.channel, "place": world.where(doc.place),
        "hazard": doc.hazard, "priority": doc.priority, "state": doc.state, "since": rfc3339(doc.since, zone),
        "value": plain(doc.value), "unit": doc.unit, "incident": doc.incident, "count": doc.count,
        "late_ms": doc.late_ms, "shelved_until": _time(doc.shelved_until, zone),
        "out_of_service_until": _time(doc.out_of_service_until, zone), "faulted": doc.faulted,
    }  # fmt: skip


def point(last: Last, world: World, now: int) -> dict[str, Any]:
    """The latest value of a point."""
    device, metric, channel = split_point(last.point)
    zone = world.zone(world.site(device.partition(":")[0]))
    known = METRICS.get(metric)
    return {
        "point": last.point, "device": device, "metric": metric, "channel": channel, "value": plain(last.value),
        "unit": known.unit if known else None, "at": rfc3339(last.at, zone),
        "measured_at": _time(last.measured_at, zone), "flags": flag_names(last.flags),
        "stale": is_stale(last, world.catalogue.devices.get(device), now),
    }  # fmt: skip


def is_stale(last: Last, device: Device | None, now: int) -> bool:
    """Whether the value may no longer be so: stored data, or three reports of the device missed."""
    if last.flags & NOT_LIVE:
        return True
    return now - last.at > allowed_ms(device.report_period_s if device is not None else None)


def allowed_ms(period_s: float | None) -> int:
    """How long a device may be silent that reports so often before what it said counts as old."""
    allowed_s = STALE_DEFAULT_S if period_s is None else max(STALE_PERIODS * period_s, STALE_MIN_S)
    return round(allowed_s * 1000)


def device(
    identity: str, world: World, last_at: int | None, lost: bool, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A device with its place; one that is not in the catalogue yet is `placed` false."""
    known = world.catalogue.devices.get(identity)
    site = world.site(identity.partition(":")[0])
    row = known or Device(identity, site)
    return {
        "id": identity, "placed": known is not None, "site": site, "place": world.where(row.place), "kind": row.kind,
        "name": row.name, "model": row.model, "report_period_s": row.report_period_s, "mains": row.mains,
        "last_at": _time(last_at, world.zone(site)), "lost": lost, **(extra or {}),
    }  # fmt: skip


def flag_names(flags: int) -> list[str]:
    """The words of the bits, as `devices.reading.Flag` names them."""
    return [name for bit, name in _FLAGS if flags & bit]


def plain(value: Any) -> Any:
    """A value that JSON can hold: there is no NaN and no infinity in it."""
    return None if isinstance(value, float) and value - value != 0 else value


def rows(found: Sequence[Sequence[Any]], say: Callable[[int], str], rolled: bool) -> list[list[Any]]:
    """History rows with their times as `say` puts them: `[at, value]`, or where rolled up `[at, min, max, mean, last,
    count]`, of which only a mean can be too large for a number."""
    if rolled:
        return [[say(at), low, high, plain(mean), last, n] for at, low, high, mean, last, n in found]
    return [[say(r[0]), plain(r[1])] for r in found]


def _time(at: int | None, zone: ZoneInfo) -> str | None:
    return None if at is None else rfc3339(at, zone)


def chained(rows: Sequence[AuditRow], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Lines of a chain of hashes: the audit, deletions, looks."""
    return [
        {"seq": row.seq, "at": rfc3339(row.utc, zone), "kind": row.kind, "body": msgspec.json.decode(row.body),
         "previous": row.previous, "hash": row.hash}
        for row in rows
    ]  # fmt: skip
