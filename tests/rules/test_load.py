"""Rule files as people write them: right ones load, wrong ones say where, what was expected, and what was meant."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from devices.reading import Hazard
from gateway.core.plan import Plan, digest
from rules.check import weaker
from rules.kinds.stale import Stale
from rules.kinds.threshold import Threshold
from rules.load import Loaded, load, merge, shipped, thaw
from rules.problem import dotted
from rules.rule import Match

SHIPPED = {rule.id: rule for rule in shipped().rules}

SITE = """
rules:
  - id: site-cellar-damp
    title: {zh-CN: 地下室潮湿, en: Damp cellar}
    hazard: water
    priority: 4
    match: {metric: [humidity], under: [b1-cellar]}
    when: {kind: threshold, above: 90, clear: 80, for_s: 3600}
  - id: site-sauna
    title: {zh-CN: 桑拿房过热, en: Sauna too hot}
    hazard: fire
    priority: 1
    latch: true
    match: {metric: [temperature], under: [sauna]}
    when: {kind: threshold, above: 120}
    advice: {zh-CN: 派人查看。, en: Send somebody.}
  - id: site-confirm
    title: {zh-CN: 多点报警, en: Several}
    hazard: fire
    priority: 1
    effect: confirm
    match: {metric: [smoke]}
    when: {kind: quorum, count: 2, within_s: 60, place: household}
cases:
  - name: a wet week
    rule: site-cellar-damp
    steps:
      - {at: 0, point: t1/humidity/, value: 95}
      - {at: 4000}
    expect: [[3600, t1/humidity/, alarm]]
  - name: two in one home
    rule: site-confirm
    places: {s1: [[household, h1]], s2: [[household, h1]]}
    steps:
      - {at: 0, point: s1/smoke/, value: true}
      - {at: 1, point: s2/smoke/, value: true}
    expect: [[1, h1, alarm]]
disable: [water-leak]
"""


def site() -> Any:
    """A right site file, parsed."""
    return msgspec.yaml.decode(SITE)


def read(data: object) -> Loaded:
    """A site's file beside the shipped rules."""
    return load(data, shipped=SHIPPED)


def test_a_right_file_loads() -> None:
    """Rules with their kinds, cases, and what the site does not want."""
    loaded = read(site())
    assert loaded.problems == ()
    assert [rule.id for rule in loaded.rules] == ["site-cellar-damp", "site-sauna", "site-confirm"]
    assert loaded.rules[0].when == Threshold(above=90, clear=80, for_s=3600)
    assert loaded.rules[0].match == Match(metric=("humidity",), under=("b1-cellar",))
    assert len(loaded.cases) == 2
    assert loaded.disable == ("water-leak",)


def test_an_empty_site_file_says_nothing() -> None:
    """A file of comments is no error; a pack without anything is."""
    assert read(None) == Loaded()
    assert [str(p) for p in load(None).problems] == [
        "document: not a rule file; expected a mapping with the key rules"
    ]


def at(path: str, value: object) -> Callable[[Any], None]:
    """Put `value` at a dotted path of the document."""

    def change(data: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            data = data[part]
        data[last] = value

    return change


def without(path: str) -> Callable[[Any], None]:
    """Take a key out of the document."""

    def change(data: Any) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            data = data[part]
        del data[last]

    return change


WRONG = [
    (
        at("rulez", []),
        "rulez: unknown key 'rulez'; expected one of cases, disable, rules; did you mean rules?",
    ),
    (at("rules", {}), "rules: is dict; expected a list"),
    (
        at("rules.0", "x"),
        "rules[0]: not a mapping; expected keys like id, title, hazard, priority, match, when, latch,",
    ),
    (without("rules.0.id"), "rules[0].id: id is missing"),
    (without("rules.0.when"), "rules[0].when: when is missing"),
    (
        at("rules.0.id", "Damp Cellar"),
        "rules[0].id: 'Damp Cellar' is no id; expected lower-case letters, digits,",
    ),
    (at("rules.1.id", "site-cellar-damp"), "rules[1].id: site-cellar-damp is defined twice in this file"),
    (at("rules.0.priority", 5), "rules[0].priority: 5 is no priority; expected 1 to 4"),
    (at("rules.0.priority", "high"), "rules[0].priority: is str; expected int"),
    (at("rules.0.priority", True), "rules[0].priority: is bool; expected int"),
    (
        at("rules.0.hazard", "wter"),
        "rules[0].hazard: unknown word 'wter'; expected one of co, coverage, equipment,",
    ),
    (
        at("rules.0.group", "flor"),
        "rules[0].group: unknown word 'flor'; expected one of building, floor, household,",
    ),
    (
        at("rules.0.effect", "konfirm"),
        "rules[0].effect: unknown word 'konfirm'; expected one of alarm, confirm; did",
    ),
    (at("rules.0.latch", "yes"), "rules[0].latch: is str; expected bool"),
    (at("rules.0.title", {"en": "x"}), "rules[0].title.zh-CN: the zh-CN title is missing; expected a text"),
    (at("rules.0.title.en", " "), "rules[0].title.en: the en title is missing; expected a text"),
    (at("rules.0.title.de", "x"), "rules[0].title.de: unknown language 'de'; expected one of en, zh-CN"),
    (at("rules.0.title", "x"), "rules[0].title: is str; expected object"),
    (
        at("rules.0.advice", {"en": "x"}),
        "rules[0].advice.zh-CN: the zh-CN advice is missing; expected a text",
    ),
    (without("rules.1.advice"), "rules[1].advice.zh-CN: the zh-CN advice is missing; expected a text"),
    (
        without("rules.1.latch"),
        "rules[1].latch: a P1 alarm stays until a person resets it; expected latch: true",
    ),
    (
        at("rules.0.match.metric", ["humidty"]),
        "rules[0].match.metric[0]: unknown metric 'humidty'; did you mean humid",
    ),
    (at("rules.0.match.metric", "humidity"), "rules[0].match.metric: is str; expected array"),
    (at("rules.0.match.metric", [7]), "rules[0].match.metric[0]: is int; expected str"),
    (
        at("rules.0.match", {}),
        "rules[0].match.metric: matches every metric there is; expected the metrics it is about",
    ),
    (
        at("rules.0.match.floor", ["x"]),
        "rules[0].match.floor: unknown key 'floor'; expected one of channel, kind, mains",
    ),
    (
        at("rules.0.match", []),
        "rules[0].match: not a mapping; expected keys like metric, channel, kind, source, under",
    ),
    (at("rules.0.match.kind", ["a"]), None),
    (at("rules.0.when", "above 90"), "rules[0].when: not a question; expected a mapping with the key kind"),
    (
        at("rules.0.when", {"knd": "threshold"}),
        "rules[0].when.kind: says no kind; expected one of quorum, rate, stale",
    ),
    (
        at("rules.0.when.kind", "treshold"),
        "rules[0].when.kind: unknown kind 'treshold'; expected one of quorum, rate,",
    ),
    (
        at("rules.0.when.abov", 90),
        "rules[0].when.abov: unknown key 'abov'; expected one of above, below, clear, for_s,",
    ),
    (at("rules.0.when.above", "90"), "rules[0].when.above: is str; expected float | null"),
    (
        at("rules.0.when.below", 5),
        "rules[0].when: above and below together; expected exactly one of above, below, is",
    ),
    (
        without("rules.0.when.above"),
        "rules[0].when: nothing to compare with; expected exactly one of above, below, is",
    ),
    (
        at("rules.0.when.clear", 95),
        "rules[0].when.clear: the alarm would end before it began; expected at most 90",
    ),
    (at("rules.0.when", {"kind": "threshold", "below": 5, "clear": 4}), "expected at least 5"),
    (at("rules.0.when.for_s", -1), "rules[0].when.for_s: -1.0 is no duration; expected 0 to 2764800 seconds"),
    (at("rules.0.when.for_s", float("nan")), "rules[0].when.for_s: nan is no duration"),
    (at("rules.0.when.above", float("inf")), "rules[0].when.above: inf is no level; expected a number"),
    (
        at("rules.0.when", {"kind": "threshold", "is": True}),
        "humidity is of class measurement; expected an alarm, fault,",
    ),
    (
        at("rules.0.match.metric", ["smoke"]),
        "rules[0].match.metric[0]: smoke has no number to compare; expected a mea",
    ),
    (
        at("rules.0.when", {"kind": "threshold", "is": "wet", "clear": 1}),
        "rules[0].when.clear: clear needs above or below",
    ),
    (
        at("rules.1.when.for_s", 1),
        "rules[1].when.for_s: a P1 rule may not wait; expected no for_s, or a lower priority",
    ),
    (
        at("rules.2.when", {"kind": "threshold", "is": "on"}),
        "smoke is of class alarm; expected a status metric, which say",
    ),
    (at("rules.2.when.count", 1), "rules[2].when.count: 1 devices are no quorum; expected 2 to 64"),
    (
        at("rules.2.when.place", "room"),
        "rules[2].when.place: unknown word 'room'; expected one of building, floor, house",
    ),
    (without("rules.2.when.within_s"), "rules[2].when.within_s: within_s is missing"),
    (at("rules.2.latch", True), "rules[2].latch: a confirmation has nothing to reset; expected latch: false"),
    (
        at("rules.0.effect", "confirm"),
        "rules[0].effect: one device confirms nothing; expected a kind that asks about a p",
    ),
    (
        at("rules.0.when", {"kind": "rate", "direction": "down", "by": 5, "within_s": 6}),
        "unknown word 'down'; expected one",
    ),
    (
        at("rules.0.when", {"kind": "rate", "direction": "fall", "by": -5, "within_s": 6}),
        "when.by: -5 is no change",
    ),
    (
        at("rules.0.when", {"kind": "rate", "direction": "fall", "by": 5, "within_s": 0}),
        "when.within_s: 0.0 is no duratio",
    ),
    (
        at("rules.0.when", {"kind": "stale", "after_s": 60}),
        "match.metric: silence belongs to a device, not to a metric",
    ),
    (
        at("rules.1.when", {"kind": "stale", "after_s": 60}),
        "rules[1].latch: a device that is heard again needs no reset",
    ),
    (
        at("rules.0.when", {"kind": "stale", "after_s": 0}),
        "rules[0].when.after_s: 0.0 is no duration; expected more tha",
    ),
    (
        at("rules.0.when", {"kind": "stale", "after_s": 9, "periods": -1}),
        "-1.0 is no number of periods; expected 0 to 10",
    ),
    (at("rules.0.match.not_kind", ["a"]), None),
    (at("rules.0.device_alarm", True), "rules[0].priority: a device's own alarm is P1; expected 1"),
    (
        at("rules.1.device_alarm", True),
        "rules[1].when: does not hand on the device's alarm as it is; expected threshold",
    ),
    (at("rules.2.device_alarm", True), "rules[2].effect: a device's own alarm is an alarm; expected alarm"),
    (at("disable", "water-leak"), "disable: is str; expected a list"),
    (at("disable", ["water-leek"]), "disable[0]: unknown rule 'water-leek'; did you mean water-leak?"),
    (
        at("disable", ["fire-smoke"]),
        "disable[0]: fire-smoke hands on a device's own fire alarm: no site may turn it off",
    ),
    (
        at("cases.0.rule", "site-cellar-dump"),
        "cases[0].rule: unknown rule 'site-cellar-dump'; did you mean site-cellar-d",
    ),
    (
        at("cases.0.stepz", []),
        "cases[0].stepz: unknown key 'stepz'; expected one of expect, name, places, rule, steps; did",
    ),
    (at("cases.0.steps", []), "cases[0].steps: nothing happens; expected at least one step"),
    (at("cases.0.steps.0.at", "now"), "cases[0].steps[0].at: is str; expected float"),
    (
        at("cases.0.steps.0.vaule", 1),
        "cases[0].steps[0].vaule: unknown key 'vaule'; expected one of at, flags, point, val",
    ),
    (at("cases.0.steps.1.at", -1), "cases[0].steps[1].at: -1 is before 0; expected steps in order of time"),
    (
        at("cases.0.steps.0.point", "t1"),
        "cases[0].steps[0].point: 't1' is no point; expected device/metric/channel; the ",
    ),
    (
        at("cases.0.steps.0.point", "t1/humidty/"),
        "cases[0].steps[0].point: unknown metric 'humidty'; did you mean humidit",
    ),
    (
        at("cases.0.steps.0.flags", 4096),
        "cases[0].steps[0].flags: 4096 is no set of flags; expected 0 to 127",
    ),
    (
        at("cases.0.expect", [[4000, "x", "alarmed"]]),
        "cases[0].expect[0][2]: unknown verdict 'alarmed'; expected one of al",
    ),
    (
        at("cases.0.expect", [[9000, "x", "alarm"]]),
        "cases[0].expect[0][0]: 9000 s is after the last step; expected a last",
    ),
    (at("cases.0.expect", [[1, "x"]]), "cases[0].expect[0]: is 2; expected array of length 3"),
    (
        at("cases.1.places", {}),
        "cases[1].places.s1: the rule asks about places, and s1 has none; expected its place path",
    ),
    (
        at("cases.1.places.s1", [["flat", "h1"]]),
        "cases[1].places.s1[0][0]: unknown level 'flat'; expected one of buildin",
    ),
]


@pytest.mark.parametrize(("change", "says"), WRONG, ids=lambda x: x[:60] if isinstance(x, str) else "")
def test_a_wrong_file_says_what_is_wrong(change: Callable[[Any], None], says: str | None) -> None:
    """Path, fault, expectation and nearest word; None stands for a change that is allowed."""
    data = site()
    change(data)
    problems = [str(p) for p in read(data).problems]
    if says is None:
        assert problems == []
    else:
        assert any(says in problem for problem in problems), problems


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Several faults in one rule and others elsewhere come in one go; what is right still loads."""
    data = site()
    data["rules"][0] |= {"hazard": "wter", "prioritty": 3, "title": {"en": "x"}}
    del data["rules"][0]["priority"]
    data["rules"][0]["when"]["abov"] = 5
    data["disable"].append("x")
    loaded = read(data)
    assert {dotted(p.path) for p in loaded.problems} == {
        "rules[0].prioritty", "rules[0].priority", "rules[0].hazard", "rules[0].when.abov", "disable[1]",
    }  # fmt: skip
    assert [rule.id for rule in loaded.rules] == ["site-sauna", "site-confirm"]
    assert [case.rule for case in loaded.cases] == ["site-confirm"]


LOWER: list[tuple[str, object, str]] = [
    ("priority", 2, "priority"),
    ("priority", 4, "priority"),
    ("latch", False, "latch"),
    ("device_alarm", False, "device_alarm"),
    ("hazard", "water", "hazard"),
    ("effect", "confirm", "effect"),
    ("when", {"kind": "threshold", "is": True, "for_s": 5}, "when.for_s"),
    ("when", {"kind": "threshold", "is": True, "keep_firing_for_s": 5}, "when"),
    ("when", {"kind": "threshold", "is": False}, "when"),
    ("when", {"kind": "rate", "direction": "rise", "by": 1, "within_s": 1}, "when"),
    ("when", {"kind": "stale", "after_s": 1}, "when"),
    ("match", {"metric": ["heat"]}, "match.metric"),
    ("match", {}, "match.metric"),
    ("match", {"metric": ["smoke"], "channel": ["left"]}, "match.channel"),
    ("match", {"metric": ["smoke"], "kind": ["smoke"]}, "match.kind"),
    ("match", {"metric": ["smoke"], "not_kind": ["smoke"]}, "match.not_kind"),
    ("match", {"metric": ["smoke"], "source": ["a"]}, "match.source"),
    ("match", {"metric": ["smoke"], "under": ["b1"]}, "match.under"),
    ("match", {"metric": ["smoke"], "mains": True}, "match.mains"),
]

SAME: dict[str, Any] = {
    "id": "fire-smoke",
    "title": {"zh-CN": "感烟报警（本小区）", "en": "Smoke, our words"},
    "hazard": "fire",
    "priority": 1,
    "latch": True,
    "device_alarm": True,
    "match": {"metric": ["smoke"]},
    "when": {"kind": "threshold", "is": True},
    "advice": {"zh-CN": "先打值班电话。", "en": "Call the desk first."},
}


@pytest.mark.parametrize(("field", "value", "path"), LOWER)
def test_no_site_may_lower_a_devices_own_alarm(field: str, value: object, path: str) -> None:
    """A rule with the id of a shipped device alarm may not make it less, later or rarer in any way."""
    loaded = read({"rules": [{**SAME, field: value}]})
    assert loaded.rules == ()
    assert any(dotted(p.path) == f"rules[0].{path}" for p in loaded.problems), [
        str(p) for p in loaded.problems
    ]


@pytest.mark.parametrize("name", sorted(r.id for r in SHIPPED.values() if r.device_alarm))
def test_no_site_may_disable_a_devices_own_alarm(name: str) -> None:
    """Fire, gas, CO, call point and SOS: disabling the rule is an error that says why and what to do instead."""
    loaded = read({"disable": [name]})
    assert loaded.disable == ()
    assert "no site may turn it off; expected take a faulty device out of service instead" in str(
        loaded.problems[0]
    )


def test_a_site_may_change_words_and_add_metrics() -> None:
    """The title, the advice, the group and more metrics make nothing less."""
    wider = {**SAME, "match": {"metric": ["heat", "smoke"]}, "group": "floor"}
    loaded = read({"rules": [wider]})
    assert [str(p) for p in loaded.problems] == []
    merged = {rule.id: rule for rule in merge(SHIPPED.values(), [loaded])}
    assert merged[SAME["id"]].title["en"] == "Smoke, our words"


def test_a_site_may_change_what_is_not_a_devices_own_alarm() -> None:
    """Levels of our own choosing are the site's to choose."""
    data = {**copy.deepcopy(SAME), "id": "gas-high", "hazard": "gas", "priority": 2, "device_alarm": False}
    data |= {"match": {"metric": ["gas_lel"]}, "when": {"kind": "threshold", "above": 20}}
    loaded = read({"rules": [data]})
    assert [str(p) for p in loaded.problems] == []
    assert not weaker(SHIPPED["gas-high"], loaded.rules[0])


def test_merge_replaces_disables_and_adds() -> None:
    """In place of the shipped rule, without the disabled one, the new ones at the end."""
    loaded = read(site())
    rules = merge(SHIPPED.values(), [loaded])
    ids = [rule.id for rule in rules]
    assert "water-leak" not in ids
    assert ids[-3:] == ["site-cellar-damp", "site-sauna", "site-confirm"]
    assert len(ids) == len(SHIPPED) - 1 + 3


def test_an_id_of_another_file_is_taken() -> None:
    """Two files of a site may not define one rule."""
    loaded = load(site(), shipped=SHIPPED, taken={"site-sauna": "rules/b.yaml"})
    assert [str(p) for p in loaded.problems] == [
        "rules[1].id: site-sauna is already defined in rules/b.yaml; expected an id of its own"
    ]


def test_a_pack_may_not_disable() -> None:
    """Only sites turn rules off."""
    assert "unknown key 'disable'" in str(load({"rules": [], "disable": []}).problems[0])


@pytest.mark.parametrize(
    "data", [7, "x", [], [{}], {"rules": [None, [], 5]}, {1: 2, None: 3}, {"rules": [{}]}]
)
def test_any_document_gives_problems_and_never_raises(data: object) -> None:
    """Whatever YAML can say, the answer is a list of problems."""
    assert read(data).problems


def test_rules_come_back_from_a_stored_plan() -> None:
    """A plan's bytes give the same rules, with their kinds, and the same bytes and digest again."""
    plan = Plan(rules=shipped().rules)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=Plan)
    assert thaw(stored.rules) == plan.rules
    assert thaw(plan.rules) == plan.rules
    assert digest(msgspec.structs.replace(stored, rules=thaw(stored.rules))) == digest(plan)
    assert isinstance(thaw(stored.rules)[-1].when, Threshold | Stale)


def test_a_plan_from_the_future_is_refused() -> None:
    """A kind this version does not know is an error, not a rule that never fires."""
    rule = msgspec.structs.replace(SHIPPED["fire-smoke"], when={"kind": "oracle"})
    with pytest.raises(msgspec.ValidationError, match="unknown rule kind 'oracle'"):
        thaw([rule])
    assert SHIPPED["fire-smoke"].hazard is Hazard.FIRE
