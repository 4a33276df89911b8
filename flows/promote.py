"""Bring the very artifact that was approved to production."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.artifact import kept_release
from tasks.backup import back_up_database
from tasks.copies import ensure_database
from tasks.hold import deploying
from tasks.measuring import check_room
from tasks.report import report
from tasks.running import candidate, start_candidate, wait_until_healthy
from tasks.scripts import run_after_deploy, run_release_command
from tasks.surroundings import ensure_surroundings
from tasks.telling import telling
from tasks.traffic import retire_previous, switch_traffic
from tasks.values import DeployRequest


@flow(name="promote", flow_run_name="promote-{request.environment}-{request.ref}")
def promote(request: DeployRequest) -> Any:
    """Bring the artifact that ``request.ref`` shows to ``request.environment``.

    Nothing is built. Its release command runs in production, after a verified backup.
    """
    with telling(request), deploying(request) as held:
        release = kept_release(held)  # looks at the approvals once more
        ensure_database(held, release)
        ensure_surroundings(held, release)  # network, egress guard, services
        with candidate(held, release) as running:
            back_up_database(held, running)
            run_release_command(held, running)
            check_room(held, running)
            start_candidate(held, running)
            wait_until_healthy(held, running)
            switch_traffic(held, running)
        run_after_deploy(held, running)
        retire_previous(held)
    return report(request)
