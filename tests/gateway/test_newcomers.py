"""What newly heard devices seem to be, and rules that place them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.reading import METRICS
from gateway import newcomers, render, text
from gateway.clock import ManualClock
from gateway.config.settings import OWN_SOURCE
from gateway.latest import Latest
from gateway.newcomers import AT_ONCE, HEARD_MS, PATIENCE_MS, QUIET_MS, WHO, Newcomers
from gateway.registry import Registry
from gateway.registry.newcomers import SIGNS, Wish, suggested_kind
from gateway.registry.placing import Placement
from gateway.series import Batch, Kind

START = 1_795_000_000_000
RULE = Placement("smoke-{b}-{r}", "b{b}", "smoke")


class Estate:
    """A registry with one site and some buildings, and what was heard."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(START)
        self.registry = Registry.open(path / "registry.sqlite")
        self.latest = Latest()
        self.seq = 0
        self.build("b1", "b2")
        self.newcomers = Newcomers(self.latest, self.registry, self.clock)

    def build(self, *buildings: str) -> None:
        site = {"id": "s", "level": "site", "name": "S"}
        places = [{"id": b, "level": "building", "name": b, "parent": "s"} for b in buildings]
        self.registry.import_catalogue({"places": [site, *places]}, who="test", now=START)

    def hear(self, *names: str, metric: str = "smoke") -> None:
        for name in names:
            self.seq += 1
            point, at = f"a:{name}/{metric}/", self.clock.utc_ms()
            self.latest.apply(Batch(self.seq - 1, self.seq, [self.seq], [0], [at], [point], [0.0], [None],
                                    bytes([Kind.BOOL]), [None], [0]))  # fmt: skip

    def rule(self, rule: Placement = RULE) -> None:
        self.registry.put_placement(rule, who="test", now=START)

    def settle(self) -> int:
        """Wait until it is due, and place."""
        total = 0
        self.newcomers.due()
        for _ in range(6):
            self.clock.advance(QUIET_MS)
            total += self.newcomers.place() if self.newcomers.due() else 0
        assert not self.newcomers.due()
        return total

    def places(self) -> dict[str, str]:
        return {d.id: d.place for d in self.registry.snapshot().catalogue.devices.values()}


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    made = Estate(tmp_path)
    yield made
    made.registry.close()


def test_kinds_are_told_by_what_alarms_not_by_what_is_measured_beside_it() -> None:
    """A smoke alarm that measures its temperature is a smoke alarm; a kitchen's gas alarm with CO one for gas."""
    assert suggested_kind(["temperature", "battery", "smoke"]) == "smoke"
    assert suggested_kind(["co_ppm", "gas_lel"]) == "gas"
    assert suggested_kind(["temperature", "humidity"]) == "temperature"
    assert suggested_kind(["battery", "tamper", "alarm_unspecified"]) == suggested_kind([]) == ""


def test_every_sign_is_a_metric_and_every_kind_a_word() -> None:
    """The table speaks of metrics there are and of kinds people can read."""
    assert {metric for _, signs in SIGNS for metric in signs} <= set(METRICS)
    assert {kind for kind, _ in SIGNS} <= set(text.group("zh-CN", "kind"))


def test_a_newcomer_a_rule_knows_goes_to_its_place(estate: Estate) -> None:
    """Under the rule's name in the journal, with the rule's kind; one that no rule knows waits."""
    estate.rule()
    estate.hear("smoke-1-101", "gas-1-101")
    assert estate.settle() == 1
    assert estate.places() == {"a:smoke-1-101": "b1"}
    (edit,) = estate.registry.edits(row="a:smoke-1-101")
    assert edit.who == WHO
    assert estate.registry.snapshot().catalogue.devices["a:smoke-1-101"].kind == "smoke"


def test_a_crowd_is_one_look(estate: Estate) -> None:
    """While devices come one after the other nothing is placed, but the first never waits longer than its patience."""
    estate.rule()
    waited = 0
    for n in range(100):
        estate.hear(f"smoke-1-{n}")
        if estate.newcomers.due():
            break
        estate.clock.advance(500)
        waited += 500
    assert PATIENCE_MS <= waited <= PATIENCE_MS + 500
    assert estate.newcomers.place() == n + 1


def test_a_place_made_later_takes_those_that_waited_for_it(estate: Estate) -> None:
    """The rule fitted all along; and a rule made later finds those that were heard before it."""
    estate.hear("smoke-3-301", "smoke-1-101")
    assert estate.settle() == 0
    estate.rule()
    assert estate.settle() == 1
    estate.build("b3")
    assert estate.settle() == 1
    assert estate.places() == {"a:smoke-1-101": "b1", "a:smoke-3-301": "b3"}


def test_more_than_fit_into_one_edit_are_placed_in_several(estate: Estate) -> None:
    """None is forgotten between them, and those without a place hold up nobody."""
    estate.rule()
    estate.hear(*(f"smoke-9-{n}" for n in range(50)))
    estate.hear(*(f"smoke-{1 + n % 2}-{n}" for n in range(AT_ONCE + 10)))
    assert estate.settle() == AT_ONCE + 10
    estate.build("b9")
    assert estate.settle() == 50


def test_what_a_person_took_out_is_not_put_back(estate: Estate) -> None:
    """A rule places newcomers; a device that was removed or changed for another is none."""
    estate.rule()
    estate.hear("smoke-1-101", "smoke-1-102")
    estate.settle()
    estate.registry.remove("devices", "a:smoke-1-101", who="p", now=START)
    estate.registry.replace_device("a:smoke-1-102", "a:x", who="p", now=START)
    estate.hear("smoke-1-101", "smoke-1-102", metric="battery")
    assert estate.settle() == 0
    again = Newcomers(estate.latest, estate.registry, estate.clock)
    again.due()
    estate.clock.advance(QUIET_MS)
    assert again.due()
    assert again.place() == 0
    assert set(estate.places()) == {"a:x"}


def test_one_that_is_silent_for_a_week_is_no_newcomer(estate: Estate) -> None:
    """What the history remembers of devices long gone is not put into the catalogue."""
    estate.hear("smoke-1-101")
    estate.clock.advance(HEARD_MS + 1)
    estate.rule()
    assert estate.settle() == 0
    estate.hear("smoke-1-102")
    assert estate.settle() == 1


def test_the_gateways_own_parts_are_no_newcomers() -> None:
    """Its source has one name wherever it is written."""
    assert newcomers.OWN_SOURCE == render.OWN_SOURCE == OWN_SOURCE


def test_wishes_move_nobody(estate: Estate) -> None:
    """A device with a place keeps it; of two wishes for one device the first counts; a dry run writes nothing."""
    version = estate.registry.version()
    wishes = [Wish("a:x", "b1"), Wish("a:x", "b2"), Wish("a:y", "b7"), Wish("a:" + "z" * 300, "b1")]
    tried = estate.registry.settle(wishes, who="p", now=START, dry_run=True)
    assert estate.registry.version() == version == tried.version
    done = estate.registry.settle(wishes, who="p", now=START)
    assert (done.placed, done.homeless) == (tried.placed, tried.homeless) == ((wishes[0],), (wishes[2],))
    assert done.refused == (wishes[3].device,)
    again = estate.registry.settle([Wish("a:x", "b2")], who="p", now=START)
    assert (again.known, again.placed) == (("a:x",), ())
    assert estate.places() == {"a:x": "b1"}
