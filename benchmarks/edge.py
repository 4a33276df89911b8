"""What gateway benchmarks share: a store of their own, servers as processes, a load."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from greenroom.platform.postgres import STORE, PostgresServer
from greenroom.settings import load_settings, process_environment, use_home
from greenroom.store import crypto, deployments, environments, projects
from greenroom.store.migrate import migrate
from greenroom.store.models import Environment, Instance, InstanceState, Release
from greenroom.store.work import unit_of_work

BODY = b"0123456789abcdef" * 64
"""The answer of every upstream: 1 KiB."""
CONNECTIONS = 16


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_listening(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def needed(name: str) -> str:
    """Give a program's path, or say how to bring it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"{name} is missing; install it with: scripts/install-system")
    return found


@contextmanager
def process(
    command: list[str], log: Path, ending: signal.Signals = signal.SIGTERM, **options: object
) -> Iterator[int]:
    """Run a program for as long as it is needed; give its id."""
    with log.open("wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, **options)  # type: ignore[call-overload]
        try:
            yield int(running.pid)
        finally:
            running.send_signal(ending)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a program and its children have used, in seconds."""
    top = psutil.Process(pid)
    each = [one.cpu_times() for one in [top, *top.children(recursive=True)]]
    return sum(times.user + times.system for times in each)


NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; default_type text/plain;
client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
uwsgi_temp_path {folder}; scgi_temp_path {folder};
{http} }}
"""


@contextmanager
def nginx(folder: Path, name: str, http: str) -> Iterator[int]:
    """Run an nginx of our own with this configuration; give its id."""
    own = folder / name
    own.mkdir()
    own.chmod(0o777)  # its worker is another account
    file = own / "nginx.conf"
    file.write_text(NGINX.format(folder=own, http=http))
    command = [needed("nginx"), "-e", str(own / "error.log"), "-c", str(file)]
    with process(command, own / "log") as pid:
        yield pid


@contextmanager
def upstream(folder: Path, port: int, *, mark: str = "") -> Iterator[None]:
    """Serve 1 KiB as a static file by nginx; ``mark`` is sent along as ``X-Copy``."""
    site = folder / f"site-{port}"
    site.mkdir()
    site.joinpath("index.txt").write_bytes(BODY)
    header = f"add_header X-Copy {mark};" if mark else ""
    server = f"server {{ listen 127.0.0.1:{port}; root {site}; index index.txt; {header} }}"
    with nginx(folder, f"upstream-{port}", server):
        wait_until_listening(port)
        yield


class Stage:
    """A gateway as a process of its own, and the store that tells it its routes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.settings = folder, load_settings()
        self.port, self.pid = self.settings.gateway_port, 0

    def add(self, name: str, branch: str = "main") -> uuid.UUID:
        """Add a project with production, or another branch's environment; give its id."""
        with unit_of_work() as work:
            project = projects.add_project(work, name, "/nowhere", actor="benchmark")
            found = environments.ensure_environment(work, project, branch, actor="benchmark")
            work.add(
                Release(
                    project_id=project.id, commit_hash="0" * 40, runtime="process",
                    artifact="sha256:0", location="/nowhere", manifest={}, manifest_digest="0",
                )
            )  # fmt: skip
            return found.id

    def switch(self, environment_id: uuid.UUID, port: int) -> uuid.UUID:
        """Let the copy at ``port`` serve, in one transaction as a deployment does; give its id."""
        with unit_of_work() as work:
            environment = work.get_one(Environment, environment_id)
            release = work.query(Release).filter_by(project_id=environment.project_id).one()
            before = environments.serving_instance(work, environment.id)
            if before is not None:
                before.state = InstanceState.DRAINING
                work.flush()
            order = deployments.create_deployment(
                work, environment, ref="main", deployed_by="benchmark", release_id=release.id
            )
            made = Instance(
                environment_id=environment.id, deployment_id=order.id, release_id=release.id,
                name=f"copy-{uuid.uuid4().hex[:12]}", runtime="process",
                address=f"http://127.0.0.1:{port}", state=InstanceState.SERVING,
            )  # fmt: skip
            work.add(made)
            work.flush()
            return made.id

    def wait_until_serving(self, host: str, instance_id: uuid.UUID) -> None:
        """Wait until the gateway has heard of a switch, as a deployment does."""
        deadline = time.monotonic() + 20
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/_greenroom/serving", headers={"Host": host})
            answer = connection.getresponse()
            told = json.loads(answer.read()) if answer.status == 200 else {}
            connection.close()
            if told.get("serving") == str(instance_id):
                return
            if time.monotonic() > deadline:
                raise TimeoutError("the gateway did not hear of the switch")
            time.sleep(0.002)


@contextmanager
def running_store(*ports: str) -> Iterator[tuple[Path, int]]:
    """Start Postgres in a home of its own, with free ``ports``; give home and process."""
    home = Path(tempfile.mkdtemp(prefix="gr-edge-"))
    home.chmod(0o755)
    lines = [f"{name} = {free_port()}" for name in (*ports, "postgres_port")]
    home.joinpath("greenroom.toml").write_text("\n".join(lines) + "\n")
    settings = use_home(home)
    for name in ("run", "logs"):
        home.joinpath(name).mkdir()
    server = PostgresServer(settings)
    server.ensure_initialised()
    program = server.program()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        pid = stack.enter_context(
            process(
                list(program.command), home / "logs" / "postgres.log", signal.SIGINT,
                user=server.account, cwd="/", env={"LC_ALL": "C"},
            )
        )  # fmt: skip
        server.wait_until_ready(60)
        server.ensure_databases()
        migrate(server.url(STORE))
        crypto.ensure_secret_key()
        yield home, pid


@contextmanager
def running_gateway() -> Iterator[Stage]:
    """Start Postgres and a gateway in a home of their own; all of it is gone afterwards."""
    with running_store("gateway_port") as (home, _):
        stage = Stage(home)
        command = [sys.executable, "-m", "greenroom.gateway"]
        log = home / "logs" / "gateway.log"
        with process(command, log, env=process_environment(GREENROOM_HOME=home)) as pid:
            stage.pid = pid
            wait_until_listening(stage.port)
            yield stage


class Load:
    """Keep-alive connections that ask again as soon as they are answered."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.question = port, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.answered = 0
        self.failures: list[str] = []
        self.is_over = False

    async def _ask(self) -> None:
        connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self.is_over:
            try:
                if connection is None:
                    connection = await asyncio.open_connection("127.0.0.1", self.port)
                reader, writer = connection
                writer.write(self.question)
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 200 ") or await reader.readexactly(1024) != BODY:
                    raise ConnectionError(head.split(b"\r\n")[0].decode())
                self.answered += 1
                is_closing = b"connection: close" in head.lower()
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                is_closing = True
            if is_closing and connection is not None:
                connection[1].close()
                connection = None
        if connection is not None:
            connection[1].close()

    async def run(self, seconds: float) -> None:
        """Ask for that long."""
        asyncio.get_running_loop().call_later(seconds, self.stop)
        await self.until_stopped()

    async def until_stopped(self) -> None:
        """Ask until ``stop`` is called."""
        await asyncio.gather(*(self._ask() for _ in range(CONNECTIONS)))

    def stop(self) -> None:
        """End after the answers that are under way."""
        self.is_over = True
