"""Every analytic sees in its examples what they say, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from devices.discover import discover
from devices.picture.analytic import UNRELIABLE, Example
from devices.picture.reading import reading_of
from devices.picture.view import CLIP
from devices.picture.watch import Watch
from devices.reading import METRICS

PLUGINS = discover("devices.vision")
CASES = [
    pytest.param(name, example, id=f"{name}: {example.title}")
    for name, plugin in PLUGINS.available()
    for example in plugin.EXAMPLES
]


@pytest.mark.parametrize(("name", "example"), CASES)
def test_examples(name: str, example: Example) -> None:
    """An analytic's examples hold: each sight in its time, ended or standing, no other, under known metrics."""
    plugin: Any = PLUGINS[name]
    watch = Watch({name: plugin}, CLIP, example.options)
    begun, ended = [], set()
    for at, picture in example.frames():
        for _, sight in watch.feed(at, picture):
            reading = reading_of(plugin, "cam:gate", sight)
            assert reading is None or reading.value is (sight.end is None)
            if sight.end is None:
                begun.append(sight)
            else:
                ended.add((sight.type, sight.start, sight.zone))
    begun.sort(key=lambda sight: sight.start)
    assert [s.type for s in begun] == [wanted[0] for wanted in example.sights]
    for sight, (_, earliest, latest, ends) in zip(begun, example.sights, strict=True):
        assert earliest <= sight.start / 1000 <= latest
        assert ((sight.type, sight.start, sight.zone) in ended) is ends
        x, y, width, height = sight.box
        assert min(x, y, width, height, sight.score) >= 0
        assert max(x + width, y + height, sight.score) <= 1.0001


@pytest.mark.parametrize("name", PLUGINS.names)
def test_metrics_are_in_the_table(name: str) -> None:
    """What a sight becomes is a metric that rules know, or said to be none."""
    assert all(metric == "" or metric in METRICS for metric in PLUGINS[name].METRICS.values())
    assert not PLUGINS[name].METRICS.get(UNRELIABLE), "that nothing can be seen is no finding"
