"""The shape of incident/1: one incident as the API, SSE, MQTT, webhooks and city platforms all see it.

Fields are only ever added within /1, so receivers must ignore what they do not know. `schema()` is published as
`docs/reference/incident-1.schema.json`. No resident's data is in it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

NAME: Final = "incident/1"
ALARMS_MAX: Final = 50  # alarms listed; at about 250 bytes each this keeps a webhook body under its 20 KB


class Title(msgspec.Struct, frozen=True, rename={"zh": "zh-CN"}):
    """What it is, in each language; starts with 【模拟】, 【测试】 or 【演练】 unless it is live."""

    zh: str
    en: str


class Geo1(msgspec.Struct, frozen=True):
    """Degrees, with the datum they were measured in."""

    lat: float
    lon: float
    datum: Literal["WGS-84", "GCJ-02", "CGCS2000"]


class Place1(msgspec.Struct, frozen=True):
    """Where: `path` from the site inwards, `text` the same for people without the site, `grid` by name."""

    path: list[str]
    text: str
    grid: str | None
    geo: Geo1 | None
    external_ids: dict[str, str]


class Alarm1(msgspec.Struct, frozen=True):
    """One alarm of the incident. `state` is an ISA-18.2 word (NORM UNACK ACKED RTNUN LATCHED_UNACK LATCHED_ACKED)."""

    id: str
    device: str
    metric: str
    state: str
    since: str
    value: bool | int | float | str | None
    unit: str | None


class TakenBy1(msgspec.Struct, frozen=True):
    """Who is on it. Staff by id and name; of a resident only that it is one."""

    id: str | None
    name: str | None
    role: str


class Next1(msgspec.Struct, frozen=True):
    """When whom is called next unless somebody acts: roles, separated by commas."""

    at: str
    step: str | None


class Case1(msgspec.Struct, frozen=True):
    """The number a partner gave the incident, and how far it is there."""

    partner: str
    number: str
    stage: str


class Links1(msgspec.Struct, frozen=True):
    """Where to read it again; relative to the gateway when no public address is configured."""

    self: str


class Incident1(msgspec.Struct, frozen=True, omit_defaults=False):
    """incident/1. Times are RFC 3339 with milliseconds and the offset of the source's time zone.

    `rev` only grows: receivers keep the highest and drop lower ones. `alarms_total` is present only when `alarms` was
    cut to the most important ones.
    """

    schema: Literal["incident/1"]
    id: str
    rev: int
    mode: Literal["live", "drill", "test", "simulated"]
    site: str
    hazard: str
    priority: int
    handling: str
    verdict: str
    sound: str
    title: Title
    place: Place1
    opened_at: str
    measured_at: str | None
    updated_at: str
    alarms: list[Alarm1]
    taken_by: TakenBy1 | None
    next: Next1 | None
    cases: list[Case1]
    links: Links1
    alarms_total: int | msgspec.UnsetType = msgspec.UNSET


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of incident/1, as published."""
    made = msgspec.json.schema(Incident1)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:csg:schema:incident-1",
        "title": "incident/1",
        **made,
    }
