"""Reading what a database holds from Postgres' own catalogs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from psycopg.rows import dict_row

from greenroom.data.schema import Column, ForeignKey, Schema, Table
from greenroom.data.source import Connection

_OURS = (
    "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'"
    " and c.relpersistence <> 't' and not exists (select from pg_depend d"
    " where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"
)
_TABLES = f"""
select c.oid, n.nspname as schema, c.relname as name, c.relkind, c.relpages::bigint as pages,
       greatest(c.reltuples, 0)::bigint as rows, pg_table_size(c.oid) as size,
       coalesce(pg_relation_size(c.oid) / current_setting('block_size')::bigint, 0) as real_pages,
       obj_description(c.oid, 'pg_class') as comment,
       (with recursive up as (
            select inhparent from pg_inherits where inhrelid = c.oid and c.relispartition
            union all select i.inhparent from pg_inherits i join up on i.inhrelid = up.inhparent
            join pg_class above on above.oid = i.inhrelid and above.relispartition)
        select string_agg(up.inhparent::text, ',') from up) as ancestors
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and {_OURS} order by 2, 3"""
_COLUMNS = f"""
select a.attrelid as table_id, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       (with recursive base as (
            select t.oid, t.typname, t.typtype, t.typbasetype, t.typtypmod from pg_type t
            where t.oid = a.atttypid
            union all select t.oid, t.typname, t.typtype, t.typbasetype, base.typtypmod
            from pg_type t join base on base.typtype = 'd' and t.oid = base.typbasetype)
        select typname from base where typtype <> 'd' limit 1) as base_type,
       case when format_type(a.atttypid, a.atttypmod) ~ '^character( varying)?\\('
            then a.atttypmod - 4
            else (select d.typtypmod - 4 from pg_type d where d.oid = a.atttypid
                  and d.typtype = 'd' and d.typtypmod > 4
                  and d.typbasetype in ('bpchar'::regtype, 'varchar'::regtype)) end as max_length,
       not (a.attnotnull or exists (select from pg_type d where d.oid = a.atttypid
            and d.typnotnull)) as nullable,
       a.attgenerated <> '' as generated, a.attidentity <> '' as identity,
       col_description(a.attrelid, a.attnum) as comment,
       (select o.collname from pg_collation o where o.oid = a.attcollation
        and o.collname <> 'default') as collation,
       exists (select from pg_index i where i.indrelid = a.attrelid and i.indisunique
               and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as is_unique
from pg_attribute a join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p') and {_OURS}
order by a.attrelid, a.attnum"""
_CONSTRAINTS = f"""
select k.conrelid as table_id, k.conname as name, k.contype, k.confrelid as target_id,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(number, at)
             join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number
             order by u.at) as columns,
       array(select a.attname::text from unnest(k.confkey) with ordinality u(number, at)
             join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.number
             order by u.at) as target_columns,
       case when k.contype = 'c' then pg_get_constraintdef(k.oid) end as definition
from pg_constraint k join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype in ('p', 'u', 'f', 'c', 'x') and {_OURS} order by k.conrelid, k.conname"""
_UNIQUE_INDEXES = f"""
select i.indrelid as table_id,
       array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1])
             with ordinality u(number, at) join pg_attribute a on a.attrelid = i.indrelid
             and a.attnum = u.number order by u.at) as columns
from pg_index i join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
where i.indisunique and i.indpred is null and 0 <> all(i.indkey::int2[]) and {_OURS}"""
_FOREIGN = """
with recursive tied (class, object) as (
    select 'pg_class'::regclass::oid, ftrelid from pg_foreign_table
    union select found.class, found.object from tied cross join lateral (
        select classid as class, objid as object from pg_depend
        where refclassid = tied.class and refobjid = tied.object
        union all select refclassid, refobjid from pg_depend where classid = tied.class
        and objid = tied.object and tied.class = 'pg_rewrite'::regclass and deptype = 'i') found)
select class, object from tied"""

Rows = list[dict[str, Any]]


def read_schema(connection: Connection) -> Schema:
    """Read every table that holds rows, with what constrains them.

    Inside a snapshot's transaction it is what the snapshot sees. Queries: four, whatever the
    number of tables.
    """
    tables = _ask(connection, _TABLES)
    columns, constraints = _by_table(connection, _COLUMNS), _by_table(connection, _CONSTRAINTS)
    indexes = _by_table(connection, _UNIQUE_INDEXES)
    keys = {row["oid"]: Table(row["schema"], row["name"], ()).key for row in tables}
    made = [
        _table(row, columns[row["oid"]], constraints[row["oid"]], indexes[row["oid"]], keys)
        for row in tables
        if row["relkind"] == "r"
    ]
    names = connection.execute("select extname from pg_extension order by 1").fetchall()
    extensions = tuple(str(name) for (name,) in names)
    return Schema(tuple(made), connection.info.server_version, extensions)


def read_foreign(connection: Connection) -> frozenset[tuple[int, int]]:
    """List what cannot be made without the foreign tables: views on them, and so on.

    As pairs of a catalog's and an object's oid, by which ``pg_restore --list`` names its entries.
    """
    rows = _ask(connection, _FOREIGN)
    return frozenset((int(row["class"]), int(row["object"])) for row in rows)


def _ask(connection: Connection, query: str) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def _by_table(connection: Connection, query: str) -> defaultdict[int, Rows]:
    found: defaultdict[int, Rows] = defaultdict(list)
    for row in _ask(connection, query):
        found[row["table_id"]].append(row)
    return found


def _table(
    row: dict[str, Any], columns: Rows, constraints: Rows, indexes: Rows, keys: dict[int, str]
) -> Table:
    primary = [tuple(k["columns"]) for k in constraints if k["contype"] == "p"]
    ancestors = [int(oid) for oid in (row["ancestors"] or "").split(",") if oid]
    return Table(
        schema=row["schema"],
        name=row["name"],
        columns=tuple(
            Column(
                name=c["name"],
                type=c["type"],
                base_type=c["base_type"] or c["type"],
                max_length=c["max_length"],
                is_nullable=c["nullable"],
                is_generated=c["generated"],
                is_identity=c["identity"],
                is_unique=c["is_unique"],
                collation=c["collation"] or "",
                comment=c["comment"] or "",
            )
            for c in columns
        ),
        primary_key=primary[0] if primary else (),
        uniques=tuple(sorted({tuple(index["columns"]) for index in indexes})),
        foreign_keys=tuple(
            ForeignKey(
                k["name"],
                tuple(k["columns"]),
                keys.get(k["target_id"], ""),
                tuple(k["target_columns"]),
            )
            for k in constraints
            if k["contype"] == "f"
        ),
        checks=tuple(k["definition"] for k in constraints if k["contype"] == "c"),
        parent=keys.get(ancestors[-1], "") if ancestors else "",
        estimated_rows=row["rows"],
        size_bytes=row["size"],
        pages=max(row["pages"], row["real_pages"]),
        comment=row["comment"] or "",
    )
