"""What people said about changes, and parts of pages whose look does not count."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Apply."""
    for name, kind, default in (
        ("baseline", sa.Text(), "production"),
        ("views", sa.BigInteger(), "0"),
        ("artifact", sa.Text(), ""),
    ):
        column = sa.Column(name, kind, server_default=default, nullable=False)
        op.add_column("comparisons", column)
        op.alter_column("comparisons", name, server_default=None)
    op.create_table(
        "change_decisions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("artifact", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column(
            "decided_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "verdict in ('approved','rejected')", name=op.f("ck_change_decisions_verdict")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_decisions")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_change_decisions_project_id"
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_change_decisions_environment_id"
        ),
        sa.UniqueConstraint(
            "project_id", "path", "signature", name="uq_change_decisions_project_id_path_signature"
        ),
    )  # fmt: skip
    op.create_table(
        "ignored_regions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("rule", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ignored_regions")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_ignored_regions_project_id"
        ),
    )  # fmt: skip
