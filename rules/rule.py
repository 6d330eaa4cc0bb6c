"""What a rule is: a question (its kind) asked of matching subjects, and what an answer means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, ClassVar, Literal, Protocol

import msgspec

from devices.catalogue import Level
from devices.reading import Hazard, Reading, Value
from rules.problem import Problem

Subject = Literal["point", "device", "place"]


class Verdict(IntEnum):
    """What a rule says of its subject now. HOLD: nothing new; whatever it said before stands."""

    HOLD = 0
    NORMAL = 1
    ALARM = 2


class Kind(Protocol):
    """The question a rule asks: a frozen tagged `msgspec.Struct` in `rules/kinds/<kind>.py`.

    Pure and deterministic. `memory` is whatever `fresh()` gave, mutable, bounded, encodable by msgspec; one per
    subject, created when first needed. `judge` is called for each live reading of a matching point (never for invalid,
    historical or retained ones); `tick` is called when the time `wake` gave has come, or at any later time. `subject`
    says what owns one memory: a point, a device, or the place at `place` level.
    `calm(value)` may answer True only if `judge` on a fresh memory would say NORMAL or HOLD and leave it fresh; the
    engine then skips the call. A memory equal to `fresh()` may be forgotten. Kinds with `ABSENCE` judge silence
    instead of readings: see `Absence`. `check` says what is wrong with a rule that asks this question.
    """

    SUBJECT: ClassVar[Subject]
    ABSENCE: ClassVar[bool]

    def fresh(self) -> Any: ...
    def judge(self, memory: Any, reading: Reading, now: int) -> Verdict: ...
    def tick(self, memory: Any, now: int) -> Verdict: ...
    def wake(self, memory: Any) -> int | None: ...
    def calm(self, value: Value) -> bool: ...
    def check(self, rule: Rule) -> list[Problem]: ...


class Absence(Kind, Protocol):
    """A kind that asks whether a device still speaks: it needs no memory and no call per message.

    The engine raises the alarm when `deadline` has passed and clears it at the device's next message.
    """

    def deadline(self, last_seen: int, period_s: float | None) -> int:
        """The UTC ms after which silence is an alarm; `period_s` is how often the device reports, when known."""
        ...


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which points a rule looks at. Every given field must fit; an empty one fits all.

    `metric`: canonical metric names. `channel`: exact channel names. `kind`: device kinds of the catalogue. `source`:
    source names. `under`: place ids; the device's place must be one of them or below one. `not_kind` leaves kinds
    out: devices of unknown kind stay in. `mains`: only devices that are (or are not) on mains power.
    """

    metric: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    not_kind: tuple[str, ...] = ()
    mains: bool | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of a pack or a site. `when` holds the kind's config (tag `kind`).

    `priority` 1..4. `latch` alarms need a reset. `effect`: "alarm" raises an alarm; "confirm" only adds "confirmed by
    devices" to the incident of that hazard in that place and can never lower or delay one. `device_alarm` marks rules
    that hand on a device's own P1 bit: such a rule may have no on-delay and no site may override it to less.
    `group` is the place level whose alarms of this hazard make one incident (None: the hazard's default). `impairs`: a
    detector on which this alarm stands cannot be relied on to raise its own.
    """

    id: str
    title: Mapping[str, str]  # "zh-CN" and "en", both required
    hazard: Hazard
    priority: int
    match: Match
    when: Any  # a Kind; decoded by rules.load
    latch: bool = False
    effect: Literal["alarm", "confirm"] = "alarm"
    device_alarm: bool = False
    group: Level | None = None
    impairs: bool = False
    advice: Mapping[str, str] = {}  # what to do first, for the step card; "zh-CN" and "en"


class CaseStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `at` seconds from the start: `point` ("device/metric/channel") reads `value`; without a point, time passes."""

    at: float
    point: str | None = None
    value: Value = None
    flags: int = 0


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One worked example of a rule, kept beside it and run by `csg rules test`.

    `expect` lists `[seconds, subject, "alarm"|"normal"]` for every change of verdict in order; `places` gives the place
    path, site first, of each device named in the steps where the rule's subject is a place.
    """

    name: str
    rule: str
    steps: Sequence[CaseStep]
    expect: Sequence[tuple[float, str, str]]
    places: Mapping[str, Sequence[tuple[str, str]]] = {}  # device -> [[level, id], ...]


class Pack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One YAML file of rules with their cases."""

    rules: Sequence[Rule]
    cases: Sequence[Case] = ()
