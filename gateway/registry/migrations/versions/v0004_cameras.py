"""The register of cameras: purpose, what is seen, the notice, the assessment; zones, analytics, hours, snooze."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; what is there stays as it is."""
    op.create_table(
        "cameras",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("sees", sa.Text, nullable=False),
        sa.Column("notice", sa.Text, nullable=False),
        sa.Column("assessed_on", sa.Text),
        sa.Column("zones", sa.Text, nullable=False),
        sa.Column("analytics", sa.Text, nullable=False),
        sa.Column("thresholds", sa.Text, nullable=False),
        sa.Column("armed", sa.Text, nullable=False),
        sa.Column("snoozed_until", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cameras"),
    )
