"""Rules that say a detector cannot be relied on: a site may write its own, where it makes sense."""

from __future__ import annotations

import msgspec
import pytest

from gateway.inprocess import Gateway
from rules.load import Loaded, load, merge, shipped
from tests.core.community import estate

OWN = """
rules:
  - id: own-hot
    title: {zh-CN: 探测器过热, en: Detector too hot}
    hazard: equipment
    priority: 3
    impairs: true
    match: {metric: [device_temperature], kind: [smoke]}
    when: {kind: threshold, above: 70}
"""


def loaded(text: str) -> Loaded:
    return load(msgspec.yaml.decode(text), shipped={r.id: r for r in shipped().rules})


def test_a_rule_of_the_site_may_impair() -> None:
    """A detector that a site's own rule calls unreliable leaves its floor unguarded like one that is silent."""
    site = loaded(OWN)
    assert site.problems == ()
    assert site.rules[0].impairs
    home = Gateway(estate(rules=merge(shipped().rules, [site])))
    home.measure("upstairs", "device_temperature", 85.0)
    assert {a.subject for a in home.alarms.values() if a.rule == "gateway.unguarded"} == {"fire/f6"}


A_DEVICES_OWN = """
rules:
  - id: own-vape
    title: {zh-CN: 烟感, en: Smoke}
    hazard: fire
    priority: 1
    latch: true
    device_alarm: true
    impairs: true
    match: {metric: [smoke_remote]}
    when: {kind: threshold, is: true}
    advice: {zh-CN: 到场查看, en: Go and look}
"""
OF_A_PLACE = """
rules:
  - id: own-two
    title: {zh-CN: 两点过热, en: Two too hot}
    hazard: equipment
    priority: 3
    effect: confirm
    impairs: true
    match: {metric: [overtemp]}
    when: {kind: quorum, place: floor, count: 2, within_s: 60}
"""


@pytest.mark.parametrize("text", [A_DEVICES_OWN, OF_A_PLACE], ids=["an alarm to life", "of a place"])
def test_only_a_detectors_own_trouble_impairs_it(text: str) -> None:
    """A device's own alarm, or word of a place, says nothing of whether a detector works: the file is told so."""
    assert [p.path for p in loaded(text).problems] == [("rules", 0, "impairs")]
