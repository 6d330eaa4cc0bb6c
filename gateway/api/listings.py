"""The shapes of points, devices, places, records and health as OpenAPI publishes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gateway.api.models import Asked, Bilingual, Page, PersonShape, PlaceRef, Shape, Time, Value


class Point(Shape):
    point: str
    device: str
    metric: str
    channel: str
    value: Value
    unit: str | None
    at: Time
    measured_at: Time | None
    flags: list[str]
    stale: bool = Field(description="It may no longer be so: show it as old.")


class Series(Shape):
    point: str
    unit: str | None
    rows: list[list[Any]] = Field(description="[at, value], or with step [at, min, max, mean, last, count].")
    more: bool = Field(description="The limit cut it: ask again from the last row's time.")


class History(Shape):
    series: list[Series]


class Device(Shape):
    id: str
    placed: bool
    site: str
    place: PlaceRef
    kind: str
    name: str
    model: str
    report_period_s: int | None
    mains: bool
    last_at: Time | None
    lost: bool


class DeviceDetail(Device):
    version: int | None = Field(description="As in the ETag; null where it is not in the catalogue.")
    points: list[Point]


class DeviceEdit(Asked):
    """The catalogue's row of a device; the id is in the address."""

    place: Annotated[str, Field(max_length=128)]
    kind: Annotated[str, Field(max_length=255)] = ""
    name: Annotated[str, Field(max_length=255)] = ""
    model: Annotated[str, Field(max_length=255)] = ""
    report_period_s: Annotated[int | None, Field(ge=1, le=2_678_400)] = None
    mains: bool = False


class Edited(Shape):
    id: str
    version: int
    planned: bool = Field(description="False: saved, and in force as soon as the engine is back.")


class Place(Shape):
    id: str
    level: str
    name: str
    parent: str | None
    grid: str | None
    path: list[str]
    text: str


class Imported(Shape):
    added: dict[str, int]
    changed: dict[str, int]
    unchanged: dict[str, int]
    version: int
    dry_run: bool
    planned: bool


class Quarantined(Shape):
    seq: int
    at: Time
    site: str
    source: str
    topic: str
    reason: str
    size: int
    payload: str = Field(description="Its beginning as text; bytes that are none as \\xNN.")


class Delivery(Shape):
    effect: str
    at: Time
    incident: str | None
    rev: int | None
    site: str
    mode: str
    person: PersonShape
    role: str
    channel: str
    reason: str
    priority: int
    step: int | None
    outcome: str = Field(description="pending sent failed refused withdrawn")
    detail: str
    tries: int
    ended_at: Time | None


class AuditEntry(Shape):
    seq: int
    at: Time
    kind: str
    body: dict[str, Any]
    previous: str
    hash: str


class RecordedNotice(Shape):
    at: Time
    effect: str
    type: str
    mode: str
    site: str
    priority: int
    urgent: bool
    reason: str
    person: PersonShape
    language: str
    title: str
    short: str
    body: str
    incident: str | None
    link: str | None = Field(description="Only of simulated people: the page as they see it.")


class Part(Shape):
    name: str
    ok: bool
    lag: int | None = None
    text: Bilingual


class Health(Shape):
    ok: bool
    at: Time
    seq: int
    data_age_ms: int | None = Field(
        description="How old what the API shows may be; null until the engine was heard."
    )
    parts: list[Part]


class PointPage(Page):
    items: list[Point]


class DevicePage(Page):
    items: list[Device]


class PlacePage(Page):
    items: list[Place]


class QuarantinePage(Page):
    items: list[Quarantined]


class DeliveryPage(Page):
    items: list[Delivery]


class AuditPage(Page):
    items: list[AuditEntry]


class RecordedPage(Page):
    items: list[RecordedNotice]
