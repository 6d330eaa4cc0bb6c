"""Rate: a number rises or falls by so much within so long."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import msgspec

from devices.reading import Reading, Value
from rules.example import Example
from rules.limits import finite, number_metrics, seconds
from rules.memory import Window
from rules.problem import Problem
from rules.rule import Rule, Subject, Verdict
from rules.value import number

SLOTS: Final = 60
"""A window is cut into this many slots of one remembered value each; so it may look 1/60 further back than it says."""


class Rate(
    msgspec.Struct, frozen=True, tag_field="kind", tag="rate", forbid_unknown_fields=True, kw_only=True
):
    """ALARM while the last value is at least `by` below (or above) the highest (lowest) of the last `within_s`.

    One value alone is no change, and neither is a first value after a silence longer than `within_s`. The alarm ends
    `keep_firing_for_s` after that is no longer so, at the latest when the change is as old as the window.
    """

    direction: Literal["rise", "fall"]
    by: float
    within_s: float
    keep_firing_for_s: float = 0.0

    SUBJECT: ClassVar[Subject] = "point"
    ABSENCE: ClassVar[bool] = False

    def fresh(self) -> Window:
        return Window()

    def judge(self, memory: Window, reading: Reading, now: int) -> Verdict:
        value = number(reading.value)
        if value is None:
            return Verdict.HOLD
        within, slot = self._times()
        memory.forget_before((now - within) // slot)
        memory.add(now // slot, value, keep_high=self.direction == "fall")
        return self._say(memory, now, within, slot)

    def tick(self, memory: Window, now: int) -> Verdict:
        within, slot = self._times()
        memory.forget_before((now - within) // slot)
        verdict = self._say(memory, now, within, slot)
        memory.forget_before((now - within) // slot)  # once more: what no longer fires may be as fresh as new
        return verdict

    def wake(self, memory: Window) -> int | None:
        return memory.until if memory.firing else None

    def calm(self, value: Value) -> bool:
        return number(value) is None  # every number is remembered, so none is calm

    def _times(self) -> tuple[int, int]:
        """The window and one slot of it, in ms."""
        within = max(1, round(1000 * self.within_s))
        return within, -(-within // SLOTS)

    def _say(self, memory: Window, now: int, within: int, slot: int) -> Verdict:
        changed_in = None
        last, sign = memory.last, 1 if self.direction == "fall" else -1
        for known, value in zip(memory.slots, memory.values, strict=True):
            if sign * (value - last) < self.by:
                break  # values come in order: the next ones are nearer still
            changed_in = known
        if changed_in is None and not memory.firing:
            return Verdict.NORMAL
        keep = round(1000 * self.keep_firing_for_s)
        if changed_in is not None:
            memory.firing = True
            memory.until = (changed_in + 1) * slot + within + keep  # when the last of them leaves the window
        else:
            memory.until = min(memory.until, now + keep)
            if now >= memory.until:
                memory.firing, memory.until = False, 0
        return Verdict.ALARM if memory.firing else Verdict.NORMAL

    def check(self, rule: Rule) -> list[Problem]:
        found = seconds(self, "within_s", above_zero=True) + seconds(self, "keep_firing_for_s")
        found += number_metrics(rule) + finite(self, "by")
        if self.by <= 0:
            found.append(
                Problem(("when", "by"), f"{self.by:g} is no change", "more than 0; direction says which way")
            )
        return found


EXAMPLES = (
    Example(
        "Pressure falls by 60 kPa within a minute",
        {"kind": "rate", "direction": "fall", "by": 50, "within_s": 60},
        [
            (0, "h1/pressure/", 300.0),
            (30, "h1/pressure/", 298.0),
            (55, "h1/pressure/", 240.0),
            (200, "", None),
        ],
        [(55, "h1/pressure/", "alarm"), (91, "h1/pressure/", "normal")],
    ),
    Example(
        "The same fall over an hour is none, nor is the first value after a silence",
        {"kind": "rate", "direction": "fall", "by": 50, "within_s": 60},
        [(t * 600, "h1/pressure/", 300.0 - 20 * t) for t in range(6)],
        [],
    ),
    Example(
        "Temperature rises by 20 degrees within two minutes",
        {"kind": "rate", "direction": "rise", "by": 20, "within_s": 120, "keep_firing_for_s": 60},
        [
            (0, "t1/temperature/", 22.0),
            (60, "t1/temperature/", 31.0),
            (90, "t1/temperature/", 44.0),
            (100, "t1/temperature/", 30.0),
            (200, "", None),
        ],
        [(90, "t1/temperature/", "alarm"), (160, "t1/temperature/", "normal")],
    ),
)
