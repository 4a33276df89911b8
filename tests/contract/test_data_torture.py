"""A database of everything that copies get wrong arrives whole: any version's, in any later one."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from benchmarks.torture import compare_all, differences, empty, fill
from greenroom.binaries import all_binaries
from greenroom.data.load import on_database
from greenroom.settings import Settings

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def test_nothing_differs_between_any_two_versions(tmp_path: Path) -> None:
    found = compare_all(tmp_path)
    versions = {binaries.major for binaries in all_binaries(Settings())}
    assert {f"{version} to {version}" for version in versions} <= set(found)
    assert found == {pair: [] for pair in found}


CHANGES = {
    "drop index customer_brin": "index public.customer_brin",
    "alter table wide alter body set default 'x'": "column public.wide.body",
    "alter table a drop constraint a_b_id_fkey": "constraint public.a.a_b_id_fkey",
    "alter table customer enable trigger audited": "trigger public.customer.audited",
    "update odd_text set t = t || ' ' where id = 1": "public.odd_text: 1 rows",
    "delete from only animal": "public.animal: 1 rows",
    "alter sequence countdown restart with 3": "sequence public.countdown",
    "alter function total(int, int) set work_mem = '1MB'": "function public.total",
    "create view v_more as select 1": "relation public.v_more",
}  # fmt: skip


def test_what_differs_is_seen(postgres_server: str) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as server:
        server.execute("create database torture_one")
        one, two = (on_database(postgres_server, f"torture_{n}") for n in ("one", "two"))
        fill(one)
        server.execute("create database torture_two template torture_one")
        try:
            before = set(differences(one, two))
            with psycopg.connect(two, autocommit=True) as changed:
                changed.execute("drop event trigger no_more")
                for statement in CHANGES:
                    changed.execute(statement.encode())
            seen = set(differences(one, two)) - before
        finally:
            empty(postgres_server, "torture_one")
            empty(postgres_server, "torture_two")
    missed = [what for what in CHANGES.values() if not any(d.startswith(what) for d in seen)]
    assert not missed
