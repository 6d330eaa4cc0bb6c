"""Quorum: several devices of one place say the same within so long; it only ever adds to what each says alone."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from devices.catalogue import Level
from devices.reading import Reading, Value, split_point
from rules.example import Example
from rules.limits import seconds, truth_metrics
from rules.memory import DEVICES_MAX, Votes
from rules.problem import Problem
from rules.rule import Rule, Subject, Verdict
from rules.value import truth

WITNESS: Final = "?"  # before the name of a device that is only a witness; no device's id begins so


class Quorum(
    msgspec.Struct, frozen=True, tag_field="kind", tag="quorum", forbid_unknown_fields=True, kw_only=True
):
    """ALARM when `count` distinct devices of one place (at `place` level) are active, or were within `within_s`.

    Two points of one device are one device; a panel or transmission device that repeats the alarm of a detector behind
    it is none. A device that clears stays counted for `within_s`: smoke moves on. NORMAL
    again when all have cleared and that time has passed, not before. Devices without a place, or without such a place
    above them, have no vote.

    `witness`: metrics of the rule that only add to the others: of the devices that count one must say such a metric,
    and one something else. So a camera that may see a flame confirms a detector, and cameras never one another.
    """

    count: int
    within_s: float
    place: Level
    witness: tuple[str, ...] = ()

    SUBJECT: ClassVar[Subject] = "place"
    ABSENCE: ClassVar[bool] = False

    def fresh(self) -> Votes:
        return Votes()

    def judge(self, memory: Votes, reading: Reading, now: int) -> Verdict:
        said = truth(reading.value)
        if said is None:
            return Verdict.HOLD
        self._settle(memory, now)
        device, metric, _channel = split_point(reading.point)
        if metric in self.witness:
            device = WITNESS + device
        if said:
            memory.yes(device, reading.point)
        else:
            memory.no(device, reading.point, now)
        self._settle(memory, now)
        return Verdict.ALARM if memory.firing else Verdict.NORMAL

    def tick(self, memory: Votes, now: int) -> Verdict:
        self._settle(memory, now)
        return Verdict.ALARM if memory.firing else Verdict.NORMAL

    def wake(self, memory: Votes) -> int | None:
        if self.witness and memory.left:
            return min(memory.left.values()) + round(1000 * self.within_s)  # either side may be gone first
        if memory.active or not memory.left:
            return None  # while anyone is active, time alone ends nothing
        return max(memory.left.values()) + round(1000 * self.within_s)

    def calm(self, value: Value) -> bool:
        return value != 1  # equal to True and to nothing else that is true

    def _settle(self, memory: Votes, now: int) -> None:
        memory.forget_until(now - round(1000 * self.within_s))
        count = self._count(memory)
        memory.firing = count >= self.count or (memory.firing and count > 0)

    def _count(self, memory: Votes) -> int:
        if not self.witness:
            return memory.count()
        names = {*memory.active, *memory.left}
        witnesses = {name for name in names if name.startswith(WITNESS)}
        both = bool(witnesses) and len(witnesses) < len(names)
        return len({name.removeprefix(WITNESS) for name in names}) if both else 0

    def check(self, rule: Rule) -> list[Problem]:
        found = seconds(self, "within_s") + truth_metrics(rule)
        if not 2 <= self.count <= DEVICES_MAX // 4:
            expected = f"2 to {DEVICES_MAX // 4}"
            found.append(Problem(("when", "count"), f"{self.count} devices are no quorum", expected))
        for name in self.witness:
            if name not in rule.match.metric:
                expected = "a metric of match"
                found.append(
                    Problem(("when", "witness"), f"{name} is not among the rule's metrics", expected)
                )
        return found


_FLOOR = {name: [("site", "s"), ("building", "b3"), ("floor", "b3-f07")] for name in ("s1", "s2")}
_QUESTION = {"kind": "quorum", "count": 2, "within_s": 300, "place": "floor"}

_CAMERA = {"kind": "quorum", "count": 2, "within_s": 120, "place": "floor", "witness": ["possible_flame"]}

EXAMPLES = (
    Example(
        "A camera that may see a flame confirms the detector; two cameras confirm nothing",
        _CAMERA,
        [
            (0, "c1/possible_flame/", True),
            (5, "c2/possible_flame/", True),
            (60, "c2/possible_flame/", False),
            (90, "s1/smoke/", True),
            (200, "s1/smoke/", False),
            (400, "", None),
        ],
        [(90, "b3-f07", "alarm"), (320, "b3-f07", "normal")],
        places={**_FLOOR, "c1": _FLOOR["s1"], "c2": _FLOOR["s1"]},
    ),
    Example(
        "The second detector of a floor, though the first has cleared a minute ago",
        _QUESTION,
        [
            (0, "s1/smoke/", True),
            (60, "s1/smoke/", False),
            (120, "s2/smoke/", True),
            (600, "s2/smoke/", False),
            (1000, "", None),
        ],
        [(120, "b3-f07", "alarm"), (900, "b3-f07", "normal")],
        places=_FLOOR,
    ),
    Example(
        "Two points of one device are one device",
        _QUESTION,
        [(0, "s1/smoke/", True), (5, "s1/heat/", True), (9, "s1/smoke/left", True), (600, "", None)],
        [],
        places=_FLOOR,
    ),
    Example(
        "A detector on another floor, or in no known place, is not a second one",
        _QUESTION,
        [(0, "s1/smoke/", True), (5, "s9/smoke/", True), (9, "sx/smoke/", True), (600, "", None)],
        [],
        places={**_FLOOR, "s9": [("site", "s"), ("building", "b3"), ("floor", "b3-f09")]},
    ),
    Example(
        "A detector, its panel and their transmission device are one detector; the next detector is the second",
        _QUESTION,
        [
            (0, "s:000000000379/1.1.0002000a/smoke/", True),
            (1, "s:000000000379/1.1/fire_detected/", True),
            (2, "s:000000000379/fire_detected/", True),
            (60, "s:000000000379/1.1.0002000b/smoke/", True),
        ],
        [(60, "b3-f07", "alarm")],
        places={
            f"s:000000000379{part}": _FLOOR["s1"] for part in ("", "/1.1", "/1.1.0002000a", "/1.1.0002000b")
        },
    ),
)
