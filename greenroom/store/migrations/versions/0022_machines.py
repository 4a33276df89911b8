"""Hosts: engines elsewhere and swarms, and where each copy runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "machines",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _text("url"),
        _text("address"),
        _text("swarm"),
        sa.Column("takes", sa.Text(), server_default="all", nullable=False),
        sa.Column(
            "projects", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False
        ),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=True),
        sa.Column("is_drained", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("seen", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        _text("refused"),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        _text("created_by"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_machines")),
        sa.CheckConstraint(
            "kind in ('local','engine','swarm','node')", name=op.f("ck_machines_kind")
        ),
        sa.CheckConstraint(
            "takes in ('all','staging','production')", name=op.f("ck_machines_takes")
        ),
    )  # fmt: skip
    op.add_column("environments", _text("machine"))
    op.add_column("instances", _text("machine"))
