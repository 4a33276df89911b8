"""A Postgres server of a benchmark's own: gone at the end."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.edge import free_port
from greenroom.binaries import Binaries, all_binaries
from greenroom.platform.postgres import PostgresServer, wait_until_ready
from greenroom.settings import Settings


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    url: str
    """The administrator's address."""
    pid: int
    """Of the postmaster."""
    folder: Path
    programs: Path
    settings: Settings


@contextlib.contextmanager
def serving(chosen: Binaries | None = None) -> Iterator[Served]:
    """Start a server, the newest when none is chosen, and stop it at the end, folder and all."""
    folder = Path(tempfile.mkdtemp(prefix="gr-bench-"))
    folder.chmod(0o755)
    chosen = chosen or max(all_binaries(Settings()), key=lambda found: found.major)
    settings = Settings(home=folder, postgres_port=free_port(), postgres_bin=chosen.folder)
    server = PostgresServer(settings)
    server.ensure_initialised()
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        list(server.program().command), user=server.account, cwd="/", stdout=log, stderr=log,
        env={"LC_ALL": "C"},
    )  # fmt: skip
    try:
        wait_until_ready(server.url("postgres"), 60)
        yield Served(server.url("postgres"), process.pid, folder, chosen.folder, settings)
    finally:
        process.terminate()
        try:
            process.wait(120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
