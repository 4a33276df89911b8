"""Production's database, kept as it is before somebody's migrations change it."""

from __future__ import annotations

from pathlib import Path

from greenroom.data.backup import back_up
from greenroom.hosting.folder import check_free_bytes
from greenroom.settings import load_settings
from greenroom.store import approvals
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Backup, Deployment, Environment, Instance, now
from greenroom.store.work import Work, unit_of_work
from tasks.copies import copy_of, database_url_of
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Candidate, Held


@step
def back_up_database(held: Held, candidate: Candidate) -> None:
    """Write production's database into an encrypted file, if a release command may change it.

    Idempotent: one backup for each deployment.

    Errors: BackupFailed, LimitReached; then nothing was changed.
    """
    settings = load_settings()
    with unit_of_work() as work:
        environment = work.get_one(Environment, held.environment_id)
        manifest = copy_of(work, work.get_one(Instance, candidate.instance_id)).manifest
        url = database_url_of(environment, "process")
        project, project_id = environment.project.name, environment.project_id
        is_made = approvals.find_backup(work, held.deployment) is not None
    if is_made or url is None or not manifest.run.release.strip():
        return
    with narrate(held.deployment, "backup", "backup") as log:
        folder = settings.path("backups", project)
        check_free_bytes(folder, settings.least_free_bytes)
        made = back_up(
            settings, url, folder / f"{held.deployment}.sealed", ensure_secret_key(settings),
            log.check,
        )  # fmt: skip
        with unit_of_work() as work:
            work.add(
                Backup(
                    project_id=project_id,
                    deployment_id=held.deployment,
                    location=str(made.file),
                    digest=made.digest,
                    size_bytes=made.size_bytes,
                    tables=made.tables,
                )
            )
        log(
            f"production's database is backed up and read back: {made.tables} tables,"
            f" {made.size_bytes:,} bytes, encrypted"
        )
        with unit_of_work() as work:
            _prune(work, held, settings.keep_backups)


def _prune(work: Work, held: Held, keep: int) -> None:
    deployment = work.get_one(Deployment, held.deployment)
    project = work.get_one(Environment, deployment.environment_id).project
    for old in approvals.list_backups(work, project)[keep:]:
        Path(old.location).unlink(missing_ok=True)
        old.removed_at = now()
