"""Orders of isolation checks: recorded in the store, then started at Prefect."""

from __future__ import annotations

import uuid

from greenroom.runs import Runs
from greenroom.store import environments, isolation
from greenroom.store.models import IsolationCheck
from greenroom.store.work import platform_work, unit_of_work

CHECK = "check_isolation/on-demand"


def place_check(reference: str, *, actor: str, runs: Runs | None = None) -> uuid.UUID:
    """Record and start an attempt to get out of an environment; give its id.

    Errors: NotFound, InvalidInput, OrchestratorUnavailable.
    """
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        made = isolation.create_check(work, environment, by=actor).id
        name = f"{environment.project.name}/{environment.name}"
    run_id = (runs or Runs()).start(
        CHECK,
        {"request": {"check_id": str(made), "environment": name}},
        idempotency_key=str(made),
        tags=[name],
    )
    with platform_work() as work:
        work.get_one(IsolationCheck, made).flow_run_id = run_id
    return made


def describe_check(verdict: str, tried: int, packets: int | None) -> str:
    """Say how a check ended, in a sentence. Pure."""
    seen = "nobody could watch the wire" if packets is None else f"{packets} packets on the wire"
    match verdict:
        case "proved":
            return f"Nothing gets out: {tried} attempts, {seen}."
        case "open":
            return f"It is open: {tried} attempts, {seen}."
    return f"Partly kept: {tried} looked at; what no guard keeps is marked."
