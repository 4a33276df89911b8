"""What becomes of production's data: policies, the keys of pseudonyms, and syncs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "policies",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        _created("approved_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_policies_project_id"),
        sa.UniqueConstraint("project_id", "number", name="uq_policies_project_id_number"),
    )
    op.create_table(
        "pseudonym_keys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _created("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pseudonym_keys")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_pseudonym_keys_project_id"
        ),
    )
    op.create_table(
        "syncs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=True),
        sa.Column("tables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        _created("requested_at"),
        _moment("started_at"),
        _moment("completed_at"),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.UUID(), nullable=True),
        _moment("cancel_requested_at"),
        _moment("snapshot_at"),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("phases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("log_output", sa.Text(), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("signature", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_syncs")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_syncs_project_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_syncs_environment_id"
        ),
        sa.UniqueConstraint("project_id", "number", name="uq_syncs_project_id_number"),
        sa.CheckConstraint(
            "status in ('queued','running','done','failed','cancelled')",
            name=op.f("ck_syncs_status"),
        ),
    )
    op.create_index(
        "uq_syncs_project_id_running",
        "syncs",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )


def _created(name: str) -> sa.Column:
    moment = sa.DateTime(timezone=True)
    return sa.Column(name, moment, server_default=sa.text("now()"), nullable=False)


def _moment(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def downgrade() -> None:
    """Undo."""
    for table in ("syncs", "pseudonym_keys", "policies"):
        op.drop_table(table)
