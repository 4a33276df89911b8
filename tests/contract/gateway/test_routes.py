"""The route table against a real store: live by notice, patient when the store is away."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import psycopg
import pytest

from greenroom.gateway import routes
from greenroom.gateway.routes import RouteTable, Target
from greenroom.store import deployments, environments, projects
from greenroom.store.models import (
    Environment,
    EnvironmentStatus,
    Instance,
    InstanceState,
    Release,
)
from greenroom.store.work import unit_of_work
from tests.conftest import forget_settings

pytestmark = pytest.mark.contract
HOST = "shop.localhost"
AGO = 3600.0
"""A pause between reloads that no test lives through: what changes, changes by notice."""


@dataclass(frozen=True)
class World:
    """A table and the environment whose route it shows."""

    table: RouteTable
    environment_id: uuid.UUID
    release_id: uuid.UUID
    url: str

    def switch(self, address: str) -> uuid.UUID:
        """Let another copy serve, as a deployment does; give its id."""
        with unit_of_work() as work:
            environment = work.get_one(Environment, self.environment_id)
            before = environments.serving_instance(work, environment.id)
            if before is not None:
                before.state = InstanceState.DRAINING
                work.flush()
            deployment = deployments.create_deployment(
                work, environment, ref="main", deployed_by="test"
            )
            made = Instance(
                deployment_id=deployment.id,
                release_id=self.release_id,
                environment_id=environment.id, name=f"i-{uuid.uuid4().hex[:8]}", runtime="process",
                address=address, state=InstanceState.SERVING,
            )  # fmt: skip
            work.add(made)
            work.flush()
            return made.id

    def address(self) -> str:
        target = self.table.find(HOST)
        return "" if target is None or target.upstream is None else target.upstream.address

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition():  # noqa: ASYNC110 - the table has no event to wait for
                await asyncio.sleep(0.01)

    def end_listener(self) -> None:
        """End the gateway's own connection at the server."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'greenroom-gateway' and datname = current_database()"
            ).fetchall()
        assert rows == [(True,)]

    def listeners(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "select count(*) from pg_stat_activity where application_name = "
                "'greenroom-gateway' and datname = current_database() and query ilike 'listen%'"
            ).fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
async def world(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A table that listens to a store with one environment."""
    monkeypatch.setattr(routes, "RELOAD_SECONDS", AGO)
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/nowhere", actor="test")
        key = environments.ensure_environment(work, project, "main", actor="test").id
        release = Release(
            project_id=project.id, commit_hash="a" * 40, runtime="process", artifact="sha256:0",
            location="/nowhere", manifest={}, manifest_digest="0",
        )  # fmt: skip
        work.add(release)
    table = RouteTable()
    await table.start()
    made = World(table, key, release.id, store_url)
    await made.until(lambda: made.listeners() == 1)
    yield made
    await table.stop()


def upstream_of(target: Target | None) -> object:
    assert target is not None
    return target.upstream


async def test_a_switch_is_seen_by_its_notice(world: World) -> None:
    assert world.table.find(HOST) is not None
    assert world.address() == ""
    for number in range(5):
        serving = world.switch(f"http://127.0.0.1:{1000 + number}")
        await world.until(lambda n=number: world.address() == f"http://127.0.0.1:{1000 + n}")
        target = world.table.find(HOST)
        assert target is not None
        assert target.route.instance_id == serving


async def test_a_destroyed_environment_is_gone(world: World) -> None:
    with unit_of_work() as work:
        environment = work.get_one(Environment, world.environment_id)
        environments.set_status(environment, EnvironmentStatus.DESTROYED)
    await world.until(lambda: world.table.find(HOST) is None)
    assert len(world.table) == 0


async def test_a_rolled_back_change_is_not_seen(world: World) -> None:
    world.switch("http://127.0.0.1:1000")
    await world.until(lambda: world.address().endswith(":1000"))
    with pytest.raises(RuntimeError), unit_of_work() as work:
        found = environments.serving_instance(work, world.environment_id)
        assert found is not None
        found.address = "http://127.0.0.1:6666"
        work.flush()
        raise RuntimeError
    world.switch("http://127.0.0.1:1001")
    await world.until(lambda: world.address().endswith(":1001"))


async def test_a_copy_keeps_its_pool_and_an_address_does_not(world: World) -> None:
    world.switch("http://127.0.0.1:1000")
    await world.until(lambda: world.address() != "")
    first = upstream_of(world.table.find(HOST))
    await world.table.reload()
    assert upstream_of(world.table.find(HOST)) is first
    world.switch("http://127.0.0.1:1000")  # the same address, used again by another copy
    await world.until(lambda: upstream_of(world.table.find(HOST)) is not first)


async def test_what_changed_while_nobody_listened_is_seen(world: World) -> None:
    for number in range(3):
        world.end_listener()
        world.switch(f"http://127.0.0.1:{1000 + number}")
        await world.until(lambda n=number: world.address().endswith(str(1000 + n)))
        await world.until(lambda: world.listeners() == 1)
    world.switch("http://127.0.0.1:2000")
    await world.until(lambda: world.address().endswith(":2000"))


async def test_a_lost_notice_costs_one_pause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "RELOAD_SECONDS", 0.1)
    world.switch("http://127.0.0.1:1000")  # wakes the loop: from here it reloads by itself
    await world.until(lambda: world.address().endswith(":1000"))
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("alter table instances disable trigger user")
    world.switch("http://127.0.0.1:1001")
    await world.until(lambda: world.address().endswith(":1001"))


async def test_when_the_store_is_away_the_last_routes_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.switch("http://127.0.0.1:1000")
    await world.until(lambda: world.address() != "")
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_settings()
    await world.table.reload()
    assert (world.address(), world.table.is_fresh) == ("http://127.0.0.1:1000", False)
    monkeypatch.setenv("GREENROOM_DATABASE_URL", world.url)
    forget_settings()
    world.switch("http://127.0.0.1:1001")
    await world.until(lambda: world.address().endswith(":1001") and world.table.is_fresh)


async def test_a_store_that_fails_in_another_way_does_not_end_the_listening(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("alter table environments rename to gone")
        await world.table.reload()
        assert not world.table.is_fresh
        connection.execute("notify greenroom_routes")
        await asyncio.sleep(0.2)
        connection.execute("alter table gone rename to environments")
    world.switch("http://127.0.0.1:1000")
    await world.until(lambda: world.address().endswith(":1000"))


@pytest.mark.parametrize("turns", range(6))
async def test_a_notice_in_the_moment_of_stopping_does_not_keep_it(
    store_url: str, turns: int
) -> None:
    table = RouteTable()
    await table.start()
    await asyncio.sleep(0.2)
    table._changed.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await table.stop()


async def test_a_gateway_starts_without_its_store(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    forget_settings()
    table = RouteTable()
    await table.start()
    assert (len(table), table.is_fresh) == (0, False)
    await table.stop()
