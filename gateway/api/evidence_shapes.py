"""The shapes of camera events, their pictures and the log of looks as OpenAPI publishes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway.api.models import Asked, Page, Shape, Time

Word = Literal["true", "false", "unknown"]
Said = Annotated[str, Field(min_length=2, max_length=200, pattern=r"\S")]


class OriginalRequest(Shape):
    id: str
    at: Time
    asked_by: str
    unit: str
    reason: str
    granted_by: str | None
    until: Time | None = Field(description="Until when whoever asked may look; null before it is granted.")


class Picture(Shape):
    """A masked picture. Ask for a link to see it."""

    id: str
    moment: Literal["before", "onset", "now"]
    at: Time
    width: int
    height: int
    sha256: str
    expires: Time
    original: bool = Field(description="Whether an unmasked one is kept, sealed.")
    requests: list[OriginalRequest] = Field(description="For its original, of the last day.")


class CameraEventShape(Shape):
    id: str
    camera: str
    site: str
    place: dict[str, Any]
    zone: str
    type: str
    at: Time
    score: float | None
    priority: int | None
    incident: str | None
    mode: Literal["live", "simulated"]
    verdict: Word | None = Field(description="What a person said of it; null while nobody has.")
    reviewed_by: str | None
    reviewed_at: Time | None
    held: str | None = Field(description="The case its pictures are kept for.")
    pictures: list[Picture]
    purpose: Literal["public_safety"] = Field(description="The only use its pictures may be put to.")


class EvidenceList(Shape):
    items: list[CameraEventShape]


class CameraEventPage(Page):
    items: list[CameraEventShape]


class LinkAsked(Asked):
    """Why you look. Without a reason it is the incident's, or the review."""

    unit: str = Field(
        "", max_length=100, description="Where you belong; without it your roles are written down."
    )
    reason: str = Field("", max_length=200)


class PictureLink(Shape):
    url: str
    expires_at: Time = Field(description="At most 15 minutes from now.")
    recipient: str


class OriginalAsked(Asked):
    unit: Said
    reason: Said


class Review(Asked):
    verdict: Word


class Hold(Asked):
    """`case` null ends it."""

    case: str | None = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._/-]+$")


class DayFigures(Shape):
    date: str = Field(description="YYYY-MM-DD in the place's time zone.")
    true: int
    false: int
    unknown: int
    unreviewed: int


class CameraFigures(Shape):
    camera: str
    days: list[DayFigures]
    false_per_day: float = Field(description="Over the whole days asked for, today left out.")
    unreviewed: int = Field(description="Events nobody judged: any of them may be a false alarm too.")


class LookLine(Shape):
    seq: int
    at: Time
    kind: Literal["link", "look", "preview", "asked", "granted", "original", "hold", "hold_ended"]
    body: dict[str, Any]
    previous: str
    hash: str


class LookPage(Page):
    items: list[LookLine]
    broken_at: int | None = Field(description="The first line that does not follow from the one before it.")
