"""What would stop a sync, said before it starts: all of it at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greenroom.data.place import Place
from greenroom.data.policy import Policy
from greenroom.data.schema import Table
from greenroom.data.source import Connection, opened
from greenroom.errors import SyncFailed

OLDEST, NEWEST = 13, 18
"""Major versions of production that are tested."""
ROOM_RATIO = 1.3
"""Room that a copy needs, indexes and sorting included, to what production takes."""
MOST_NAMED = 10
_OURS = (
    "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'"
    " and c.relpersistence <> 't' and not exists (select from pg_depend d"
    " where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')"
)
_TABLES = f"""
select format('%I.%I', n.nspname, c.relname), coalesce(pg_total_relation_size(c.oid), 0),
  has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT'),
  has_schema_privilege(n.oid, 'USAGE') and row_security_active(c.oid), n.nspname, c.relname,
  ro.nspname, r.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_class r on r.oid = pg_partition_root(c.oid)
left join pg_namespace ro on ro.oid = r.relnamespace
where c.relkind in ('r', 'p') and {_OURS} order by 1"""


@dataclass(frozen=True)
class Obstacle:
    """Something that would stop a sync."""

    message: str
    hint: str


@dataclass(frozen=True)
class Facts:
    """What is known of production and of the server that its copy goes to."""

    source_major: int
    unreadable: Sequence[str] = ()
    """Tables that the role may not read."""
    filtered: Sequence[str] = ()
    """Tables of which row security shows the role a part."""
    missing_extensions: Sequence[str] = ()
    needed_octets: int = 0
    free_octets: int | None = None
    """None where the server's disk is not seen from here."""


def list_obstacles(facts: Facts) -> list[Obstacle]:
    """Say what would stop a sync. Pure."""
    found = []
    if not OLDEST <= facts.source_major <= NEWEST:
        found.append(
            Obstacle(
                f"production runs Postgres {facts.source_major}; {OLDEST} to {NEWEST} are known",
                "Upgrade production, or name a replica of a newer version.",
            )
        )
    if facts.unreadable:
        found.append(
            Obstacle(
                f"the role may not read {_named(facts.unreadable)}",
                "Grant it SELECT on every table (the role pg_read_all_data has it).",
            )
        )
    if facts.filtered:
        found.append(
            Obstacle(
                f"row security hides rows from the role in {_named(facts.filtered)}",
                "Give the role BYPASSRLS: a copy of a part would look like the whole.",
            )
        )
    if facts.missing_extensions:
        found.append(
            Obstacle(
                f"the environments' server has no {', '.join(facts.missing_extensions)}",
                "Install these extensions there, or name a server that has them.",
            )
        )
    wanted = int(facts.needed_octets * ROOM_RATIO)
    if facts.free_octets is not None and wanted > facts.free_octets:
        found.append(
            Obstacle(
                f"the copy needs some {wanted / 1e9:.1f} GB, and {facts.free_octets / 1e9:.1f} GB"
                " are free on the environments' server",
                "Make room, leave out tables, or let a share of the rows come along (sample).",
            )
        )
    return found


def _named(tables: Sequence[str]) -> str:
    more = f" and {len(tables) - MOST_NAMED} more" if len(tables) > MOST_NAMED else ""
    return f"{len(tables)} of its tables: {', '.join(tables[:MOST_NAMED])}{more}"


def read_facts(source: Connection, server: Connection, policy: Policy | None = None) -> Facts:
    """Ask both servers; a few queries, whatever the number of tables."""
    tables = source.execute(_TABLES.encode()).fetchall()
    is_part = policy is not None and any(
        table.where or table.sample is not None for table in policy.tables.values()
    )
    needed = sum(
        int(str(size)) for _, size, _, _, *names in tables if not _stays_away(policy, names)
    )
    installed = {str(n) for (n,) in source.execute("select extname from pg_extension").fetchall()}
    known = server.execute("select name from pg_available_extensions").fetchall()
    return Facts(
        source.info.server_version // 10000,
        [str(name) for name, _, may_read, *_ in tables if not may_read],
        [str(name) for name, _, may_read, is_filtered, *_ in tables if may_read and is_filtered],
        sorted(installed - {str(name) for (name,) in known}),
        0 if is_part else needed, _free(server),
    )  # fmt: skip


def _stays_away(policy: Policy | None, names: Sequence[object]) -> bool:
    """Whether a table's rows stay away: by its own entry, or that of what it is a partition of.

    ``names``: schema and table, then those of the partitioned table, if it belongs to one.
    """
    if policy is None:
        return False
    pairs = ((str(a), str(b)) for a, b in (names[:2], names[2:]) if b is not None)
    known = (policy.tables.get(Table(schema, name, ()).key) for schema, name in pairs)
    decided = next((one for one in known if one is not None), None)
    return decided is not None and decided.rows != "all"


def _free(server: Connection) -> int | None:
    row = server.execute(
        "select case when pg_has_role('pg_read_all_settings', 'USAGE')"
        " then current_setting('data_directory') end"
    ).fetchone()
    folder = Path(str(row[0])) if row and row[0] else None
    try:
        if folder is None or not (folder / "PG_VERSION").exists():
            return None
        room = os.statvfs(folder)
    except OSError:
        return None  # another machine, or not ours to see
    return room.f_bavail * room.f_frsize


def look(source_url: str, place: Place, policy: Policy | None = None) -> list[Obstacle]:
    """Ask production and the server of its copy what would stop a sync.

    Errors: SourceUnavailable, DatabaseUnavailable, SyncFailed.
    """
    with place.server() as server, opened(source_url) as source:
        return list_obstacles(read_facts(source, server, policy))


def check(source_url: str, place: Place, policy: Policy | None = None) -> None:
    """Refuse to start what would fail.

    Errors: SyncFailed, with all that is in the way; SourceUnavailable, DatabaseUnavailable.
    """
    found = look(source_url, place, policy)
    if found:
        raise SyncFailed(
            "; ".join(obstacle.message for obstacle in found),
            hint=" ".join(obstacle.hint for obstacle in found),
        )
