"""The shapes of history, latest values and deletions as OpenAPI publishes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gateway.api.models import Asked, Bilingual, Page, Shape, Time
from gateway.retention import POINTS_MAX


class Series(Shape):
    point: str
    unit: str | None
    stands_for: str | None = Field(
        description="The point that was asked for, where this is the one of a device changed for it since."
    )
    until: Time | None = Field(description="When it was changed: later readings are not shown. Else null.")
    rows: list[list[Any]] = Field(description="[at, value], or with step [at, min, max, mean, last, count].")
    more: bool = Field(description="The limit cut it: ask again from the last row's time.")
    gaps: list[list[Time]] = Field(
        description="[from, to]: the device owed reports and said nothing. Draw no line across."
    )
    stale_since: Time | None = Field(
        description="From when on the last value of the window may no longer be so; null where it is fresh."
    )


class Annotation(Shape):
    """Something that a chart writes beside the line: what people did, and when we were blind."""

    kind: Literal["incident", "drill", "shelved", "out_of_service", "blind"]
    id: str | None = Field(
        description="The incident's or the alarm's id; of `blind` the source, null for all."
    )
    since: Time
    until: Time | None = Field(description="Null while it lasts. Of what is planned: when it is to end.")
    title: Bilingual
    priority: int | None


class History(Shape):
    since: Time
    until: Time
    step_s: int | None = Field(description="Seconds of a step; null where the rows are raw readings.")
    series: list[Series]
    annotations: list[Annotation]


class Newest(Shape):
    """Every point you may see. Times are UTC milliseconds here, for there are tens of thousands of them."""

    fields: list[str]
    units: dict[str, str] = Field(description="The unit of each metric that has one.")
    rows: list[list[Any]] = Field(description="One row a point, its members in the order of `fields`.")


class ErasureAsked(Asked):
    """Which readings to erase for good: of `points`, of a `device`, or of all devices at a `place` and below."""

    points: list[str] = Field([], max_length=POINTS_MAX)
    device: str | None = Field(None, max_length=400)
    place: str | None = Field(None, max_length=400)
    reason: Literal["request", "consent", "moved_out", "purpose_met", "unlawful", "wrong"]
    case: str = Field(
        "", max_length=64, pattern=r"^[A-Za-z0-9._/-]*$", description="The request's number, if any."
    )


class Erasure(Shape):
    store: str
    result: Literal["deleted", "owed", "cannot"] = Field(
        description="`owed`: done as soon as the store can. `cannot`: erase it there by the server's own means."
    )
    rows: int | None = Field(description="How many readings went; null where the engine does not say.")
    first_at: Time | None
    last_at: Time | None
    proof: int | None = Field(description="The line of /deletions that proves it.")


class Erased(Shape):
    points: int
    stores: list[Erasure]


class DeletionLine(Shape):
    seq: int
    at: Time
    kind: Literal["retention", "erased"]
    body: dict[str, Any]
    previous: str
    hash: str


class DeletionPage(Page):
    items: list[DeletionLine]
    broken_at: int | None = Field(description="The first line that does not follow from the one before it.")
