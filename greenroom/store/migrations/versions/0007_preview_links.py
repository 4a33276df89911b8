"""Preview links, who may look at previews, and how many clients must approve."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "projects", sa.Column("preview_access", sa.Text(), server_default="auto", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_projects_preview_access"), "projects", "preview_access in ('auto','closed','open')"
    )
    op.add_column(
        "projects",
        sa.Column(
            "client_approvals_needed", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
    )
    op.drop_table("preview_links")  # a first sketch, which nothing ever wrote
    op.create_table(
        "preview_links",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("release_id", sa.UUID(), nullable=True),
        sa.Column(
            "pages",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("start", sa.Text(), server_default="/", nullable=False),
        sa.Column("may_comment", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("may_approve", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_passwords", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview_links")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_preview_links_environment_id"
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name="fk_preview_links_release_id"
        ),
        sa.UniqueConstraint(
            "environment_id", "number", name="uq_preview_links_environment_id_number"
        ),
        sa.UniqueConstraint("token_hash", name="uq_preview_links_token_hash"),
    )
    op.create_table(
        "preview_views",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("link_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview_views")),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["preview_links.id"],
            name="fk_preview_views_link_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_preview_views_link_id_at", "preview_views", ["link_id", "at"])
    op.execute(
        """
        create trigger preview_links_routes after insert or update or delete on preview_links
          for each statement execute function notify_routes();
        create trigger projects_routes after update of preview_access on projects
          for each statement execute function notify_routes();
        """
    )
