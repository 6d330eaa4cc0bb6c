"""The shapes of device health and coverage as OpenAPI publishes them, and figures into them."""

from __future__ import annotations

from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from devices.reading import METRICS
from gateway.api.models import Bilingual, Page, PlaceRef, Shape, Time
from gateway.health_of import Figures
from gateway.render import rfc3339

Trouble = Literal[
    "lost", "out_of_service", "impaired", "behind", "never", "overdue", "battery", "changes", "link", "clock"
]


class Battery(Shape):
    percent: float
    per_month: float | None = Field(
        description="Percent a month, falling below zero; null from too few days."
    )
    days_left: int | None = Field(description="Until 15 %; null where it does not fall or cannot be said.")


class Radio(Shape):
    metric: Literal["rssi", "linkquality"]
    unit: str | None
    min: int | None = Field(description="Of seven days; every value is the worst of three hours.")
    median: float | None
    recent: float | None = Field(description="The median of the last day.")
    usual: float | None = Field(description="What this device usually has; follows slowly.")


class DeviceClock(Shape):
    bad_share: float | None = Field(description="Share of the last week's times that cannot be true, 0 to 1.")
    ahead_ms: int | None = Field(description="Its clock against ours, by its promptest message of a day.")


class DeviceHealth(Shape):
    """What was learned of a device. Null is "not enough heard to say"."""

    first_at: Time
    last_at: Time
    learned_period_s: int | None = Field(description="The median time between its last reports.")
    steady: bool = Field(description="Most reports keep that time: it may be adopted.")
    battery: Battery | None
    link: Radio | None
    clock: DeviceClock
    changes_today: int = Field(description="New alarms on it, and its goings and comings.")
    changes_most: int = Field(description="On one day of the last week.")
    messages_today: int
    messages_per_day: float | None


class Cause(Shape):
    """An alarm because of which a device cannot raise its own."""

    rule: str
    title: Bilingual
    since: Time
    out_of_service_until: Time | None


class AilingDevice(Shape):
    id: str
    name: str
    kind: str
    model: str
    site: str
    place: PlaceRef
    report_period_s: int | None
    problems: list[Trouble] = Field(description="The worst first.")
    causes: list[Cause]
    health: DeviceHealth | None = Field(description="Null of a device that was never heard.")


class AilingPage(Page):
    at: Time
    counts: dict[str, int] = Field(description="Devices you may see, by their worst problem.")
    items: list[AilingDevice]


class MissingDevice(Shape):
    id: str
    name: str
    kind: str
    place: PlaceRef
    causes: list[Cause]


class Guarded(Shape):
    """A place that is guarded as a whole: a floor, or what stands for it; or a marked place."""

    place: PlaceRef
    level: str
    class_: Literal["fire", "gas", "hydrant"] = Field(alias="class")
    marked: bool = Field(description="An escape route, or somebody here needs help to leave.")
    installed: int
    working: int = Field(description="Can raise an alarm right now.")
    percent: float
    missing: list[MissingDevice] = Field(description="At most 50.")


class ClassSum(Shape):
    class_: Literal["fire", "gas", "hydrant"] = Field(alias="class")
    installed: int
    working: int
    percent: float


class CoveragePage(Page):
    at: Time
    classes: list[ClassSum] = Field(description="Each device once, over every place asked for.")
    items: list[Guarded] = Field(description="The worst first.")


class DueDevice(Shape):
    device: str
    name: str
    kind: str
    place: PlaceRef
    what: Literal["expired", "calibration", "test"]
    day: str = Field(description="YYYY-MM-DD: when it is or was due.")
    overdue: bool


class DuePage(Page):
    items: list[DueDevice]


class Adopted(Shape):
    id: str
    report_period_s: int
    version: int
    planned: bool = Field(description="False: saved, and in force as soon as the engine is back.")


def device_health(known: Figures | None, zone: ZoneInfo) -> dict[str, Any] | None:
    """The figures of one device; null of one that was never heard."""
    if known is None:
        return None
    metric = METRICS.get(known.link_metric or "")
    return {
        "first_at": rfc3339(known.first_at, zone), "last_at": rfc3339(known.last_at, zone),
        "learned_period_s": None if known.period_s is None else max(round(known.period_s), 1),
        "steady": known.steady,
        "battery": None if known.battery is None else {
            "percent": known.battery, "per_month": known.battery_per_month, "days_left": known.battery_days_left},
        "link": None if known.link_metric is None else {
            "metric": known.link_metric, "unit": metric.unit if metric else None, "min": known.link_min,
            "median": known.link_median, "recent": known.link_recent, "usual": known.link_usual},
        "clock": {"bad_share": known.clock_bad, "ahead_ms": known.clock_ahead_ms},
        "changes_today": known.changes_today, "changes_most": known.changes_most,
        "messages_today": known.messages_today, "messages_per_day": known.messages_per_day,
    }  # fmt: skip
