"""Files outside the code, and cleanups."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def _time(name: str, *, nullable: bool = True) -> sa.Column:
    default = None if nullable else sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), nullable=nullable)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "asset_settings",
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        _json("rules"),
        _json("base_urls"),
        _json("cdn"),
        sa.Column("credentials", sa.LargeBinary(), nullable=True),
        _time("updated_at", nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_asset_settings"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_asset_settings_project_id"
        ),
    )
    op.create_table(
        "asset_syncs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("is_plan", sa.Boolean(), nullable=False),
        sa.Column("deletes", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        _time("requested_at", nullable=False),
        _time("started_at"),
        _time("completed_at"),
        _time("listed_at"),
        _time("snapshot_at"),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("flow_run_id", sa.UUID(), nullable=True),
        _time("cancel_requested_at"),
        _json("totals"),
        _json("progress"),
        _json("report"),
        _json("error", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_asset_syncs"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_asset_syncs_project_id"),
        sa.UniqueConstraint("project_id", "number", name="uq_asset_syncs_project_id_number"),
        sa.CheckConstraint(
            "status in ('queued','running','done','failed','cancelled')",
            name="ck_asset_syncs_status",
        ),
    )
    op.create_index(
        "uq_asset_syncs_project_id_running",
        "asset_syncs",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "cleanups",
        sa.Column("number", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("is_plan", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        _time("requested_at", nullable=False),
        _time("completed_at"),
        sa.Column("flow_run_id", sa.UUID(), nullable=True),
        sa.Column("freed_bytes", sa.BigInteger(), nullable=False),
        _json("report"),
        _json("error", nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_cleanups"),
    )
