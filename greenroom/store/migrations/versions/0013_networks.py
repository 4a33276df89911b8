"""Environments' networks, what was proved about them, and where captured mail may go."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Apply."""
    now = sa.text("now()")
    op.create_table(
        "environment_networks",
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("subnet", postgresql.CIDR(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("bridge", sa.Text(), nullable=False),
        sa.Column("is_guarded", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("environment_id", name="pk_environment_networks"),
        sa.UniqueConstraint("subnet", name="uq_environment_networks_subnet"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_environment_networks_environment_id"
        ),
    )
    op.create_table(
        "egress_refusals",
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "host", name="pk_egress_refusals"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_egress_refusals_environment_id"
        ),
    )
    op.create_table(
        "isolation_checks",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("runtime", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("packets", sa.BigInteger(), nullable=True),
        sa.Column("probes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("flow_run_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_isolation_checks"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_isolation_checks_environment_id"
        ),
        sa.CheckConstraint(
            "status in ('queued','running','done','failed')", name="ck_isolation_checks_status"
        ),
    )
    op.create_index(
        "ix_isolation_checks_environment_id_requested_at",
        "isolation_checks",
        ["environment_id", "requested_at"],
    )
    op.add_column(
        "projects",
        sa.Column(
            "mail_release_to",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column("projects", sa.Column("mail_release_url", sa.LargeBinary(), nullable=True))
