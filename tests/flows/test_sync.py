"""Production's data comes to staging without its people, whatever is killed on the way."""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import psycopg
import pytest

from greenroom import data_orders
from greenroom.binaries import find_binaries
from greenroom.data.databases import DatabaseServer
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.policy import load_policy
from greenroom.errors import InvalidInput
from greenroom.names import template_name
from greenroom.platform.orchestrator import prefect_environment, secret_environment
from greenroom.settings import process_environment
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import Environment, Project, Sync, SyncStatus
from greenroom.store.work import database_url, unit_of_work
from tasks.hold import is_process_alive
from tests.flows.conftest import eventually

pytestmark = [pytest.mark.flows, pytest.mark.needs_postgres]

PEOPLE = """
create table people (id int primary key, email text unique, name text, note text);
create table sessions (token text);
insert into people select g, 'Marga' || g || '@mail.test', 'Marga Zwickel' || g,
  'call me at marga' || g || '@mail.test' from generate_series(1, 300) g;
insert into sessions values ('let-me-in-please');
"""
POLICY = """
version: 1
tables:
  public.people: {columns: {id: keep, email: email, name: full_name, note: text}}
  public.sessions: {rows: none}
hooks:
  sql:
    - "HOOK"
"""
PASSWORD = "pw-" + secrets.token_hex(8)


@dataclass
class Shop:
    """A site with a production database of its own."""

    site: Any
    production: str

    @property
    def name(self) -> str:
        return str(self.site.name)

    def approve(self, hook: str = "select 1", policy: str = POLICY) -> None:
        text = policy.replace("HOOK", hook)
        with unit_of_work() as work:
            fingerprint = load_policy(text).fingerprint()
            owner = projects.get_project(work, self.name)
            policies.record_policy(work, owner, text, fingerprint, by="ada")

    def order(self, target: str = "", **options: Any) -> data_orders.SyncOrder:
        return data_orders.place_sync(target or self.name, actor="ada", **options)

    def sync(self, target: str = "", *wanted: str, **options: Any) -> Sync:
        return self.wait(self.order(target, **options), *wanted)

    def wait(self, order: data_orders.SyncOrder, *wanted: str) -> Sync:
        statuses = wanted or (SyncStatus.DONE,)

        def look() -> Sync | None:
            with unit_of_work() as work:
                row = syncs.get_sync(work, order.sync_id)
            if row.status in syncs.FINAL and row.status not in statuses:
                pytest.fail(f"the sync ended {row.status}: {row.error}\n{row.log_output}")
            return row if row.status in statuses else None

        found: Sync = eventually(look, f"sync {'/'.join(statuses)}", 90)
        return found

    @property
    def place(self) -> Place:
        with unit_of_work() as work:
            project = projects.get_project(work, self.name)
            return Place(database_url(), template_name(project.name, str(project.id)))

    def databases(self) -> set[str]:
        place = self.place
        with place.server() as server:
            rows = server.execute("select datname from pg_database").fetchall()
        known = {str(name) for (name,) in rows}
        found = {"live": place.live, "next": place.next, "previous": place.previous}
        return {what for what, name in found.items() if name in known}

    def ask(self, branch: str, query: str) -> Any:
        with unit_of_work() as work:
            environment = work.get_one(Environment, self.site.environment(branch).id)
            url = environments.environment_database_url(environment)
        assert url is not None
        with psycopg.connect(url) as connection:
            return connection.execute(query.encode()).fetchone()[0]  # type: ignore[index]

    def ask_template(self, query: str) -> Any:
        """Ask the template, to which nobody connects otherwise."""
        place = self.place
        with place.server() as server:
            server.execute(f'alter database "{place.live}" allow_connections true')  # type: ignore[call-overload]
            try:
                with psycopg.connect(on_database(place.server_url, place.live)) as connection:
                    return connection.execute(query.encode()).fetchone()[0]  # type: ignore[index]
            finally:
                server.execute(f'alter database "{place.live}" allow_connections false')  # type: ignore[call-overload]

    def reach(self, order: data_orders.SyncOrder, phase: str) -> psutil.Process:
        """Wait until a sync is in a phase; give the process that works at it."""

        def look() -> psutil.Process | None:
            with unit_of_work() as work:
                row = syncs.get_sync(work, order.sync_id)
            assert row.status not in syncs.FINAL, (row.error, row.log_output)
            try:
                alive = is_process_alive(row.host, row.process)
                found = alive and row.phase == phase
                return psutil.Process(int(row.process.split(":")[0])) if found else None
            except (ValueError, psutil.Error):
                return None

        process: psutil.Process = eventually(look, phase, 60, pause=0.002)
        return process

    def mend(self, order: data_orders.SyncOrder) -> None:
        from prefect.logging import disable_run_logger

        from tasks.sync_repair import repair_syncs

        with disable_run_logger():
            repair_syncs.fn()

    def keepers(self) -> list[psutil.Process]:
        def mine(process: psutil.Process) -> bool:
            try:
                line = process.cmdline()
            except psutil.Error:
                return False
            return (
                "greenroom.data.keeper" in line and str(self.site.stage.settings.home) in line[-1]
            )

        return [process for process in psutil.process_iter() if mine(process)]


DATABASE = "database: {engine: postgres}"


@pytest.fixture
def shop(new_site: Callable[..., Any], app: Any) -> Iterator[Shop]:
    site = new_site()
    name = f"prod_{site.name}"
    server = DatabaseServer(database_url())
    url = server.ensure_database(name, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(PEOPLE)
    with unit_of_work() as work:
        owner = projects.get_project(work, site.name)
        projects.set_production_database_url(work, owner, url, actor="ada")
    site.set_variable("PSQL", str(find_binaries(site.stage.settings).folder / "psql"))
    yield Shop(site, url)
    server.drop_database(name, name)


def with_release(files: dict[str, str], command: str) -> dict[str, str]:
    text = files["greenroom.yaml"].replace("run:\n", f"run:\n  release: {command}\n")
    return {**files, "greenroom.yaml": text}


ORIGINALS = "select count(*) from people p where p::text ~* 'zwickel|mail[.]test'"
"""No fake has these letters: another name of theirs might begin like one of the fakes."""


def test_a_new_environment_starts_with_data_and_without_people(shop: Shop, app: Any) -> None:
    shop.approve()
    row = shop.sync()
    assert row.report is not None
    assert row.report["proof"]["originals_found"] == 0
    assert row.progress["public.people"]["rows"] == 300
    assert {"snapshot", "data", "proof", "swap"} <= set(row.phases)
    assert shop.databases() == {"live"}
    eventually(lambda: not shop.keepers(), "the snapshot's end")
    shop.site.commit(app("1", DATABASE), "feature")
    shop.site.deploy("feature")
    assert shop.ask("feature", "select count(*) from people") == 300
    assert shop.ask("feature", ORIGINALS) == 0
    assert shop.ask("feature", "select count(*) from sessions") == 0
    shop.ask("feature", "with gone as (delete from people returning 1) select count(*) from gone")
    assert "live" in shop.databases()


def test_an_environment_gets_fresh_data_with_its_migrations(shop: Shop, app: Any) -> None:
    migrate = '\'"$PSQL" "$DATABASE_URL" -c "alter table people add branch text"\''
    shop.site.commit(app("1", DATABASE), "feature")
    shop.site.deploy("feature")
    shop.site.commit(with_release(app("2", DATABASE), "'true'"), "feature")
    shop.site.deploy("feature")
    shop.approve("update people set note = 'hooked' where id = 7")
    target = f"{shop.name}/feature"
    shop.sync(target)
    assert shop.ask("feature", "select note from people where id = 7") == "hooked"
    shop.site.commit(with_release(app("3", DATABASE), migrate), "feature")
    shop.site.deploy("feature")
    with shop.site.visitor("feature") as visitor:
        row = shop.sync(target)
    assert visitor.wrong == []
    assert "$ " in row.log_output
    assert shop.ask("feature", "select count(branch) from people") == 0
    assert shop.ask("feature", ORIGINALS) == 0
    assert shop.databases() == {"live", "previous"}


def test_a_release_that_fails_leaves_the_environment_its_data(shop: Shop, app: Any) -> None:
    shop.approve()
    shop.sync()
    command = '\'test -e /tmp/never || test "${DATABASE_URL%_fresh}" = "$DATABASE_URL"\''
    shop.site.commit(with_release(app("1", DATABASE), command), "feature")
    shop.site.deploy("feature")
    shop.ask("feature", "with x as (delete from people where id > 5 returning 1) select 1")
    row = shop.sync(f"{shop.name}/feature", SyncStatus.FAILED)
    assert row.error is not None
    assert row.error["error"] == "ReleaseFailed"
    assert shop.ask("feature", "select count(*) from people") == 5
    assert shop.site.stage.locks() == []


def test_some_tables_alone_do_not_become_the_template(shop: Shop, app: Any) -> None:
    shop.site.commit(app("1", DATABASE), "feature")
    shop.site.deploy("feature")
    shop.approve()
    row = shop.sync(f"{shop.name}/feature", tables=["people"])
    assert row.report is not None
    assert row.report["only_tables"] == ["people"]
    assert shop.ask("feature", "select count(*) from people") == 300
    assert shop.databases() == set()


PHASES = ("data", "proof")


@pytest.mark.parametrize("phase", PHASES)
def test_killed_it_goes_on_with_the_same_moment(shop: Shop, phase: str) -> None:
    shop.approve()
    shop.sync()
    shop.approve("select pg_sleep(2)")
    before = shop.ask_template("select oid from pg_class where relname = 'people'")
    order = shop.order()
    process = shop.reach(order, phase)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    assert shop.ask_template("select oid from pg_class where relname = 'people'") == before
    with psycopg.connect(shop.production, autocommit=True) as connection:
        connection.execute("insert into people values (1000, 'Late@mail.test', 'Late One', '')")
    shop.mend(order)
    row = shop.wait(order)
    assert row.attempts == 2
    assert "another goes on" in row.log_output
    assert shop.ask_template("select count(*) from people") == 300  # as it was at the first start
    assert shop.databases() == {"live", "previous"}
    eventually(lambda: not shop.keepers(), "the snapshot's end")


def test_one_that_is_killed_again_and_again_ends(shop: Shop) -> None:
    shop.approve("select pg_sleep(30)")
    order = shop.order()
    for _ in range(3):
        process = shop.reach(order, "hooks")
        process.kill()
        psutil.wait_procs([process], timeout=10)
        shop.mend(order)
    row = shop.wait(order, SyncStatus.FAILED)
    assert row.error is not None
    assert "killed" in row.error["detail"]
    shop.mend(order)
    assert shop.databases() == set()
    eventually(lambda: not shop.keepers(), "the snapshot's end")


def test_a_cancelled_one_leaves_nothing(shop: Shop) -> None:
    shop.approve()
    shop.sync()
    shop.approve("select pg_sleep(3)")
    order = shop.order()
    shop.reach(order, "hooks")
    data_orders.place_cancel_sync(shop.name, actor="ada")
    shop.wait(order, SyncStatus.CANCELLED)
    assert shop.databases() == {"live"}


def test_a_column_that_nobody_decided_about_stops_it(shop: Shop) -> None:
    shop.approve()
    with psycopg.connect(shop.production, autocommit=True) as connection:
        connection.execute("alter table people add ssn text")
    row = shop.sync("", SyncStatus.FAILED)
    assert row.error is not None
    assert row.error["error"] == "Undecided"
    assert "public.people.ssn" in row.error["detail"]
    assert shop.databases() == set()


def test_a_leak_stops_it_and_is_not_shown(shop: Shop) -> None:
    kept = POLICY.replace("note: text", "note: keep")
    shop.approve(policy=kept)
    row = shop.sync("", SyncStatus.FAILED)
    assert row.error is not None
    assert row.error["error"] == "LeakFound"
    assert "public.people.note" in row.error["detail"]
    assert "arga" not in row.log_output + str(row.error)
    assert shop.databases() == set()


DASK = """
import sys
from uuid import UUID
from flows.sync_database import sync_database
from tasks.values import SyncRequest

sync_database(SyncRequest(UUID(sys.argv[1]), "by hand", 1))
"""


def test_chunks_are_copied_by_the_workers_of_a_dask_cluster(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    # The console's tests leave a page as the main module, and the workers would run it first.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    settings = shop.site.stage.settings
    shop.approve()
    with unit_of_work() as work:
        owner = projects.get_project(work, shop.name)
        sync_id = data_orders.record_sync(work, owner, None, actor="ada").sync_id
        # Reconcile starts what was recorded and has no run yet after some seconds: not this one.
        syncs.get_sync(work, sync_id).requested_at += timedelta(hours=1)
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        host="127.0.0.1", silence_logs=logging.ERROR, local_directory=str(tmp_path),
    )  # fmt: skip
    try:
        environment = {
            **prefect_environment(settings), **secret_environment(settings),
            "GREENROOM_HOME": settings.home, "GREENROOM_DASK_ADDRESS": cluster.scheduler_address,
            "PYTHONPATH": settings.root,
        }  # fmt: skip
        ended = subprocess.run(
            [sys.executable, "-c", DASK, str(sync_id)], check=False, timeout=240, text=True,
            cwd=settings.root, env=process_environment(**environment), capture_output=True,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-8000:]
        assert cluster.scheduler.transition_counter > 0  # its workers had something to do
    finally:
        cluster.close(timeout=20)
    with unit_of_work() as work:
        row = syncs.get_sync(work, sync_id)
    assert row.status == SyncStatus.DONE, row.log_output
    assert row.progress["public.people"]["rows"] == 300
    assert shop.ask_template(ORIGINALS) == 0


def test_without_a_policy_nothing_is_read(shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="approved"):
        shop.order()
    with unit_of_work() as work:
        assert syncs.list_syncs(work, projects.get_project(work, shop.name)) == []


def test_production_that_is_away_is_told_without_its_password(shop: Shop) -> None:
    shop.approve()
    away = f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop"
    with unit_of_work() as work:
        owner: Project = projects.get_project(work, shop.name)
        projects.set_production_database_url(work, owner, away, actor="ada")
    row = shop.sync("", SyncStatus.FAILED)
    assert row.error is not None
    assert row.error["error"] == "SourceUnavailable"
    assert PASSWORD not in row.log_output + str(row.error)
