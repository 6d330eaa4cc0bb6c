"""The checks that several rule kinds share: sensible durations, and metrics whose values the kind can read."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from devices.reading import METRICS, MetricClass
from rules.problem import Problem
from rules.rule import Rule

SECONDS_MAX: Final = 32 * 86_400
"""The longest duration a rule may name: a month. A rule that waits longer is a calendar, not an alarm."""


def seconds(config: msgspec.Struct, *names: str, above_zero: bool = False) -> list[Problem]:
    """Durations must be numbers of seconds from zero (or above it) to SECONDS_MAX."""
    low = "more than 0" if above_zero else "0"
    return [
        Problem(("when", name), f"{value!r} is no duration", f"{low} to {SECONDS_MAX} seconds")
        for name in names
        if not (value := float(getattr(config, name))) <= SECONDS_MAX
        or value < 0
        or (above_zero and value == 0)
    ]


def finite(config: msgspec.Struct, *names: str) -> list[Problem]:
    """Levels must be plain numbers."""
    return [
        Problem(("when", name), f"{value!r} is no level", "a number")
        for name in names
        if (value := getattr(config, name)) is not None and not math.isfinite(value)
    ]


def number_metrics(rule: Rule) -> list[Problem]:
    """The rule compares numbers: its metrics must be measurements."""
    return [
        Problem(("match", "metric", i), f"{name} has no number to compare", "a measurement")
        for i, name in enumerate(rule.match.metric)
        if (metric := METRICS.get(name)) is not None and metric.klass is not MetricClass.MEASUREMENT
    ]


def truth_metrics(rule: Rule, *, word: bool = False) -> list[Problem]:
    """The rule compares truths, or words: its metrics must be able to say them. Only status metrics say words."""
    wrong = (
        {MetricClass.MEASUREMENT}
        if not word
        else {MetricClass.MEASUREMENT, MetricClass.ALARM, MetricClass.FAULT, MetricClass.TEST}
    )
    expected = "a status metric, which says words" if word else "an alarm, fault, test or status metric"
    return [
        Problem(("match", "metric", i), f"{name} is of class {metric.klass}", expected)
        for i, name in enumerate(rule.match.metric)
        if (metric := METRICS.get(name)) is not None and metric.klass in wrong
    ]
