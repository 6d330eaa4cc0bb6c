"""The tables of the registry: where things are, who is called, who may sign in, and every edit of it.

`version` of a row is the number of the edit that wrote it, so it only grows and serves as ETag. Times are UTC ms.
Nothing here is a secret that could be used: of passwords, sessions, tokens and keys only hashes are kept.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, MetaData, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Named, so that a migration can drop what an earlier one made.
NAMES: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text, int: BigInteger, bool: Boolean, float: Float}  # noqa: RUF012  SQLAlchemy's own way


class GridRow(Base):
    """A node of the grid tree (网格, 社区, 街道)."""

    __tablename__ = "grids"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent: Mapped[str | None] = mapped_column(ForeignKey("grids.id"))
    version: Mapped[int]


class PlaceRow(Base):
    """A node of the place tree. `external_ids` is a JSON object of texts."""

    __tablename__ = "places"

    id: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[str]
    name: Mapped[str]
    parent: Mapped[str | None] = mapped_column(ForeignKey("places.id"), index=True)
    grid: Mapped[str | None] = mapped_column(ForeignKey("grids.id"))
    external_ids: Mapped[str]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    datum: Mapped[str | None]
    escape_route: Mapped[bool]
    needs_help: Mapped[bool]
    version: Mapped[int]
    business: Mapped[bool] = mapped_column(server_default=text("0"))


class DeviceRow(Base):
    """A device in its place; the id is source + native name and never changes."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(ForeignKey("places.id"), index=True)
    kind: Mapped[str]
    name: Mapped[str]
    model: Mapped[str]
    report_period_s: Mapped[int | None]
    mains: Mapped[bool]
    version: Mapped[int]
    external_ids: Mapped[str] = mapped_column(server_default="{}")
    via: Mapped[str | None]
    installed_on: Mapped[str | None]
    expires_on: Mapped[str | None]
    calibration_due: Mapped[str | None]
    test_due: Mapped[str | None]


class ReplacementRow(Base):
    """A device that was changed for another: nothing is expected of the old one, its history is the new one's too."""

    __tablename__ = "replacements"

    old: Mapped[str] = mapped_column(primary_key=True)
    new: Mapped[str] = mapped_column(index=True)
    at: Mapped[int]
    version: Mapped[int]


class PlacementRow(Base):
    """Newly heard devices whose id fits `pattern` go to `place`: see `gateway.registry.placing`."""

    __tablename__ = "placement_rules"

    pattern: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str]
    kind: Mapped[str]
    version: Mapped[int]


class CameraRow(Base):
    """What is registered of a camera, by its device id; see `gateway.registry.cameras`. Five columns are JSON."""

    __tablename__ = "cameras"

    id: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    sees: Mapped[str]
    notice: Mapped[str]
    assessed_on: Mapped[str | None]
    zones: Mapped[str]
    analytics: Mapped[str]
    thresholds: Mapped[str]
    armed: Mapped[str]
    snoozed_until: Mapped[int | None]
    version: Mapped[int]
    shared: Mapped[bool] = mapped_column(server_default=text("0"))
    pictures: Mapped[str]


class PersonRow(Base):
    """Somebody who can be told. A forgotten person keeps the id, for the journal names it, and nothing else."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    language: Mapped[str]
    staff: Mapped[bool]
    forgotten_at: Mapped[int | None]
    version: Mapped[int]


class AddressRow(Base):
    """Where a channel reaches a person; `position` is the order of preference."""

    __tablename__ = "addresses"

    person: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    channel: Mapped[str]
    address: Mapped[str]


class RoleRow(Base):
    """A role a person holds; `target` is a place or a grid."""

    __tablename__ = "roles"

    person: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)


class UserRow(Base):
    """Somebody who signs in. `hash` is argon2id, or None until a password is set."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    person: Mapped[str | None] = mapped_column(ForeignKey("people.id"), index=True)
    language: Mapped[str]
    hash: Mapped[str | None]
    disabled: Mapped[bool]
    created_at: Mapped[int]
    version: Mapped[int]


class GrantRow(Base):
    """A right of a user: a sign-in role on a place or grid, or on everything (`place` is empty)."""

    __tablename__ = "grants"

    user: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)


class ApiKeyRow(Base):
    """A partner's key. `hash` is SHA-256 of its secret part; `grants` a JSON list of [role, place]."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    hash: Mapped[str]
    name: Mapped[str]
    grants: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    last_used_at: Mapped[int | None]
    revoked_at: Mapped[int | None]


class SessionRow(Base):
    """A sign-in that lasts. `hash` is SHA-256 of the cookie; `duty` marks a screen that stays signed in."""

    __tablename__ = "sessions"

    hash: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    duty: Mapped[bool]
    created_at: Mapped[int]
    seen_at: Mapped[int]
    expires_at: Mapped[int]


class TokenRow(Base):
    """A one-time token. `hash` is SHA-256 of it; once `used_at` is set it opens nothing."""

    __tablename__ = "one_time_tokens"

    hash: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[int]
    expires_at: Mapped[int]
    used_at: Mapped[int | None]


class EditRow(Base):
    """One edit. `before` and `after` are JSON objects or None; of personal data they only say that it changed."""

    __tablename__ = "edits"
    __table_args__ = (Index("ix_edits_what_row", "what", "row"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int]
    who: Mapped[str]
    what: Mapped[str]
    row: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str | None]
