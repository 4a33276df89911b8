"""Start and stop the whole platform. Every step may be repeated."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from greenroom.errors import OrchestratorUnavailable, PlatformError
from greenroom.guarding import why_impossible
from greenroom.platform import orchestrator, postgres
from greenroom.platform.front import front_program
from greenroom.platform.postgres import PostgresServer
from greenroom.programs import Program, Programs, render_configuration
from greenroom.runs import POOL, Runs
from greenroom.settings import INSTANCE_MARK, Settings, process_environment
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.environments import refresh_urls
from greenroom.store.migrate import migrate
from greenroom.store.users import ensure_admin
from greenroom.store.work import unit_of_work

Say = Callable[[str], None]
FACES = ("gateway", "console", "mail", "api")
"""Programs of ours that others speak to."""
WORKER_SECONDS = 300.0
"""For the worker to report, on a machine that is slow or busy."""
FREE_BYTES = 1_000_000_000
"""Least room on the disk of ``home`` to start with."""


@dataclass(frozen=True)
class Started:
    """What a start gives."""

    console_url: str
    prefect_url: str
    gateway_url: str
    admin_password: str | None
    """Only at the very first start."""
    seconds: dict[str, float]


class Platform:
    """The platform in ``settings.home``."""

    def __init__(self, settings: Settings, say: Say = lambda line: None) -> None:
        self.settings = settings
        self.say = say
        self.programs = Programs(settings)
        self.seconds: dict[str, float] = {}
        self._may_guard = not why_impossible(settings)
        self._manager: subprocess.Popen[bytes] | None = None
        """The process manager, when this object started it: it is our child, and ours to reap."""

    @property
    def console_url(self) -> str:
        """Address of the console."""
        return self.settings.console_url

    @property
    def prefect_url(self) -> str:
        """Address of Prefect's own pages."""
        return f"http://{self.settings.bind_loopback}:{self.settings.prefect_port}"

    def is_up(self) -> bool:
        """Whether the process manager runs."""
        return self.programs.is_alive()

    @property
    def was_killed(self) -> bool:
        """Whether the process manager is gone without having ended by itself."""
        return not self.is_up() and self.settings.path("run", "supervisord.pid").exists()

    def start(self) -> Started:
        """Bring everything up; what runs already stays.

        Errors: PlatformError (port taken, no room, a part that does not start).
        """
        begun = time.monotonic()
        self._prepare_home()
        own_database = self.settings.database_url is None
        server = PostgresServer(self.settings) if own_database else None
        if not self.is_up():
            self._check_room()
            self._end_orphans()  # of a manager that was killed: they hold our ports
            self._check_ports(own_database)
            if server is not None and not server.is_initialised:
                self._timed("initdb", "Preparing the database", server.ensure_initialised)
            self._start_supervisor(self._programs(server))
        if server is not None:
            self.programs.start("postgres")
            self._timed("postgres", "Starting Postgres", server.wait_until_ready)
            server.ensure_databases()
        else:
            self._ensure_outside_databases()
        self.programs.start("prefect")
        self._timed("migrate", "Bringing the store's tables up to date", migrate)
        with unit_of_work() as work:
            admin_password = ensure_admin(work)
            refresh_urls(work, self.settings)
        for name in sorted(self._names() & {*FACES, "egress"}):
            self.programs.start(name)
        if self.settings.tls != "off":
            self.programs.start("front")
        self._timed(
            "prefect",
            "Starting Prefect (its first start makes its own tables)",
            lambda: orchestrator.wait_until_ready(self.settings),
        )
        for name in self._names() & {"engine", "worker"}:  # they ask the server as they start
            self.programs.start(name)
        self._timed(
            "deployments",
            "Applying prefect.yaml and deployments.yaml",
            lambda: orchestrator.apply_deployments(self.settings),
        )
        self._timed("gateway", "Waiting for gateway and console", self._wait_for_faces)
        self._timed("worker", "Waiting for the worker", self._wait_for_worker)
        self.seconds["total"] = round(time.monotonic() - begun, 2)
        return Started(
            console_url=self.console_url,
            prefect_url=self.prefect_url,
            gateway_url=self.settings.environment_url(self.settings.base_domain),
            admin_password=admin_password,
            seconds=dict(self.seconds),
        )

    def stop(self, timeout_seconds: float = 90) -> None:
        """Stop every process the platform started. Idempotent."""
        # Whoever holds a snapshot of production looks for its file, and ends without it.
        shutil.rmtree(self.settings.path("run", "snapshots"), ignore_errors=True)
        pid_file = self.settings.path("run", "supervisord.pid")
        pid = _read_pid(pid_file)
        if not self.is_up():
            self._end_orphans()
            return
        self.programs.shut_down()
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            if not self.is_up() and (pid is None or not _is_running(pid)):
                break
            time.sleep(0.1)
        else:
            if pid is not None and _is_running(pid):
                os.kill(pid, signal.SIGKILL)
                pid_file.unlink(missing_ok=True)  # it was ended by us: nobody is to wonder
        if self._manager is not None:
            self._manager.wait(10)
        self._end_orphans()

    def _names(self) -> set[str]:
        return set(self.programs.states())

    def _programs(self, server: PostgresServer | None) -> list[Program]:
        settings = self.settings
        own = [server.program()] if server is not None else []
        faces = [
            Program(
                name,
                (sys.executable, "-m", "greenroom.platform.launch", name),
                directory=settings.root,
                environment={"GREENROOM_HOME": str(settings.home)},
                priority=500,
                start_seconds=1,
                stop_seconds=15,
            )
            for name in (*FACES, *(["egress"] if self._may_guard else []))
        ]
        front = [front_program(settings)] if settings.tls != "off" else []
        return [*own, *orchestrator.programs(settings), *faces, *front]

    def _timed(self, key: str, text: str, step: Callable[[], object]) -> None:
        self.say(text)
        begun = time.monotonic()
        step()
        self.seconds[key] = round(time.monotonic() - begun, 2)

    def _prepare_home(self) -> None:
        home = self.settings.home
        try:
            for name in ("run", "logs", "repos", "releases", "prefect"):
                home.joinpath(name).mkdir(parents=True, exist_ok=True)
            for name in ("run", "logs", "prefect", "repos"):
                home.joinpath(name).chmod(0o700)
        except OSError as error:
            raise PlatformError(
                f"cannot write to {home}: {error.strerror}",
                hint="Name a folder of yours in GREENROOM_HOME.",
            ) from error
        ensure_secret_key(self.settings)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.settings.home).free
        if free < FREE_BYTES:
            raise PlatformError(
                f"only {free // 1_000_000} MB are free under {self.settings.home}",
                hint="Greenroom needs 1 GB to start. Free some, or move GREENROOM_HOME.",
            )

    def _check_ports(self, own_database: bool) -> None:
        settings = self.settings
        ports = {
            "gateway": settings.gateway_port,
            "console": settings.console_port,
            "mail": settings.mail_port,
            "mail_starttls": settings.mail_starttls_port,
            "mail_tls": settings.mail_tls_port,
            "api": settings.api_port,
            "prefect": settings.prefect_port,
        }
        if self._may_guard:
            ports |= {"egress": settings.egress_port, "egress_dns": settings.egress_dns_port}
        if own_database:
            ports["postgres"] = settings.postgres_port
        if settings.tls != "off":
            ports |= {"https": settings.https_port, "http": settings.http_port}
        for name, port in ports.items():
            if not is_port_free(port):
                raise PlatformError(
                    f"port {port} ({name}) is taken by another program",
                    hint=f"Stop it, or choose another with GREENROOM_{name.upper()}_PORT.",
                )

    def _start_supervisor(self, programs: list[Program]) -> None:
        file = self.settings.path("run", "supervisord.conf")
        file.touch(mode=0o600)
        file.write_text(render_configuration(self.settings, programs))
        log = self.settings.path("logs", "supervisord.out").open("ab")
        if self._manager is not None:
            self._manager.wait(10)
        self._manager = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=process_environment(GREENROOM_HOME=str(self.settings.home)),
            start_new_session=True,
            preexec_fn=_default_signals,
        )
        log.close()
        deadline = time.monotonic() + 60
        while not self.is_up():
            if time.monotonic() > deadline:
                raise PlatformError(
                    "the process manager did not start",
                    hint=f"Its log: {self.settings.path('logs', 'supervisord.out')}",
                )
            time.sleep(0.05)

    def _end_orphans(self) -> None:
        """End what an earlier process manager left behind when it was killed.

        Only processes that carry this home's mark in their environment are ours.
        """
        ours = [p for p in _processes_marked(self.settings) if p.pid != os.getpid()]
        postgres_pid = _read_pid(self.settings.path("postgres", "data", "postmaster.pid"))
        if postgres_pid is not None and _runs_in(postgres_pid, self.settings.path("postgres")):
            ours.append(psutil.Process(postgres_pid))
        for process in ours:
            quick = "postgres" in _name(process)
            _signal(process, signal.SIGINT if quick else signal.SIGTERM)
        _, alive = psutil.wait_procs(ours, timeout=10)
        for process in alive:
            _signal(process, signal.SIGKILL)
        self.settings.path("run", "supervisor.sock").unlink(missing_ok=True)

    def _ensure_outside_databases(self) -> None:
        import psycopg

        secret = self.settings.database_url
        if secret is None:
            return
        url = secret.get_secret_value()
        postgres.wait_until_ready(url, 30)
        with psycopg.connect(url, autocommit=True) as connection:
            postgres.ensure_database(connection, postgres.ORCHESTRATOR)
        postgres.publish(self.settings, url)

    def _wait_for_faces(self) -> None:
        for name, port in (
            ("gateway", self.settings.gateway_port),
            ("console", self.settings.console_port),
            ("mail", self.settings.mail_port),
            ("api", self.settings.api_port),
        ):
            deadline = time.monotonic() + 120
            while is_port_free(port):
                if time.monotonic() > deadline:
                    tail = self.programs.log_tail(name, 600)
                    raise PlatformError(
                        f"{name} does not listen on port {port}", hint=f"Its log ends: {tail}"
                    )
                time.sleep(0.05)

    def _wait_for_worker(self) -> None:
        runs, deadline = Runs(self.settings), time.monotonic() + WORKER_SECONDS
        while True:
            # After its first start Prefect may take longer for an answer than one waits.
            with suppress(OrchestratorUnavailable):
                if runs.pool_status(POOL)["status"] == "READY":
                    return
            if time.monotonic() > deadline:
                raise PlatformError(
                    "the worker does not report to Prefect",
                    hint=f"Its log: {self.settings.path('logs', 'worker.log')}",
                )
            time.sleep(0.2)


def is_port_free(port: int) -> bool:
    """Whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _default_signals() -> None:
    """Undo what a background shell set: children that ignore SIGINT never stop."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _read_pid(file: Path) -> int | None:
    try:
        return int(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _runs_in(pid: int, folder: Path) -> bool:
    try:
        return str(folder) in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        pass


def _processes_marked(settings: Settings) -> list[psutil.Process]:
    """List what an earlier supervisord of this home started: our programs and projects' copies."""
    copies = {file.stem for file in settings.path("run", "copies").glob("*.json")}
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        is_program = environment.get("GREENROOM_HOME") == str(settings.home)
        is_ours = is_program and "SUPERVISOR_PROCESS_NAME" in environment
        if is_ours or environment.get(INSTANCE_MARK) in copies:
            found.append(process)
    return found
