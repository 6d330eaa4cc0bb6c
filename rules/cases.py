"""Play cases and examples: a bench on which one rule meets readings and the passing of time."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from devices.reading import METRICS, Flag, Hazard, Reading, Value, source_of, split_point
from rules.check import fits
from rules.example import Example
from rules.kinds import kinds
from rules.rule import Absence, Case, Match, Rule, Verdict

NOT_LIVE: Final = Flag.INVALID | Flag.HISTORICAL | Flag.RETAINED
"""Readings that are recorded and never judged."""

WORDS: Final = {Verdict.ALARM: "alarm", Verdict.NORMAL: "normal"}

Change = tuple[float, str, str]
"""Seconds from the start, subject, "alarm" or "normal"."""


class Bench:
    """One rule under the engine's protocol: timers first, in order; calm readings skipped; changes of verdict kept.

    Every device of a case is taken to be of the kind and in the place the rule is about: cases show what a rule
    says, not whom it asks. Metric, channel and source must fit. Every subject starts NORMAL, and a pulse is over as
    it happens.
    """

    def __init__(
        self,
        rule: Rule,
        places: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        period_s: float | None = None,
    ) -> None:
        self.changes: list[tuple[int, str, Verdict]] = []
        self._rule, self._places, self._period_s = rule, places or {}, period_s
        self._memory: dict[str, Any] = {}
        self._due: dict[str, int] = {}
        self._said: dict[str, Verdict] = {}

    def read(self, now: int, point: str, value: Value, flags: int = 0) -> None:
        """One reading arrives at `now` (ms)."""
        self.pass_time(now)
        device, metric, channel = split_point(point)
        source = self._rule.match.source
        if not fits(self._rule.match, metric, channel) or (source and source_of(device) not in source):
            return
        kind = self._rule.when
        if kind.ABSENCE:
            if not flags & Flag.RETAINED:  # that one was the broker speaking, not the device
                self._due[device] = cast(Absence, kind).deadline(now, self._period_s)
                self._say(now, device, Verdict.NORMAL)
            return
        subject = self._subject(point, device)
        if subject is None or flags & NOT_LIVE:
            return
        memory = self._memory.get(subject)
        if memory is None:
            if kind.calm(value):
                return
            memory = kind.fresh()
        pulse = value is True and metric in METRICS and METRICS[metric].pulse
        if pulse and kind.SUBJECT == "point":
            memory = kind.fresh()
        verdict = kind.judge(memory, Reading(point, value, None, flags), now)
        if verdict is Verdict.ALARM and pulse:
            self._say(now, subject, verdict)
            verdict = kind.judge(memory, Reading(point, False, None, flags), now)
        self._keep(now, subject, memory, verdict)

    def pass_time(self, now: int) -> None:
        """Nothing happens until `now`, but what falls due by then."""
        while self._due:
            due, subject = min((due, subject) for subject, due in self._due.items())
            if due > now:
                return
            del self._due[subject]
            if self._rule.when.ABSENCE:
                self._say(due, subject, Verdict.ALARM)
            else:
                memory = self._memory[subject]
                self._keep(due, subject, memory, self._rule.when.tick(memory, due))

    def _subject(self, point: str, device: str) -> str | None:
        kind = self._rule.when
        if kind.SUBJECT == "place":
            return next((name for level, name in self._places.get(device, ()) if level == kind.place), None)
        return point if kind.SUBJECT == "point" else device

    def _keep(self, now: int, subject: str, memory: Any, verdict: Verdict) -> None:
        kind = self._rule.when
        if memory == kind.fresh():
            self._memory.pop(subject, None)
        else:
            self._memory[subject] = memory
        due = kind.wake(memory)
        if due is None:
            self._due.pop(subject, None)
        else:
            self._due[subject] = due
        self._say(now, subject, verdict)

    def _say(self, now: int, subject: str, verdict: Verdict) -> None:
        if verdict is not Verdict.HOLD and verdict is not self._said.get(subject, Verdict.NORMAL):
            self._said[subject] = verdict
            self.changes.append((now, subject, verdict))


class CaseResult(msgspec.Struct, frozen=True):
    """How one case went; `diff` is empty when it went as expected, else lines for a terminal."""

    rule: str
    case: str
    ok: bool
    expected: tuple[Change, ...]
    got: tuple[Change, ...]
    diff: str = ""


def run_case(case: Case, rule: Rule) -> CaseResult:
    """Play one case (one that `check_case` has nothing against) on its rule."""
    bench = Bench(rule, case.places)
    for step in case.steps:
        if step.point is None:
            bench.pass_time(round(1000 * step.at))
        else:
            bench.read(round(1000 * step.at), step.point, step.value, step.flags)
    return _compare(rule.id, case.name, case.expect, bench)


def run_cases(cases: Iterable[Case], rules: Iterable[Rule]) -> list[CaseResult]:
    """Play all cases, in order; every case's rule must be among `rules`."""
    known = {rule.id: rule for rule in rules}
    return [run_case(case, known[case.rule]) for case in cases]


def run_example(example: Example) -> CaseResult:
    """Play the documented example of a kind. Raises msgspec.ValidationError if its `when` is no such question."""
    when = dict(example.when)
    kind = msgspec.convert(when, kinds()[when["kind"]])
    rule = Rule(when["kind"], {}, Hazard.EQUIPMENT, 3, Match(), kind)
    bench = Bench(rule, example.places, example.period_s)
    for at, point, value in example.steps:
        if point:
            bench.read(round(1000 * at), point, value)
        else:
            bench.pass_time(round(1000 * at))
    return _compare(rule.id, example.title, example.expect, bench)


def _compare(rule: str, name: str, expect: Sequence[tuple[float, str, str]], bench: Bench) -> CaseResult:
    got = tuple((at / 1000, subject, WORDS[verdict]) for at, subject, verdict in bench.changes)
    expected = tuple((float(at), subject, verdict) for at, subject, verdict in expect)
    ok = [_line(change) for change in got] == [_line(change) for change in expected]
    return CaseResult(rule, name, ok, expected, got, "" if ok else _diff(expected, got))


def _line(change: Change) -> str:
    at, subject, verdict = change
    return f"{at:>10.3f} s  {verdict:<6}  {subject}"


def _diff(expected: Sequence[Change], got: Sequence[Change]) -> str:
    """Both sequences as one list: "-" was expected and did not happen, "+" happened and was not expected."""
    lines = difflib.ndiff([_line(change) for change in expected], [_line(change) for change in got])
    return "\n".join(line for line in lines if not line.startswith("?"))
