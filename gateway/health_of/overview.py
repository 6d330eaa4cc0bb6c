"""All devices of a plan at one moment: how many guard each place now, and which of them have troubles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from statistics import median
from typing import Final

import msgspec

from devices.catalogue import Device, Place
from devices.reading import source_of
from gateway.core.alarm import STANDING
from gateway.core.coverage import AWAY, CLASSES, Guard, Ward
from gateway.core.plan import Plan
from gateway.health_of.figures import (
    clock_ahead_ms,
    days_left,
    links,
    lowest_lately,
    period,
    usual_link,
    worst_days,
)
from gateway.health_of.keeper import HealthOf
from gateway.health_of.record import Record
from gateway.views import Standing

PROBLEMS: Final = (
    "lost",  # an absence rule says that it is silent
    "out_of_service",  # a person took one of its points out of service
    "impaired",  # another alarm stands that keeps it from raising its own
    "behind",  # the gateway it speaks through is away
    "never",  # placed, and nothing was ever heard of it
    "overdue",  # it missed reports, and no rule has said so yet
    "battery",
    "changes",  # it alarms or goes and comes too often
    "link",
    "clock",
)
"""What can be wrong with a device, the worst first."""

OWN_SOURCE: Final = "gateway"  # of the gateway's own parts, as the settings have it

MISSED: Final = 3  # reports, as for a value that is shown as stale
OVERDUE_MIN_MS: Final = 300_000
BATTERY_DAYS: Final = 30  # the warning that EN 14604 asks of a detector
CHANGES_A_DAY: Final = 6
LINK_WORSE: Final = {"rssi": 10.0, "linkquality": 40.0}
"""How far the last day may lie below the device's own usual link: 10 dB is a tenth of the power."""

CLOCK_BAD: Final = 0.1  # share of times that cannot be true
CLOCK_OFF_MS: Final = 5 * 60_000
BATTERY_METRICS: Final = ("battery", "battery_low", "battery_defect")


class Why(msgspec.Struct, frozen=True, gc=False):
    """An alarm because of which a device does not count as working."""

    rule: str
    since: int
    out_until: int | None = None


class WardState(msgspec.Struct, frozen=True):
    """A guarded place and those of its devices that cannot raise an alarm now.

    `marked`: an escape route or a household that needs help, guarded on its own account.
    """

    ward: Ward
    missing: tuple[str, ...]
    marked: bool = False

    @property
    def working(self) -> int:
        return self.ward.installed - len(self.missing)

    @property
    def percent(self) -> float:
        return round(100 * self.working / self.ward.installed, 1)


class Ailing(msgspec.Struct, frozen=True):
    """A device with what is wrong with it, the worst first."""

    device: str
    problems: tuple[str, ...]


class Overview(msgspec.Struct, frozen=True):
    """Everything, the worst first. `classes`: class -> (installed, working); `counts`: worst problem -> devices."""

    at: int
    wards: tuple[WardState, ...]
    ailing: tuple[Ailing, ...]
    why: Mapping[str, tuple[Why, ...]]
    classes: Mapping[str, tuple[int, int]]
    counts: Mapping[str, int]


def overview(plan: Plan, guard: Guard, standing: Iterable[Standing], health: HealthOf, now: int) -> Overview:
    """Look at every device of the plan once. What counts as impaired is as in the core."""
    impairing = {rule.id for rule in plan.rules if rule.impairs}
    devices = plan.catalogue.devices
    why: dict[str, list[Why]] = {}
    said: dict[str, set[str]] = {}  # device -> problems that alarms tell
    for alarm in standing:
        active, out_until = alarm.state in STANDING, alarm.out_of_service_until
        if active and alarm.metric in AWAY and alarm.rule in impairing:
            for name in guard.behind.get(alarm.device, ()):
                said.setdefault(name, set()).add("behind")
                why.setdefault(name, []).append(Why(alarm.rule, alarm.since))
        if alarm.device not in devices:
            continue
        if out_until is not None:
            said.setdefault(alarm.device, set()).add("out_of_service")
        if active and alarm.metric == "online":
            said.setdefault(alarm.device, set()).add("lost")
        elif active and alarm.metric in BATTERY_METRICS:
            said.setdefault(alarm.device, set()).add("battery")
        elif active and alarm.rule in impairing:
            said.setdefault(alarm.device, set()).add("impaired")
        if out_until is not None or (active and alarm.rule in impairing):
            why.setdefault(alarm.device, []).append(Why(alarm.rule, alarm.since, out_until))
    ailing: list[Ailing] = []
    counts = dict.fromkeys(("ok", *PROBLEMS), 0)
    records, unsaid = health.records(), frozenset[str]()
    for name, device in devices.items():
        if source_of(name) == OWN_SOURCE:  # the gateway's own parts have a page of their own
            continue
        found = _problems(device, said.get(name, unsaid), records.get(name), health, now)
        counts[found[0] if found else "ok"] += 1
        if found:
            ailing.append(Ailing(name, found))
    ailing.sort(key=lambda a: (PROBLEMS.index(a.problems[0]), -len(a.problems), a.device))
    wards = _wards(plan, guard, why)
    return Overview(
        now, wards, tuple(ailing), {d: tuple(w) for d, w in why.items()}, _classes(plan, why), counts
    )


def _problems(
    device: Device, said: Set[str], record: Record | None, health: HealthOf, now: int
) -> tuple[str, ...]:
    """Nearly every device has none, and a city has many devices: so that costs 2 us."""
    if record is None:
        found = said if said & {"lost", "impaired", "out_of_service", "behind"} else said | {"never"}
    else:
        found = said | set(tendencies(record, now))
        if now - record.last_at > OVERDUE_MIN_MS and "lost" not in found:
            heard_at = max(record.last_at, health.blind_until(device.id))
            if _overdue(device, record, heard_at, now):
                found = found | {"overdue"}
    return tuple(p for p in PROBLEMS if p in found) if found else ()


def _overdue(device: Device, record: Record, heard_at: int, now: int) -> bool:
    """Whether it missed reports: by the period in the catalogue, else by the one it was learned to keep."""
    silent = now - heard_at
    if silent <= OVERDUE_MIN_MS:
        return False
    period_s: float | None = device.report_period_s
    if period_s is None:
        period_s, steady = period(record.gaps)
        if not steady:
            return False
    return period_s is not None and silent > MISSED * period_s * 1000


def tendencies(record: Record, now: int) -> Iterator[str]:
    """What the figures alone say is wrong."""
    left = days_left(record)
    if left is not None and left <= BATTERY_DAYS:
        yield "battery"
    changes, bad, clocked = worst_days(record, now)
    if changes >= CHANGES_A_DAY:
        yield "changes"
    lowest = lowest_lately(record, now)
    if lowest is not None and usual_link(record) - lowest >= LINK_WORSE[record.link_metric]:
        recent = links(record, now)[1]  # their median is above the lowest
        if usual_link(record) - median(recent) >= LINK_WORSE[record.link_metric]:
            yield "link"
    if (clocked and bad >= CLOCK_BAD * clocked) or abs(clock_ahead_ms(record) or 0) > CLOCK_OFF_MS:
        yield "clock"


def _wards(plan: Plan, guard: Guard, why: Mapping[str, object]) -> tuple[WardState, ...]:
    """The worst first: by the share that works, then by how many do not."""
    missing: dict[str, list[str]] = {}
    for device in why:
        for ward in guard.of.get(device, ()):
            missing.setdefault(ward.key, []).append(device)
    places = plan.catalogue.places
    found = [
        WardState(ward, tuple(sorted(missing.get(ward.key, ()))), _marked(ward, places))
        for ward in guard.wards.values()
    ]
    found.sort(key=lambda w: (w.percent, -len(w.missing), w.ward.place, w.ward.klass))
    return tuple(found)


def _marked(ward: Ward, places: Mapping[str, Place]) -> bool:
    place = places.get(ward.place)
    return place is not None and (place.escape_route or place.needs_help)


def _classes(plan: Plan, why: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    """Each device once, however many places it guards."""
    found: dict[str, tuple[int, int]] = {}
    for device in plan.catalogue.devices.values():
        klass = CLASSES.get(device.kind)
        if klass is not None:
            installed, working = found.get(klass, (0, 0))
            found[klass] = (installed + 1, working + (device.id not in why))
    return dict(sorted(found.items()))
