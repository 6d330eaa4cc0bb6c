"""The figures as numbers by name: what `/metrics` shows and what the gateway's own device reports once a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from gateway import text
from gateway.figures import Figures


class Named(NamedTuple):
    """One figure: its metric (in `/metrics` with `csg_` before it), what it says, and where it is found."""

    metric: str
    about: str
    of: Callable[[Figures], float | None]


NAMED: Final = (
    Named("alarms_10min", "P1 to P3 alarms in the last ten minutes.", lambda f: f.last_10min),
    Named("alarm_rate_10min", "Mean P1 to P3 alarms in ten minutes of the last day.", lambda f: f.rate_10min),
    Named("alarm_peak_10min", "Most P1 to P3 alarms in ten minutes of the last day.", lambda f: f.peak_10min),
    Named("flood_percent", "Percent of the last day in alarm flood.", lambda f: f.flood_percent),
    Named(
        "top_alarms_percent",
        "Percent of the last day's alarms from the ten most frequent.",
        lambda f: f.top_percent,
    ),
    Named("alarms_chattering", "Alarms that chattered in the last day.", lambda f: f.chattering),
    Named("alarms_fleeting", "Alarms over within seconds in the last day.", lambda f: f.fleeting),
    Named("alarms_standing", "Alarms whose condition is there now.", lambda f: f.standing),
    Named("alarms_stale", "Alarms standing for more than 24 h.", lambda f: f.stale),
    Named("alarms_shelved", "Alarms shelved now.", lambda f: f.shelved),
    Named("alarms_out_of_service", "Alarms out of service now.", lambda f: f.out_of_service),
    Named("answer_median_s", "Median time until a P1 or P2 was answered.", lambda f: f.answer_median_s),
    Named("answer_p95_s", "95th percentile until a P1 or P2 was answered.", lambda f: f.answer_p95_s),
    Named(
        "answer_late_percent",
        "Percent of P1 and P2 not answered within the target.",
        lambda f: f.late_percent,
    ),
    Named(
        "false_alarm_percent",
        "Percent of judged incidents that were false alarms.",
        lambda f: f.false_percent,
    ),
    Named(
        "escalations_unanswered",
        "Incidents whose call chain came to its end unanswered.",
        lambda f: f.unanswered,
    ),
)

RAISED: Final = "alarms_raised"
FALSE: Final = "false_alarms"


def named(figures: Figures) -> Iterator[tuple[Named, float]]:
    """Each figure there is a number for."""
    for one in NAMED:
        value = one.of(figures)
        if value is not None:
            yield one, float(value)


def causes(figures: Figures) -> Mapping[str, int]:
    """False alarms by the causes we have words for; whatever else people wrote is `other`, so that names stay few."""
    counted: dict[str, int] = {}
    for cause, count in figures.false_causes.items():
        known = cause if text.has(f"cause.{cause}") else "other"
        counted[known] = counted.get(known, 0) + count
    return counted


def readings(figures: Figures) -> Iterator[tuple[str, str, float]]:
    """`(metric, channel, value)`; the channel is the site, with ` P1` or ` cause` behind it where a figure has parts.

    A slash, which no channel may hold, is written as `_`.
    """
    site = figures.site.replace("/", "_")
    for one, value in named(figures):
        yield one.metric, site, value
    for priority, count in figures.raised.items():
        yield RAISED, f"{site} P{priority}", float(count)
    for cause, count in causes(figures).items():
        yield FALSE, f"{site} {cause}", float(count)
