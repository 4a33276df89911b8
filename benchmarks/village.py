"""A platform of its own with small sites on it, for as long as a benchmark runs."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenroom import orders
from greenroom.cli.stage import prepare_stage
from greenroom.platform.up import Platform
from greenroom.runs import Runs
from greenroom.settings import load_settings, use_home
from greenroom.store import deployments, environments, projects
from greenroom.store.models import Deployment, Environment
from greenroom.store.work import unit_of_work

AUTHOR = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or "python3"
APP = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"version %s"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
server.daemon_threads = True
server.serve_forever()
"""
MANIFEST = """\
version: 1
runtime: process
run: {{command: 'exec {python} -I -S app.py'}}
health: {{interval_seconds: 0.1}}
resources: {{size: small}}
"""


def app(version: str) -> dict[str, str]:
    """Give the files of a small web app."""
    return {"app.py": APP % version, "greenroom.yaml": MANIFEST.format(python=PYTHON)}


def until(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Wait until a condition holds, and give what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {seconds:.0f} s")
        time.sleep(0.05)
    return found


@dataclass(frozen=True)
class Site:
    """A project of one small app."""

    name: str
    folder: Path

    def change(self, files: dict[str, str], branch: str = "main") -> str:
        """Commit files to a branch; give the commit's id."""
        self._git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            self.folder.joinpath(name).write_text(text)
        self._git("add", "--all")
        self._git(*AUTHOR, "commit", "--quiet", "--allow-empty", "--message", branch)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout

    def deploy(self, branch: str = "main", **options: str) -> Deployment:
        """Deploy a branch, wait for the end, and give it."""
        order = orders.place_deploy(self.name, branch, actor="benchmark", **options)
        return wait_for(order.deployment_id)

    def environment(self, name: str) -> Environment:
        """Get an environment by its name."""
        with unit_of_work() as work:
            return environments.get_environment(work, f"{self.name}/{name}")


def wait_for(deployment_id: uuid.UUID) -> Deployment:
    """Wait until a deployment has ended, and its run."""

    def look() -> Deployment | None:
        with unit_of_work() as work:
            row = deployments.get_deployment(work, deployment_id)
            is_held = deployments.find_lock(work, row.environment_id) is not None
        return row if row.status in deployments.FINAL and not is_held else None

    row: Deployment = until(look, "a deployment's end", 180)
    return row


def visit(host: str, path: str = "/", timeout: float = 60) -> tuple[int, bytes]:
    """Ask the gateway for a page, on a connection of its own."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", load_settings().gateway_port, timeout=timeout
    )
    try:
        connection.request("GET", path, headers={"Host": host})
        with connection.getresponse() as answer:
            return answer.status, answer.read()
    finally:
        connection.close()


class Village:
    """The running platform."""

    def __init__(self, platform: Platform, home: Path) -> None:
        self.platform, self.home = platform, home

    def build(self, files: dict[str, str]) -> Site:
        """Add a project with these files on its main branch."""
        name = f"b{uuid.uuid4().hex[:6]}"
        folder = self.home / "work" / name
        folder.mkdir(parents=True)
        site = Site(name, folder)
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        site.change(files)
        with unit_of_work() as work:
            projects.add_project(work, name, str(folder), actor="benchmark")
        return site


@contextmanager
def running_village(**settings: object) -> Iterator[Village]:
    """Start a platform with ``settings``; all of it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gr-bench-"))
    home.chmod(0o755)
    prepare_stage(home)
    with home.joinpath("greenroom.toml").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    use_home(home)
    platform = Platform(load_settings())
    try:
        platform.start()
        yield Village(platform, home)
    finally:
        Runs(platform.settings).close()
        platform.stop()
        shutil.rmtree(home, ignore_errors=True)
