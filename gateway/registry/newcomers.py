"""Newcomers: what kind a device seems to be, and placing many at once without moving any that has its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from gateway.registry.database import Writer
from gateway.registry.documents import ROWS_MAX, CatalogueDocument, DeviceIn
from gateway.registry.importing import apply
from gateway.registry.tables import DeviceRow, EditRow, PlaceRow

SIGNS: Final[tuple[tuple[str, frozenset[str]], ...]] = tuple(
    (kind, frozenset(metrics.split()))
    for kind, metrics in (
        ("panel", "panel_power_fault"),
        ("call_point", "call_point"),
        ("sos", "sos"),
        ("smoke", "smoke smoke_remote smoke_concentration smoke_density smoke_obscuration"),
        ("gas", "gas gas_concentration gas_lel gas_level gas_ppm"),
        ("co", "co co_ppm"),
        ("heat", "heat"),
        ("hydrant", "cap_open hydrant_hit hydrant_open hydrant_tilt"),
        ("water_leak", "water_leak"),
        ("water_level", "water_level water_level_alarm water_level_depth water_level_percent water_level_state"),
        ("valve", "valve_open"),
        ("camera", "camera_online camera_tamper fire_detected line_crossing object_class plate smoke_detected_visual"),
        ("access", "access_denied access_event access_granted door_forced door_held_open"),
        ("door", "contact_state door_open"),
        ("motion", "motion occupied presence"),
        ("pressure", "pressure pressure_low"),
        ("plug", "relay switch_state"),
        ("meter", "current energy leakage_current power"),
        ("temperature", "humidity temperature"),
    )
)  # fmt: skip
"""Kinds by a metric that tells, the first that fits: what raises an alarm tells more than what is measured beside it.

A metric that many kinds share (battery, tamper, alarm_unspecified) tells nothing.
"""


class Wish(msgspec.Struct, frozen=True):
    """A device that is to be placed; `kind` empty for unknown."""

    device: str
    place: str
    kind: str = ""


class Settled(msgspec.Struct, frozen=True):
    """What became of wishes, or would: `known` have their place already and keep it, `homeless` wish for a place that
    is not in the catalogue, `refused` have an id that no catalogue can hold. `version` is the registry's after it.
    """

    placed: tuple[Wish, ...]
    known: tuple[str, ...]
    homeless: tuple[Wish, ...]
    refused: tuple[str, ...]
    version: int


def suggested_kind(metrics: Iterable[str]) -> str:
    """The kind a device with these metrics most likely is; empty where nothing tells."""
    said = frozenset(metrics)
    return next((kind for kind, signs in SIGNS if not signs.isdisjoint(said)), "")


def sorted_out(connection: Connection, wishes: Sequence[Wish]) -> Settled:
    """What of these could be done. Of two wishes for one device the first counts."""
    known = set(connection.execute(select(DeviceRow.id)).scalars())
    places = set(connection.execute(select(PlaceRow.id)).scalars())
    room = ROWS_MAX - len(known)
    placed: list[Wish] = []
    homeless: list[Wish] = []
    has_place: list[str] = []
    refused: list[str] = []
    seen: set[str] = set()
    for wish in wishes:
        if wish.device in seen:
            continue
        seen.add(wish.device)
        if wish.device in known:
            has_place.append(wish.device)
        elif wish.place not in places:
            homeless.append(wish)
        elif _row(wish) is None or len(placed) >= room:
            refused.append(wish.device)
        else:
            placed.append(wish)
    version = int(connection.execute(select(func.max(EditRow.version))).scalar() or 0)
    return Settled(tuple(placed), tuple(has_place), tuple(homeless), tuple(refused), version)


def settle(writer: Writer, wishes: Sequence[Wish]) -> Settled:
    """Place those that have no place yet; each is an edit of its own."""
    settled = sorted_out(writer.connection, wishes)
    rows = tuple(row for wish in settled.placed if (row := _row(wish)) is not None)
    if not rows:
        return settled
    done = apply(writer, CatalogueDocument(devices=rows))
    return msgspec.structs.replace(settled, version=done.version)


def _row(wish: Wish) -> DeviceIn | None:
    try:
        return msgspec.convert({"id": wish.device, "place": wish.place, "kind": wish.kind}, DeviceIn)
    except msgspec.ValidationError:
        return None  # hardware may call itself anything
