"""Everything we may ask of the world, and what the view must know: what a step leads to.

Ids of effects are `"{seq}.{n}"`, the same on every replay, so receivers can tell a repeat from news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec


class Mode(StrEnum):
    """Never absent. Everything but LIVE is marked in every title, message and export."""

    LIVE = "live"
    DRILL = "drill"
    TEST = "test"
    SIMULATED = "simulated"


class AlarmDoc(msgspec.Struct, frozen=True):
    """One alarm as everyone outside the core sees it. Times are UTC ms."""

    id: str
    site: str
    rule: str
    subject: str
    device: str
    metric: str
    channel: str
    place: str
    hazard: str
    priority: int
    state: str  # NORM UNACK ACKED RTNUN LATCHED_UNACK LATCHED_ACKED
    since: int
    value: Any
    unit: str | None
    incident: str | None
    count: int = 1
    late_ms: int = 0
    shelved_until: int | None = None
    out_of_service_until: int | None = None
    faulted: bool = False


class Told(msgspec.Struct, frozen=True):
    """One person told (or being told) of an incident: the call chain as the console shows it."""

    effect: str
    person: str
    role: str
    channel: str
    at: int
    step: int
    outcome: str = "pending"  # pending sent failed refused
    answer: str = ""  # take decline on_scene


class IncidentDoc(msgspec.Struct, frozen=True):
    """One incident in keys and parameters, no text and no resident's data; rendered at the edge into incident/1.

    `rev` only grows. `title` is a key of the text catalogue: `hazard.<hazard>` plus the handling and verdict words.
    """

    id: str
    rev: int
    mode: str
    site: str
    hazard: str
    priority: int
    handling: str  # open taken dispatched on_scene under_control closed reopened
    verdict: str  # unverified confirmed_by_devices real false test drill
    sound: str  # ringing muted silent
    place: str  # the innermost place that holds every alarm
    places: Sequence[str]
    opened_at: int
    measured_at: int | None
    updated_at: int
    alarms: Sequence[AlarmDoc]
    told: Sequence[Told] = ()
    cause: str = ""
    late_ms: int = 0
    muted_until: int | None = None
    taken_by: str | None = None
    taken_role: str = ""
    next_at: int | None = None
    next_step: str | None = None
    step: int = 0
    cases: Sequence[Mapping[str, Any]] = ()
    title: str = ""  # rule id of the first, highest alarm
    merged_into: str | None = None
    give_back_at: int | None = None  # taken, and open again then unless somebody arrives or judges it
    alarms_total: int = 0  # where `alarms` lists only the weightiest ALARMS_SAID of more; else 0


class Notify(msgspec.Struct, frozen=True, tag="notify"):
    """Tell one person one thing over one channel.

    `reason`: called, reminded, confirmed, given_back, taken, cleared, closed, verify, test. `urgent` calls rather than
    messages where the channel can. A simulated incident only ever names the channel "recording".
    """

    id: str
    incident: str
    rev: int
    person: str
    role: str
    channel: str
    reason: str
    priority: int
    mode: str
    site: str
    step: int
    urgent: bool
    doc: IncidentDoc


class Publish(msgspec.Struct, frozen=True, tag="publish"):
    """Hand one state of an incident, or a system fact, to one machine receiver (`mqtt` or a webhook's name)."""

    id: str
    target: str
    topic: str  # incident.opened ... device.lost, coverage.changed, gateway.test
    mode: str
    site: str
    at: int  # UTC ms
    doc: IncidentDoc | None = None
    data: Mapping[str, Any] = {}


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Publish a message to a source's broker because a codec needs an answer (a rebirth). Best effort."""

    id: str
    source: str
    topic: str
    payload: bytes


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The answer to an act. `code` is a stable word: ok, or why it was refused."""

    key: str
    ok: bool
    code: str
    rev: int | None = None


class IncidentChanged(msgspec.Struct, frozen=True, tag="incident"):
    """The view's copy of an incident after a change."""

    doc: IncidentDoc
    topic: str  # incident.opened, incident.updated, ... as in Publish


class AlarmChanged(msgspec.Struct, frozen=True, tag="alarm"):
    """The view's copy of an alarm after a change."""

    doc: AlarmDoc


class Withdrawn(msgspec.Struct, frozen=True, tag="withdrawn"):
    """These effects are no longer wanted; a try under way may still end as it will."""

    effects: Sequence[str]


class CommandDoc(msgspec.Struct, frozen=True):
    """One command as everyone outside the core sees it. `user` is empty where it was sent by itself. UTC ms."""

    id: str
    device: str
    name: str
    user: str
    place: str
    site: str
    mode: str
    state: str  # requested sent confirmed unconfirmed failed
    asked_at: int
    tries: int = 0
    detail: str = ""


class CommandChanged(msgspec.Struct, frozen=True, tag="command_changed"):
    """The view's copy of a command after a change."""

    doc: CommandDoc


class Command(msgspec.Struct, frozen=True, tag="command"):
    """Ask a device for something, in its own dialect; the shell finds the codec. Never after `expires_at` (UTC ms).

    `incident` and `priority`: of the incident that asks, or that a person asks in; None where there is none.
    """

    id: str
    command: str
    device: str
    source: str
    name: str
    expires_at: int
    mode: str
    site: str
    incident: str | None = None
    priority: int | None = None


Effect = Notify | Publish | Command
"""What is owed to the world until a `Delivered` says how it ended."""

Result = (
    Notify | Publish | Ask | Answered | IncidentChanged | AlarmChanged | Withdrawn | Command | CommandChanged
)


class Happened(msgspec.Struct, frozen=True, array_like=True):
    """A result with the seq of the event that led to it."""

    seq: int
    result: Result
