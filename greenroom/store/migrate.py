"""Bring the store's schema to the present version (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from greenroom.store.work import database_url, engine_for

_LOCK = 4_711_201_609
"""Advisory lock key: two starts at once migrate one after the other."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def present_revision(url: str | None = None) -> str:
    """Give the schema's revision as it is, empty when there is none. Changes nothing."""
    with engine_for(url or database_url()).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def wanted_revision() -> str:
    """Give the revision that this version of Greenroom works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def migrate(url: str | None = None) -> str:
    """Upgrade the schema to head and give its revision.

    Idempotent; all or nothing: every migration of one call runs in one transaction.
    """
    config, head = _config(), wanted_revision()
    with engine_for(url or database_url()).begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if MigrationContext.configure(connection).get_current_revision() != head:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return head
