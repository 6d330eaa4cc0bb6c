"""Comparing plain data with a type finds a fault exactly where msgspec would refuse, and all of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from gateway.config.settings import Settings, SourceSettings
from gateway.core.plan import Policy, Route
from gateway.registry.documents import CatalogueDocument
from gateway.shape import Fault, faults, found, nearest, one_of, written


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Cat(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="cat"):
    lives: Annotated[int, Meta(ge=1, le=9)]


class Dog(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="dog"):
    name: str = ""


class Home(msgspec.Struct, forbid_unknown_fields=True):
    pets: list[Cat | Dog] = []
    colour: Colour = Colour.RED
    size: Literal["small", 3] = 3
    point: tuple[int, float] = (0, 0.0)
    notes: dict[Annotated[str, Meta(max_length=3)], str | list[str]] = {}
    height: Annotated[float, Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        if self.colour is Colour.GREEN and not self.pets:
            raise ValueError("Green homes have pets")


CASES: list[tuple[str, Any, list[Fault]]] = [
    ("nothing wrong", {}, []),
    ("a tag misspelt", {"pets": [{"kind": "dg"}]}, [Fault(("pets", 0, "kind"), "one of cat, dog", '"dg"', "dog")]),
    ("no tag", {"pets": [{}]}, [Fault(("pets", 0), "the key kind (one of cat, dog)", "no such key")]),
    ("a bound in a union", {"pets": [{"kind": "cat", "lives": 10}]}, [
        Fault(("pets", 0, "lives"), "a whole number from 1 to 9", "10")]),
    ("not a member", {"pets": [3]}, [Fault(("pets", 0), "a mapping or a mapping", "3")]),
    ("an enum misspelt", {"colour": "rad"}, [Fault(("colour",), "one of red, green", '"rad"', "red")]),
    ("an enum by another type", {"colour": True}, [Fault(("colour",), "one of red, green", "true")]),
    ("a literal of another type", {"size": 3.0}, [Fault(("size",), "one of 3, small", "3.0")]),
    ("a truth is no number", {"point": [True, 1]}, [
        Fault(("point",), "a list of 2 (a whole number, a number)", "a list of 2")]),
    ("a key too long", {"notes": {"four": "x"}}, [
        Fault(("notes", "four"), "a text of at most 3 characters", '"four"', key=True)]),
    ("the nearer branch tells", {"notes": {"a": ["x", 1]}}, [Fault(("notes", "a", 1), "a text", "1")]),
    ("no branch", {"notes": {"a": 1}}, [Fault(("notes", "a"), "a text or a list, each a text", "1")]),
    ("out of an open bound", {"height": 0}, [Fault(("height",), "a number above 0", "0")]),
    ("what only the type knows", {"colour": "green"}, [Fault((), "green homes have pets", "something else")]),
    ("several", {"colour": "x", "hieght": 1, "size": "small"}, [
        Fault(("colour",), "one of red, green", '"x"'),
        Fault(("hieght",), "one of pets, colour, size, point, notes, height", 'the unknown key "hieght"', "height",
              key=True)]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_kind_of_fault_is_said(data: Any, expected: list[Fault]) -> None:
    """Where, what was expected, what was found, and the nearest valid word."""
    assert faults(data, Home) == expected


def test_what_has_no_fault_converts() -> None:
    """The types above understand what is right."""
    home = msgspec.convert({"pets": [{"kind": "cat", "lives": 9}], "notes": {"a": "b"}, "height": 2}, Home)
    assert (home.pets, home.notes, home.height) == ([Cat(lives=9)], {"a": "b"}, 2.0)
    assert isinstance(home.pets[0], Cat)
    assert home.pets[0].lives == 9


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(allow_nan=False)
    | st.sampled_from(["red", "cat", "dog", "small", "embedded", "a", "fire", "site", "x:d", ""])
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pets", "kind", "lives", "colour", "notes", "name", "site", "steps", "to", "after_s",
                             "hazard", "routes", "places", "id", "level", "sources", "filters", "point", "a"]),
            inner, max_size=4)
    ),
    max_leaves=15,
)  # fmt: skip


@given(
    PLAIN,
    st.sampled_from([Home, Settings, SourceSettings, Route, Policy, CatalogueDocument, list[Cat | Dog]]),
)
def test_a_fault_is_found_exactly_where_conversion_fails(data: Any, wanted: Any) -> None:
    """No fault means it converts; a fault means it does not; each has a place in the data and words on one line."""
    told = faults(data, wanted)
    try:
        msgspec.convert(data, wanted)
        converts = True
    except msgspec.ValidationError:
        converts = False
    assert converts == (not told)
    for fault in told:
        node = data
        for part in fault.path:
            node = node[part]
        assert "\n" not in fault.expected + fault.found


@given(st.text())
def test_what_was_found_stays_short_and_on_one_line(text: str) -> None:
    """Whatever somebody wrote, a message about it fits a terminal and cannot forge another line."""
    shown = found(text)
    assert len(shown) <= 60
    assert "\n" not in shown
    assert "\x1b" not in shown


def test_words() -> None:
    """Nearest words forgive case and dashes, and are silent when nothing is near."""
    assert nearest("Time-Zone", ["time_zone", "site"]) == "time_zone"
    assert nearest("zzz", ["time_zone", "site"]) is None
    assert one_of(["a"]) == "a"
    assert one_of(range(14)).endswith("11, ...")
    assert written(("sources", 0, "broker")) == "sources[0].broker"
    assert written(()) == "the file"
