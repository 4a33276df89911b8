"""Whose session ended, and who is something else now, the gateway hears at once."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Apply."""
    op.execute(
        """
        create trigger sessions_routes after insert or delete on sessions
          for each statement execute function notify_routes();
        create trigger users_routes after update of deactivated_at, role on users
          for each statement execute function notify_routes();
        create trigger memberships_routes after insert or update or delete on memberships
          for each statement execute function notify_routes();
        """
    )
