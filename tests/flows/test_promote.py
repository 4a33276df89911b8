"""What was approved goes live, as it is; nothing else does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenroom import orders, promotions
from greenroom.binaries import all_binaries
from greenroom.data.backup import read_backup
from greenroom.errors import InvalidInput, NotAllowed
from greenroom.store import approvals, environments, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Backup
from greenroom.store.states import ProductionBy, Verdict
from greenroom.store.work import unit_of_work

pytestmark = pytest.mark.flows
MIGRATES = "database: {engine: postgres}"
RELEASE = "run:\n  release: |\n    echo migrating\n"


@pytest.fixture(name="guarded")
def _guarded(new_site: Callable[..., Any], app: Any) -> Any:
    """A project whose production changes by promotion, with one branch under review."""
    site = new_site(app("1", MIGRATES))
    site.deploy()
    promotions.set_rule(site.name, by=ProductionBy.PROMOTION, needed=1, actor="ada")
    site.commit(with_release(app("2", MIGRATES)), "feature")
    site.deploy("feature")
    return site


def with_release(files: dict[str, str]) -> dict[str, str]:
    """Give a site's files with a release command."""
    manifest = files["greenroom.yaml"].replace("run:\n", RELEASE)
    return {**files, "greenroom.yaml": manifest}


def promote(site: Any, *wanted: str) -> Any:
    order = promotions.place_promotion(f"{site.name}/feature", actor="bob")
    return site.stage.wait(order.deployment_id, *(wanted or ("live",)))


def approve(site: Any, verdict: Verdict = Verdict.APPROVED, by: str = "bob") -> Any:
    return promotions.place_verdict(f"{site.name}/feature", verdict, "a note", actor=by)


def version(site: Any) -> str:
    return str(json.loads(site.get().text)["version"])


def backups(site: Any) -> list[Backup]:
    with unit_of_work() as work:
        return approvals.list_backups(work, projects.get_project(work, site.name))


def test_the_very_artifact_goes_live_once_it_is_approved(guarded: Any, app: Any) -> None:
    with pytest.raises(NotAllowed, match="1 approval is missing") as refused:
        promote(guarded)
    assert "greenroom approve" in refused.value.hint
    with pytest.raises(NotAllowed, match="is its author"):
        approve(guarded, by="cli:ada")
    assert approve(guarded).is_open
    with guarded.visitor() as visitor:
        done = promote(guarded)
    assert visitor.wrong == []
    assert (done.kind, done.release_id) == ("promote", guarded.environment("feature").release_id)
    assert version(guarded) == "2"
    log = guarded.stage.log(done)
    assert "migrating" in log
    assert "[build]" not in log
    assert log.index("backed up and read back") < log.index("migrating")
    guarded.check_truth()
    with pytest.raises(InvalidInput, match="already"):
        promote(guarded)


def test_a_new_commit_needs_new_approvals_and_an_objection_stops_it(guarded: Any, app: Any) -> None:
    approve(guarded)
    guarded.commit(with_release(app("3", MIGRATES)), "feature")
    guarded.deploy("feature")
    with pytest.raises(NotAllowed, match="1 approval is missing"):
        promote(guarded)
    approve(guarded)
    approve(guarded, Verdict.CHANGES, by="eve")
    with pytest.raises(NotAllowed, match="eve asked for changes"):
        promote(guarded)
    assert version(guarded) == "1"


def test_an_approval_that_is_taken_back_stops_the_promotion_on_its_way(guarded: Any) -> None:
    approve(guarded)
    with unit_of_work() as work:
        environment = environments.get_environment(work, f"{guarded.name}/feature")
        order = promotions.record_promotion(work, environment, actor="bob")
    approve(guarded, Verdict.WITHDRAWN)
    orders.start_order(order)
    failed = guarded.stage.wait(order.deployment_id, "failed")
    assert failed.error["error"] == "NotAllowed"
    assert version(guarded) == "1"
    guarded.check_truth()


def test_production_is_backed_up_before_its_release_command(guarded: Any, tmp_path: Path) -> None:
    approve(guarded)
    done = promote(guarded)
    (kept,) = backups(guarded)
    file = Path(kept.location)
    assert (kept.deployment_id, file.stat().st_mode & 0o777) == (done.id, 0o600)
    archive = tmp_path / "archive"
    archive.write_bytes(b"".join(read_backup(file, ensure_secret_key())))
    program = all_binaries(guarded.stage.settings)[0].folder / "pg_restore"
    listed = subprocess.run([program, "--list", archive], capture_output=True, text=True)
    assert "Format: CUSTOM" in listed.stdout, listed.stderr


def test_without_a_backup_nothing_is_promoted(guarded: Any) -> None:
    with unit_of_work() as work:
        project = projects.get_project(work, guarded.name)
        url = "postgresql://nobody:hunter2secret@127.0.0.1:1/gone"
        projects.set_production_database_url(work, project, url, actor="ada")
    approve(guarded)
    failed = promote(guarded, "failed")
    assert failed.error["error"] == "BackupFailed"
    assert "hunter2secret" not in str(failed.error) + guarded.stage.log(failed)
    assert "migrating" not in guarded.stage.log(failed)
    assert version(guarded) == "1"
    assert backups(guarded) == []
    guarded.check_truth()


def test_two_promotions_at_once(guarded: Any) -> None:
    approve(guarded)
    with unit_of_work() as work:
        environment = environments.get_environment(work, f"{guarded.name}/feature")
        first = promotions.record_promotion(work, environment, actor="bob")
    with pytest.raises(InvalidInput, match="is under way"):
        promote(guarded)
    orders.start_order(first)
    guarded.stage.wait(first.deployment_id, "live")


def test_pushes_wait_after_a_rollback_until_somebody_frees_it(guarded: Any) -> None:
    approve(guarded)
    promote(guarded)
    guarded.rollback()
    assert version(guarded) == "1"
    production = guarded.environment()
    assert (production.held_by, production.held_at is not None) == ("ada", True)
    assert orders.place_free(f"{guarded.name}/production", actor="bob")
    assert not orders.place_free(f"{guarded.name}/production", actor="bob")
    with pytest.raises(NotAllowed, match="by promotion only"):
        guarded.order()
