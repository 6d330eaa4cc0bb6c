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
    give_back_at: Time | None = Field(
        description="When it is open again and people are called on, unless somebody is on scene or judged it."
    )
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


class Page(Shape):
    next: str | None
    seq: int


class IncidentPage(Page):
    items: list[Incident]


class AlarmPage(Page):
    items: list[Alarm]
