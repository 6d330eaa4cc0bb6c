"""Threshold: a point is above or below a number, or is a word or a truth."""

from __future__ import annotations

from typing import ClassVar, Final, TypeGuard

import msgspec

from devices.reading import Reading, Value
from rules.example import Example
from rules.limits import finite, number_metrics, seconds, truth_metrics
from rules.memory import Since
from rules.problem import Problem
from rules.rule import Rule, Subject, Verdict
from rules.value import truth

_NUMBERS: Final = (float, int)


class Threshold(
    msgspec.Struct, frozen=True, tag_field="kind", tag="threshold", forbid_unknown_fields=True, kw_only=True
):
    """ALARM while the point is above, below, or is, as Prometheus has it.

    Exactly one of `above` (strictly greater), `below` (strictly less) and `is` (true, false or a word). With `clear`
    the condition ends only at that value or beyond it; readings between the two change nothing. `for_s` is how long
    the condition must hold before it is an alarm (never for P1); `keep_firing_for_s` is how long the alarm stays
    after it. Values that are no reading (null, NaN, a word where a number belongs) change nothing. Coalesced readings
    (minimum, maximum, last) are judged one after another, so an excursion among them still counts.
    """

    above: float | None = None
    below: float | None = None
    is_: bool | str | None = msgspec.field(name="is", default=None)
    clear: float | None = None
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0

    SUBJECT: ClassVar[Subject] = "point"
    ABSENCE: ClassVar[bool] = False

    def fresh(self) -> Since:
        return Since()

    def judge(self, memory: Since, reading: Reading, now: int) -> Verdict:
        holds = self._holds(reading.value)
        if holds is None:
            return Verdict.HOLD
        self._settle(memory, now)
        if holds is not memory.active:
            memory.active = holds
            memory.since = now if holds or memory.firing else 0
            self._settle(memory, now)
        return Verdict.ALARM if memory.firing else Verdict.NORMAL

    def tick(self, memory: Since, now: int) -> Verdict:
        self._settle(memory, now)
        return Verdict.ALARM if memory.firing else Verdict.NORMAL

    def wake(self, memory: Since) -> int | None:
        if memory.active is memory.firing:
            return None
        return memory.since + round(1000 * (self.for_s if memory.active else self.keep_firing_for_s))

    def calm(self, value: Value) -> bool:
        # Called for every reading of every matching point, so it asks for forgiveness: whatever does not compare
        # with a number is calm, and so are the truths, which do.
        if self.is_ is not None:
            return value != self.is_
        above, below = self.above, self.below
        try:
            if above is not None:
                holds = value > above  # type: ignore[operator]  # the TypeError is the test
            else:
                holds = below is not None and value < below  # type: ignore[operator]  # likewise
        except TypeError:
            return True
        return not holds or value is True or value is False

    def _holds(self, value: Value) -> bool | None:
        """Whether the condition holds; None where the value says nothing or lies between threshold and `clear`."""
        if isinstance(self.is_, bool):
            said = truth(value)
            return None if said is None else said is self.is_
        if self.is_ is not None:
            return value == self.is_ if isinstance(value, str) else None
        if not _is_number(value):
            return None
        # NaN fails every comparison below and so says nothing; an infinity is a reading off the scale, and counts.
        if self.above is not None:
            end = self.above if self.clear is None else self.clear
            return True if value > self.above else False if value <= end else None
        if self.below is not None:
            end = self.below if self.clear is None else self.clear
            return True if value < self.below else False if value >= end else None
        return None

    def _settle(self, memory: Since, now: int) -> None:
        """Let pass what has fallen due by `now`, so that a late tick ends where one in time does."""
        due = self.wake(memory)
        if due is not None and now >= due:
            memory.firing = memory.active
            if not memory.firing:
                memory.since = 0

    def check(self, rule: Rule) -> list[Problem]:
        found = seconds(self, "for_s", "keep_firing_for_s")
        given = {"above": self.above, "below": self.below, "is": self.is_}
        said = [name for name, value in given.items() if value is not None]
        if len(said) != 1:
            what = " and ".join(said) + " together" if said else "nothing to compare with"
            found.append(Problem(("when",), what, "exactly one of above, below, is"))
        if self.is_ is None:
            found += number_metrics(rule) + finite(self, "above", "below", "clear")
        else:
            found += truth_metrics(rule, word=isinstance(self.is_, str))
        found += self._check_clear()
        if rule.priority == 1 and self.for_s > 0:
            found.append(
                Problem(("when", "for_s"), "a P1 rule may not wait", "no for_s, or a lower priority")
            )
        if self.is_ == "":
            found.append(Problem(("when", "is"), "an empty word", "true, false or a word"))
        return found

    def _check_clear(self) -> list[Problem]:
        path = ("when", "clear")
        if self.clear is None:
            return []
        if self.is_ is not None:
            return [Problem(path, "clear needs above or below")]
        if self.above is not None and not self.clear <= self.above:
            return [Problem(path, "the alarm would end before it began", f"at most {self.above:g}")]
        if self.below is not None and not self.clear >= self.below:
            return [Problem(path, "the alarm would end before it began", f"at least {self.below:g}")]
        return []


def _is_number(value: Value) -> TypeGuard[float]:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


EXAMPLES = (
    Example(
        "A device's own alarm bit is an alarm at once, and ends with the bit",
        {"kind": "threshold", "is": True},
        [(0, "s1/smoke/", False), (5, "s1/smoke/", True), (5, "s1/smoke/", None), (9, "s1/smoke/", False)],
        [(5, "s1/smoke/", "alarm"), (9, "s1/smoke/", "normal")],
    ),
    Example(
        "Hysteresis: 140 and 159 lie between threshold and clear and change nothing",
        {"kind": "threshold", "below": 140, "clear": 160},
        [
            (0, "h1/pressure/", 300.0),
            (10, "h1/pressure/", 139.9),
            (20, "h1/pressure/", 140.0),
            (30, "h1/pressure/", 159.0),
            (40, "h1/pressure/", 160.0),
            (50, "h1/pressure/", 141.0),
        ],
        [(10, "h1/pressure/", "alarm"), (40, "h1/pressure/", "normal")],
    ),
    Example(
        "for_s: the condition must hold that long; a dip starts it again",
        {"kind": "threshold", "above": 50, "for_s": 60},
        [(0, "c1/co_ppm/", 80.0), (30, "c1/co_ppm/", 20.0), (40, "c1/co_ppm/", 90.0), (200, "", None)],
        [(100, "c1/co_ppm/", "alarm")],
    ),
    Example(
        "keep_firing_for_s: a short return does not end the alarm",
        {"kind": "threshold", "is": "offline", "keep_firing_for_s": 30},
        [
            (0, "g1/availability/", "offline"),
            (10, "g1/availability/", "online"),
            (20, "g1/availability/", "offline"),
            (50, "g1/availability/", "online"),
            (90, "", None),
        ],
        [(0, "g1/availability/", "alarm"), (80, "g1/availability/", "normal")],
    ),
)
