"""Roles, memberships, second factors, API tokens."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

_JSON = postgresql.JSONB(astext_type=sa.Text())
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("email", sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.add_column("users", sa.Column("totp_since", _TIME, nullable=True))
    op.add_column(
        "users",
        sa.Column("totp_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "users",
        sa.Column("recovery_codes", _JSON, server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column("users", sa.Column("deactivated_at", _TIME, nullable=True))
    op.create_check_constraint(
        "role", "users", "role in ('','viewer','reviewer','developer','admin')"
    )
    op.create_index(
        "uq_users_email", "users", [sa.text("lower(email)")], unique=True,
        postgresql_where=sa.text("email <> ''"),
    )  # fmt: skip
    op.add_column("sessions", sa.Column("client", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "sessions", sa.Column("way", sa.Text(), server_default="password", nullable=False)
    )
    op.add_column("sessions", sa.Column("seen_at", _TIME, nullable=True))
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("project_id", sa.UUID(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "project_id", name="pk_memberships"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_memberships_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_memberships_project_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint(
            "role in ('viewer','reviewer','developer','admin')", name="ck_memberships_role"
        ),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=True),
        sa.Column("project_id", sa.UUID(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("used_at", _TIME, nullable=True),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_api_tokens_user_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_api_tokens_project_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("token_hash", name="uq_api_tokens_token_hash"),
        sa.UniqueConstraint("number", name="uq_api_tokens_number"),
    )
    op.create_table(
        "api_replies",
        sa.Column("token_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("body", _JSON, nullable=True),
        sa.Column("at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("token_id", "key", name="pk_api_replies"),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.id"], name="fk_api_replies_token_id", ondelete="CASCADE"
        ),
    )
