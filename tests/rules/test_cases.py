"""The case runner: it fails what is wrong, and says how."""

from __future__ import annotations

from typing import Any

import msgspec

from devices.reading import Hazard
from rules.cases import run_case, run_cases
from rules.kinds.stale import Stale
from rules.kinds.threshold import Threshold
from rules.rule import Case, CaseStep, Match, Rule

SMOKE = Rule("smoke", {}, Hazard.FIRE, 1, Match(metric=("smoke",)), Threshold(is_=True))
STEPS = [CaseStep(5, "s1/smoke/", True), CaseStep(9.5, "s1/smoke/", False)]


def case(expect: list[tuple[float, str, str]], steps: list[CaseStep] = STEPS, rule: str = "smoke") -> Case:
    """A case of the smoke rule."""
    return Case("a case", rule, steps, expect)


def test_a_right_case_passes() -> None:
    """Both changes, in order, at their times."""
    result = run_case(case([(5, "s1/smoke/", "alarm"), (9.5, "s1/smoke/", "normal")]), SMOKE)
    assert result.ok
    assert result.diff == ""


def test_a_wrong_case_says_what_happened_instead() -> None:
    """A minus for what was expected and did not happen, a plus for what happened unexpectedly."""
    result = run_case(case([(5, "s1/smoke/", "alarm"), (60, "s1/smoke/", "normal")]), SMOKE)
    assert not result.ok
    assert result.diff.splitlines() == [
        "       5.000 s  alarm   s1/smoke/",
        "-     60.000 s  normal  s1/smoke/",
        "+      9.500 s  normal  s1/smoke/",
    ]


def test_missing_and_superfluous_changes_fail() -> None:
    """Silence where an alarm was expected is a failure, and so is an alarm where silence was."""
    assert not run_case(case([]), SMOKE).ok
    assert not run_case(case([(5, "s1/smoke/", "alarm")], [CaseStep(5, "s1/heat/", True)]), SMOKE).ok


def test_results_are_plain_data() -> None:
    """`--json` gets the whole result."""
    plain: Any = msgspec.json.decode(msgspec.json.encode(run_cases([case([])], [SMOKE])))
    assert plain[0]["case"] == "a case"
    assert plain[0]["got"] == [[5.0, "s1/smoke/", "alarm"], [9.5, "s1/smoke/", "normal"]]


def test_channel_and_source_must_fit() -> None:
    """A reading of another channel or source is nothing to the rule."""
    steps = [
        CaseStep(0, "x:s1/smoke/2", True),
        CaseStep(1, "y:s1/smoke/1", True),
        CaseStep(2, "x:s1/smoke/1", True),
    ]
    rule = msgspec.structs.replace(SMOKE, match=Match(metric=("smoke",), channel=("1",), source=("x",)))
    assert run_case(case([(2, "x:s1/smoke/1", "alarm")], steps), rule).ok


def test_silence_begins_with_the_first_word_and_ends_with_the_next() -> None:
    """An absence rule on the bench: alarm at the deadline, normal at the next live word."""
    rule = Rule("silent", {}, Hazard.COVERAGE, 4, Match(), Stale(after_s=10))
    steps = [
        CaseStep(0, "d1/battery/", 80),
        CaseStep(20, "d1/battery/", 80, 4),
        CaseStep(30, "d1/battery/", 80),
    ]
    expect = [(10.0, "d1", "alarm"), (30.0, "d1", "normal")]
    assert run_case(Case("silence", "silent", steps, expect), rule).ok
