"""How long devices live, and which of them are due: for replacement, calibration, a test."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from gateway.registry.tables import DeviceRow, PlaceRow

GAS_HOME_YEARS: Final = 5
GAS_BUSINESS_YEARS: Final = 3
"""CJJ/T 146: household combustible-gas detectors are changed after 5 years, commercial ones after 3."""

KIND_YEARS: Final[dict[str, int]] = {"gas": GAS_HOME_YEARS, "co": GAS_HOME_YEARS}
"""Years from installation by kind. Smoke alarms print their own end on the label (GB 20517): no number is assumed."""

WHAT: Final = {"expires_on": "expired", "calibration_due": "calibration", "test_due": "test"}


class Due(msgspec.Struct, frozen=True, order=True):
    """Something owed to a device: `what` is expired, calibration or test; `day` when it is or was due."""

    day: str
    device: str
    what: str
    place: str
    kind: str


def expiry(kind: str, installed_on: str | None, expires_on: str | None, business: bool = False) -> str | None:
    """The day a device's life ends: as written, or by its kind from the day it was installed; None where unknown."""
    if expires_on is not None or installed_on is None:
        return expires_on
    years = GAS_BUSINESS_YEARS if business and kind == "gas" else KIND_YEARS.get(kind)
    if years is None:
        return None
    installed = date.fromisoformat(installed_on)
    try:
        return installed.replace(year=installed.year + years).isoformat()
    except ValueError:  # the 29th of February
        return installed.replace(year=installed.year + years, day=28).isoformat()


def businesses(connection: Connection) -> frozenset[str]:
    """Every place that is marked as a business, and every place below one."""
    below: dict[str | None, list[str]] = {}
    found: list[str] = []
    for place, parent, marked in connection.execute(select(PlaceRow.id, PlaceRow.parent, PlaceRow.business)):
        below.setdefault(parent, []).append(place)
        if marked:
            found.append(place)
    known = set(found)
    while found:
        inner = [place for place in below.get(found.pop(), ()) if place not in known]
        known.update(inner)
        found += inner
    return frozenset(known)


def due(connection: Connection, today: str, within_days: int) -> list[Due]:
    """Everything due until `within_days` after `today`, earliest first."""
    business = businesses(connection)
    until = (date.fromisoformat(today) + timedelta(days=within_days)).isoformat()
    columns = (
        DeviceRow.id, DeviceRow.place, DeviceRow.kind, DeviceRow.installed_on, DeviceRow.expires_on,
        DeviceRow.calibration_due, DeviceRow.test_due,
    )  # fmt: skip
    found: list[Due] = []
    for row in connection.execute(select(*columns)):
        device, place, kind, installed_on, expires_on, calibration_due, test_due = row
        days: dict[str, Any] = {
            "expires_on": expiry(kind, installed_on, expires_on, place in business),
            "calibration_due": calibration_due,
            "test_due": test_due,
        }
        found += [
            Due(day, device, WHAT[key], place, kind) for key, day in days.items() if day and day <= until
        ]
    return sorted(found)
