"""What a role allows on a place subtree: one table for everything but acts, whose table is the core's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from devices.catalogue import Catalogue
from gateway.core.acts import PERMITS
from gateway.core.event import Verb
from gateway.core.plan import Grid
from gateway.roles import SIGN_IN_ROLES

EVERYWHERE: Final = ""
"""The place of a grant that covers everything."""

Grant = tuple[str, str]
"""`(role, place or grid id)`; the role holds on the whole subtree below it."""


class Action(StrEnum):
    """What one may do beside the acts of `Verb`."""

    READ = "read"  # incidents, alarms, points, history, devices
    READ_PEOPLE = "read_people"  # names and numbers
    AUDIT = "audit"  # who did what
    CAMERAS = "cameras"  # what the register says of a camera, and a look through it
    CATALOGUE = "catalogue"  # place, replace and remove devices and places; import
    PEOPLE = "people"  # the directory: who is called
    USERS = "users"  # sign-ins and their grants
    KEYS = "keys"  # API keys
    ERASE = "erase"  # stored readings, for good
    EVIDENCE = "evidence"  # masked pictures of camera events
    REVIEW = "review"  # say whether a camera event was true
    ORIGINAL = "original"  # ask for an unmasked picture, and let somebody else see it
    HOLD = "hold"  # keep pictures for a case
    DUTY_SCREEN = "duty_screen"  # a sign-in that stays


ROLES_FOR: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.READ: ("admin", "operator", "grid_staff", "viewer"),
    Action.READ_PEOPLE: ("admin", "operator"),
    Action.AUDIT: ("admin", "operator"),
    Action.CAMERAS: ("admin", "operator"),
    Action.CATALOGUE: ("admin",),
    Action.PEOPLE: ("admin",),
    Action.USERS: ("admin",),
    Action.KEYS: ("admin",),
    Action.ERASE: ("admin",),
    Action.EVIDENCE: ("admin", "operator", "grid_staff"),
    Action.REVIEW: ("admin", "operator", "grid_staff"),
    Action.ORIGINAL: ("admin", "operator"),
    Action.HOLD: ("admin",),
    Action.DUTY_SCREEN: ("admin", "operator"),
}
"""Which sign-in roles may do what. A role that is in no row may do nothing."""

SECOND_PERSON: Final[Mapping[Verb, tuple[str, ...]]] = {Verb.OUT_OF_SERVICE: ("admin", "operator")}
"""Acts on a P1 alarm that need a second person, who must hold one of these roles there and be somebody else."""


def roles_for(action: Action | Verb) -> tuple[str, ...]:
    """The roles that allow it."""
    return PERMITS[action] if isinstance(action, Verb) else ROLES_FOR[action]


def allows(
    grants: Iterable[Grant],
    action: Action | Verb,
    place: str,
    catalogue: Catalogue,
    grids: Mapping[str, Grid] | None = None,
) -> bool:
    """Whether one of the grants allows `action` on `place`: it is granted there, above it, or on a grid it lies in.

    `place` EVERYWHERE asks for what concerns no single place (all users, a whole import): only a grant on
    everything allows that. An unknown place is its own subtree. Grids need `grids` to be found above the nearest one.
    """
    roles = roles_for(action)
    wanted = {where for role, where in grants if role in roles}
    if EVERYWHERE in wanted:
        return True
    return (
        bool(wanted) and place != EVERYWHERE and not wanted.isdisjoint(above(place, catalogue, grids or {}))
    )


def above(place: str, catalogue: Catalogue, grids: Mapping[str, Grid]) -> dict[str, None]:
    """Ids of the place, of everything above it, and of the grids these lie in; each once."""
    found: dict[str, None] = {place: None}
    lies_in: dict[str, None] = {}
    for node in catalogue.path(place):
        found[node.id] = None
        grid = node.grid
        while grid is not None and grid not in lies_in:  # a ring ends where it began
            lies_in[grid] = None
            known = grids.get(grid)
            grid = known.parent if known else None
    return {**found, **lies_in}


def may_grant(
    own: Sequence[Grant],
    wanted: Iterable[Grant],
    catalogue: Catalogue,
    grids: Mapping[str, Grid] | None = None,
) -> bool:
    """Whether somebody with grants `own` may give all of `wanted`: nobody gives more, or further, than they may.

    A grant on a grid that is not everything is given only by who may do so everywhere or on that grid or above it.
    """
    grids = grids or {}
    for role, place in wanted:
        if role not in SIGN_IN_ROLES:
            return False
        held = {where for own_role, where in own if own_role in ROLES_FOR[Action.USERS]}
        if EVERYWHERE in held:
            continue
        if place == EVERYWHERE:
            return False
        reach = above(place, catalogue, grids)
        node = grids.get(place)
        while node is not None and node.parent is not None and node.parent not in reach:
            reach[node.parent] = None
            node = grids.get(node.parent)
        if held.isdisjoint(reach):
            return False
    return True


def second_person_ok(
    first: str,
    second: str,
    grants: Iterable[Grant],
    verb: Verb,
    place: str,
    catalogue: Catalogue,
    grids: Mapping[str, Grid] | None = None,
) -> bool:
    """Whether `second`, who holds `grants`, may stand beside `first` for an act that needs two people."""
    held = [grant for grant in grants if grant[0] in SECOND_PERSON.get(verb, ())]
    return bool(second) and second != first and allows(held, verb, place, catalogue, grids)


class Scope:
    """What the holder of some grants may read; remembers its answers, so make a new one with each catalogue."""

    def __init__(
        self, grants: Iterable[Grant], catalogue: Catalogue, grids: Mapping[str, Grid] | None = None
    ) -> None:
        self._wanted = {where for role, where in grants if role in ROLES_FOR[Action.READ]}
        self.everything = EVERYWHERE in self._wanted
        self._catalogue, self._grids = catalogue, grids or {}
        self._known: dict[str, bool] = {}

    def covers(self, place: str) -> bool:
        """Whether the place, or the site of something unplaced, may be read. Bounded by the catalogue's places."""
        if self.everything:
            return True
        known = self._known.get(place)
        if known is None:
            known = not self._wanted.isdisjoint(above(place, self._catalogue, self._grids))
            if place in self._catalogue.places:
                self._known[place] = known
        return known
