"""Turns what a camera sees into readings of its points."""

from __future__ import annotations

from collections import Counter

from devices.picture.analytic import Plugin, Sight
from devices.reading import Reading, point_id
from devices.vocabulary import clean_channel


def reading_of(plugin: Plugin, device: str, sight: Sight, measured_at: int | None = None) -> Reading | None:
    """The reading that a sight is: True when it begins, False when it is over; None for a type that no metric holds.

    The channel is the zone's name, and the type where several types share the metric: `camera_tamper/covered`,
    `obstruction/lane`. `measured_at` is the frame's UTC time in ms, which only the shell knows.
    """
    metric = plugin.METRICS[sight.type]
    if not metric:
        return None
    shared = Counter(plugin.METRICS.values())[metric] > 1
    channel = clean_channel("_".join(part for part in (sight.zone, sight.type if shared else "") if part))
    return Reading(point_id(device, metric, channel), sight.end is None, measured_at)
