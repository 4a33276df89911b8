"""Issue trackers: comments become issues; files of comments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Apply."""
    op.add_column("comments", sa.Column("external_id", sa.Text(), nullable=True))
    op.add_column(
        "comments",
        sa.Column(
            "files",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
    )
    op.create_table(
        "project_trackers",
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("api_url", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("hook_secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name="pk_project_trackers"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_project_trackers_project_id"
        ),
        sa.CheckConstraint("rule in ('click','every')", name=op.f("ck_project_trackers_rule")),
    )
    op.create_table(
        "thread_issues",
        sa.Column("thread_id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("thread_id", name="pk_thread_issues"),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["comment_threads.id"], name="fk_thread_issues_thread_id"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_thread_issues_project_id"
        ),
    )  # fmt: skip
    op.create_index("ix_thread_issues_project_id", "thread_issues", ["project_id"])
    op.create_index(
        "ix_thread_issues_next_at", "thread_issues", ["next_at"],
        postgresql_where=sa.text("next_at is not null"),
    )  # fmt: skip
