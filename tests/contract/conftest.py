"""What the contract tests run against: a process manager, an engine, sample releases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from greenroom.hosting.base import BuildOrder, Copy, Runtime
from greenroom.hosting.engine import DockerRuntime, _client, is_available
from greenroom.hosting.images import DockerBuilder
from greenroom.hosting.process import PREFIX, ProcessRuntime
from greenroom.hosting.static import StaticRuntime
from greenroom.manifest import Manifest, Resources, Run
from greenroom.programs import Programs, render_configuration
from greenroom.settings import Settings

LEAKED = "hunter2-of-the-platform"
"""A secret in the process manager's environment: no app may see it."""

CGI = {
    "env": "env",
    "die": "kill -9 $(cat ${TMPDIR:-/tmp}/pid)",
}
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
WORKDIR /app
COPY app /app
"""
SERVE = "echo $$ >${TMPDIR:-/tmp}/pid; exec busybox httpd -f -p $HOST:$PORT -h ."


@pytest.fixture(scope="session")
def busybox(require: Callable[[bool, str, str], None]) -> Path:
    """A static busybox: shell, web server and tools of the sample app, in a container and out."""
    found = shutil.which("busybox")
    require(found is not None, "busybox", "apt-get install busybox-static")
    return Path(found or "")


@pytest.fixture(scope="session")
def engine(require: Callable[[bool, str, str], None]) -> Iterator[None]:
    """A Docker Engine that answers."""
    require(is_available(Settings()), "an answering Docker Engine", "scripts/ensure-docker")
    yield
    _client(None).close()
    _client.cache_clear()


@contextmanager
def managed_home() -> Iterator[Settings]:
    """Give a home with a process manager that runs."""
    home = Path(tempfile.mkdtemp(prefix="gr-host-"))
    home.chmod(0o755)
    settings = Settings(home=home)
    for name in ("run", "run/programs", "logs", "releases"):
        home.joinpath(name).mkdir()
    home.joinpath("run").chmod(0o700)
    home.joinpath("logs").chmod(0o700)
    home.joinpath("secret.key").write_text(LEAKED)
    home.joinpath("secret.key").chmod(0o600)
    file = home / "run" / "supervisord.conf"
    file.write_text(render_configuration(settings, []))
    manager = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.environ["PATH"], "GREENROOM_SECRET_KEY": LEAKED, "AWS_SECRET": LEAKED},
    )
    programs = Programs(settings)
    try:
        eventually(programs.is_alive)
        yield settings
    finally:
        manager.send_signal(signal.SIGTERM)
        try:
            manager.wait(30)
        except subprocess.TimeoutExpired:
            manager.kill()
            manager.wait()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def platform_settings() -> Iterator[Settings]:
    """A home with a process manager that runs, for all tests of a session."""
    with managed_home() as settings:
        yield settings


def eventually(condition: Callable[[], Any], seconds: float = 15) -> Any:
    """Wait until a condition holds, and give what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="session", name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


def write_app(folder: Path) -> None:
    """Write a small site with two programs: one shows its environment, one kills the server."""
    (folder / "cgi-bin").mkdir(parents=True)
    (folder / "index.html").write_text("<h1>the shop</h1>\n")
    for name, script in CGI.items():
        file = folder / "cgi-bin" / name
        file.write_text(f"#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n{script}\n")
        file.chmod(0o755)


@pytest.fixture(scope="session")
def image(engine: None, busybox: Path, platform_settings: Settings) -> Iterator[str]:
    """The sample app as an image, made from nothing: no registry is asked."""
    source = platform_settings.path("source")
    write_app(source / "app")
    shutil.copy(busybox, source / "busybox")
    (source / "Dockerfile").write_text(DOCKERFILE)
    builder = DockerBuilder(platform_settings)
    commit = uuid.uuid4().hex
    order = BuildOrder("sample", commit, source, Manifest(), {})
    artifact = builder.build(order, lambda line: None, lambda: None)
    yield artifact.identity
    builder.remove(artifact.identity, artifact.location)


class World:
    """One runtime, and what a test needs to use it the same way as any other."""

    def __init__(self, kind: str, settings: Settings, artifact: str, location: str) -> None:
        self.kind, self.settings = kind, settings
        self.artifact, self.location = artifact, location
        self.made: list[Copy] = []
        self.runtime: Runtime = self.another()

    def another(self) -> Runtime:
        """Make a second adapter to the same runtime, as another process would."""
        kinds: dict[str, Callable[[Settings], Runtime]] = {
            "static": StaticRuntime, "process": ProcessRuntime, "docker": DockerRuntime,
        }  # fmt: skip
        return kinds[self.kind](self.settings)

    def copy(
        self, command: str = SERVE, variables: dict[str, str] | None = None, **limits: Any
    ) -> Copy:
        """Describe a copy that runs ``command`` with the manifest's ``resources``."""
        manifest = Manifest(
            run=Run(command=command, stop_seconds=3),
            resources=replace(Resources(memory="128m", processes=64), **limits),
        )
        made = Copy(
            f"t-{uuid.uuid4().hex[:12]}", str(uuid.uuid4()), self.artifact, self.location,
            manifest, variables or {},
        )  # fmt: skip
        self.made.append(made)
        return made

    def is_alive(self, copy: Copy) -> bool:
        return self.runtime.liveness(copy.name).is_alive

    def why_dead(self, copy: Copy) -> str:
        """Wait until a copy is dead, and give the reason."""
        return str(
            eventually(
                lambda: not (life := self.runtime.liveness(copy.name)).is_alive and life.reason
            )
        )

    def ask(self, address: str, path: str = "/") -> str:
        """Get a page, waiting until the copy listens."""

        def get() -> str:
            try:
                with urllib.request.urlopen(address + path, timeout=10) as answer:
                    return str(answer.read().decode())
            except OSError:
                return ""

        return str(eventually(get))

    def processes(self, copy: Copy) -> list[psutil.Process]:
        """Give the processes of a copy as the machine sees them."""
        if self.kind == "process":
            state = Programs(self.settings).state(PREFIX + copy.name)
            pid = state.pid if state else 0
        else:
            container = DockerRuntime(self.settings).client.containers.get(copy.name)
            pid = container.attrs["State"]["Pid"]
        if not pid:
            return []
        try:
            top = psutil.Process(pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def stop_underneath(self, copy: Copy) -> None:
        """Stop a copy without telling the runtime."""
        if self.kind == "process":
            Programs(self.settings).stop(PREFIX + copy.name)
        else:
            DockerRuntime(self.settings).client.containers.get(copy.name).kill()

    def clean(self) -> None:
        for copy in self.made:
            self.runtime.stop(copy.name, 0)
            if isinstance(self.runtime, DockerRuntime):
                self.runtime.stop(copy.name + "-cmd", 0)
                self.runtime.remove_network(copy.environment_id)


RUNNING = ["process", pytest.param("docker", marks=pytest.mark.needs_docker)]


def make_world(request: pytest.FixtureRequest, kind: str) -> Iterator[World]:
    settings = request.getfixturevalue("platform_settings")
    if kind == "docker":
        world = World(kind, settings, request.getfixturevalue("image"), "sample")
    else:
        if kind == "process":
            request.getfixturevalue("busybox")
        folder = settings.path("releases", "sample")
        if not folder.exists():
            write_app(folder)
        world = World(kind, settings, "sha256:0", str(folder))
    try:
        yield world
    finally:
        world.clean()


@pytest.fixture(params=["static", *RUNNING])
def any_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each runtime in turn."""
    yield from make_world(request, request.param)


@pytest.fixture(params=RUNNING)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Each runtime that runs something."""
    yield from make_world(request, request.param)


@pytest.fixture
def process_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The ``process`` runtime."""
    yield from make_world(request, "process")


@pytest.fixture
def docker_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """The ``docker`` runtime."""
    yield from make_world(request, "docker")
