"""The index of rules: the same answers as asking every rule, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from devices.catalogue import Catalogue, Device, Level, Place
from devices.reading import Hazard
from rules.compile import RuleIndex
from rules.kinds.stale import Stale
from rules.kinds.threshold import Threshold
from rules.rule import Match, Rule

PLACES = {
    "s": Place("s", Level.SITE, "s"),
    "b1": Place("b1", Level.BUILDING, "1", "s"),
    "b2": Place("b2", Level.BUILDING, "2", "s"),
    "b1f1": Place("b1f1", Level.FLOOR, "1", "b1"),
}
CATALOGUE = Catalogue(PLACES)


def some(*words: str) -> st.SearchStrategy[tuple[str, ...]]:
    """None, one or two of the words."""
    return st.lists(st.sampled_from(words), max_size=2, unique=True).map(tuple)


matches = st.builds(
    Match,
    metric=some("smoke", "pressure"),
    channel=some("1", "2"),
    kind=some("smoke", "gas"),
    source=some("a", "b"),
    under=some("s", "b1", "b2", "b1f1", "gone"),
    not_kind=some("camera", "gas"),
    mains=st.sampled_from((None, None, True, False)),
)
devices = st.one_of(
    st.none(),
    st.builds(
        Device,
        id=st.just("a:d"),
        place=st.sampled_from((*PLACES, "unknown")),
        kind=st.sampled_from(("", "smoke", "gas", "camera")),
        mains=st.booleans(),
    ),
)


def rule(number: int, match: Match, *, alarm: bool = False, absence: bool = False) -> Rule:
    """A rule with this match."""
    when = Stale(after_s=60) if absence else Threshold(is_=True)
    return Rule(f"r{number}", {}, Hazard.FIRE, 1, match, when, device_alarm=alarm)


def belongs(match: Match, device: Device | None, source: str) -> bool:
    """The long way round, as the contract says it."""
    above = [place.id for place in CATALOGUE.path(device.place)] if device else []
    kind = device.kind if device else ""
    return all(
        (
            not match.kind or kind in match.kind,
            kind not in match.not_kind,
            not match.source or source in match.source,
            not match.under or bool(set(above) & set(match.under)),
            match.mains is None or (device is not None and device.mains is match.mains),
        )
    )


@given(
    st.lists(st.tuples(matches, st.booleans(), st.booleans()), max_size=8),
    st.lists(
        st.tuples(
            devices,
            st.sampled_from(("smoke", "pressure", "other")),
            st.sampled_from(("", "1", "2", "x")),
            st.sampled_from(("a", "b", "c")),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_agrees_with_asking_every_rule(
    rules: list[tuple[Match, bool, bool]], asked: list[tuple[Device | None, str, str, str]]
) -> None:
    """Memoised or not, in the order of the rules: exactly those that match."""
    made = [
        rule(n, match, alarm=alarm and not absence, absence=absence)
        for n, (match, alarm, absence) in enumerate(rules)
    ]
    index = RuleIndex(made, CATALOGUE)
    for device, metric, channel, source in asked * 2:
        expected = tuple(
            r
            for r in made
            if not r.when.ABSENCE
            and (not r.match.metric or metric in r.match.metric)
            and (
                r.device_alarm
                or ((not r.match.channel or channel in r.match.channel) and belongs(r.match, device, source))
            )
        )
        assert index.rules_for(device, metric, channel, source) == expected
        silent = tuple(r for r in made if r.when.ABSENCE and belongs(r.match, device, source))
        assert index.absence_for(device, source) == silent


def test_devices_cannot_fill_the_memory() -> None:
    """Ten thousand made-up channels, metrics, kinds, places and sources leave a handful of answers behind."""
    rules = [
        rule(0, Match(metric=("smoke",), channel=("1",))),
        rule(1, Match(kind=("gas",), source=("a",), under=("b1",))),
    ]
    index = RuleIndex(rules, CATALOGUE)
    for n in range(10_000):
        index.rules_for(
            Device(f"a:{n}", f"place-{n}", f"kind-{n}"), f"metric-{n}", f"channel-{n}", f"source-{n}"
        )
    assert len(index._found) == 1
    assert len(index._under) == 0


def test_a_device_alarm_counts_wherever_it_comes_from() -> None:
    """Even a device-alarm rule that says it holds only somewhere holds everywhere: fail towards the alarm."""
    narrow = rule(
        0, Match(metric=("smoke",), channel=("9",), kind=("gas",), source=("z",), under=("b2",)), alarm=True
    )
    assert RuleIndex([narrow], CATALOGUE).rules_for(None, "smoke", "", "a") == (narrow,)


def test_an_unplaced_device_matches_what_restricts_nothing() -> None:
    """Unknown devices are judged by every rule that asks for no kind and no place."""
    rules = [
        rule(0, Match(metric=("smoke",))),
        rule(1, Match(metric=("smoke",), kind=("smoke",))),
        rule(2, Match(metric=("smoke",), under=("s",))),
        rule(3, Match(metric=("smoke",), not_kind=("camera",))),
    ]
    assert RuleIndex(rules, CATALOGUE).rules_for(None, "smoke", "", "a") == (rules[0], rules[3])
