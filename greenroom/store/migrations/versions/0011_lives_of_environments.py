"""Sleep, lifetimes, kept copies, what copies use, forks, own domains, where variables hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _truth(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _json(name: str) -> sa.Column[object]:
    kind = postgresql.JSONB(astext_type=sa.Text())
    return sa.Column(name, kind, server_default=sa.text("'{}'"), nullable=False)


def upgrade() -> None:
    """Apply."""
    for column in (
        _moment("expires_at"), _moment("expiry_told_at"), _truth("is_lasting"),
        _moment("seeded_at"), _text("destroy_requested_by"),
        _truth("from_fork"), _text("fork_approved_by"),
    ):  # fmt: skip
        op.add_column("environments", column)
    for column in (_text("asleep"), _json("used"), _moment("kept_since")):
        op.add_column("instances", column)
    op.create_check_constraint(
        op.f("ck_instances_asleep"), "instances", "asleep in ('','paused','stopped')"
    )
    op.drop_constraint(op.f("ck_instances_state"), "instances")
    op.create_check_constraint(
        op.f("ck_instances_state"),
        "instances",
        "state in ('starting','serving','draining','kept','stopped')",
    )
    op.add_column("projects", _json("life"))
    op.add_column(
        "environment_variables",
        sa.Column("given_at", sa.Text(), server_default="both", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_environment_variables_given_at"),
        "environment_variables",
        "given_at in ('both','build','run')",
    )
    op.create_table(
        "domains",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("environment_id", sa.UUID(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        _text("created_by"),
        _moment("verified_at"),
        sa.PrimaryKeyConstraint("id", name="pk_domains"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_domains_environment_id"
        ),
    )  # fmt: skip
    op.create_index("ix_domains_environment_id", "domains", ["environment_id"])
    op.create_index(
        "uq_domains_host", "domains", ["host"], unique=True,
        postgresql_where=sa.text("verified_at is not null"),
    )  # fmt: skip
    op.execute("""
        create trigger domains_routes after insert or update or delete on domains
          for each statement execute function notify_routes();
        create trigger projects_life_routes after update of life on projects
          for each statement execute function notify_routes();
    """)
