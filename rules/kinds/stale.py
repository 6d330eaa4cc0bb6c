"""Stale: a device has said nothing for too long."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from devices.reading import Reading, Value
from rules.example import Example
from rules.limits import seconds
from rules.problem import Problem
from rules.rule import Rule, Subject, Verdict


class Stale(
    msgspec.Struct, frozen=True, tag_field="kind", tag="stale", forbid_unknown_fields=True, kw_only=True
):
    """ALARM when a device has been silent for `periods` of its own report period and `margin_s` more.

    Never later than `after_s`, which also holds where no period is known; `periods: 0` means `after_s` alone. Any
    message from the device ends it. There is no memory: the engine knows when a device was last heard, asks for the
    `deadline`, and extends it by the time in which we were blind ourselves.
    """

    after_s: float
    periods: float = 2.0
    margin_s: float = 60.0

    SUBJECT: ClassVar[Subject] = "device"
    ABSENCE: ClassVar[bool] = True

    def deadline(self, last_seen: int, period_s: float | None) -> int:
        """The UTC ms from which the device's silence is an alarm."""
        silence_s = self.after_s
        if period_s and self.periods:
            silence_s = min(silence_s, self.periods * period_s + self.margin_s)
        return last_seen + round(1000 * silence_s)

    def fresh(self) -> None:
        return None

    def judge(self, memory: None, reading: Reading, now: int) -> Verdict:
        return Verdict.NORMAL

    def tick(self, memory: None, now: int) -> Verdict:
        return Verdict.HOLD

    def wake(self, memory: None) -> int | None:
        return None

    def calm(self, value: Value) -> bool:
        return True

    def check(self, rule: Rule) -> list[Problem]:
        found = seconds(self, "after_s", above_zero=True) + seconds(self, "margin_s")
        if not 0 <= self.periods <= 1000:
            found.append(
                Problem(("when", "periods"), f"{self.periods!r} is no number of periods", "0 to 1000")
            )
        if rule.latch:
            found.append(Problem(("latch",), "a device that is heard again needs no reset", "latch: false"))
        found += (
            Problem(
                ("match", field), f"silence belongs to a device, not to a {field}", "kind, source or under"
            )
            for field in ("metric", "channel")
            if getattr(rule.match, field)
        )
        return found


EXAMPLES = (
    Example(
        "Two of its own periods and the margin",
        {"kind": "stale", "after_s": 90_000},
        [(0, "d1/temperature/", 20.0), (1000, "d1/temperature/", 21.0), (4000, "d1/battery/", 80)],
        [(2260, "d1", "alarm"), (4000, "d1", "normal")],
        period_s=600,
    ),
    Example(
        "after_s is the most, whatever period the device claims",
        {"kind": "stale", "after_s": 180},
        [(0, "g1/gas/", False), (300, "", None)],
        [(180, "g1", "alarm")],
        period_s=3600,
    ),
    Example(
        "No known period: after_s",
        {"kind": "stale", "after_s": 90_000},
        [(0, "s1/smoke/", False), (89_999, "", None), (90_001, "", None)],
        [(90_000, "s1", "alarm")],
    ),
)
