"""The sample shop on a platform of its own, for as long as a benchmark runs."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from greenroom.cli.narration import Narration
from greenroom.cli.play import Play
from greenroom.cli.stage import prepare_stage
from greenroom.cli.stagehands import Stagehands
from greenroom.demo.repository import PRODUCTION_BRANCH, create_sample_repository
from greenroom.platform.orchestrator import engine_command
from greenroom.platform.up import Platform
from greenroom.runs import POOL, Runs
from greenroom.settings import load_settings, use_home
from greenroom.store import deployments, environments
from greenroom.store.models import Deployment, Environment
from greenroom.store.work import unit_of_work

AUTHOR = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")
APP_PHASES = frozenset({"build", "release", "start", "health"})
"""Building, starting and probing the app: its own time, not ours."""


@dataclass(frozen=True)
class Shop:
    """The shop's production environment and its repository."""

    platform: Platform
    hands: Stagehands
    repository: Path
    clone: Path

    def change(self, text: str) -> str:
        """Make and publish a commit that changes one line; give its id."""
        self.clone.joinpath("NEWS").write_text(text)
        for command in (
            ["add", "NEWS"], [*AUTHOR, "commit", "--quiet", "-m", text], ["push", "--quiet"],
        ):  # fmt: skip
            subprocess.run(["git", *command], cwd=self.clone, check=True, capture_output=True)
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=self.clone, check=True, capture_output=True, text=True
        )
        return head.stdout.strip()

    def seconds_until(self, commit: str, begun: float) -> float:
        """Ask the environment until that commit answers; give the seconds since ``begun``."""
        host = self.hands.environment("production").host
        port = self.platform.settings.gateway_port
        while time.monotonic() - begun < 120:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/healthz", headers={"Host": host})
                if commit.encode() in connection.getresponse().read():
                    return time.monotonic() - begun
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.02)
        raise TimeoutError(f"{commit} does not answer")

    def newest(self) -> Deployment:
        """Give production's newest deployment, ended."""
        while True:
            with unit_of_work() as work:
                found: Environment = environments.get_environment(work, "tolmere/production")
                row = deployments.list_deployments(work, found.id, limit=1)[0]
            if row.status in deployments.FINAL:
                return row
            time.sleep(0.05)


@contextmanager
def running_shop() -> Iterator[Shop]:
    """Start a platform with the shop's production deployed; all of it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gr-bench-"))
    home.chmod(0o755)
    prepare_stage(home)
    use_home(home)
    platform = Platform(load_settings())
    try:
        platform.start()
        play = Play(load_settings(), Narration(quiet=True))
        play.open_shop()  # no more: after the last act, production changes by promotion alone
        repository, clone = home / "demo" / "tolmere.git", home / "clone"
        create_sample_repository(repository)
        subprocess.run(
            ["git", "clone", "--quiet", "--branch", PRODUCTION_BRANCH, str(repository), str(clone)],
            check=True, capture_output=True,
        )  # fmt: skip
        yield Shop(platform, play.hands, repository, clone)
    finally:
        platform.stop()
        shutil.rmtree(home, ignore_errors=True)


def own_seconds(row: Deployment, total: float) -> float:
    """Give what of a deployment's seconds is not the app's own building, starting and probing."""
    return total - sum(s for phase, s in row.phases.items() if phase in APP_PHASES)


@contextmanager
def use_stock_start(shop: Shop) -> Iterator[None]:
    """Start runs as Prefect's process worker does when nobody tells it how."""
    runs, settings = Runs(shop.platform.settings), shop.platform.settings
    runs.ensure_pool(POOL, None)
    try:
        yield
    finally:
        runs.ensure_pool(POOL, engine_command(settings))
