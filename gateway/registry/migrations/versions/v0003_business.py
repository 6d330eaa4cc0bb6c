"""Which places are businesses (their gas detectors live shorter), and through which gateway a device speaks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; every place that is there stays a home."""
    op.add_column("devices", sa.Column("via", sa.Text))
    op.add_column("places", sa.Column("business", sa.Boolean, nullable=False, server_default=sa.text("0")))
