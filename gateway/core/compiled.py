"""A plan made ready for speed: rules bound to points, roles to people, routes to incidents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

from devices.bridges import carrier
from devices.catalogue import Device, Level, Source
from devices.reading import METRICS, Hazard, source_of, split_point
from gateway.core.command import AUTOMATIC
from gateway.core.coverage import Guard
from gateway.core.effect import Mode
from gateway.core.plan import Plan, Policy, Route, digest
from rules.compile import RuleIndex
from rules.rule import Match, Rule

_BUILT_IN_MATCH: Final = Match(metric=("",))


def _built_in(name: str, zh: str, en: str, hazard: Hazard) -> Rule:
    return Rule(f"gateway.{name}", {"zh-CN": zh, "en": en}, hazard, 2, _BUILT_IN_MATCH, None)


VERIFY: Final = _built_in("verify", "旧报警待查看", "Old alarm, verify now", Hazard.FIRE)
RULE_FAULT: Final = _built_in("rule_fault", "规则故障", "Rule faulted", Hazard.EQUIPMENT)
NOBODY: Final = _built_in("nobody", "无人可通知", "Nobody to tell", Hazard.EQUIPMENT)
UNGUARDED: Final = _built_in(
    "unguarded", "监测中断（已无可用探测器）", "Unguarded: no detector works here", Hazard.COVERAGE
)
COMMAND_FAILED: Final = _built_in(
    "command_failed",
    "设备未执行命令，派人到现场操作",
    "A device did not obey: send somebody",
    Hazard.EQUIPMENT,
)
NOBODY_ON_DUTY: Final = _built_in(
    "nobody_on_duty", "查岗无人应答", "Nobody answered the duty check", Hazard.EQUIPMENT
)
BUILT_IN: Final = {r.id: r for r in (VERIFY, RULE_FAULT, NOBODY, UNGUARDED, COMMAND_FAILED, NOBODY_ON_DUTY)}
"""Alarms the core itself raises. VERIFY takes the hazard of the metric it stands for."""


class Bound:
    """One rule ready to judge: its kind's methods looked up once."""

    __slots__ = (
        "calm",
        "confirm",
        "fresh",
        "id",
        "judge",
        "kind",
        "on_point",
        "rule",
        "subject",
        "tick",
        "wake",
    )

    def __init__(self, rule: Rule) -> None:
        kind = rule.when
        self.rule, self.kind, self.id = rule, kind, rule.id
        self.judge, self.tick, self.wake = kind.judge, kind.tick, kind.wake
        self.calm, self.fresh, self.subject = kind.calm, kind.fresh, kind.SUBJECT
        self.on_point = self.subject == "point"
        self.confirm = rule.effect == "confirm"


class Compiled:
    """What `step` needs of a `Plan`, indexed. Immutable to its users; its caches follow from the plan alone."""

    def __init__(self, plan: Plan, name: str | None = None) -> None:
        """`name` is the digest the plan was journalled under, where it comes from there."""
        self.plan, self.digest = plan, name or digest(plan)
        self.catalogue = plan.catalogue
        self.index = RuleIndex(plan.rules, plan.catalogue)
        self.retired = frozenset(plan.retired)
        self.guard = Guard(plan.catalogue)
        self.obeys: dict[str, list[Device]] = {}  # site -> devices that a fire sets going by itself
        for device in plan.catalogue.devices.values():
            if device.kind in AUTOMATIC:
                self.obeys.setdefault(self.source(device.id).site, []).append(device)
        self.bound: dict[str, Bound] = {r.id: Bound(r) for r in plan.rules}
        # One tuple for all points with these rules: after a start each of a city's three million points comes by here.
        self._ordered: dict[tuple[str, ...], tuple[Bound, ...]] = {}
        self.rules: dict[str, Rule] = {**BUILT_IN, **{r.id: r for r in plan.rules}}
        self.roles: dict[tuple[str, str], list[str]] = {}
        for person in sorted(plan.people):
            for role, place in plan.people[person].roles:
                self.roles.setdefault((role, place), []).append(person)
        self.zones: dict[str, ZoneInfo] = {}
        for source in plan.catalogue.sources.values():
            self.zones.setdefault(source.site, ZoneInfo(source.time_zone))

    def bind(self, point: str) -> tuple[Bound, ...]:
        """The rules on a point, those that confirm last: they need the incident the others open."""
        device, metric, channel = split_point(point)
        found = self.index.rules_for(self.catalogue.devices.get(device), metric, channel, source_of(device))
        names = tuple([r.id for r in found])
        bound = self._ordered.get(names)
        if bound is None:
            bound = tuple(sorted((self.bound[name] for name in names), key=lambda b: b.confirm))
            self._ordered[names] = bound
        return bound

    def absence(self, device: str) -> tuple[Rule, ...]:
        """The rules that raise when the device says nothing; none for a retired one, and none where the heartbeat of a
        transmission device in the catalogue stands for its own.
        """
        known = self.catalogue.devices.get(device)
        if device in self.retired or (known is not None and carrier(known) in self.catalogue.devices):
            return ()
        return self.index.absence_for(known, source_of(device))

    def period_s(self, device: str) -> int | None:
        known = self.catalogue.devices.get(device)
        return known.report_period_s if known else None

    def source(self, device: str) -> Source:
        """The source of a device; one we were never told of is its own site, and live: fail towards the alarm."""
        name = source_of(device)
        return self.catalogue.sources.get(name) or Source(name, name)

    def mode(self, device: str) -> Mode:
        return Mode.SIMULATED if self.source(device).simulated else Mode.LIVE

    def zone(self, site: str) -> ZoneInfo:
        return self.zones.get(site) or ZoneInfo("Asia/Shanghai")

    def place(self, device: str) -> str:
        """Where the device is; an unplaced one stands at its site."""
        known: Device | None = self.catalogue.devices.get(device)
        return known.place if known else self.source(device).site

    def group(self, place: str, hazard: Hazard, level: Level | None) -> str:
        """The place whose alarms of this hazard are one incident: the nearest of that level or above it."""
        wanted = level or self.plan.group_level.get(hazard, Level.BUILDING)
        order = list(Level)
        last = place
        for node in self.catalogue.path(place):
            last = node.id
            if order.index(node.level) <= order.index(wanted):
                break
        return last

    def above(self, place: str) -> list[str]:
        """Ids of the place, everything above it, and the grids they belong to, innermost first, each once."""
        found: dict[str, None] = {}
        grids: dict[str, None] = {}
        for node in self.catalogue.path(place):
            found[node.id] = None
            grid = node.grid
            while grid and grid not in grids and len(grids) < 16:
                grids[grid] = None
                known = self.plan.grids.get(grid)
                grid = known.parent if known else None
        found.setdefault(place, None)
        return [*found, *grids]

    def holders(self, role: str, places: Iterable[str]) -> list[str]:
        """People who hold `role` on any of the places or above them, in a stable order, each once."""
        found: dict[str, None] = {}
        for place in places:
            for above in self.above(place):
                for person in self.roles.get((role, above), ()):
                    found[person] = None
        return list(found)

    def routed(
        self, hazard: str, priority: int, site: str, place: str
    ) -> tuple[Policy | None, str, list[str]]:
        """The policy, its name and the machine receivers for such an incident."""
        above = self.above(place)
        policy, targets = _walk(self.plan.route, hazard, priority, site, above, None, ())
        name = policy or ""
        return self.plan.policies.get(name), name, list(dict.fromkeys(targets))

    def title(self, rule: str) -> Rule | None:
        return self.rules.get(rule)

    def hazard_of(self, metric: str) -> Hazard:
        known = METRICS.get(metric)
        return known.hazard if known and known.hazard else Hazard.EQUIPMENT


def _fits(route: Route, hazard: str, priority: int, site: str, above: list[str]) -> bool:
    return (
        (not route.hazard or hazard in route.hazard)
        and (not route.priority or priority in route.priority)
        and (not route.site or site in route.site)
        and (not route.under or any(place in above for place in route.under))
    )


def _walk(
    route: Route,
    hazard: str,
    priority: int,
    site: str,
    above: list[str],
    policy: str | None,
    targets: tuple[str, ...],
) -> tuple[str | None, tuple[str, ...]]:
    """Alertmanager's walk: children first to last, the first that fits unless it proceeds; the deepest word wins."""
    policy = route.policy or policy
    targets = route.targets if route.targets is not None else targets
    reached: Any = None
    for child in route.routes:
        if not _fits(child, hazard, priority, site, above):
            continue
        found, more = _walk(child, hazard, priority, site, above, policy, targets)
        reached = (reached[0], reached[1] + more) if reached else (found, more)
        if not child.proceed:
            break
    return reached or (policy, targets)
