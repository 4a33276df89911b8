"""Approvals page by page: the pages that a project names, and what a word is about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "projects",
        sa.Column(
            "review_pages", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False
        ),
    )
    op.add_column(
        "approvals", sa.Column("page", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
