"""What a device's life holds: dates, names elsewhere, the device it replaced; and rules that place newcomers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns and tables; what is there stays as it is."""
    op.add_column("devices", sa.Column("external_ids", sa.Text, nullable=False, server_default="{}"))
    for name in ("installed_on", "expires_on", "calibration_due", "test_due"):
        op.add_column("devices", sa.Column(name, sa.Text))
    op.create_table(
        "replacements",
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("old", name="pk_replacements"),
    )
    op.create_index("ix_replacements_new", "replacements", ["new"])
    op.create_table(
        "placement_rules",
        sa.Column("pattern", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pattern", name="pk_placement_rules"),
    )
