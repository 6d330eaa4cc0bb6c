"""The shapes of answers and requests as OpenAPI publishes them; generated clients are made from these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Value = bool | int | float | str | None
Time = Annotated[
    str, Field(description="RFC 3339 with milliseconds and the offset of the place's time zone.")
]


class Shape(BaseModel):
    """A published object. Clients ignore members they do not know: members are only ever added."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Asked(BaseModel):
    """A request body: an unknown member is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


class ProblemDocument(Shape):
    """RFC 9457. `type` is `urn:csg:problem:<code>`; the codes are listed in the documentation and only ever added."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None


class Bilingual(Shape):
    """One text in both languages."""

    zh: str = Field(alias="zh-CN")
    en: str


class GrantShape(Shape):
    role: str
    place: str = Field(description="A place or grid id; empty is everywhere.")


class UserShape(Shape):
    id: str
    name: str
    language: str
    grants: list[GrantShape]


class SessionShape(Shape):
    user: UserShape
    csrf: str = Field(description="Send it back as header X-CSRF with every write.")
    expires_at: Time | None = None
    set_password: bool = Field(description="Signed in by a link and without a password: ask for one.")


class SignIn(Asked):
    """`name` and `password`, or `token` alone."""

    name: Annotated[str | None, Field(max_length=128)] = None
    password: Annotated[str | None, Field(max_length=1024)] = None
    token: Annotated[str | None, Field(max_length=128)] = None
    duty: bool = Field(False, description="A duty screen: the session stays for months and can be revoked.")


class NewPassword(Asked):
    password: Annotated[str, Field(max_length=1024)]


class Geo(Shape):
    lat: float
    lon: float
    datum: Literal["WGS-84", "GCJ-02", "CGCS2000"]


class IncidentPlace(Shape):
    path: list[str]
    text: str
    grid: str | None
    geo: Geo | None
    external_ids: dict[str, str]


class IncidentAlarm(Shape):
    id: str
    device: str
    metric: str
    state: str = Field(description="NORM UNACK ACKED RTNUN LATCHED_UNACK LATCHED_ACKED (ISA-18.2)")
    since: Time
    value: Value
    unit: str | None


class TakenBy(Shape):
    id: str | None
    name: str | None
    role: str


class Next(Shape):
    at: Time
    step: str | None


class Case(Shape):
    partner: str
    number: str
    stage: str


class Links(Shape):
    self: str


class PersonShape(Shape):
    """Staff by id and name; residents by neither."""

    id: str | None
    name: str | None


class ToldShape(Shape):
    person: PersonShape
    role: str
    channel: str
    at: Time
    step: int
    outcome: str = Field(description="pending sent failed refused")
    answer: str = Field(description="empty, take, decline or on_scene")


class Incident(Shape):
    """incident/1 with the call chain and what the desk needs beside it. Keep the highest `rev`."""

    schema_: Literal["incident/1"] = Field(alias="schema")
    id: str
    rev: int
    mode: Literal["live", "drill", "test", "simulated"]
    site: str
    hazard: str
    priority: int
    handling: str = Field(description="open taken dispatched on_scene under_control closed reopened")
    verdict: str = Field(description="unverified confirmed_by_devices real false test drill")
    sound: str = Field(description="ringing muted silent")
    title: Bilingual
    place: IncidentPlace
    opened_at: Time
    measured_at: Time | None
    updated_at: Time
    alarms: list[IncidentAlarm]
    alarms_total: int | None = None
    taken_by: TakenBy | None
    next: Next | None
    cases: list[Case]
    links: Links
    told: list[ToldShape]
    sound_until: Time | None = Field(description="When the mute ends by itself.")
    late_ms: int
    cause: str
    advice: Bilingual


class NoteShape(Shape):
    id: str
    at: Time
    person: PersonShape
    role: str
    text: str


class IncidentDetail(Incident):
    """One incident, with what this user may do now and what people wrote."""

    acts: list[str]
    notes: list[NoteShape]
    data_seq: int = Field(description="How far the views had got.")


class Act(Asked):
    """`args` by verb: verdict {verdict, cause?}, close {reason?}, dispatch {person?}, reset {gone?}, note {text},
    shelve {until_ms, reason}, out_of_service {until_ms, order, second?}."""

    verb: Annotated[str, Field(max_length=32)]
    version: Annotated[int | None, Field(ge=0, le=2**53)] = Field(
        None, description="The incident's `rev` you saw."
    )
    args: dict[str, Any] = Field(default_factory=dict)


class ActAnswerShape(Shape):
    ok: bool
    code: str
    rev: int | None
    seq: int = Field(description="Reads with ?min_seq= of it show the act.")
    durable: bool = Field(description="False: it counts, but is not on disk yet.")


class PlaceRef(Shape):
    id: str
    path: list[str]
    text: str


class Alarm(Shape):
    id: str
    site: str
    rule: str
    title: Bilingual
    device: str
    metric: str
    channel: str
    place: PlaceRef
    hazard: str
    priority: int
    state: str
    since: Time
    value: Value
    unit: str | None
    incident: str | None
    count: int
    late_ms: int
    shelved_until: Time | None
    out_of_service_until: Time | None
    faulted: bool


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


class Page(Shape):
    next: str | None
    seq: int


class IncidentPage(Page):
    items: list[Incident]


class AlarmPage(Page):
    items: list[Alarm]


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
