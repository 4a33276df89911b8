"""Differences between a database of everything that copies get wrong and its copy.

Goal: none, apart from what is masked or must stay away, for every pair of versions there is.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks.line import Line
from benchmarks.postgres import serving
from greenroom.binaries import all_binaries
from greenroom.data.copy import TablePlan
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.schema import quote
from greenroom.data.source import Connection, Snapshot
from greenroom.data.sync import SyncPlan, run_sync
from greenroom.settings import Settings

TORTURE = Path(__file__).resolve().parent.parent / "tests" / "contract" / "torture.sql"
MASKED = frozenset({"email", "name"})
"""Columns of ``customer`` that are masked, and of what refers to them."""
_OURS = (
    "n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and not exists (select"
    " from pg_depend e where e.classid = '{catalog}'::regclass and e.objid = {oid}"
    " and e.deptype = 'e')"
)
_CLASSES = _OURS.format(catalog="pg_class", oid="c.oid")
_SAME_VERSION = "select 'view', c.oid::regclass::text, pg_get_viewdef(c.oid) {from_classes}"
_SHAPE = """
select 'relation', c.oid::regclass::text, concat_ws('|', c.relkind, c.relpersistence, c.reloptions,
  c.relrowsecurity, c.relforcerowsecurity, c.relreplident, pg_get_expr(c.relpartbound, c.oid),
  pg_get_partkeydef(c.oid), c.reloftype::regtype, c.relispopulated,
  (select t.reloptions from pg_class t where t.oid = c.reltoastrelid)) {from_classes}
  and c.relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I')
union all select 'parent', i.inhrelid::regclass::text, i.inhparent::regclass::text || i.inhseqno
  from pg_inherits i
union all select 'column', c.oid::regclass || '.' || quote_ident(a.attname), concat_ws('|',
  row_number() over (partition by c.oid order by a.attnum), format_type(a.atttypid, a.atttypmod),
  a.attnotnull, case when not c.relispartition then a.attidentity end, a.attgenerated,
  a.attstorage, a.attcompression, a.attoptions,
  nullif(coalesce(a.attstattarget, -1), -1), a.attcollation::regcollation, a.attislocal,
  a.attinhcount, pg_get_expr(d.adbin, d.adrelid)) from pg_attribute a join pg_class c
  on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace left join pg_attrdef d
  on d.adrelid = a.attrelid and d.adnum = a.attnum where {classes} and a.attnum > 0
  and not a.attisdropped and c.relkind in ('r', 'p', 'm', 'c')
union all select 'index', i.indexrelid::regclass::text, concat_ws('|',
  pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident, i.indimmediate)
  from pg_index i join pg_class c on c.oid = i.indexrelid
  join pg_namespace n on n.oid = c.relnamespace where {classes}
union all select 'constraint', k.conrelid::regclass || '.' || quote_ident(k.conname), concat_ws('|',
  pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable, k.condeferred)
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n
  on n.oid = c.relnamespace where k.contype not in ('n', 't') and k.conparentid = 0 and {classes}
union all select 'trigger', t.tgrelid::regclass || '.' || quote_ident(t.tgname),
  pg_get_triggerdef(t.oid) || t.tgenabled::text from pg_trigger t where not t.tgisinternal
union all select 'rule', r.ev_class::regclass || '.' || quote_ident(r.rulename),
  pg_get_ruledef(r.oid) || r.ev_enabled::text from pg_rewrite r
  join pg_class c on c.oid = r.ev_class join pg_namespace n
  on n.oid = c.relnamespace where r.rulename <> '_RETURN' and {classes}
union all select 'policy', p.polrelid::regclass || '.' || p.polname, concat_ws('|', p.polcmd,
  p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p
union all select 'statistics', quote_ident(s.stxname), pg_get_statisticsobjdef(s.oid)
  from pg_statistic_ext s
union all select 'function', p.oid::regprocedure::text, concat_ws('|', p.prokind, p.proconfig,
  case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end) from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace where {functions}
  and p.prorettype <> 'event_trigger'::regtype
union all select 'type', t.oid::regtype::text, concat_ws('|', t.typtype, t.typnotnull, t.typdefault,
  format_type(t.typbasetype, t.typtypmod), (select string_agg(quote_literal(e.enumlabel), ','
  order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid), (select string_agg(
  pg_get_constraintdef(k.oid), ',' order by k.conname) from pg_constraint k
  where k.contypid = t.oid and k.contype = 'c'), (select r.rngsubtype::regtype::text
  from pg_range r where r.rngtypid = t.oid)) from pg_type t join pg_namespace n
  on n.oid = t.typnamespace where {types} and t.typtype in ('d', 'e', 'r', 'm')
union all select 'sequence', format('%I.%I', schemaname, sequencename), concat_ws('|', data_type,
  start_value, min_value, max_value, increment_by, cycle, cache_size, last_value)
  from pg_sequences
union all select 'extension', extname, extnamespace::regnamespace::text from pg_extension
union all select 'schema', nspname, '' from pg_namespace n where nspname !~ '^pg_'
union all select 'collation', o.oid::regcollation::text, concat_ws('|', o.collprovider,
  o.collisdeterministic, o.collcollate) from pg_collation o join pg_namespace n
  on n.oid = o.collnamespace where n.nspname !~ '^pg_'
union all select 'operator', o.oid::regoperator::text, o.oprcode::text from pg_operator o
  where o.oid >= 16384 and not exists (select from pg_depend e where e.deptype = 'e'
  and e.classid = 'pg_operator'::regclass and e.objid = o.oid)
union all select 'cast', castsource::regtype || ' ' || casttarget::regtype, castmethod::text
  from pg_cast where oid >= 16384
union all select 'words', cfgname, '' from pg_ts_config where oid >= 16384
"""
_GONE = """
select 'comment', obj_description(c.oid, 'pg_class') from pg_class c where c.oid >= 16384
  and obj_description(c.oid, 'pg_class') is not null
union all select 'large object', oid::text from pg_largeobject_metadata
union all select 'publication', pubname from pg_publication
union all select 'subscription', subname from pg_subscription where subdbid =
  (select oid from pg_database where datname = current_database())
union all select 'server', srvname from pg_foreign_server
union all select 'user mapping', umuser::text from pg_user_mapping
union all select 'foreign table', ftrelid::regclass::text from pg_foreign_table
union all select 'event trigger', evtname from pg_event_trigger
union all select 'right', c.oid::regclass::text from pg_class c where c.oid >= 16384
  and c.relacl is not null and c.relacl::text ~ '[{,]=' and not exists (select from pg_depend e
  where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
union all select 'default right', defaclobjtype::text from pg_default_acl
union all select 'setting', unnest(setconfig) from pg_db_role_setting where setdatabase =
  (select oid from pg_database where datname = current_database())
"""
_TIED_TO_AFAR = frozenset({"v_afar", "v_afar_two", "afar", "spread_afar"})
"""What lies on a foreign table stays away with it."""


EXTRAS = {
    "xml": "create table marked_up (id int primary key, x xml); insert into marked_up values"
    " (1, '<a b=\"1\">&amp;</a>');",
    "icu": "create collation fold (provider = icu, locale = 'und-u-ks-level2',"
    " deterministic = false); create table sorted (k text collate fold primary key);"
    " insert into sorted values ('a'), ('é');",
}
"""What only some servers can hold."""


def fill(url: str, *names: str) -> None:
    """Make the database of everything that copies get wrong, with ``EXTRAS`` by name."""
    with psycopg.connect(url, autocommit=True) as connection:
        extras = "\n".join(EXTRAS[name] for name in names)
        text = TORTURE.read_text().replace("{extras}", extras)
        connection.execute(text.encode())


def empty(server_url: str, name: str) -> None:
    """Delete such a database: its subscription stands in the way of a plain DROP."""
    with psycopg.connect(on_database(server_url, name), autocommit=True) as connection:
        connection.execute("drop subscription if exists from_elsewhere")
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f'drop database "{name}" with (force)'.encode())


def decide(snapshot: Snapshot) -> SyncPlan:
    """Mask the customers' addresses and names; the other columns keep theirs, so prove nothing."""
    plans = []
    for table in read_schema(snapshot.connection).tables:
        is_theirs = table.key in ("public.customer", "public.login")
        columns = [c.name for c in table.columns if is_theirs and c.name in MASKED]
        masks = tuple((name, _KERNELS[name]) for name in columns)
        plans.append(TablePlan(table, masks, proved=frozenset()))
    return SyncPlan(tuple(plans))


def _fake_mail(value: str) -> str:
    digits = "".join(c for c in value if c.isdigit()) or str(9000 + len(value.partition("@")[0]))
    return f"Fake{int(digits) * 7}@example.test"


_KERNELS: dict[str, Callable[[str], str]] = {"email": _fake_mail, "name": lambda _: "Somebody"}


def differences(source_url: str, target_url: str, masked: frozenset[str] = MASKED) -> list[str]:
    """List what the copy has that the original has not, and the other way round."""
    with psycopg.connect(source_url) as source, psycopg.connect(target_url) as target:
        for connection in (source, target):
            connection.execute("set search_path to pg_catalog; set extra_float_digits to 3")
            connection.execute("set row_security to off; set timezone to 'UTC'")
        found = [*_shape(source, target), *_rows(source, target, masked)]
        found += [f"{what} {name} came along" for what, name in _ask(target, _GONE)]
    return found


def _ask(connection: Connection, query: str) -> list[tuple[str, ...]]:
    rows = connection.execute(query.encode()).fetchall()
    return [tuple(str(value) for value in row) for row in rows]


def _shape(source: Connection, target: Connection) -> list[str]:
    text = _SHAPE
    if source.info.server_version // 10000 == target.info.server_version // 10000:
        text += f"union all {_SAME_VERSION} and c.relkind in ('v', 'm')"  # printed in other words
    query = text.format(
        from_classes="from pg_class c join pg_namespace n on n.oid = c.relnamespace where "
        + _CLASSES,
        classes=_CLASSES,
        functions=_OURS.format(catalog="pg_proc", oid="p.oid"),
        types=_OURS.format(catalog="pg_type", oid="t.oid"),
    )
    before, after = ({row[:2]: row[2] for row in _ask(c, query)} for c in (source, target))
    return [
        f"{' '.join(key)}: {before.get(key)} became {after.get(key)}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and not _is_afar(key[1])
    ]


def _is_afar(name: str) -> bool:
    return any(part in _TIED_TO_AFAR for part in name.split("."))


def _rows(source: Connection, target: Connection, masked: frozenset[str]) -> list[str]:
    """Compare every table's rows as text, without the columns that are masked or follow."""
    found = []
    for table in read_schema(source).tables:
        hidden = masked | {"initials", "search"} if table.name in ("customer", "login") else set()
        names = [quote(c.name) for c in table.columns if c.name not in hidden]
        chosen = ", ".join(f"k.{name}::text" for name in names)
        query = f"select {chosen} from only {table.sql} k".encode()
        before, after = (Counter(c.execute(query).fetchall()) for c in (source, target))
        if before != after:
            missing, added = (before - after).total(), (after - before).total()
            found.append(f"{table.key}: {missing} rows are missing, {added} are others")
    for name in ("on_top", "a_first", "numbers", "updatable"):
        query = f"select count(*)::text from public.{name}".encode()
        if source.execute(query).fetchone() != target.execute(query).fetchone():
            found.append(f"{name} holds other rows")
    return found


def compare_all(folder: Path) -> dict[str, list[str]]:
    """Copy between every two versions that are here, older ones to newer ones; give differences."""
    found: dict[str, list[str]] = {}
    with ExitStack() as stack:
        versions = {binaries.major: binaries for binaries in all_binaries(Settings())}
        urls = {v: stack.enter_context(serving(versions[v])).url for v in sorted(versions)}
        for old, source_url in urls.items():
            with psycopg.connect(source_url, autocommit=True) as server:
                server.execute("create database torture")
            source = on_database(source_url, "torture")
            fill(source)
            for new, target_url in urls.items():
                if new >= old:
                    place = Place(target_url, f"copy_of_{old}")
                    run_sync(Settings(home=folder), source, place, decide, lambda _: None)
                    copy = on_database(target_url, place.live)
                    found[f"{old} to {new}"] = differences(source, copy)
    return found


def run() -> Line:
    """Count the differences of every pair."""
    with tempfile.TemporaryDirectory(prefix="gr-torture-") as folder:
        found = compare_all(Path(folder))
    counts = {pair: len(listed) for pair, listed in found.items()}
    total = sum(counts.values())
    return Line(
        "torture", total, "differences", "", None, "0 for every pair of versions",
        total == 0 and bool(counts), {"differences": counts},
    )  # fmt: skip
