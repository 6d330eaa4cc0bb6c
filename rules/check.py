"""What a rule or a case must be beyond its shape: the house's promises, checked before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from devices.catalogue import Level
from devices.reading import METRICS, Flag, Hazard
from rules.problem import Problem, unknown
from rules.rule import Case, Match, Rule

LANGUAGES: Final = ("zh-CN", "en")

ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

LIFE_SAFETY: Final = frozenset((Hazard.FIRE, Hazard.GAS, Hazard.CO, Hazard.SOS))
"""Hazards whose own device alarm is always P1 (design section 4); a call point's hazard is fire."""


def check_rule(rule: Rule) -> list[Problem]:
    """Everything about one rule that can be known without others. Paths start at the rule."""
    found: list[Problem] = []
    if not ID.fullmatch(rule.id):
        text = f"{rule.id!r} is no id"
        found.append(Problem(("id",), text, "lower-case letters, digits, dots and dashes, at most 64"))
    if not 1 <= rule.priority <= 4:
        found.append(Problem(("priority",), f"{rule.priority} is no priority", "1 to 4"))
    found += _check_texts("title", rule.title, required=True)
    found += _check_texts("advice", rule.advice, required=rule.priority == 1 and rule.effect == "alarm")
    found += _check_match(rule)
    found += _check_effect(rule)
    if rule.device_alarm:
        found += _check_device_alarm(rule)
    found += rule.when.check(rule)
    return found


def _check_texts(field: str, texts: Mapping[str, str], *, required: bool) -> list[Problem]:
    found = [unknown((field, key), "language", key, LANGUAGES) for key in texts if key not in LANGUAGES]
    if required or texts:
        missing = [language for language in LANGUAGES if not texts.get(language, "").strip()]
        found += (
            Problem((field, language), f"the {language} {field} is missing", "a text") for language in missing
        )
    return found


def _check_match(rule: Rule) -> list[Problem]:
    match = rule.match
    found = [
        unknown(("match", "metric", i), "metric", name, METRICS)
        for i, name in enumerate(match.metric)
        if name not in METRICS
    ]
    if not match.metric and not rule.when.ABSENCE:
        found.append(Problem(("match", "metric"), "matches every metric there is", "the metrics it is about"))
    both = sorted(set(match.kind) & set(match.not_kind))
    found += (Problem(("match", "not_kind"), f"{kind} is also in kind") for kind in both)
    return found


def _check_effect(rule: Rule) -> list[Problem]:
    found: list[Problem] = []
    if rule.effect == "confirm":
        if rule.when.SUBJECT != "place":
            found.append(
                Problem(("effect",), "one device confirms nothing", "a kind that asks about a place")
            )
        if rule.latch:
            found.append(Problem(("latch",), "a confirmation has nothing to reset", "latch: false"))
    elif rule.priority == 1 and not rule.latch:
        found.append(Problem(("latch",), "a P1 alarm stays until a person resets it", "latch: true"))
    if rule.impairs and (rule.effect == "confirm" or rule.when.SUBJECT == "place" or rule.device_alarm):
        text = "says nothing of whether one detector can still raise its own alarm"
        found.append(Problem(("impairs",), text, "impairs: false"))
    return found


def _check_device_alarm(rule: Rule) -> list[Problem]:
    found: list[Problem] = []
    if rule.priority != 1:
        found.append(Problem(("priority",), "a device's own alarm is P1", "1"))
    if rule.effect != "alarm":
        found.append(Problem(("effect",), "a device's own alarm is an alarm", "alarm"))
    if rule.hazard not in LIFE_SAFETY:
        expected = f"one of {', '.join(sorted(LIFE_SAFETY))}"
        found.append(Problem(("hazard",), f"{rule.hazard} is no hazard to life", expected))
    if rule.when.SUBJECT != "point" or rule.when.calm(True) or not rule.when.calm(False):
        found.append(
            Problem(("when",), "does not hand on the device's alarm as it is", "threshold with is: true")
        )
    found += (
        Problem(("match", field), "a device's own alarm counts wherever it comes from", f"no {field}")
        for field in ("channel", "kind", "source", "under", "not_kind", "mains")
        if getattr(rule.match, field) not in ((), None)
    )
    return found


def weaker(shipped: Rule, site: Rule) -> list[Problem]:
    """Why a site's rule may not stand in for a shipped one: it would make a device's own alarm to life less."""
    if not shipped.device_alarm:
        return []
    why = f"{shipped.id} hands on a device's own {shipped.hazard} alarm, which no site may lower"
    found: list[Problem] = []
    for field in ("device_alarm", "priority", "latch", "effect", "hazard", "when"):
        if (must := getattr(shipped, field)) != getattr(site, field):
            expected = "the question as shipped" if field == "when" else f"{field}: {str(must).lower()}"
            found.append(Problem((field,), why, expected))
    if not set(shipped.match.metric) <= set(site.match.metric):
        found.append(Problem(("match", "metric"), why, f"at least {', '.join(shipped.match.metric)}"))
    return found


def fits(match: Match, metric: str, channel: str) -> bool:
    """Whether a rule looks at points of this metric and channel."""
    return (not match.metric or metric in match.metric) and (not match.channel or channel in match.channel)


def check_case(case: Case, rule: Rule) -> list[Problem]:
    """Whether a case can be played at all. Paths start at the case."""
    found: list[Problem] = []
    if not case.steps:
        found.append(Problem(("steps",), "nothing happens", "at least one step"))
    latest = 0.0
    for i, step in enumerate(case.steps):
        if not latest <= step.at < float("inf"):
            found.append(
                Problem(("steps", i, "at"), f"{step.at:g} is before {latest:g}", "steps in order of time")
            )
        latest = max(latest, step.at)
        if step.flags & ~sum(Flag):
            found.append(
                Problem(("steps", i, "flags"), f"{step.flags} is no set of flags", f"0 to {sum(Flag)}")
            )
        if step.point is not None:
            found += _check_point(step.point, ("steps", i, "point"), case, rule)
    for i, (at, _subject, verdict) in enumerate(case.expect):
        if verdict not in ("alarm", "normal"):
            found.append(unknown(("expect", i, 2), "verdict", verdict, ("alarm", "normal")))
        if at > latest:
            text = f"{at:g} s is after the last step"
            found.append(Problem(("expect", i, 0), text, "a last step without a point, so that time passes"))
    found += (
        unknown(("places", device, i, 0), "level", level, list(Level))
        for device, path in case.places.items()
        for i, (level, _id) in enumerate(path)
        if level not in list(Level)
    )
    return found


def _check_point(point: str, path: tuple[str | int, ...], case: Case, rule: Rule) -> list[Problem]:
    if point.count("/") < 2:
        return [Problem(path, f"{point!r} is no point", "device/metric/channel; the channel may be empty")]
    device, metric, _channel = point.rsplit("/", 2)
    if metric not in METRICS:
        return [unknown(path, "metric", metric, METRICS)]
    if rule.when.SUBJECT == "place" and device not in case.places:
        return [
            Problem(
                ("places", device), f"the rule asks about places, and {device} has none", "its place path"
            )
        ]
    return []


def uncovered(rules: Iterable[Rule], cases: Iterable[Case]) -> list[Problem]:
    """Rules without a case, and P1 rules without one in which they stay quiet. Paths start with the rule's id."""
    alarming: set[str] = set()
    quiet: set[str] = set()
    for case in cases:
        (alarming if any(verdict == "alarm" for _, _, verdict in case.expect) else quiet).add(case.rule)
    found: list[Problem] = []
    for rule in rules:
        if rule.id not in alarming:
            found.append(Problem((rule.id,), "no case shows it in alarm"))
        if rule.priority == 1 and rule.id not in quiet:
            found.append(Problem((rule.id,), "no case shows what does not alarm"))
    return found
