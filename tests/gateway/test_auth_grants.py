"""Who may do what, where: the whole table, every role on every place against every action and act."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.catalogue import Catalogue, Level, Place
from gateway.auth.grants import (
    EVERYWHERE,
    ROLES_FOR,
    SECOND_PERSON,
    Action,
    Scope,
    allows,
    may_grant,
    roles_for,
    second_person_ok,
)
from gateway.core.acts import PERMITS
from gateway.core.event import Verb
from gateway.core.plan import Grid
from gateway.roles import ROLES, SIGN_IN_ROLES

CATALOGUE = Catalogue({
    "s": Place("s", Level.SITE, "S", grid="community"),
    "s-b1": Place("s-b1", Level.BUILDING, "1", "s", grid="grid1"),
    "s-b1-u1": Place("s-b1-u1", Level.UNIT, "1", "s-b1"),
    "s-b2": Place("s-b2", Level.BUILDING, "2", "s", grid="grid2"),
    "t": Place("t", Level.SITE, "T"),
})  # fmt: skip
GRIDS = {
    "grid1": Grid("grid1", "1", "community"),
    "grid2": Grid("grid2", "2", "community"),
    "community": Grid("community", "C", "street"),
    "street": Grid("street", "S"),
}
BELOW: dict[str, set[str]] = {
    # Where a grant on the key reaches, written out by hand.
    EVERYWHERE: {"s", "s-b1", "s-b1-u1", "s-b2", "t", "elsewhere"},
    "s": {"s", "s-b1", "s-b1-u1", "s-b2"},
    "s-b1": {"s-b1", "s-b1-u1"},
    "s-b1-u1": {"s-b1-u1"},
    "t": {"t"},
    "grid1": {"s-b1", "s-b1-u1"},
    "community": {"s", "s-b1", "s-b1-u1", "s-b2"},
    "street": {"s", "s-b1", "s-b1-u1", "s-b2"},
    "elsewhere": {"elsewhere"},
}
PLACES = ("s", "s-b1", "s-b1-u1", "s-b2", "t", "elsewhere")
EVERY_ACTION: tuple[Action | Verb, ...] = (*Action, *Verb)

# The table once more, by hand: a change of rights must be written twice to count.
MAY: dict[str, set[Action | Verb]] = {
    "viewer": {Action.READ},
    "grid_staff": {
        Action.READ, Action.EVIDENCE, Action.REVIEW,
        Verb.TAKE, Verb.RELEASE, Verb.DECLINE, Verb.ON_SCENE, Verb.NOTE, Verb.VERDICT, Verb.CONTROL,
    },
    "operator": {
        Action.READ, Action.READ_PEOPLE, Action.AUDIT, Action.DUTY_SCREEN, Action.EVIDENCE, Action.REVIEW,
        Action.ORIGINAL, Action.CAMERAS, *Verb,
    },
    "admin": {*Action, *Verb},
}  # fmt: skip


@pytest.mark.parametrize("role", SIGN_IN_ROLES)
@pytest.mark.parametrize("granted", BELOW)
def test_the_table(role: str, granted: str) -> None:
    """Every action on every place: allowed exactly when the role may and the place lies where it is granted."""
    for action, place in itertools.product(EVERY_ACTION, PLACES):
        expected = action in MAY[role] and place in BELOW[granted]
        assert allows([(role, granted)], action, place, CATALOGUE, GRIDS) == expected, (action, place)


def test_every_action_has_its_roles() -> None:
    """No action and no act is without a row, and each is allowed to somebody and to an administrator."""
    assert set(ROLES_FOR) == set(Action)
    assert set(PERMITS) == set(Verb)
    for action in EVERY_ACTION:
        assert "admin" in roles_for(action)


def test_roles_rise() -> None:
    """Whatever a lower role may, the next one may too."""
    assert MAY["viewer"] < MAY["grid_staff"] < MAY["operator"] < MAY["admin"]


def test_a_role_of_the_call_chain_is_no_sign_in() -> None:
    """Being on the call list lets nobody read the console."""
    for role in set(ROLES) - set(SIGN_IN_ROLES):
        for action, place in itertools.product(Action, PLACES):
            assert not allows([(role, EVERYWHERE)], action, place, CATALOGUE, GRIDS)


def test_what_concerns_everything_needs_a_grant_on_everything() -> None:
    """An administrator of one site does not import over all of them."""
    assert allows([("admin", EVERYWHERE)], Action.CATALOGUE, EVERYWHERE, CATALOGUE, GRIDS)
    assert not allows([("admin", "s"), ("admin", "t")], Action.CATALOGUE, EVERYWHERE, CATALOGUE, GRIDS)
    assert not allows([], Action.READ, EVERYWHERE, CATALOGUE, GRIDS)


def test_grants_add_up_but_do_not_mix() -> None:
    """A viewer of one site and operator of another is not operator of the first."""
    grants = [("viewer", "s"), ("operator", "t")]
    assert allows(grants, Action.READ, "s-b1", CATALOGUE, GRIDS)
    assert allows(grants, Verb.CLOSE, "t", CATALOGUE, GRIDS)
    assert not allows(grants, Verb.CLOSE, "s-b1", CATALOGUE, GRIDS)


def test_a_ring_of_grids_ends() -> None:
    """Broken data answers no instead of never answering."""
    ring = {"grid1": Grid("grid1", "1", "grid2"), "grid2": Grid("grid2", "2", "grid1")}
    assert not allows([("viewer", "street")], Action.READ, "s-b1", CATALOGUE, ring)


@pytest.mark.parametrize(
    ("own", "wanted", "allowed"),
    [
        ([("admin", "")], [("admin", ""), ("viewer", "elsewhere")], True),
        ([("admin", "s")], [("operator", "s-b1"), ("admin", "s")], True),
        ([("admin", "s")], [("operator", "")], False),
        ([("admin", "s")], [("operator", "t")], False),
        ([("admin", "s")], [("operator", "s"), ("operator", "t")], False),
        ([("admin", "s")], [("grid_staff", "grid1")], False),  # a grid may reach beyond the site
        ([("admin", "community")], [("grid_staff", "grid1"), ("viewer", "s-b1-u1")], True),
        ([("admin", "grid1")], [("grid_staff", "community")], False),
        ([("operator", "")], [("viewer", "s")], False),
        ([("admin", "")], [("boss", "")], False),
        ([], [("viewer", "s")], False),
    ],
)
def test_nobody_gives_more_than_they_have(
    own: list[tuple[str, str]], wanted: list[tuple[str, str]], allowed: bool
) -> None:
    """Rights are handed on downwards only, by administrators only."""
    assert may_grant(own, wanted, CATALOGUE, GRIDS) == allowed


def test_two_people_for_what_disables_a_fire_alarm() -> None:
    """The second is somebody else with the right role there; it is asked of nothing else."""
    assert set(SECOND_PERSON) == {Verb.OUT_OF_SERVICE}

    def ok(second: str, grants: list[tuple[str, str]], verb: Verb = Verb.OUT_OF_SERVICE) -> bool:
        return second_person_ok("u1", second, grants, verb, "s-b1", CATALOGUE, GRIDS)

    assert ok("u2", [("operator", "s")])
    assert not ok("u1", [("admin", "")])
    assert not ok("", [("admin", "")])
    assert not ok("u2", [("operator", "t")])
    assert not ok("u2", [("grid_staff", "s"), ("viewer", "")])
    assert not ok("u2", [("admin", "")], Verb.SHELVE)


GRANT = st.tuples(st.sampled_from([*SIGN_IN_ROLES, "household"]), st.sampled_from(list(BELOW)))


@given(st.lists(GRANT, max_size=4))
def test_a_scope_answers_as_the_table_does(grants: list[tuple[str, str]]) -> None:
    """The remembering answer for lists and streams is the one of `allows`, asked twice."""
    scope = Scope(grants, CATALOGUE, GRIDS)
    for place in PLACES * 2:
        assert scope.covers(place) == allows(grants, Action.READ, place, CATALOGUE, GRIDS)


@given(st.lists(GRANT, max_size=3), GRANT, st.sampled_from(EVERY_ACTION), st.sampled_from(PLACES))
def test_a_grant_more_takes_nothing_away(
    grants: list[tuple[str, str]], more: tuple[str, str], action: Action | Verb, place: str
) -> None:
    """Rights only add."""
    if allows(grants, action, place, CATALOGUE, GRIDS):
        assert allows([*grants, more], action, place, CATALOGUE, GRIDS)
