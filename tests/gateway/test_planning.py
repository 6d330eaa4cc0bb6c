"""Settings, registry and rules become one plan; where it would reach nobody is said before the first alarm."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from devices.catalogue import Source
from gateway.config import Settings, check_text
from gateway.core.acts import PERMITS
from gateway.core.compiled import Compiled
from gateway.core.event import Verb
from gateway.core.plan import Plan, Policy, Step, digest
from gateway.demo_community import demo_community
from gateway.planning import PlanRefused, build_plan, findings
from gateway.registry import Registry, RegistryReader
from rules.load import shipped as shipped_rules

NOW = 1_795_276_800_000
HOME = "sunshine-b3-u1-f05-502-kitchen"
DEMO = "sources:\n  - {name: demo, site: sunshine}\n"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        yield opened


@pytest.fixture
def community(registry: Registry) -> Registry:
    registry.import_catalogue(demo_community(), who="demo", now=NOW)
    return registry


def settings(text: str, folder: Path) -> Settings:
    report = check_text("csg.yaml", text.encode(), folder, {"K": "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"})
    assert report.settings is not None, report.text()
    return report.settings


def chain(plan: Plan, hazard: str, place: str = HOME, priority: int = 1) -> list[list[str]]:
    """Whom each step of the chain tells, by name of person."""
    compiled = Compiled(plan)
    policy, _, _ = compiled.routed(hazard, priority, "sunshine", place)
    assert policy is not None
    return [
        sorted({person for role in step.to for person in compiled.holders(role, (place,))})
        for step in policy.steps
    ]


# -- the plan -------------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_plan(community: Registry, tmp_path: Path) -> None:
    """The digest depends on nothing but what was said, and both readers of the registry say the same."""
    demo = settings(DEMO, tmp_path)
    first = digest(build_plan(demo, community))
    assert digest(build_plan(demo, RegistryReader(community.path))) == first
    community.put("people", {"id": "p-new", "name": "新人（示例）"}, who="t", now=NOW)
    assert digest(build_plan(demo, community)) != first


def test_a_plan_holds_no_name_no_number_and_no_secret(community: Registry, tmp_path: Path) -> None:
    """The plan is kept while the journal names it: nothing personal and nothing secret may be in it."""
    text = DEMO + "channels:\n  city: {kind: webhook, url: 'https://city.example.cn', secrets: ['${K}']}\n"
    plan = build_plan(settings(text, tmp_path), community)
    frozen = msgspec.msgpack.encode(plan)
    for person in demo_community()["people"]:
        assert person["name"].encode() not in frozen
        assert person["addresses"][0][1].encode() not in frozen
    assert b"whsec_" not in frozen
    assert b"city.example.cn" not in frozen


def test_the_gateway_stands_at_its_first_site(community: Registry, tmp_path: Path) -> None:
    """An alarm of the gateway itself reaches whoever is on duty at the first site."""
    compiled = Compiled(build_plan(settings(DEMO, tmp_path), community))
    place = compiled.place("gateway:engine")
    assert place == "sunshine"
    assert compiled.holders("duty_operator", (place,)) == ["p-duty-1", "p-duty-2"]
    assert compiled.source("gateway:engine") == Source("gateway", "sunshine")


def test_the_shipped_rules_are_in(community: Registry, tmp_path: Path) -> None:
    """Without a site's own files the plan has exactly the shipped rules."""
    assert build_plan(settings(DEMO, tmp_path), community).rules == shipped_rules().rules


def test_a_rule_file_broken_after_the_start_keeps_the_plan(community: Registry, tmp_path: Path) -> None:
    """A replan with a file that is wrong by now is refused with its line; the plan in force stays."""
    rules = tmp_path / "site.yaml"
    rules.write_text("rules: []\n")
    demo = settings(DEMO + "rules: [site.yaml]\n", tmp_path)
    build_plan(demo, community)
    rules.write_text("rulez: []\n")
    with pytest.raises(PlanRefused, match=r"site\.yaml:1:1: rulez"):
        build_plan(demo, community)


def test_targets_hear_of_everything_unless_routed(community: Registry, tmp_path: Path) -> None:
    """A webhook without any routing hears of every incident; a site's route replaces the targets, not the chain."""
    text = DEMO + (
        "channels:\n  city: {kind: webhook, url: 'https://city.example.cn', secrets: ['${K}']}\n  bus: {kind: mqtt}\n"
    )
    plan = build_plan(settings(text, tmp_path), community)
    assert Compiled(plan).routed("fire", 1, "sunshine", HOME)[1:] == ("p1_fire", ["city", "bus"])
    routed = text + "routes:\n  - {hazard: [fire], under: [sunshine-b3], targets: [city]}\n"
    compiled = Compiled(build_plan(settings(routed, tmp_path), community))
    assert compiled.routed("fire", 1, "sunshine", HOME)[1:] == ("p1_fire", ["city"])
    assert compiled.routed("fire", 2, "sunshine", HOME)[1:] == ("p2_verify", ["city"])
    assert compiled.routed("fire", 1, "sunshine", "sunshine-b1")[1:] == ("p1_fire", ["city", "bus"])
    assert compiled.routed("gas", 1, "sunshine", HOME)[1:] == ("p1_gas", ["city", "bus"])


def test_a_site_may_write_its_own_chain(community: Registry, tmp_path: Path) -> None:
    """A policy with a shipped name replaces it; another name is used by the route that says so."""
    text = DEMO + (
        "policies:\n"
        "  p1_fire: {steps: [{after_s: 0, to: [micro_station]}]}\n"
        "  night: {steps: [{after_s: 0, to: [contractor], urgent: false}]}\n"
        "routes:\n  - {hazard: [water], policy: night}\n"
    )
    plan = build_plan(settings(text, tmp_path), community)
    assert plan.policies["p1_fire"] == Policy((Step(0, ("micro_station",)),))
    assert chain(plan, "fire") == [["p-station-1", "p-station-2", "p-station-3"]]
    assert chain(plan, "water", priority=2) == [["p-contractor"]]


# -- who is called --------------------------------------------------------------------------------------------------


def test_a_kitchen_fire_calls_the_right_people_in_order(community: Registry, tmp_path: Path) -> None:
    """The flat and the desk at once; station and building lead; this building's grid; then who answers for it."""
    assert chain(build_plan(settings(DEMO, tmp_path), community), "fire") == [
        ["p-duty-1", "p-duty-2", "p-home-b3-u1-f05-502"],
        ["p-lead-b3", "p-station-1", "p-station-2", "p-station-3"],
        ["p-grid-2", "p-station-lead"],
        ["p-fire-manager", "p-grid-lead", "p-property"],
    ]


@pytest.mark.parametrize("hazard", ["fire", "gas", "co", "sos", "water", "intrusion"])
def test_every_step_of_every_p1_chain_reaches_somebody_in_the_demo(
    community: Registry, tmp_path: Path, hazard: str
) -> None:
    """Nowhere in the demo does a call chain fall silent between two steps."""
    plan = build_plan(settings(DEMO, tmp_path), community)
    for device in plan.catalogue.devices.values():
        if device.kind == "gateway":
            continue  # its alarms are P2
        assert all(chain(plan, hazard, device.place)), device.place


def test_a_fire_in_one_flat_calls_no_other_flat(community: Registry, tmp_path: Path) -> None:
    """The household role reaches the people of that flat only; a fire in the shed calls no household."""
    plan = build_plan(settings(DEMO, tmp_path), community)
    called = {person for step in chain(plan, "fire") for person in step if person.startswith("p-home")}
    assert called == {"p-home-b3-u1-f05-502"}
    assert not any(p.startswith("p-home") for step in chain(plan, "fire", "sunshine-shed") for p in step)


def test_whoever_is_called_may_say_that_they_come(community: Registry, tmp_path: Path) -> None:
    """A link in a message must work: every role of every shipped chain may take, decline and report being there."""
    plan = build_plan(settings(DEMO, tmp_path), community)
    roles = {role for policy in plan.policies.values() for step in policy.steps for role in step.to}
    roles |= {role for policy in plan.policies.values() for role in policy.confirmed}
    for verb in (Verb.TAKE, Verb.DECLINE, Verb.ON_SCENE):
        assert roles <= set(PERMITS[verb]), verb


# -- what is missing ------------------------------------------------------------------------------------------------


def test_the_demo_has_nothing_to_mend(community: Registry, tmp_path: Path) -> None:
    """A whole estate gives no finding."""
    demo = settings(DEMO, tmp_path)
    assert findings(demo, build_plan(demo, community)) == []


def test_an_empty_house_is_told_who_is_missing(registry: Registry, tmp_path: Path) -> None:
    """Before anybody is entered, every P1 of the site calls nobody, and that is said."""
    empty = settings("", tmp_path)
    found = findings(empty, build_plan(empty, registry))
    assert [(f.code, f.where) for f in found] == [("no_site", "home"), *[("nobody", "home")] * 4]


def test_what_a_person_should_mend_is_found(registry: Registry, tmp_path: Path) -> None:
    """Chains that begin late, people without an address or on a channel that is gone, devices of no source."""
    registry.import_catalogue(
        {
            "places": [
                {"id": "home", "level": "site", "name": "H"},
                {"id": "b1", "level": "building", "name": "1", "parent": "home"},
            ],
            "devices": [{"id": "old:d1", "place": "b1"}, {"id": "old:d2", "place": "b1"}],
            "people": [
                {"id": "p1", "name": "A", "roles": [["micro_station", "b1"]]},
                {"id": "p2", "name": "B", "addresses": [["pager", "1"]]},
            ],
        },
        who="t",
        now=NOW,
    )
    home = settings("", tmp_path)
    found = [(f.code, f.where) for f in findings(home, build_plan(home, registry))]
    assert found == [
        ("no_channel", "p1"),
        ("unknown_channel", "p2"),
        ("unknown_source", "old"),
        ("late", "b1"),
        ("late", "b1"),
        ("late", "b1"),
    ]


def test_simulated_sites_need_nobody(registry: Registry, tmp_path: Path) -> None:
    """A simulation calls no one, so it is not missed."""
    simulated = settings("sources: [{name: demo, site: sunshine, simulated: true}]\n", tmp_path)
    found = findings(simulated, build_plan(simulated, registry))
    assert [f.code for f in found] == ["no_site"]
