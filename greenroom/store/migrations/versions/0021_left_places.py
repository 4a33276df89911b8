"""Places of files that projects have left, and clearings that take the engine's build cache."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "left_places",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=True),
        sa.Column(
            "left_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_left_places"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_left_places_project_id"),
    )
    op.add_column(
        "cleanups",
        sa.Column(
            "with_engine_cache", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
