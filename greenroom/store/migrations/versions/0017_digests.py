"""Digests and reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "notice_targets", sa.Column("digest", sa.Text(), server_default="", nullable=False)
    )
    op.add_column("deployments", sa.Column("reminded_at", sa.DateTime(timezone=True)))
    op.add_column(
        "deployments", sa.Column("reminders", sa.BigInteger(), server_default="0", nullable=False)
    )
