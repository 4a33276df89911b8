"""Alembic's entry; the connection comes from ``greenroom.store.migrate``."""

from alembic import context

from greenroom.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
context.run_migrations()
