"""Whether a camera sees shared space only, and which of its events keep pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ALL = '["occupied","removed","intrusion","possible_flame"]'


def upgrade() -> None:
    """Add the columns; a camera that is there keeps no picture until somebody says that it sees no private room."""
    op.add_column("cameras", sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.text("0")))
    op.add_column("cameras", sa.Column("pictures", sa.Text, nullable=False, server_default=ALL))
