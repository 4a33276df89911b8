"""The store against a real Postgres."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from greenroom.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    EnvironmentLocked,
    InvalidInput,
    LockLost,
    NotAllowed,
    NotFound,
    Overtaken,
)
from greenroom.orders import record_deploy, record_rollback
from greenroom.store import audit, deployments, environments, projects, users, webhooks
from greenroom.store.migrate import migrate
from greenroom.store.models import (
    AuditEvent,
    Deployment,
    DeploymentLog,
    DeploymentStatus,
    Environment,
    Instance,
    InstanceState,
    Project,
    Release,
)
from greenroom.store.work import Work, unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def environment_id(store_url: str) -> uuid.UUID:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        return environments.ensure_environment(work, project, "feature", actor="ada").id


def get(work: Work, environment_id: uuid.UUID) -> Environment:
    return work.get_one(Environment, environment_id)


def create(environment_id: uuid.UUID, ref: str = "feature") -> uuid.UUID:
    with unit_of_work() as work:
        return deployments.create_deployment(
            work, get(work, environment_id), ref=ref, deployed_by="ada"
        ).id


def at_once(count: int, action: Callable[[int], Any]) -> list[Any]:
    """Run an action in threads that start together; give results and errors."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return action(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_migrating_twice_at_once_and_again_changes_nothing(postgres_dsn: str) -> None:
    revisions = at_once(3, lambda _: migrate(postgres_dsn))
    assert len(set(map(str, revisions))) == 1
    assert migrate(postgres_dsn) == revisions[0]


def test_the_models_are_what_was_migrated(store_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from greenroom.store.models import Base

    with unit_of_work() as work:
        context = MigrationContext.configure(work.connection())
        assert compare_metadata(context, Base.metadata) == []


def test_deployments_are_numbered_without_gap_or_double(environment_id: uuid.UUID) -> None:
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


def test_of_twenty_exactly_one_gets_the_lock(environment_id: uuid.UUID) -> None:
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
        deployments.prune_logs(work, row.completed_at)
        assert work.scalar(select(DeploymentLog.id).limit(1)) is not None
    with unit_of_work() as work:
        from greenroom.store.models import now

        assert deployments.prune_logs(work, now()) == 31
        assert work.get_one(Deployment, deployment).log_output.startswith("[build] line 0")


def test_of_a_webhook_sent_twice_at_once_one_counts(environment_id: uuid.UUID) -> None:
    with unit_of_work() as work:
        project_id = get(work, environment_id).project_id

    def deliver(number: int) -> bool:
        with unit_of_work() as work:
            seen = webhooks.record_delivery(work, "github", "d-1", project_id, "push")
            if seen is None:
                webhooks.record_outcome(work, "github", "d-1", {"number": number})
            return seen is None

    results = at_once(10, deliver)
    assert sorted(map(str, results)) == ["False"] * 9 + ["True"]
    with unit_of_work() as work:
        again = webhooks.record_delivery(work, "github", "d-1", project_id, "push")
        assert again == {"number": results.index(True)}
        assert webhooks.record_delivery(work, "gitlab", "d-1", project_id, "push") is None
        assert webhooks.prune_deliveries(work) == 0


def test_an_audit_event_shares_the_fate_of_what_it_tells(environment_id: uuid.UUID) -> None:
    with pytest.raises(RuntimeError), unit_of_work() as work:
        environments.request_destruction(work, get(work, environment_id), actor="eve")
        work.flush()
        raise RuntimeError
    with unit_of_work() as work:
        assert get(work, environment_id).destroy_requested_at is None
        events = audit.list_audit(work, environment_id=environment_id)
        assert [event.action for event in events] == ["environment.create"]
        environments.request_destruction(work, get(work, environment_id), actor="ada")
        environments.request_destruction(work, get(work, environment_id), actor="ada")
    with unit_of_work() as work:
        events = audit.list_audit(work, environment_id=environment_id)
        assert [(e.action, e.actor) for e in events] == [
            ("environment.destroy", "ada"), ("environment.create", "ada"),
        ]  # fmt: skip


SENTINEL = "sentinel-7f3b1c-äöü"


def test_secrets_cannot_be_read_in_the_tables(store_url: str, environment_id: uuid.UUID) -> None:
    url = f"postgresql://joe:{SENTINEL}@db/x"
    with unit_of_work() as work:
        environment = get(work, environment_id)
        project = environment.project
        projects.set_variable(work, project, "TOKEN", SENTINEL, actor="ada")
        projects.set_production_database_url(work, project, url, actor="ada")
        environments.record_database_url(environment, url)
        hook = projects.webhook_secret(project)
    with psycopg.connect(store_url) as connection:
        tables = [row[0] for row in connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        )]  # fmt: skip
        dump = "".join(
            str(row)
            for table in tables
            for row in connection.execute(f'select t.*, t::text from "{table}" t')
        )
    for secret in (SENTINEL, SENTINEL.encode().hex(), hook, hook.encode().hex()):
        assert secret not in dump
    with unit_of_work() as work:
        environment = get(work, environment_id)
        assert projects.production_database_url(environment.project) == url
        assert environments.environment_database_url(environment) == url
        assert [v.value for v in projects.resolve_variables(environment)] == [SENTINEL]


def test_a_variable_of_the_environment_is_over_its_kinds_is_over_the_projects(
    environment_id: uuid.UUID,
) -> None:
    with unit_of_work() as work:
        environment = get(work, environment_id)
        project = environment.project
        for name in ("A", "B", "C"):
            projects.set_variable(work, project, name, "project", actor="ada")
        for name in ("B", "C"):
            projects.set_variable(work, project, name, "kind", kind="staging", actor="ada")
        projects.set_variable(work, project, "C", "own", environment=environment, actor="ada")
        projects.set_variable(work, project, "C", "new", environment=environment, actor="ada")
        projects.set_variable(work, project, "D", "no", kind="production", actor="ada")
        work.flush()
        found = {v.name: (v.value, v.scope) for v in projects.resolve_variables(environment)}
        assert found == {
            "A": ("project", "project"), "B": ("kind", "staging"), "C": ("new", "environment"),
        }  # fmt: skip
        projects.unset_variable(work, project, "C", environment=environment, actor="ada")
        with pytest.raises(NotFound):
            projects.unset_variable(work, project, "C", environment=environment, actor="ada")
        for name, value in (("1A", "x"), ("GREENROOM_X", "x"), ("Ä", "x"), ("A", "a\0b")):
            with pytest.raises(InvalidInput):
                projects.set_variable(work, project, name, value, actor="ada")


def test_one_environment_a_branch_and_one_production(store_url: str) -> None:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/shop", actor="ada")
        with pytest.raises(AlreadyExists):
            projects.add_project(work, "shop", "/srv/other", actor="ada")

    def ensure(branch: str) -> str:
        with unit_of_work() as work:
            found = work.get_one(Project, project.id)
            return str(environments.ensure_environment(work, found, branch, actor="ada").id)

    assert len(set(at_once(5, lambda _: ensure("feature/a")))) == 1
    assert len({ensure("feature/a"), ensure("feature-a"), ensure("feature/a")}) == 2
    ensure("main")
    with unit_of_work() as work:
        found = environments.list_environments(work, work.get_one(Project, project.id))
        hosts = {e.host for e in found}
        assert len(hosts) == 3
        assert {"shop.localhost", "shop-feature-a.localhost"} < hosts
        assert environments.get_environment(work, "shop/production").host == "shop.localhost"
        assert environments.get_environment(work, "shop.localhost").kind == "production"
        with pytest.raises(NotFound, match="no environment 'nope'"):
            environments.get_environment(work, "nope")
        owner = work.get_one(Project, project.id)
        with pytest.raises(InvalidInput):
            environments.ensure_environment(work, owner, "x", name="production", actor="ada")
        with pytest.raises(AlreadyExists):
            environments.ensure_environment(work, owner, "x", name="feature-a", actor="ada")


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
            return bool(list(listener.notifies(timeout=5, stop_after=1)))

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


def test_a_dead_server_is_told_as_such(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    with pytest.raises(DatabaseUnavailable), unit_of_work() as work:
        pid = work.connection().exec_driver_sql("select pg_backend_pid()").scalar_one()
        with psycopg.connect(store_url, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", (pid,))
        work.scalar(select(Project.id).limit(1))
    with unit_of_work() as work:  # the pool gives no dead connection twice
        assert projects.list_projects(work) == []
    for url in (
        "postgresql://nobody@127.0.0.1:1/none",
        "postgresql://nobody@127.0.0.1:1/none?host=/nonexistent",
    ):
        with pytest.raises(DatabaseUnavailable) as refused, unit_of_work(url) as work:
            projects.list_projects(work)
        assert refused.value.transient
        assert refused.value.hint


def test_logging_in(store_url: str) -> None:
    with unit_of_work() as work:
        password = users.ensure_admin(work)
        assert password is not None
        assert users.ensure_admin(work) is None
    with unit_of_work() as work:
        token = users.log_in(work, "admin", password)
        assert token is not None
        assert users.log_in(work, "admin", "wrong") is None
        assert users.log_in(work, "nobody", password) is None
    with unit_of_work() as work:
        user = users.find_session_user(work, token)
        assert user is not None
        assert user.must_change_password
        with pytest.raises(NotAllowed):
            users.change_password(work, user, "wrong", "a new long one")
        with pytest.raises(InvalidInput):
            users.change_password(work, user, password, "short")
        users.change_password(work, user, password, "a new long one")
        assert users.find_session_user(work, "guessed") is None
        users.log_out(work, token)
        users.log_out(work, token)
        assert users.find_session_user(work, token) is None
    for _ in range(users.LOCK_AFTER - 1):  # one was wrong before
        with unit_of_work() as work:
            assert users.log_in(work, "admin", "wrong") is None
    with pytest.raises(NotAllowed, match="too many"), unit_of_work() as work:
        users.log_in(work, "admin", "a new long one")
    with unit_of_work() as work:
        again = users.reset_password(work, "admin", actor="root")
        assert users.log_in(work, "admin", again)
        actions = set(work.scalars(select(AuditEvent.action)))
        assert {"user.add", "user.log_in", "user.locked", "user.reset_password"} <= actions
