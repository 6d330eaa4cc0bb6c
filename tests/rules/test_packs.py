"""The shipped rules: every case, and the promises that hold for all of them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import gateway
from devices.catalogue import Catalogue, Device
from devices.reading import METRICS, Condition, Hazard, Metric, MetricClass
from rules.cases import run_case
from rules.check import LIFE_SAFETY, uncovered
from rules.compile import RuleIndex
from rules.load import shipped
from rules.packs import paths
from rules.rule import Case, Rule

RULES = {rule.id: rule for rule in shipped().rules}
INDEX = RuleIndex(RULES.values(), Catalogue())
DEVICE_ALARMS = [m for m in METRICS.values() if m.condition is Condition.ALARM and m.hazard in LIFE_SAFETY]
ALARMS_AND_FAULTS = [m for m in METRICS.values() if m.klass in (MetricClass.ALARM, MetricClass.FAULT)]


@pytest.mark.parametrize("case", shipped().cases, ids=lambda c: f"{c.rule}: {c.name}")
def test_case(case: Case) -> None:
    """Every case of a shipped rule comes out as it says."""
    result = run_case(case, RULES[case.rule])
    assert result.ok, f"\n{result.diff}"


def test_packs_have_no_problems() -> None:
    """Every shipped file passes the same checks as a site's."""
    assert [str(p) for p in shipped().problems] == []
    topics = {path.stem for path in paths()}
    assert topics >= {"fire", "gas", "water", "health", "gateway"}


def test_every_rule_is_shown() -> None:
    """Every rule has a case in which it alarms, and every P1 rule one in which it stays quiet."""
    assert [str(p) for p in uncovered(shipped().rules, shipped().cases)] == []


@pytest.mark.parametrize("metric", DEVICE_ALARMS, ids=lambda m: m.name)
def test_every_device_alarm_to_life_is_p1_at_once(metric: Metric) -> None:
    """A device's own fire, gas, CO, call-point or SOS alarm is P1 of its hazard, latched, wherever it comes from."""
    for device in (None, Device("s:d", "nowhere", "toaster"), Device("s:d", "nowhere", "smoke", mains=True)):
        rules = [r for r in INDEX.rules_for(device, metric.name, "any", "s") if r.device_alarm]
        assert rules, "no rule hands it on"
        for rule in rules:
            assert (rule.priority, rule.latch, rule.effect) == (1, True, "alarm")
            assert rule.hazard is metric.hazard
            assert not rule.when.calm(True)


@pytest.mark.parametrize("metric", ALARMS_AND_FAULTS, ids=lambda m: m.name)
def test_nothing_a_device_complains_of_goes_unheard(metric: Metric) -> None:
    """Every alarm and fault metric has a rule, also for a device nobody has catalogued."""
    raising = [r for r in INDEX.rules_for(None, metric.name, "", "s") if r.effect == "alarm"]
    assert raising


@pytest.mark.parametrize("kind", ["", "smoke", "gas", "co", "camera", "door", "panel", "hydrant", "toaster"])
def test_one_fault_is_one_alarm(kind: str) -> None:
    """A device of any kind reporting a fault, a pre-alarm or its absence raises one alarm, not two of them."""
    device = Device("s:d", "nowhere", kind)
    for metric in ("fault", "prealarm", "availability", "battery_low", "tamper", "smoke", "gas", "co"):
        assert len([r for r in INDEX.rules_for(device, metric, "", "s") if r.effect == "alarm"]) == 1


def test_every_device_is_watched_for_silence() -> None:
    """Silence of any device is an alarm; of a mains gas detector within three minutes."""
    anyone = {r.id for r in INDEX.absence_for(None, "s")}
    assert anyone == {"health-device-silent", "health-device-silent-week"}
    gas = INDEX.absence_for(Device("s:g", "p", "gas", mains=True), "s")
    assert min(r.when.deadline(0, 60) for r in gas) == 180_000
    assert "health-gas-silent" not in {r.id for r in INDEX.absence_for(Device("s:g", "p", "gas"), "s")}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_priorities(rule: Rule) -> None:
    """P1 is for fire, gas, CO and SOS only; maintenance never rings."""
    if rule.priority == 1:
        assert rule.hazard in LIFE_SAFETY
    if set(rule.match.metric) & {"battery_low", "battery", "end_of_life", "washer_liquid_low"}:
        assert rule.priority == 4
    if rule.priority <= 2 and rule.effect == "alarm":
        assert set(rule.advice) == {"zh-CN", "en"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_words(rule: Rule) -> None:
    """Texts are in their language, use the glossary's words, and it is always a person who calls 119, 110 or 120."""
    for texts in (rule.title, rule.advice):
        if texts:
            assert re.search(r"[\u4e00-\u9fff]", texts["zh-CN"])
            assert not re.search(r"[\u4e00-\u9fff]", texts["en"])
            for wrong in ("消防栓", "电瓶车", "消防通道"):
                assert wrong not in texts["zh-CN"]
    for number in ("119", "110", "120"):
        if number in rule.advice.get("zh-CN", ""):
            assert "由现场人员" in rule.advice["zh-CN"]
            assert number in rule.advice["en"]
            assert re.search(r"the person there|that person|whoever", rule.advice["en"], re.IGNORECASE)


def test_kinds_are_words_of_the_house() -> None:
    """A rule for a kind that no catalogue uses would never judge anything: the words are those the page shows."""
    locale = Path(gateway.__file__).parent / "locales" / "en.json"
    words = set(msgspec.json.decode(locale.read_bytes())["kind"])
    for rule in RULES.values():
        assert {*rule.match.kind, *rule.match.not_kind} <= words


def test_gateway_rules_are_one_incident_a_site() -> None:
    """What is wrong with the gateway itself is handled together, at the site."""
    own = [r for r in RULES.values() if r.id.startswith("gateway-")]
    assert own
    assert all(r.group == "site" and r.priority == 2 and r.hazard is Hazard.EQUIPMENT for r in own)
