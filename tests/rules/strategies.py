"""What rule properties are tried on: any value hardware could send, and every kind in many settings."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from devices.catalogue import Level
from rules.kinds.quorum import Quorum
from rules.kinds.rate import Rate
from rules.kinds.threshold import Threshold

POINTS = ("s1/smoke/", "s1/smoke/2", "s1/heat/", "s2/smoke/", "s3/smoke/")

levels = st.integers(-3, 12).map(float)
words: st.SearchStrategy[Any] = st.sampled_from((True, False, "on"))
spans = st.sampled_from((0.0, 0.5, 1.0, 2.5, 5.0))

plain_values = st.one_of(
    st.booleans(), st.integers(-3, 12), levels, st.sampled_from(("on", "off")), st.none()
)
any_values = st.one_of(plain_values, st.floats(), st.integers(), st.just(10**400), st.text(max_size=5))


@st.composite
def thresholds(draw: st.DrawFn) -> Threshold:
    """Any threshold that `check` would let pass, for every priority."""
    for_s, keep_s = draw(spans), draw(spans)
    which = draw(st.sampled_from(("above", "below", "is")))
    if which == "is":
        return Threshold(is_=draw(words), for_s=for_s, keep_firing_for_s=keep_s)
    low, high = sorted((draw(levels), draw(levels)))
    clears = draw(st.booleans())
    if which == "above":
        clear = low if clears else None
        return Threshold(above=high, clear=clear, for_s=for_s, keep_firing_for_s=keep_s)
    return Threshold(below=low, clear=high if clears else None, for_s=for_s, keep_firing_for_s=keep_s)


rates = st.builds(
    Rate,
    direction=st.sampled_from(("rise", "fall")),
    by=st.integers(1, 8).map(float),
    within_s=st.sampled_from((0.001, 0.5, 3, 10)),
    keep_firing_for_s=spans,
)
quorums = st.builds(Quorum, count=st.integers(2, 3), within_s=spans, place=st.just(Level.FLOOR))
kinds: st.SearchStrategy[Any] = st.one_of(thresholds(), rates, quorums)

events = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from(POINTS), plain_values), min_size=1, max_size=25
)
"""`(ms since the one before, point, value)`."""
