"""Return an environment to a release that served before."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.artifact import kept_release
from tasks.hold import deploying
from tasks.isolation import order_check
from tasks.measuring import check_room
from tasks.report import report
from tasks.running import candidate, start_candidate, wait_until_healthy
from tasks.surroundings import ensure_surroundings
from tasks.telling import telling
from tasks.traffic import retire_previous, switch_traffic
from tasks.values import DeployRequest


@flow(name="rollback", flow_run_name="rollback-{request.environment}-{request.ref}")
def rollback(request: DeployRequest) -> Any:
    """Return ``request.environment`` to the very artifact of an earlier deployment.

    Nothing is built, and no release command runs: migrations are not undone.
    """
    with telling(request), deploying(request) as held:
        release = kept_release(held)
        ensure_surroundings(held, release)
        with candidate(held, release) as running:
            check_room(held, running)
            start_candidate(held, running)
            wait_until_healthy(held, running)
            switch_traffic(held, running)
        retire_previous(held)
    order_check(request)  # whether anything gets out, by a run of its own
    return report(request)
