"""The real platform, started once; projects on it, and visitors of them."""

from __future__ import annotations

import http.client
import os
import secrets
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from greenroom import orders
from greenroom.cli.stage import prepare_stage
from greenroom.errors import GreenroomError, PlatformError
from greenroom.platform.up import Platform, Started
from greenroom.runs import Run, Runs
from greenroom.settings import load_settings
from greenroom.store import deployments, environments, projects
from greenroom.store.models import Deployment, Environment, EnvironmentLock, Instance
from greenroom.store.work import unit_of_work
from tests.flows.platform_ports import PORTS, choose_port
from tests.flows.samples import PYTHON, app, site

RUN_PAUSE_SECONDS = 0.3
"""Prefect's server takes a hundredth of a second of a core for each answer."""


def eventually(
    condition: Callable[[], Any], what: str = "it", seconds: float = 60, pause: float = 0.05
) -> Any:
    """Wait until a condition holds, thrice as long as said, and give what it gave."""
    deadline = time.monotonic() + 3 * seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {3 * seconds:.0f} s"
        time.sleep(pause)
    return found


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: dict[str, str]
    text: str


def ask(port: int, host: str, path: str = "/", timeout: float = 15) -> Answer:
    """Ask the gateway for a page of a host."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, text)
    finally:
        connection.close()


@dataclass
class Visitor:
    """Asks for a page without a pause, and keeps what went wrong."""

    ask: Callable[[], Answer]
    wrong: list[str] = field(default_factory=list)
    count: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Visitor:
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)

    def _visit(self) -> None:
        while not self._ended.wait(0.02):
            self.count += 1
            try:
                answer = self.ask()
            except OSError as error:
                self.wrong.append(f"{type(error).__name__}: {error}")
            else:
                if answer.status != 200:
                    self.wrong.append(f"{answer.status}: {answer.text[:200]}")


class Stage:
    """The running platform, as tests use it."""

    def __init__(self, platform: Platform, started: Started) -> None:
        self.platform, self.started = platform, started
        self.settings, self.runs = platform.settings, Runs(platform.settings)

    def wait(self, deployment_id: uuid.UUID, *wanted: str, seconds: float = 120) -> Deployment:
        """Wait until a deployment has one of the statuses ``wanted``, by default a final one."""
        statuses = frozenset(wanted) or deployments.FINAL

        def look() -> Deployment | None:
            with unit_of_work() as work:
                row = deployments.get_deployment(work, deployment_id)
            if row.status in deployments.FINAL and row.status not in statuses:
                pytest.fail(f"the deployment ended {row.status}: {row.error}\n{self.log(row)}")
            return row if row.status in statuses else None

        row: Deployment = eventually(look, f"deployment {'/'.join(statuses)}", seconds)
        if row.status in deployments.FINAL and row.flow_run_id is not None:
            self.run(row.flow_run_id)  # with the old copy's drain, and the lock given back
        return row

    eventually = staticmethod(eventually)

    @staticmethod
    def is_asleep(seconds: float) -> bool:
        """Whether a ``sleep`` of so many seconds runs: tests mark their commands by it."""
        command = ["sleep", str(seconds)]
        return any(p.info["cmdline"] == command for p in psutil.process_iter(["cmdline"]))

    def program(self, name: str) -> psutil.Process:
        """Give the process of one of the platform's programs."""

        def look() -> psutil.Process | None:
            try:
                state = self.platform.programs.state(name)
                return psutil.Process(state.pid) if state and state.pid else None
            except (GreenroomError, psutil.Error):
                return None

        return eventually(look, name)  # type: ignore[no-any-return]

    def restart(self, program: str) -> None:
        """Stop one of the platform's programs and start it anew."""
        self.platform.programs.stop(program, 20)
        self.platform.programs.start(program)

    def log(self, deployment: Deployment) -> str:
        with unit_of_work() as work:
            rows = deployments.read_log(work, deployment.id, limit=100_000)
        return "\n".join(f"[{row.section}] {row.line}" for row in rows)

    def locks(self) -> list[EnvironmentLock]:
        with unit_of_work() as work:
            return deployments.list_locks(work)

    def copies(self, environment_id: uuid.UUID) -> list[Instance]:
        with unit_of_work() as work:
            return environments.list_instances(work, environment_id)

    def run_state(self, deployment: Deployment, *wanted: str) -> str:
        """Wait until Prefect knows a deployment's run to be in one of the states ``wanted``."""

        def look() -> str:
            with unit_of_work() as work:
                run_id = deployments.get_deployment(work, deployment.id).flow_run_id
            run = self.runs.find(run_id) if run_id else None
            return run.state if run and run.state in wanted else ""

        return str(eventually(look, f"run {'/'.join(wanted)}", 40, RUN_PAUSE_SECONDS))

    def run(self, run_id: uuid.UUID) -> Run:
        """Wait until a run has ended at Prefect."""

        def look() -> Run | None:
            try:
                run = self.runs.find(run_id)
            except GreenroomError:  # Prefect's server was killed, and is coming back
                return None
            return run if run is not None and run.is_final else None

        return eventually(look, "the run's end", 90, RUN_PAUSE_SECONDS)  # type: ignore[no-any-return]

    def reconcile(self) -> list[str]:
        """Reconcile in this process, by the very steps of the flow; tell what was repaired."""
        from prefect.logging import disable_run_logger

        from tasks.publishing import publish_what_serves
        from tasks.repair import look, repair, tidy

        with disable_run_logger():
            plan = look.fn()
            for wanted in plan:
                repair.fn(wanted)
            publish_what_serves.fn()
            tidy.fn()
        return [f"{wanted.kind} {wanted.subject}" for wanted in plan]

    def process_of(self, environment_id: uuid.UUID) -> psutil.Process:
        """Give the flow run's process that holds an environment."""

        def look() -> psutil.Process | None:
            with unit_of_work() as work:
                lock = deployments.find_lock(work, environment_id)
            return psutil.Process(int(lock.process.split(":")[0])) if lock else None

        return eventually(look, "a holder of the lock", 30)  # type: ignore[no-any-return]


class Site:
    """A project and its repository on the running platform."""

    def __init__(self, stage: Stage, name: str, repository: Any) -> None:
        self.stage, self.name, self.repository = stage, name, repository
        with unit_of_work() as work:
            projects.add_project(work, name, repository.url, actor="ada")
        self.set_variable("APP_PYTHON", PYTHON, is_secret=False)

    def set_variable(self, name: str, value: str, **scope: Any) -> None:
        with unit_of_work() as work:
            owner = projects.get_project(work, self.name)
            projects.set_variable(work, owner, name, value, actor="ada", **scope)

    def commit(self, files: dict[str, str], branch: str = "main") -> str:
        if self.repository.git("branch", "--show-current") != branch:
            self.repository.git("checkout", "--quiet", "-B", branch)
        return str(self.repository.commit(files))

    def order(self, branch: str = "main", **options: str) -> orders.Order:
        return orders.place_deploy(self.name, branch, actor="ada", **options)

    def deploy(self, branch: str = "main", *wanted: str, **options: str) -> Deployment:
        """Deploy and wait for the end, by default a good one."""
        order = self.order(branch, **options)
        return self.stage.wait(order.deployment_id, *(wanted or ("live",)))

    def rollback(self, to: str = "", branch: str = "main", *wanted: str) -> Deployment:
        reference = f"{self.name}/{self.environment(branch).name}"
        order = orders.place_rollback(reference, to=to, actor="ada")
        return self.stage.wait(order.deployment_id, *(wanted or ("live",)))

    def environment(self, branch: str = "main") -> Environment:
        with unit_of_work() as work:
            found = work.scalars(
                select(Environment)
                .join(Environment.project)
                .where(Environment.project.has(name=self.name), Environment.git_branch == branch)
                .order_by(Environment.created_at.desc())
            ).first()
        assert found is not None
        return found

    def get(self, path: str = "/", branch: str = "main") -> Answer:
        return ask(self.stage.settings.gateway_port, self.environment(branch).host, path)

    def visitor(self, branch: str = "main") -> Visitor:
        port, host = self.stage.settings.gateway_port, self.environment(branch).host
        return Visitor(lambda: ask(port, host))

    def heal(self, branch: str = "main", status: str = "active") -> None:
        """Reconcile until the environment is in a true state."""

        def look() -> bool:
            try:
                self.stage.reconcile()
                self.check_truth(branch, status)
            except (AssertionError, GreenroomError) as error:
                seen.append(repr(error))
                return False
            return True

        seen: list[str] = []
        try:
            eventually(look, "a true state", 90, 0.3)
        except AssertionError:
            pytest.fail(f"no true state: {seen[-1]}")

    def check_truth(self, branch: str = "main", status: str = "active") -> None:
        """Assert that nothing is left of what was killed: no lock, no copy but the serving one."""
        environment = self.environment(branch)
        assert environment.status == status, environment.status_reason
        assert environment.id not in {lock.environment_id for lock in self.stage.locks()}
        states = [copy.state for copy in self.stage.copies(environment.id)]
        states = [state for state in states if state != "kept"]
        assert states == (["serving"] if status in ("active", "sleeping") else [])
        with unit_of_work() as work:
            assert deployments.list_unfinished(work, environment.id) == []
            known = {copy.name for copy in environments.list_instances(work)}
        stem = f"app-{self.name}-"
        programs = {n[4:] for n in self.stage.platform.programs.states() if n.startswith(stem)}
        assert programs <= known
        shells = self.stage.settings.path("run", "copies").glob(f"{self.name}-*.json")
        assert {file.stem for file in shells} <= known


@pytest.fixture(
    scope="package"
)  # an idle platform takes a quarter of a core: it ends with the last
def _running(require: Callable[[bool, str, str], None]) -> Iterator[Stage]:
    from greenroom.binaries import find_binaries

    home = Path(tempfile.mkdtemp(prefix="gr-flows-"))
    home.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("GREENROOM_", "PREFECT_"))]:
            patch.delenv(name)
        patch.setenv("GREENROOM_HOME", str(home))
        patch.setenv("GREENROOM_COMPARE_AFTER_DEPLOYMENT", "false")  # only where a test asks for it
        for name in PORTS:
            patch.setenv(f"GREENROOM_{name}_PORT", str(choose_port()))
        patch.setenv("GREENROOM_EGRESS_GUARD", "off")  # its rules would be the whole machine's
        load_settings.cache_clear()
        prepare_stage(home)
        with home.joinpath("greenroom.toml").open("a") as file:
            file.write("drain_seconds = 0.7\nkeep_releases = 3\n")
        load_settings.cache_clear()
        settings = load_settings()
        try:
            find_binaries(settings)
        except PlatformError as error:
            require(False, "Postgres", f"scripts/install-system ({error.hint})")
        platform = Platform(settings)
        try:
            started = platform.start()
            load_settings.cache_clear()
            yield Stage(platform, started)
        finally:
            Runs(settings).close()
            platform.stop()
            left = [p for p in psutil.process_iter() if str(home) in " ".join(_command(p))]
            shutil.rmtree(home, ignore_errors=True)
            assert not left, left


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


@pytest.fixture
def stage(_running: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The running platform; this process is one of its clients."""
    monkeypatch.setenv("GREENROOM_HOME", str(_running.settings.home))
    load_settings.cache_clear()
    return _running


@pytest.fixture
def new_site(stage: Stage, git_repository: Callable[[str], Any]) -> Callable[..., Site]:
    """Make projects: ``new_site(app("1"))`` gives one whose main branch has these files."""

    def make(files: dict[str, str] | None = None) -> Site:
        name = f"t{secrets.token_hex(3)}"
        made = Site(stage, name, git_repository(name))
        if files is not None:
            made.commit(files)
        return made

    return make


@pytest.fixture(name="app")
def _app() -> Callable[..., dict[str, str]]:
    return app


@pytest.fixture(name="static")
def _static() -> Callable[[str], dict[str, str]]:
    return site
