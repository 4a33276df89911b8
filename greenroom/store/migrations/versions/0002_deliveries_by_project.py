"""One event has the same delivery id at every webhook it is sent to: remember it per project."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLE, KEY = "webhook_deliveries", "pk_webhook_deliveries"


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(KEY, TABLE, type_="primary")
    op.create_primary_key(KEY, TABLE, ["provider", "delivery", "project_id"])


def downgrade() -> None:
    """Undo; of a delivery that went to several projects, one memory stays."""
    op.execute(
        f"delete from {TABLE} a using {TABLE} b where a.provider = b.provider "  # noqa: S608
        "and a.delivery = b.delivery and a.project_id > b.project_id"
    )
    op.drop_constraint(KEY, TABLE, type_="primary")
    op.create_primary_key(KEY, TABLE, ["provider", "delivery"])
