"""Compiled configuration: everything the core needs to decide, without secrets, with a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from devices.catalogue import Catalogue, Level
from devices.reading import Hazard
from rules.rule import Rule

T = TypeVar("T")

GROUP_LEVEL: Final[dict[Hazard, Level]] = {
    Hazard.FIRE: Level.BUILDING,
    Hazard.GAS: Level.BUILDING,
    Hazard.CO: Level.BUILDING,
    Hazard.WATER: Level.SITE,
    Hazard.SOS: Level.HOUSEHOLD,
    Hazard.INTRUSION: Level.BUILDING,
    Hazard.OBSTRUCTION: Level.BUILDING,
    Hazard.EQUIPMENT: Level.BUILDING,
    Hazard.COVERAGE: Level.BUILDING,
}
"""Alarms of one hazard below one place of this level are handled together: one storm is one incident."""


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who can be told. No name, no number: those sit in side tables under this id.

    `roles` are `(role, place or grid id)`; `channels` names in order of preference, the next one is the fallback.
    """

    id: str
    roles: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = ()
    language: str = "zh-CN"


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node of the grid tree (中心户 < 楼栋/小区 < 网格 < 社区 < 街道). Places name theirs; roles may sit on one."""

    id: str
    name: str
    parent: str | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of a call chain: `after_s` seconds after the incident opened, tell everybody who holds a role of `to`.

    A role is held on the incident's places or any place or grid above them. `urgent` asks channels that can to call.
    """

    after_s: int
    to: tuple[str, ...]
    urgent: bool = True


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call chain. After the last step it starts again every `repeat_s` until a human acts.

    `confirmed` roles are told at once when devices confirm the incident. `give_back_s`: a taken incident without
    anybody on scene or a verdict goes back to its next step after this long.
    """

    steps: tuple[Step, ...] = ()
    repeat_s: int = 300
    confirmed: tuple[str, ...] = ()
    give_back_s: int = 180


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node of the routing tree, as in Alertmanager: the first child that fits wins, `proceed` looks further.

    Empty matchers fit all. `policy` and `targets` (machine receivers) of a child replace the parent's when given.
    """

    hazard: tuple[Hazard, ...] = ()
    priority: tuple[int, ...] = ()
    site: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    policy: str | None = None
    targets: tuple[str, ...] | None = None
    proceed: bool = False
    routes: tuple[Route, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """All that decides. Two plans with one digest decide alike."""

    rules: tuple[Rule, ...] = ()
    catalogue: Catalogue = Catalogue()
    policies: Mapping[str, Policy] = {}
    route: Route = Route()
    people: Mapping[str, Person] = {}
    grids: Mapping[str, Grid] = {}
    retired: tuple[str, ...] = ()  # devices changed for others or taken out: their silence means nothing
    group_level: Mapping[Hazard, Level] = msgspec.field(default_factory=lambda: dict(GROUP_LEVEL))
    mute_s: int = 120
    quiet_from_h: int = 22
    quiet_until_h: int = 7


def digest(plan: Plan) -> str:
    """Hex SHA-256 (first 32 digits) of the plan's canonical bytes."""
    # msgspec 0.22 sorts a sorted run with a few more keys behind it, which is what a catalogue is, in quadratic time:
    # minutes for a city. It is quick with what is in order already.
    known = plan.catalogue
    plan = replace(
        plan,
        catalogue=replace(known, places=_in_order(known.places), devices=_in_order(known.devices)),
        people=_in_order(plan.people),
        grids=_in_order(plan.grids),
    )
    return hashlib.sha256(msgspec.msgpack.encode(plan, order="sorted")).hexdigest()[:32]


def _in_order(by_id: Mapping[str, T]) -> dict[str, T]:
    return dict(sorted(by_id.items()))
