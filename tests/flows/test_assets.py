"""Files are brought, and storage is cleared, by the running platform; a killed run goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from prefect.logging import disable_run_logger

from greenroom import asset_orders
from greenroom.store import assets, projects
from greenroom.store.models import AssetSync, SyncStatus
from greenroom.store.work import unit_of_work
from tasks.asset_sync import repair_assets
from tests.flows.conftest import Stage, eventually

pytestmark = pytest.mark.flows


def _greenroom(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "greenroom.cli", *words], capture_output=True, text=True,
        timeout=180, env=dict(os.environ),
    )  # fmt: skip


def _row(number: int, name: str) -> AssetSync:
    with unit_of_work() as work:
        project = projects.get_project(work, name)
        return next(r for r in assets.list_asset_syncs(work, project) if r.number == number)


def test_files_come_a_killed_run_goes_on_and_storage_is_cleared(
    stage: Stage, tmp_path: Path
) -> None:
    source, target = tmp_path / "uploads", tmp_path / "staging"
    tmp_path.chmod(0o755)
    for number in range(60):
        file = source / f"{number % 3}" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(20_000))
    name = f"files-{os.getpid()}"
    with unit_of_work() as work:
        projects.add_project(work, name, "/srv/nothing", actor="ada")
    set_up = _greenroom(
        "project", "set-assets", name, "--from", str(source), "--to", str(target),
        "--rate", "100000",
    )  # fmt: skip
    assert set_up.returncode == 0, set_up.stderr
    planned = _greenroom("assets", "plan", name, "--json")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert json.loads(planned.stdout)["totals"]["copies"] == 60
    assert not list(target.rglob("*.jpg"))

    order = asset_orders.place_asset_sync(name, actor="ada")
    eventually(lambda: len(list(target.rglob("*.jpg"))) > 3, "a first file")
    row = _row(order.number, name)
    psutil.Process(int(row.process.split(":")[0])).kill()
    deadline = time.monotonic() + 120
    while _row(order.number, name).status != SyncStatus.DONE:
        assert time.monotonic() < deadline, _row(order.number, name).status
        with disable_run_logger():
            repair_assets.fn()
        time.sleep(1)
    assert len(list(target.rglob("*.jpg"))) == 60
    assert _row(order.number, name).totals["same"] > 0

    left_over = stage.settings.path("cache", "forgotten")
    left_over.mkdir(parents=True)
    os.utime(left_over, (1, 1))
    dry = _greenroom("cleanup", "--dry-run", "--json")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert str(left_over) in {item["name"] for item in json.loads(dry.stdout)["report"]["items"]}
    assert left_over.exists()
    done = _greenroom("cleanup", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not left_over.exists()
