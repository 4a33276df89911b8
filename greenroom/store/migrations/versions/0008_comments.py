"""Comments: threads pinned to elements of an environment's pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "comment_threads",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("anchor", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("deployment_id", sa.UUID(), nullable=True),
        sa.Column("release_id", sa.UUID(), nullable=True),
        sa.Column("commit_hash", sa.Text(), nullable=False),
        sa.Column("viewport_width_px", sa.BigInteger(), nullable=False),
        sa.Column("viewport_height_px", sa.BigInteger(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        _created(),
        sa.Column("resolved_by", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_comment_threads"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_comment_threads_environment_id"
        ),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_comment_threads_deployment_id"
        ),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.id"], name="fk_comment_threads_release_id"
        ),
        sa.UniqueConstraint(
            "environment_id", "number", name="uq_comment_threads_environment_id_number"
        ),
        sa.CheckConstraint(
            "state in ('open','resolved','detached')", name=op.f("ck_comment_threads_state")
        ),
    )
    op.create_index(
        "ix_comment_threads_environment_id_page", "comment_threads", ["environment_id", "page"]
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("thread_id", sa.UUID(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("link_id", sa.UUID(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        _created(),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["comment_threads.id"], name="fk_comments_thread_id"
        ),
        sa.ForeignKeyConstraint(["link_id"], ["preview_links.id"], name="fk_comments_link_id"),
    )
    op.create_index("ix_comments_thread_id", "comments", ["thread_id"])
    op.create_index("ix_comments_link_id_created_at", "comments", ["link_id", "created_at"])


def _created() -> sa.Column:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
