"""Rewrite addresses in a filled database: pages of staging load staging's files."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import Connection, sql

from greenroom.data.refusals import message
from greenroom.errors import SyncFailed

_TEXTS = ("text", "varchar", "bpchar", "citext")
_DOCUMENTS = ("json", "jsonb")
_PHP = r's:[0-9]+:\\*"'
"""A text inside PHP's serialized form: it tells its own length, which would be wrong then."""


def rewrite_addresses(target: Connection, pairs: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """Replace addresses in every text and document column; give rows changed and rows left.

    Left are texts of PHP's serialized form whose length would change. Idempotent unless the new
    address holds the old one.

    Errors: SyncFailed, naming table and column.
    """
    changed = left = 0
    with target.transaction():
        target.execute("set local session_replication_role = replica")  # triggers act on the world
        for schema, table, column, kind in _columns(target):
            place = sql.Identifier(schema, table)
            for before, after in pairs:
                try:
                    done, stayed = _rewrite(target, place, column, kind, before, after)
                except psycopg.Error as error:
                    raise SyncFailed(
                        f"addresses in {schema}.{table}.{column} cannot be rewritten:"
                        f" {message(error)}"
                    ) from None
                changed, left = changed + done, left + stayed
    return changed, left


def _columns(target: Connection) -> list[tuple[str, str, str, str]]:
    rows = target.execute(
        "select n.nspname, c.relname, a.attname, t.typname from pg_attribute a"
        " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
        " join pg_type t on t.oid = a.atttypid"
        " where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''"
        " and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'greenroom_sync')"
        " and t.typname = any(%s) order by 1, 2, a.attnum",
        ([*_TEXTS, *_DOCUMENTS],),
    ).fetchall()
    return [(str(s), str(t), str(c), str(k)) for s, t, c, k in rows]


def _rewrite(
    target: Connection, place: sql.Identifier, column: str, kind: str, before: str, after: str
) -> tuple[int, int]:
    name, cast = sql.Identifier(column), sql.SQL(kind)
    forms = {before: after, before.replace("/", r"\/"): after.replace("/", r"\/")}
    made: sql.Composable = sql.SQL("{}::text").format(name)
    for old, new in forms.items():
        made = sql.SQL("replace({}, {}, {})").format(made, sql.Literal(old), sql.Literal(new))
    has = sql.SQL(" or ").join(
        sql.SQL("position({} in {}::text) > 0").format(sql.Literal(old), name) for old in forms
    )
    plain: sql.Composable = sql.SQL("true")
    left = 0
    if len(before) != len(after):
        plain = sql.SQL("{}::text !~ {}").format(name, sql.Literal(_PHP))
        row = target.execute(
            sql.SQL("select count(*) from {} where ({}) and not ({})").format(place, has, plain)
        ).fetchone()
        left = int(row[0]) if row else 0
    done = target.execute(
        sql.SQL("update {} set {} = ({})::{} where ({}) and {}").format(
            place, name, made, cast, has, plain
        )
    )
    return done.rowcount, left
