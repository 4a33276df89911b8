"""``python -m shop.migrate``: bring the database to this version of the shop.

Idempotent: each file in ``migrations/`` is carried out once, in order, and the products are made
to agree with ``catalogue.json``. Two at a time wait for each other.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from shop.config import required

HERE = Path(__file__).parent
LOCK = 0x70715
"""An advisory lock's number; any will do that nobody else uses."""


def versions() -> list[str]:
    """Give the names of all migrations, in order."""
    return sorted(path.stem for path in (HERE / "migrations").glob("*.sql"))


def catalogue() -> list[dict[str, Any]]:
    """Read the products that are sold."""
    products: list[dict[str, Any]] = json.loads((HERE / "catalogue.json").read_text("utf-8"))
    return products


def migrate(url: str) -> list[str]:
    """Bring the database at ``url`` up to date; give the migrations that it lacked."""
    with psycopg.connect(url, autocommit=True, application_name="shop.migrate") as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        connection.execute(
            "create table if not exists schema_migrations"
            " (version text primary key, applied_at timestamptz not null default now())"
        )
        done = {row[0] for row in connection.execute("select version from schema_migrations")}
        missing = [version for version in versions() if version not in done]
        for version in missing:
            with connection.transaction():
                text = (HERE / "migrations" / f"{version}.sql").read_bytes()
                connection.execute(text)
                connection.execute("insert into schema_migrations values (%s)", [version])
        with connection.transaction():
            _offer(connection, catalogue())
    return missing


def _offer(connection: psycopg.Connection[Any], products: list[dict[str, Any]]) -> None:
    columns = ["slug", "name", "category", "price_cents", "was_cents", "tagline"]
    columns += ["description", "glaze", "size", "picture_alt", "featured", "position"]
    statement = sql.SQL(
        "insert into products ({columns}) values ({values}) on conflict (slug) do update set "
        "({columns}) = row({news})"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(map(sql.Placeholder, columns)),
        news=sql.SQL(", ").join(sql.Identifier("excluded", c) for c in columns),
    )
    blank = {"was_cents": None, "featured": False}
    with connection.cursor() as cursor:
        cursor.executemany(
            statement, [{**blank, **product, "position": i} for i, product in enumerate(products)]
        )


def main() -> int:
    """Migrate the database that DATABASE_URL names."""
    try:
        applied = migrate(required(os.environ, "DATABASE_URL"))
    except psycopg.OperationalError as error:
        print(f"migrate: the database does not answer: {str(error).strip()}", file=sys.stderr)
        return 1
    for version in applied:
        print(f"migrate: {version}")
    print(f"migrate: up to date at {versions()[-1]}, {len(catalogue())} products")
    return 0


if __name__ == "__main__":
    sys.exit(main())
