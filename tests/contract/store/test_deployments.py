"""Deployments, locks, logs and instances against a real Postgres."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from greenroom.errors import (
    EnvironmentLocked,
    InvalidInput,
    LockLost,
    NotFound,
    Overtaken,
)
from greenroom.orders import record_deploy, record_rollback
from greenroom.store import cleanups, deployments, environments
from greenroom.store.models import (
    Deployment,
    DeploymentLog,
    DeploymentStatus,
    Environment,
    Instance,
    InstanceState,
    Release,
)
from greenroom.store.work import Work, unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
AtOnce = Callable[[int, Callable[[int], Any]], list[Any]]


def get(work: Work, environment_id: uuid.UUID) -> Environment:
    return work.get_one(Environment, environment_id)


def create(environment_id: uuid.UUID, ref: str = "feature") -> uuid.UUID:
    with unit_of_work() as work:
        return deployments.create_deployment(
            work, get(work, environment_id), ref=ref, deployed_by="ada"
        ).id


def test_deployments_are_numbered_without_gap_or_double(
    at_once: AtOnce, environment_id: uuid.UUID
) -> None:
    made = at_once(8, lambda _: create(environment_id))
    assert all(isinstance(one, uuid.UUID) for one in made)
    with unit_of_work() as work:
        found = deployments.list_deployments(work, environment_id)
        assert [d.number for d in found] == [8, 7, 6, 5, 4, 3, 2, 1]


def test_the_newest_wish_overtakes_older_ones(environment_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        first = record_deploy(work, get(work, environment_id), actor="ada")
        second = record_deploy(work, get(work, environment_id), actor="ada")
        running = work.get_one(Deployment, second.deployment_id)
        running.status = DeploymentStatus.BUILDING
        work.flush()
        third = record_deploy(work, get(work, environment_id), actor="bob")
    with unit_of_work() as work:
        one, two, three = (
            work.get_one(Deployment, order.deployment_id) for order in (first, second, third)
        )
        assert one.status == DeploymentStatus.CANCELLED
        assert one.completed_at is not None
        assert two.status == DeploymentStatus.BUILDING
        assert two.superseded_by == three.id
        with pytest.raises(Overtaken, match="overtaken by deployment #3"):
            deployments.check_wanted(work, two.id)
        deployments.check_wanted(work, three.id)


def lock(environment_id: uuid.UUID, number: int, deployment: uuid.UUID | None = None) -> int:
    with unit_of_work() as work:
        return deployments.take_lock(
            work, environment_id, purpose=f"deploying {number}", holder=f"user {number}",
            host="here", process=f"{number}:1", deployment_id=deployment,
        )  # fmt: skip


def test_of_twenty_exactly_one_gets_the_lock(at_once: AtOnce, environment_id: uuid.UUID) -> None:
    for _ in range(3):
        results = at_once(20, lambda number: lock(environment_id, number))
        tokens = [one for one in results if isinstance(one, int)]
        assert len(tokens) == 1
        refusals = [one for one in results if not isinstance(one, int)]
        assert {type(one) for one in refusals} == {EnvironmentLocked}
        winner = next(n for n, one in enumerate(results) if isinstance(one, int))
        assert all(
            f"held by user {winner} for deploying {winner} since" in str(r) for r in refusals
        )
        with unit_of_work() as work:
            assert deployments.release_lock(work, environment_id, tokens[0])


def test_a_lock_fences_off_who_had_it_before(environment_id: uuid.UUID) -> None:
    old = lock(environment_id, 1)
    assert lock(environment_id, 1) == old  # the same process takes its own lock again
    with unit_of_work() as work:
        deployments.check_lock(work, environment_id, old)
        assert deployments.release_lock(work, environment_id, old)
        assert not deployments.release_lock(work, environment_id, old)
        assert deployments.find_lock(work, environment_id) is None
    new = lock(environment_id, 2)
    assert new > old
    with unit_of_work() as work, pytest.raises(LockLost):
        deployments.check_lock(work, environment_id, old)
    with unit_of_work() as work:
        assert not deployments.release_lock(work, environment_id, old)
        deployments.check_lock(work, environment_id, new)
        assert [held.holder for held in deployments.list_locks(work)] == ["user 2"]


def test_checking_a_lock_keeps_it_until_the_transaction_ends(environment_id: uuid.UUID) -> None:
    token, order = lock(environment_id, 1), list[str]()

    def take_over() -> None:
        with unit_of_work() as work:
            deployments.release_lock(work, environment_id, token)
        order.append("taken over")

    with unit_of_work() as work:
        deployments.check_lock(work, environment_id, token)
        thread = threading.Thread(target=take_over)
        thread.start()
        thread.join(0.3)
        order.append("written")
    thread.join(10)
    assert order == ["written", "taken over"]


def test_a_log_is_read_as_it_grows_and_sealed(
    environment_id: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "MAX_LOG_LINES", 10)
    deployment = create(environment_id)
    with unit_of_work() as work:
        deployments.append_log(work, deployment, "build", [f"line {n}" for n in range(30)])
        deployments.append_log(work, deployment, "build", [])
        deployments.append_log(work, deployment, "app", ["nul \0 and ünicode \ufffd"])
    with unit_of_work() as work:
        first = deployments.read_log(work, deployment, limit=5)
        rest = deployments.read_log(work, deployment, after=first[-1].id)
        assert [row.line for row in first + rest][:30] == [f"line {n}" for n in range(30)]
        assert rest[-1].line == "nul \\0 and ünicode \ufffd"
        deployments.seal_log(work, deployment)
        deployments.seal_log(work, deployment)
    with unit_of_work() as work:
        row = work.get_one(Deployment, deployment)
        lines = row.log_output.splitlines()
        assert lines[0] == "[build] line 0"
        assert lines[5] == "[log] … 21 lines left out …"
        assert len(lines) == 11
        deployments.finish(row, DeploymentStatus.FAILED)
        work.flush()
        assert row.completed_at is not None
        cleanups.clear_old_logs(work, row.completed_at, True)
        assert work.scalar(select(DeploymentLog.id).limit(1)) is not None
    with unit_of_work() as work:
        from greenroom.store.models import now

        found = cleanups.find_old_logs(work, now(), True)
        assert (found.count, found.size_bytes > 31 * 50) == (1, True)
        cleanups.clear_old_logs(work, now(), True)
        assert work.scalar(select(DeploymentLog.id).limit(1)) is None
        assert work.get_one(Deployment, deployment).log_output.startswith("[build] line 0")


def _instance(work: Work, environment: Environment, state: str, name: str) -> Instance:
    release = Release(
        project_id=environment.project_id, commit_hash=name, runtime="static", artifact="sha256:0",
        location="/x", manifest={}, manifest_digest="",
    )  # fmt: skip
    deployment = deployments.create_deployment(work, environment, ref="x", deployed_by="ada")
    work.add(release)
    work.flush()
    made = Instance(
        environment_id=environment.id, deployment_id=deployment.id, release_id=release.id,
        runtime="static", name=name, address="http://127.0.0.1:1", state=state,
    )  # fmt: skip
    work.add(made)
    work.flush()
    return made


def test_only_one_instance_serves_an_environment(environment_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        _instance(work, get(work, environment_id), InstanceState.SERVING, "one")
    with pytest.raises(IntegrityError), unit_of_work() as work:
        _instance(work, get(work, environment_id), InstanceState.SERVING, "two")
    with unit_of_work() as work:
        _instance(work, get(work, environment_id), InstanceState.STARTING, "three")
        (route,) = environments.list_routes(work)
        assert route.address == "http://127.0.0.1:1"
        assert {i.name for i in environments.list_instances(work, environment_id)} == {
            "one", "three",
        }  # fmt: skip
        serving = environments.serving_instance(work, environment_id)
        assert serving is not None
        assert serving.name == "one"


def test_a_rollback_needs_something_to_return_to(environment_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        environment = get(work, environment_id)
        with pytest.raises(NotFound, match="no earlier release"):
            record_rollback(work, environment, actor="ada")
        record_deploy(work, environment, actor="ada")
        with pytest.raises(InvalidInput, match="never served"):
            record_rollback(work, environment, to="#1", actor="ada")
        for reference in ("#9", "0123456", str(uuid.uuid4())):
            with pytest.raises(NotFound):
                deployments.find_deployment(work, environment, reference)
        for reference in ("", "abc", "x" * 36):
            with pytest.raises(InvalidInput):
                deployments.find_deployment(work, environment, reference)


def test_every_change_of_what_is_routed_is_told(store_url: str, environment_id: uuid.UUID) -> None:
    with psycopg.connect(store_url, autocommit=True) as listener:
        channels = [
            row[0] for row in listener.execute(
                "select substring(prosrc from 'pg_notify\\(''([a-z_]+)''') from pg_proc"
                " where prosrc like '%pg_notify(%' and pronamespace = 'public'::regnamespace"
            )
        ]  # fmt: skip
        assert channels
        for channel in channels:
            listener.execute(f'listen "{channel}"')

        def heard() -> bool:
            return bool(list(listener.notifies(timeout=30, stop_after=1)))

        with unit_of_work() as work:
            one = _instance(work, get(work, environment_id), InstanceState.STARTING, "one")
        assert heard()
        list(listener.notifies(timeout=0.2))
        with unit_of_work() as work:
            work.get_one(Instance, one.id).state = InstanceState.SERVING
        assert heard()
        list(listener.notifies(timeout=0.2))
        with pytest.raises(RuntimeError), unit_of_work() as work:
            work.get_one(Instance, one.id).state = InstanceState.DRAINING
            work.flush()
            raise RuntimeError
        assert not list(listener.notifies(timeout=0.3))
