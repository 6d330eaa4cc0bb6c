"""The kinds' documented examples, and what each says at its edges."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from devices.catalogue import Level
from devices.reading import Reading
from rules.cases import run_example
from rules.example import Example
from rules.kinds import examples, kinds
from rules.kinds.quorum import Quorum
from rules.kinds.rate import Rate
from rules.kinds.stale import Stale
from rules.kinds.threshold import Threshold
from rules.rule import Verdict


@pytest.mark.parametrize(
    ("module", "example"), examples(), ids=lambda x: x if isinstance(x, str) else x.title
)
def test_examples(module: str, example: Example) -> None:
    """Every documented example of a kind comes out as documented."""
    result = run_example(example)
    assert example.when["kind"] == module
    assert result.ok, result.diff


def test_every_kind_is_found_and_documented() -> None:
    """A kind is one file: found by its name, frozen, and shown by at least one example."""
    assert {"threshold", "stale", "rate", "quorum"} <= set(kinds())
    assert {module for module, _ in examples()} == set(kinds())
    for kind in kinds().values():
        assert kind.__struct_config__.frozen
        assert kind.SUBJECT in ("point", "device", "place")
        assert isinstance(kind.ABSENCE, bool)


def says(kind: Any, value: Any) -> Verdict:
    """What a fresh memory says of one reading."""
    verdict: Verdict = kind.judge(kind.fresh(), Reading("d/m/", value), 0)
    return verdict


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        (Threshold(above=10), 10, Verdict.NORMAL),
        (Threshold(above=10), 10.001, Verdict.ALARM),
        (Threshold(above=10), math.inf, Verdict.ALARM),  # off the scale is no reason for silence
        (Threshold(above=10), 10**400, Verdict.ALARM),
        (Threshold(above=10), math.nan, Verdict.HOLD),
        (Threshold(above=0.5), True, Verdict.HOLD),
        (Threshold(below=0.5), False, Verdict.HOLD),
        (Threshold(above=10), "11", Verdict.HOLD),
        (Threshold(above=10), None, Verdict.HOLD),
        (Threshold(below=140), 140, Verdict.NORMAL),
        (Threshold(below=140), 139.9, Verdict.ALARM),
        (Threshold(below=140, clear=160), 150, Verdict.HOLD),
        (Threshold(is_=True), True, Verdict.ALARM),
        (Threshold(is_=True), 1, Verdict.ALARM),  # some hardware says truths in numbers
        (Threshold(is_=True), 0, Verdict.NORMAL),
        (Threshold(is_=True), "on", Verdict.HOLD),  # no truth, so neither alarm nor all-clear
        (Threshold(is_=True), 2, Verdict.HOLD),
        (Threshold(is_=True), None, Verdict.HOLD),
        (Threshold(is_=False), False, Verdict.ALARM),
        (Threshold(is_=False), True, Verdict.NORMAL),
        (Threshold(is_="offline"), "offline", Verdict.ALARM),
        (Threshold(is_="offline"), "online", Verdict.NORMAL),
        (Threshold(is_="offline"), False, Verdict.HOLD),
        (Rate(direction="fall", by=1, within_s=1), "x", Verdict.HOLD),
        (Rate(direction="fall", by=1, within_s=1), math.inf, Verdict.HOLD),
        (Rate(direction="fall", by=1, within_s=1), 5.0, Verdict.NORMAL),
        (Quorum(count=2, within_s=1, place=Level.FLOOR), True, Verdict.NORMAL),
        (Quorum(count=2, within_s=1, place=Level.FLOOR), "on", Verdict.HOLD),
    ],
)
def test_one_reading(kind: Any, value: Any, verdict: Verdict) -> None:
    """What a single reading means to a rule that remembers nothing."""
    assert says(kind, value) is verdict


def test_coalesced_readings_still_show_the_excursion() -> None:
    """Minimum, maximum and last of an overloaded second: the minimum alarms though the last is fine."""
    kind = Threshold(below=100, clear=120)
    memory = kind.fresh()
    said = [kind.judge(memory, Reading("h/pressure/", v, None, 16), 5) for v in (80.0, 310.0, 300.0)]
    assert said == [Verdict.ALARM, Verdict.NORMAL, Verdict.NORMAL]


@pytest.mark.parametrize(
    ("stale", "period_s", "silence_s"),
    [
        (Stale(after_s=90_000), None, 90_000),
        (Stale(after_s=90_000), 3600, 7260),
        (Stale(after_s=90_000), 86_400, 90_000),  # twice a day and more would be later than the most
        (Stale(after_s=180), 60, 180),
        (Stale(after_s=90, periods=3, margin_s=0), 20, 60),
        (Stale(after_s=694_800, periods=0), 60, 694_800),
        (Stale(after_s=90_000), 0, 90_000),
        (Stale(after_s=90_000, periods=2.5, margin_s=0), 0.1, 0.25),
    ],
)
def test_deadline(stale: Stale, period_s: float | None, silence_s: float) -> None:
    """So much silence is allowed: periods and margin, never more than after_s."""
    assert stale.deadline(1_000_000, period_s) == 1_000_000 + round(silence_s * 1000)


def test_stale_needs_no_memory() -> None:
    """A message costs an absence rule nothing: no memory, no timer, no verdict of its own."""
    stale: Any = Stale(after_s=180)
    assert stale.fresh() is None
    assert stale.calm("anything")
    assert stale.judge(None, Reading("d/m/", 1), 0) is Verdict.NORMAL
    assert stale.tick(None, 10**15) is Verdict.HOLD
    assert stale.wake(None) is None


def test_a_device_that_clears_is_forgotten_on_time() -> None:
    """A vote lasts within_s after the device cleared, to the millisecond."""
    kind = Quorum(count=2, within_s=10, place=Level.FLOOR)
    for gap, verdict in ((9_999, Verdict.ALARM), (10_000, Verdict.NORMAL)):
        memory = kind.fresh()
        kind.judge(memory, Reading("a/smoke/", True), 0)
        kind.judge(memory, Reading("a/smoke/", False), 1000)
        assert kind.judge(memory, Reading("b/smoke/", True), 1000 + gap) is verdict


def test_a_device_with_one_point_still_active_keeps_its_vote() -> None:
    """Smoke cleared while heat stands: the device still counts."""
    kind = Quorum(count=2, within_s=0, place=Level.FLOOR)
    memory = kind.fresh()
    kind.judge(memory, Reading("a/smoke/", True), 0)
    kind.judge(memory, Reading("a/heat/", True), 0)
    kind.judge(memory, Reading("a/smoke/", False), 1)
    assert kind.judge(memory, Reading("b/smoke/", True), 10_000) is Verdict.ALARM


def test_kinds_decode_from_their_own_bytes() -> None:
    """A question survives the plan's msgpack: same kind, same settings."""
    for kind in (
        Threshold(is_="offline", for_s=5),
        Stale(after_s=9),
        Rate(direction="rise", by=1, within_s=2),
    ):
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(kind), type=type(kind)) == kind
