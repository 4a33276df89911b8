"""Bring an environment to a commit."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.artifact import build
from tasks.compare_orders import order_comparison
from tasks.copies import ensure_database
from tasks.hold import deploying
from tasks.isolation import order_check
from tasks.measuring import check_room
from tasks.report import report
from tasks.running import candidate, start_candidate, wait_until_healthy
from tasks.scripts import run_after_deploy, run_release_command, run_seed_command
from tasks.source import checkout, discard_source
from tasks.surroundings import ensure_surroundings
from tasks.telling import telling
from tasks.timing import order_measurement
from tasks.traffic import retire_previous, switch_traffic
from tasks.values import DeployRequest


@flow(name="deploy", flow_run_name="deploy-{request.environment}-{request.ref}")
def deploy(request: DeployRequest) -> Any:
    """Bring ``request.environment`` to ``request.ref``. Running it again changes nothing."""
    with (
        telling(request),
        deploying(request) as held,
    ):  # takes the lock; records the end, whatever it is
        source = checkout(held)
        release = build(held, source)  # reuses the artifact when this commit was built before
        discard_source(source)
        ensure_database(held, release)
        ensure_surroundings(held, release)  # network, egress guard, services

        with candidate(held, release) as running:  # discarded if anything below raises
            run_release_command(held, running)
            run_seed_command(held, running)  # once in an environment's life
            check_room(held, running)
            start_candidate(held, running)
            wait_until_healthy(held, running)
            switch_traffic(held, running)  # compare-and-set: a newer commit wins
        run_after_deploy(held, running)
        retire_previous(held)
    order_measurement(request)  # its load times beside production's, by a run of its own
    order_check(request)  # whether anything gets out, by a run of its own
    order_comparison(request)  # what looks different now; a run of its own
    return report(request)
