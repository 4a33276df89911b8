"""Promotion and forges: approvals, rules, backups, held environments; whom we report to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "approvals",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("release_id", sa.UUID(), nullable=False),
        sa.Column("artifact", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        _created("decided_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_approvals_project_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_approvals_environment_id"
        ),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name="fk_approvals_release_id"),
        sa.CheckConstraint(
            "verdict in ('approved','changes','withdrawn')", name=op.f("ck_approvals_verdict")
        ),
    )
    op.create_index("ix_approvals_release_id", "approvals", ["release_id"])
    op.create_table(
        "backups",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("deployment_id", sa.UUID(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("tables", sa.BigInteger(), nullable=False),
        _created("created_at"),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_backups_project_id"),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_backups_deployment_id"
        ),
        sa.UniqueConstraint("deployment_id", name="uq_backups_deployment_id"),
    )
    op.add_column("projects", _text("production_by", "push"))
    op.add_column(
        "projects",
        sa.Column("approvals_needed", sa.BigInteger(), server_default="1", nullable=False),
    )
    op.add_column(
        "projects",
        sa.Column(
            "approvers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "projects",
        sa.Column(
            "author_may_approve", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_projects_production_by"), "projects", "production_by in ('push','promotion')"
    )
    op.add_column("projects", _text("forge", ""))
    op.add_column("projects", _text("forge_repository", ""))
    op.add_column("projects", _text("forge_api_url", ""))
    op.add_column("projects", sa.Column("forge_token", sa.LargeBinary(), nullable=True))
    op.add_column(
        "projects",
        sa.Column(
            "previews",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("environments", sa.Column("pull_number", sa.BigInteger(), nullable=True))
    op.add_column("releases", _text("author", ""))
    op.add_column("environments", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("environments", _text("held_by", ""))


def _created(name: str) -> sa.Column:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _text(name: str, default: str) -> sa.Column:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)
