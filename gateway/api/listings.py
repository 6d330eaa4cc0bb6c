"""The shapes of points, devices, places, records and health as OpenAPI publishes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.api.health_shapes import DeviceHealth
from gateway.api.models import Alarm, Asked, Bilingual, Page, PersonShape, PlaceRef, Shape, Time, Value


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
    changed_at: Time | None = Field(
        None, description="Of a device that was changed for another: when. Absent of all others."
    )


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


class Predecessor(Shape):
    """A device that was changed for this one; its history counts as this one's up to then."""

    id: str
    changed_at: Time


class DeviceDetail(Device):
    version: int | None = Field(description="As in the ETag; null where it is not in the catalogue.")
    points: list[Point]
    predecessors: list[Predecessor] = Field(description="Whom it stands for, the newest first.")
    external_ids: dict[str, str] = Field(default_factory=dict)
    via: str | None = Field(None, description="The device it speaks through, where the catalogue names one.")
    installed_on: str | None = None
    expires_on: str | None = None
    calibration_due: str | None = None
    test_due: str | None = None
    ends_on: str | None = Field(
        None,
        description="The day its life ends: `expires_on`, or by its kind and place from when it was installed.",
    )
    health: DeviceHealth | None = Field(description="What was learned of it; null before it was heard.")


Day = Annotated[str | None, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class DeviceEdit(Asked):
    """The catalogue's row of a device; the id is in the address. `external_ids`, `via` and the days stay as they are
    where they are not mentioned; null empties them.
    """

    place: Annotated[str, Field(max_length=128)]
    kind: Annotated[str, Field(max_length=255)] = ""
    name: Annotated[str, Field(max_length=255)] = ""
    model: Annotated[str, Field(max_length=255)] = ""
    report_period_s: Annotated[int | None, Field(ge=1, le=2_678_400)] = None
    mains: bool = False
    via: Annotated[str | None, Field(max_length=255)] = None
    external_ids: Annotated[dict[str, str] | None, Field(max_length=32)] = None
    installed_on: Day = None
    expires_on: Day = None
    calibration_due: Day = None
    test_due: Day = None


class Edited(Shape):
    id: str
    version: int
    planned: bool = Field(description="False: saved, and in force as soon as the engine is back.")


class Newcomer(Shape):
    """A device that was heard and has no place. Its life-safety alarms are live all the same, at its site."""

    device: str
    source: str
    native: str = Field(description="The name the device gives itself.")
    site: str
    place: PlaceRef
    simulated: bool
    first_at: Time | None
    last_at: Time | None
    points: list[Point]
    points_total: int
    alarms: list[Alarm] = Field(description="Standing now.")
    suggested_kind: str = Field(description="What its metrics tell; empty where they tell nothing.")
    taken_out_at: Time | None = Field(
        description="When it was changed for another or taken out of the catalogue, and it is heard again."
    )


class PlaceAsked(Asked):
    """`devices` with their one place, or `pattern`: a device id or the name behind its source with named gaps, as
    `smoke-{b}-{f}-{r}`, whose place may use them: `sunshine-b{b}-f{f}-{r}`."""

    devices: Annotated[
        list[Annotated[str, Field(max_length=400)]] | None, Field(min_length=1, max_length=500)
    ] = None
    pattern: Annotated[str | None, Field(max_length=200)] = None
    place: Annotated[str, Field(max_length=400)]
    kind: Annotated[str, Field(max_length=255)] = ""
    dry_run: bool = False
    save: Annotated[bool, Field(description="Keep the pattern as a rule for newcomers.")] = False


class Match(Shape):
    device: str
    place: PlaceRef | None
    kind: str
    outcome: Literal["placed", "known", "missing", "refused"] = Field(
        description="known: it has a place already and keeps it; missing: there is no such place; refused: an id that "
        "no catalogue can hold. With `dry_run` placed means that it would be."
    )


class MissingPlace(Shape):
    place: str
    devices: int


class Settled(Shape):
    dry_run: bool
    matches: list[Match] = Field(description="At most 500; the figures count all.")
    placed: int
    known: int
    refused: int
    missing: list[MissingPlace]
    more: bool = Field(description="More fit than are placed at once: ask again.")
    saved: bool
    version: int
    planned: bool


class Placement(Asked):
    """A rule for newcomers; `kind` empty: as their metrics tell."""

    pattern: Annotated[str, Field(min_length=1, max_length=200)]
    place: Annotated[str, Field(min_length=1, max_length=400)]
    kind: Annotated[str, Field(max_length=255)] = ""


class Placements(Shape):
    items: list[Placement]


class ReplaceAsked(Asked):
    """`by`: the id of the new device; `model` where it is of another one."""

    by: Annotated[str, Field(max_length=400)]
    model: Annotated[str | None, Field(max_length=255)] = None


class Replaced(Edited):
    replaces: str


class Place(Shape):
    id: str
    level: str
    name: str
    parent: str | None
    grid: str | None
    path: list[str]
    text: str
    business: bool = Field(description="Marked as a business; so are the places below it.")


class PlaceDetail(Place):
    version: int = Field(description="As in the ETag.")


class PlaceEdit(Asked):
    """What may be changed of a place here; the tree itself comes with an import."""

    business: bool


class CatalogueDocument(Shape):
    """What POST /catalogue takes."""

    grids: list[dict[str, Any]]
    places: list[dict[str, Any]]
    devices: list[dict[str, Any]]
    people: list[dict[str, Any]] | None = Field(None, description="Only where they were asked for.")


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


class InboxPage(Page):
    items: list[Newcomer]


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
