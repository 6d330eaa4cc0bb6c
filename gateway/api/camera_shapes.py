"""The shapes of cameras, their register and their limits as OpenAPI publishes them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from gateway.api.models import Asked, Page, Shape
from gateway.cameras.state import Word
from gateway.registry.cameras import SNOOZE_MAX_MS, PictureType, ZoneKind

Millis = Annotated[int, Field(description="UTC milliseconds.")]

EXAMPLE: Final[dict[str, Any]] = {
    "purpose": "消防车通道占用", "sees": "北门车道，不含住户窗户", "notice": "北门立柱", "assessed_on": "2026-10-01",
    "zones": [{"name": "lane", "kind": "fire_lane", "points": [[0.1, 0.6], [0.9, 0.6], [0.9, 0.9], [0.1, 0.9]]}],
    "analytics": ["tamper", "occupation", "motion", "flame"], "thresholds": {"dwell_s": 120},
    "armed": [{"start": 1320, "end": 360, "days": [0, 1, 2, 3, 4, 5, 6]}], "snoozed_until": None, "shared": True,
    "pictures": ["occupied", "possible_flame"],
}  # fmt: skip


class ZoneShape(Shape):
    name: str = Field(description="A part of its point's id: never change it.")
    kind: ZoneKind
    points: list[list[float]] = Field(
        description="A polygon of 3 to 64 points [x, y], parts of the picture from its upper left corner, 0 to 1."
    )


class ArmedShape(Shape):
    start: int = Field(description="Minute of the local day, 0 to 1440.")
    end: int = Field(description="Past midnight where it is not after `start`.")
    days: list[int] = Field(description="From 0, Monday.")


class CameraRecordShape(Shape):
    """What the register says of a camera. It does not start without purpose, sees, notice and assessed_on."""

    purpose: str
    sees: str = Field(description="Its angle, in words.")
    notice: str = Field(description="Where the sign hangs that tells people.")
    assessed_on: str | None = Field(description="The day of the impact assessment, YYYY-MM-DD.")
    zones: list[ZoneShape]
    analytics: list[str]
    thresholds: dict[str, float] = Field(description="Those that are not the default.")
    armed: list[ArmedShape] = Field(description="When motion in a watch zone is an intrusion; empty: never.")
    snoozed_until: Millis | None
    shared: bool = Field(
        description="It sees shared space only, no private room: without it no picture is kept."
    )
    pictures: list[PictureType] = Field(description="Which events keep pictures.")

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})


class StandsShape(Shape):
    metric: str
    channel: str = Field(description="The kind of tamper or the zone; empty where there is none.")
    since: Millis | None = Field(description="Null where no alarm stands for it.")


class CameraShape(Shape):
    """A camera that the gateway looks at itself. Nothing of its address is told."""

    id: str = Field(description="Its device id.")
    name: str
    site: str
    place: str | None = Field(description="Null while it has none.")
    place_name: str
    simulated: bool
    configured: bool = Field(description="Whether csg.yaml has it.")
    state: Word
    since: Millis | None = Field(description="Since when the state is so, where that is known.")
    told_at: Millis | None = Field(description="When it was last heard.")
    standing: list[StandsShape] = Field(description="What holds now.")
    missing: list[str] = Field(description="What the register lacks for it to start.")
    record: CameraRecordShape
    version: int = Field(description="Of the record, as in the ETag; 0 where there is none.")


class CameraLimits(Shape):
    thresholds: dict[str, list[float]] = Field(description="The least and the most of each.")
    zones_max: int
    points_max: int
    snooze_max_ms: int
    kinds: list[ZoneKind]
    analytics: list[str]
    pictures: list[PictureType]


class CameraDetail(CameraShape):
    limits: CameraLimits


class CameraPage(Page):
    items: list[CameraShape]


class Snooze(Asked):
    minutes: Annotated[int, Field(ge=1, le=SNOOZE_MAX_MS // 60_000)]
